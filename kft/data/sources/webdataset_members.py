"""Which files of a shard make an example: the encoded example, and what says its label.

A class is in a `.cls` (a number), a `.txt` (a name), or a value in a `.json`: in the
first of these that there is, unless `--webdataset_members` says where.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from kft import config as config_lib
from kft import errors
from kft.data.sources import name_pairs, tar_members
from kft.data.sources.payload_kind import PayloadKind
from kft.data.sources.tar_members import TarMember

_CLASS, _JSON = "cls", "json"
# Bytes of the largest file that says a label.
_MOST = 1_000_000
_FLAG = "--webdataset_members"
_NUMBER = re.compile(r"-?[0-9]+")
_DIGITS = 40


@dataclasses.dataclass(frozen=True)
class Said:
    """What is to be learned of an example, and where it is said.

    Attributes:
        part: what it is called in the flag; also its key in JSON.
        endings: of the files that may say it, the first that is there.
        kinds: what it may be, for messages.
    """

    part: str
    endings: tuple[str, ...]
    kinds: str = "a name or a whole number"


CLASS = Said("label", (_CLASS, "txt", _JSON))


@dataclasses.dataclass(frozen=True)
class ExampleMembers:
    """The members that make an example.

    Attributes:
        name: what an example is called.
        payload: endings of it, in small letters.
        said: what is to be learned.
        label: ending of what says the label, and behind a dot of JSON the key; None
            until the first example tells.
        are_texts: whether labels are texts; else they are numbers. None until the first
            example tells.
    """

    name: str
    payload: tuple[str, ...]
    said: Said
    label: str | None = None
    are_texts: bool | None = None

    def payload_of(self, endings: Iterable[str], place: str) -> str | None:
        """Return the ending of the encoded example, None where there is none.

        Raises:
            errors.DataError: where there are several.
        """
        found = [ending for ending in endings if ending in self.payload]
        if len(found) > 1:
            raise errors.DataError(
                f"{place}: expected one {self.name}, received "
                f"{' and '.join(found)}. {_FLAG}={self.name}={found[0]} says which."
            )
        return found[0] if found else None

    def with_label_of(self, endings: Iterable[str], place: str) -> "ExampleMembers":
        """Return the members with what says the label, by the first example.

        Raises:
            errors.DataError: where nothing does.
        """
        if self.label is not None:
            return self
        there = set(endings)
        for ending in self.said.endings:
            if ending in there:
                label = f"{_JSON}.{self.said.part}" if ending == _JSON else ending
                return dataclasses.replace(self, label=label)
        expected = " or ".join(f".{ending}" for ending in self.said.endings)
        raise errors.DataError(
            f"{place}: expected its {self.said.part} in {expected} of the same name, "
            f"received {_listed(there)}. {_FLAG}={self.said.part}=ENDING says where it "
            "is."
        )

    def label_of(self, endings: Mapping[str, TarMember], place: str) -> TarMember:
        """Return the member that says the label.

        Raises:
            errors.DataError: where it is missing.
        """
        ending = self._label_ending()
        if ending not in endings:
            raise errors.DataError(
                f"{place}: expected its {self.said.part} in .{ending} of the same "
                f"name, received {_listed(endings)}. Add it, or leave the {self.name} "
                f"out; {_FLAG}={self.said.part}=ENDING says where it is."
            )
        return endings[ending]

    def read_label(
        self, file: BinaryIO, member: TarMember, place: str
    ) -> tuple["ExampleMembers", int | bytes]:
        """Return the members with what kind labels are, and a label.

        Args:
            file: the shard.
            member: that says the label.
            place: shard and key, for messages.

        Raises:
            errors.DataError: where it is none, or of another kind than that of the
                first example.
        """
        place = f"{place}.{self._label_ending()}"
        if member.size > _MOST:
            raise errors.DataError(
                f"{place}: expected at most {_MOST} bytes for a {self.said.part}, "
                f"received {member.size}. {_FLAG}={self.said.part}=ENDING says where "
                "it is."
            )
        try:
            content = tar_members.read(file, member).decode("utf-8-sig").strip()
        except UnicodeDecodeError as error:
            raise errors.DataError(
                f"{place}: expected a {self.said.part} in UTF-8, which cannot be "
                f"read: {error}. Write it anew as UTF-8."
            ) from error
        value = self._value(content, place)
        are_texts = isinstance(value, str)
        if self.are_texts not in (None, are_texts):
            kinds = ["a whole number", "a name"]
            raise errors.DataError(
                f"{place}: expected {kinds[bool(self.are_texts)]}, as other examples "
                f"have, received {errors.excerpt(repr(value))}. Correct the shard, or "
                f"say with {_FLAG}={self.said.part}=ENDING where it is."
            )
        known = dataclasses.replace(self, are_texts=are_texts)
        return known, value.encode() if isinstance(value, str) else value

    def _label_ending(self) -> str:
        label = self.label or ""
        return _JSON if label.startswith(f"{_JSON}.") else label

    def _value(self, content: str, place: str) -> int | str:
        """Return the label that the content of a member is, or has."""
        value: Any = content
        if self._label_ending() == _JSON:
            value = self._in_json(content, place)
        elif self._label_ending() == _CLASS and _NUMBER.fullmatch(content):
            # Python refuses to make a number of thousands of digits.
            value = int(content[:_DIGITS])
        if isinstance(value, str) and value.strip() and "\0" not in value:
            return value.strip()
        is_number = isinstance(value, int) and not isinstance(value, bool)
        if is_number and abs(value) < 2**63:
            return int(value)
        raise errors.DataError(
            f"{place}: expected {self.said.kinds}, received "
            f"{errors.excerpt(repr(value))}. Correct the shard, or say with "
            f"{_FLAG}={self.said.part}=ENDING where it is."
        )

    def _in_json(self, content: str, place: str) -> Any:
        keys = (self.label or "").split(".")[1:]
        try:
            value = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise errors.DataError(
                f"{place}: expected JSON, which cannot be read: {error}. Write it anew."
            ) from error
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                has = _listed(value) if isinstance(value, dict) else repr(value)
                raise errors.DataError(
                    f"{place}: expected the key {key!r}, received {has}. "
                    f"{_FLAG}={self.said.part}={_JSON}.KEY says what it is called."
                )
            value = value[key]
        return value


def parse(
    config: config_lib.DataConfig, payload: PayloadKind, said: Said = CLASS
) -> ExampleMembers:
    """Return the members that make an example, as far as the flag says.

    Raises:
        errors.ConfigError: where `--webdataset_members` is wrong.
    """
    usual = tuple(ending.removeprefix(".") for ending in payload.file_endings)
    defaults = {payload.name: usual[0], said.part: said.endings[0]}
    pairs = config.webdataset_members
    names = name_pairs.parse(
        "webdataset_members", pairs, defaults, needed=(payload.name,)
    )
    given = {pair.partition("=")[0].strip() for pair in pairs}
    endings = [n.strip().removeprefix(".") for n in names[payload.name].split(";")]
    label = _label(names[said.part], said) if said.part in given else None
    return ExampleMembers(
        name=payload.name,
        payload=tuple(n.lower() for n in endings) if payload.name in given else usual,
        said=said,
        label=label,
    )


def _label(name: str, said: Said) -> str:
    """Return the ending that a user wrote, in small letters, and the keys of JSON."""
    ending, dot, keys = name.removeprefix(".").partition(".")
    if ending.lower() == _JSON:
        return f"{_JSON}.{keys or said.part}"
    return f"{ending}{dot}{keys}".lower()


def _listed(names: Iterable[str]) -> str:
    return errors.listed(sorted(names), most=8)
