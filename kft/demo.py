"""Try a finished run, or an export, on a page in the browser.

Drop files on the page: it shows the answers, and why they are given where the task can
tell, such as where on an image the network looks.
The page is served from this machine to this machine, until Ctrl-C.

  python -m kft.demo --run_dir=runs/flowers
  python -m kft.demo --model=runs/flowers/export/onnx/model.onnx --port=0
"""

import contextlib
from typing import TYPE_CHECKING

from kft.cli import command, terminal
from kft.config import DemoConfig
from kft.inference import find_model
from kft.inference.find_model import ModelPath

if TYPE_CHECKING:
    from kft.inference.demo_server import Server


def main(config: DemoConfig) -> None:
    """Serve the page until the user stops it."""
    model = find_model.chosen(config)
    with server(config, model) as serving, contextlib.suppress(KeyboardInterrupt):
        terminal.show(f"{serving.address}  (Ctrl-C ends it)", flush=True)
        serving.serve_forever()


def server(config: DemoConfig, model: ModelPath) -> "Server":
    """Return the server of the page, which listens already.

    Raises:
        errors.ConfigError, errors.RunDirError: where the model cannot be opened, or it
            cannot listen.
    """
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.inference import demo_server, load_export

    predictor, view = load_export.with_view(model)
    return demo_server.Server(
        demo_server.DemoService(predictor, view=view, top_k=config.top_k),
        host=config.host,
        port=config.port,
        max_bytes=round(config.max_megabytes * 1e6),
    )


COMMAND = command.Command(
    name="demo",
    description=__doc__,
    config=DemoConfig,
    main=main,
)

if __name__ == "__main__":
    command.run(COMMAND)
