"""Say what is on pictures, with a finished run.

Writes the likeliest classes of each file to standard output, in the order of the files.
A file that can not be read is a row with its error; the others are answered all the
same, and the exit code is 1.

  python -m kft.predict --run_dir=runs/flowers rose.jpg
  python -m kft.predict --run_dir=runs/flowers --format=jsonl photos/ 'more/*.jpg'
"""

import sys

from kft import cli
from kft.config import PredictConfig


def main(config: PredictConfig) -> None:
    """Predict, and write the answers as they come."""
    # TensorFlow starts slowly: not before the flags are known to be right.
    from kft.evaluation import answers, picture_files, predict, trained

    predictor = predict.of_run(trained.load(config.run_dir))
    top_k = min(config.top_k, len(predictor.labels))
    found = list(picture_files.find(config.files))
    style, failed = answers.FORMATS[config.format], 0
    header = style.header(top_k)
    if header is not None:
        print(header)
    for answer in predict.predict(
        predictor, found, top_k=top_k, batch_size=config.batch_size
    ):
        print(style.line(answer, top_k))
        failed += answer.error is not None
    if failed:
        sys.stdout.flush()
        sys.exit(f"{failed} of {len(found)} files could not be read.")


if __name__ == "__main__":
    cli.run(PredictConfig, main, positional="files")
