"""The check that two runs were judged by the same examples. No TensorFlow here."""

from typing import Literal

from kft.reporting.run_record import RunRecord
from kft.run_folder import environment

# The same; the same, split in another way; or not known to be the same.
Data = Literal["same", "split anew", "other"]


def judge(first: RunRecord, second: RunRecord) -> Data:
    """Return whether the ids of two runs are names of the same examples.

    The fingerprint is over ids, labels, splits and sizes of files. Where it differs and
    split.csv does not, the files have changed. Where both differ, only the name of the
    data set tells a run with other fractions from one on other data.
    """
    key = environment.DATA_FINGERPRINT
    prints = [one.environment.get(key) for one in (first, second)]
    # Nothing is known to differ where a run has none.
    if None in prints or prints[0] == prints[1]:
        return "same"
    is_split_anew = first.split_id != second.split_id
    if is_split_anew and first.config.dataset == second.config.dataset:
        return "split anew"
    return "other"
