"""Predict with a finished run or an export, such as what an image shows.

Writes the answer for each file to standard output, in the order of the files.
A file that cannot be read is a row with its error; the others are answered all the
same, and the exit code is 1. The probabilities are those that are served: calibrated
where the run is (kft.export --calibrate).

  python -m kft.predict --run_dir=runs/flowers rose.jpg
  python -m kft.predict --run_dir=runs/flowers --format=jsonl photos/ 'more/*.jpg'
  python -m kft.predict --model=runs/flowers/export/litert/model.tflite rose.jpg

A model of texts also answers each row of a table (column text) or of JSON lines, and
with - each line of standard input.

  python -m kft.predict --run_dir=runs/reviews reviews.csv
  echo 'A gorgeous film.' | python -m kft.predict --run_dir=runs/reviews -
"""

import dataclasses
import sys

from kft.cli import command, progress_bar, terminal
from kft.config import PredictConfig
from kft.inference import find_model
from kft.run_folder import run_dir


def main(config: PredictConfig) -> None:
    """Predict, and write the answers as they come."""
    config = _with_run_first(config)
    model = find_model.chosen(config)
    find_model.check_views(model, config.tta)
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.inference import (
        answers,
        input_files,
        load_export,
        output_formats,
        text_rows,
    )

    predictor = load_export.predictor(model, tta=config.tta)
    serving = predictor.task.serving
    top_k = min(config.top_k, len(predictor.task.labels))
    columns = text_rows.columns(serving.request_columns, config.csv_columns)
    found = list(input_files.find(config.files, serving.file_endings, columns))
    style, failed = output_formats.FORMATS[config.format], 0
    header = style.header(serving.answer_fields, top_k)
    if header is not None:
        terminal.show_data(header)
    with progress_bar.on_terminal("files", len(found)) as advance:
        for answer in answers.predict(
            predictor, found, top_k=top_k, batch_size=config.batch_size
        ):
            terminal.show_data(style.line(answer, serving.answer_fields, top_k))
            failed += answer.error is not None
            advance(1)
    if failed:
        sys.stdout.flush()
        sys.exit(f"{failed} of {len(found)} files could not be read.")


def _with_run_first(config: PredictConfig) -> PredictConfig:
    """Return the config with the run that stands before the files, if one does."""
    if config.run_dir is not None or config.model is not None or not config.files:
        return config
    first, *files = config.files
    if not run_dir.at(first).config_json.is_file():
        return config
    return dataclasses.replace(config, run_dir=first, files=tuple(files))


COMMAND = command.Command(
    name="predict",
    description=__doc__,
    config=PredictConfig,
    main=main,
    positional="files",
)

if __name__ == "__main__":
    command.run(COMMAND)
