"""Try a finished run, or an export, on a page in the browser.

Drop files on the page: it shows the answers, and why they are given where the task can
tell, such as where on an image the network looks.
The page is served from this machine to this machine, until Ctrl-C.

  python -m kft.demo --run_dir=runs/flowers
  python -m kft.demo --model=runs/flowers/export/onnx/model.onnx --port=0
"""

import contextlib
from typing import TYPE_CHECKING

from absl import logging

from kft.cli import command, startup_logs, terminal
from kft.config import DemoConfig
from kft.inference import find_model, listen_address
from kft.inference.find_model import ModelPath

if TYPE_CHECKING:
    from kft.inference.demo_server import Server


def main(config: DemoConfig) -> None:
    """Serve the page until the user stops it."""
    model = find_model.chosen(config)
    with (
        startup_logs.without_library_messages(),
        server(config, model) as serving,
        contextlib.suppress(KeyboardInterrupt),
    ):
        if not serving.is_of_this_machine_alone:
            logging.warning(
                "Everybody who reaches this machine can ask the model, over a "
                "connection that is not encrypted."
            )
        terminal.show(f"{serving.address}  (Ctrl-C ends it)", flush=True)
        serving.serve_forever()


def server(config: DemoConfig, model: ModelPath) -> "Server":
    """Return the server of the page, which listens already, and answers at once.

    Raises:
        errors.ConfigError, errors.RunDirError: where the model cannot be opened, or it
            cannot listen.
    """
    address = listen_address.find(config.host, config.port)
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.inference import demo_server, load_export

    predictor, view = load_export.with_view(model)
    asked = demo_server.DemoService(predictor, view=view, top_k=config.top_k)
    max_bytes = round(config.max_megabytes * 1e6)
    serving = demo_server.Server(asked, address=address, max_bytes=max_bytes)
    asked.warm_up()
    return serving


COMMAND = command.Command(
    name="demo",
    description=__doc__,
    config=DemoConfig,
    main=main,
    positional="run_dir",
)

if __name__ == "__main__":
    command.run(COMMAND)
