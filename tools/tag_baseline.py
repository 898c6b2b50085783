"""F1 of entities where every word has the tag that it has most often in training.

  python tools/tag_baseline.py conll:entities

A network has to beat it. Words that training does not have are outside of entities.
"""

import argparse
import collections
import json

import numpy as np


def main() -> None:
    """Print precision, recall and F1 on the validation split."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset")
    arguments = parser.parse_args()
    from kft import tasks
    from kft.config import TokenClassificationConfig
    from kft.data.ragged import Ragged
    from kft.data.text import words
    from kft.metrics.predictions import Predictions
    from kft.tasks.token_classification import entity_figures

    config = TokenClassificationConfig(dataset=arguments.dataset)
    splits = tasks.load_splits(config)
    counts: dict[str, collections.Counter[int]] = collections.defaultdict(
        collections.Counter
    )
    train, validation = (
        [words.of_text(text.decode()) for text in part.read(part.rows).numpy()]
        for part in (splits.train, splits.validation)
    )
    for row, found in enumerate(train):
        for word, tag in zip(found, splits.train.labels[row], strict=True):
            counts[word][int(tag)] += 1
    said = [
        [counts[word].most_common(1)[0][0] if word in counts else 0 for word in found]
        for found in validation
    ]
    sure = np.eye(len(splits.labels), dtype=np.float32)
    predictions = Predictions(
        splits.validation.ids,
        splits.validation.labels,
        Ragged.from_rows([sure[row] for row in said]),
    )
    figures = entity_figures.measure(predictions, splits.labels.names).to_json()
    print(json.dumps({name: figures[name] for name in ("precision", "recall", "f1")}))


if __name__ == "__main__":
    main()
