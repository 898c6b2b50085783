import bz2
import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kft import data, errors
from kft.backbones import package_files
from kft.config import TextClassificationConfig
from kft.data.text import reviews
from kft.tasks import text_classification

CONTENT = "category,filename,text,movie_name\n" + "".join(
    f'{category},f,"{category} {film}, ""{number}""",film {film}\n'
    for film in range(40)
    for number, category in enumerate(("fresh", "rotten", "plot"))
)


def _config(**options: object) -> TextClassificationConfig:
    return TextClassificationConfig(**options)


def test_sentences_are_split_by_film_and_plots_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_files, "find", lambda package: tmp_path)
    (tmp_path / "rotten_tomatoes_corpus.csv.bz2").write_bytes(
        bz2.compress(CONTENT.encode())
    )
    splits = data.load_splits(_config(), text_classification.KIND.sources)
    assert splits.labels.names == ("fresh", "rotten")
    films = {}
    for name, part in splits.parts().items():
        read = part.read(part.rows).numpy()
        films[name] = {text.decode().split()[1] for text in read}
        assert not any(text.startswith(b"plot") for text in read)
    assert not films["train"] & films["validation"]
    assert sum(len(part) for part in splits.parts().values()) == 80
    assert np.bincount(splits.train.labels).min() > 0


def test_nothing_follows_the_name() -> None:
    with pytest.raises(errors.ConfigError, match="expected reviews alone"):
        data.check_dataset(
            _config(dataset="reviews:x"), text_classification.KIND.sources
        )


def test_the_package_that_is_pinned_has_the_sentences() -> None:
    path = package_files.cache_folder() / reviews.PACKAGE.file
    if not path.is_file():
        pytest.skip("the package has not been fetched")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == reviews.PACKAGE.sha256
    folder = zipfile.Path(path, reviews.PACKAGE.folder)
    packed = folder.joinpath("rotten_tomatoes_corpus.csv.bz2").read_bytes()
    table = reviews.table(bz2.decompress(packed))
    assert np.bincount(table.labels).tolist() == [2455, 2411]
