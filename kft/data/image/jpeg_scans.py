"""The scans of a JPEG, each of which a decoder goes over the whole image for.

A progressive JPEG has about 10. Nothing limits their number, and one of 30 bytes costs
as much time as one of a megabyte. No TensorFlow; `jpeg_scans_graph` is the same by
graph ops.
"""

import re

# What no encoder comes near: libjpeg writes 10, those that search for the best some 20.
MOST = 50
TOO_MANY = f"a JPEG of more than {MOST} scans, which would take very long to decode"
# Where a JPEG has no more of these bytes, wherever they stand, it has no more scans.
START = b"\xff\xda"
MOST_UNREAD = 16

END = 0xD9
_SCAN = START[1]
# A marker that is no padding, no byte of a scan and no restart, with the length of
# its segment.
_SEGMENT = re.compile(rb"\xff([^\x00\x01\xd0-\xd7\xff])(..)?", re.DOTALL)


def check(payload: bytes) -> None:
    """Check that an encoded JPEG has at most `MOST` scans.

    Raises:
        ValueError: where it has more.
    """
    if payload.count(START) > MOST_UNREAD and _count(payload) > MOST:
        raise ValueError(TOO_MANY)


def _count(payload: bytes) -> int:
    """Return the number of scans before the end of the image, at most `MOST` + 1.

    Thumbnails, and images and films behind the image, have scans of their own.
    """
    scans, position = 0, 2
    while scans <= MOST:
        segment = _SEGMENT.search(payload, position)
        if segment is None or segment[1][0] == END:
            break
        scans += segment[1][0] == _SCAN
        position = segment.start() + 2 + int.from_bytes(segment[2] or b"")
    return scans
