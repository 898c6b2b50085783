"""Files that are examples under more than one name, by links."""

from collections.abc import Sequence

from kft.data.sources.filesystem import FileIdentity


def caution(
    noun: str, names: Sequence[str], identities: Sequence[FileIdentity]
) -> tuple[str, ...]:
    """Return sentences that say how many names lead to a file that has another; or ().

    Args:
        noun: what several examples are called.
        names: of the files; one may be there several times, for parts of it.
        identities: of each; None where it is not known.
    """
    first: dict[FileIdentity, str] = {}
    again = {
        name: earlier
        for name, identity in zip(names, identities, strict=True)
        if identity and (earlier := first.setdefault(identity, name)) != name
    }
    if not again:
        return ()
    name, earlier = next(iter(again.items()))
    return (
        f"{len(again)} of {len(set(names))} {noun} are there before under another "
        f"name, by links: {name} is {earlier}. Each name is an example, and two of one "
        "file may be in different classes or splits. Remove the links if that is not "
        "meant.",
    )
