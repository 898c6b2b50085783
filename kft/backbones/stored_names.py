"""The names under which Keras 3 (3.15.1) stores layers in its files."""

import re


def group_name(class_name: str) -> str:
    """Return the name of a class of layers, as the first of that class has it."""
    words = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", class_name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", words).lower()
