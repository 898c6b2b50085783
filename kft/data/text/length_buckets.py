"""Lengths that batches of tokens are padded to."""

_LENGTHS = (16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096)


def up_to(max_length: int) -> tuple[int, ...]:
    """Return lengths up to one, ascending; it is the last of them."""
    return (*(length for length in _LENGTHS if length < max_length), max_length)
