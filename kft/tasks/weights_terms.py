"""Lines of a model card about the terms of weights and data."""


def of_pretrained(name: str, origin: str, license_: str) -> str:
    """Return what pretrained weights of a known origin are under."""
    return f"The pretrained weights of {name} ({origin}) are under {license_}."


def lines(pretrained: str | None, *, examples: str) -> tuple[str, str]:
    """Return the terms of the weights, and those of the examples.

    Args:
        pretrained: what the weights that were fine-tuned are under, as a sentence; None
            where there were none.
        examples: what they were fine-tuned on, in the plural.
    """
    own = "The weights were trained from nothing: they are yours to license."
    data = f"The terms of the {examples} it was fine-tuned on come on top."
    return pretrained or own, data
