"""The base of all configs."""

import dataclasses
from collections.abc import Mapping
from typing import Any, TypeVar

from kft.config import fields


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config:
    """Base of all configs: the fields are checked when the value is made."""

    def __post_init__(self) -> None:
        fields.check_fields(self)


C = TypeVar("C", bound=Config)


def to_dict(config: Config) -> dict[str, Any]:
    """Return the fields of a config as JSON can hold them."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in dataclasses.asdict(config).items()
    }


def from_dict(config_class: type[C], values: Mapping[str, Any]) -> C:
    """Return a config from what `to_dict` gave.

    Raises:
        TypeError: where a name is not a field.
        errors.ConfigError: where a value is not legal.
    """
    return config_class(
        **{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    )
