"""The orientation of an image, as the EXIF data of its JPEG says, by graph ops.

So that the exported graph does what training did. EXIF data is a TIFF structure behind
the mark `Exif`, in a segment before the image (Exif 2.32, section 4.5).
"""

import tensorflow as tf

from kft.data.image.require import require

# Where EXIF data must begin: its segment comes first, and segments are no longer.
_SEARCHED_BYTES = 65_536
_MARK = r"Exif\x00\x00"
# The name of a chunk, and of one with its size behind it.
_PNG_MARK, _WEBP_MARK = "eXIf", r"EXIF\C{4}"
# What turns an image for Pillow where EXIF data does not say how it is turned.
_XMP = r"tiff:Orientation(?:=\"|>)[2-8]"
_NOT_EXIF = "an image that is turned by other than whole EXIF data: store it upright"

_ORIENTATION, _SHORT = 0x0112, 3
# Of a number of each kind (TIFF 6.0, section 2), 0 of what is no kind.
_BYTES_OF_KINDS = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0)
_UNKNOWN_KIND = len(_BYTES_OF_KINDS) - 1
_ENTRY_BYTES = 12
_MOST_ENTRIES = 64
_DIRECTORY_BYTES = 2 + _MOST_ENTRIES * _ENTRY_BYTES


def has_exif(payload: tf.Tensor) -> tf.Tensor:
    """Return whether an encoded JPEG seems to have EXIF data, bool []."""
    return _has(tf.strings.substr(payload, 0, _SEARCHED_BYTES), _MARK)


def orientation(payload: tf.Tensor) -> tf.Tensor:
    """Return the orientation of an encoded JPEG, int32 [], 1 to 8; 1 where unsaid.

    Damaged EXIF data counts as unsaid: the image itself may be whole.
    """
    start = tf.strings.substr(payload, 0, 2 * _SEARCHED_BYTES)
    said = _orientation(_behind(start, _MARK))
    return tf.where(has_exif(payload) & (said > 0), said, 1)


def has_png_exif(payload: tf.Tensor) -> tf.Tensor:
    """Return whether an encoded PNG seems to have EXIF data, bool []."""
    return _has(payload, _PNG_MARK)


def png_orientation(payload: tf.Tensor) -> tf.Tensor:
    """Return what Pillow takes for the orientation of an encoded PNG, int32 [], 1 to 8.

    Raises:
        tf.errors.InvalidArgumentError: where something other than EXIF data may say
            that it is turned, or EXIF data is damaged.
    """
    profile = r"Raw profile type exif|XML:com\.adobe\.xmp\x00\x01"
    return tf.cond(
        has_png_exif(payload),
        lambda: _said_or_refused(payload, _PNG_MARK, r"XML:com\.adobe\.xmp\x00\x01"),
        lambda: _unsaid_or_refused(payload, profile),
    )


def webp_orientation(payload: tf.Tensor, *, has_exif: tf.Tensor) -> tf.Tensor:
    """Return what Pillow takes for the orientation of an extended WebP, int32 [].

    Args:
        payload: the encoded image, tf.string [].
        has_exif: whether its header announces EXIF data.

    Raises:
        tf.errors.InvalidArgumentError: where something other than EXIF data may say
            that it is turned, or EXIF data is damaged.
    """
    return tf.cond(
        has_exif,
        lambda: _said_or_refused(payload, _WEBP_MARK, None),
        lambda: _unsaid_or_refused(payload, None),
    )


def _said_or_refused(payload: tf.Tensor, mark: str, otherwise: str | None) -> tf.Tensor:
    """Return the orientation that EXIF data behind a mark says."""
    tiff = tf.strings.substr(_behind(payload, mark), 0, 2 * _SEARCHED_BYTES)
    tiff = tf.strings.regex_replace(tiff, rf"^{_MARK}", "")
    said = _orientation(require(tiff, _is_whole(tiff), _NOT_EXIF))
    return tf.cond(
        said > 0, lambda: said, lambda: _unsaid_or_refused(payload, otherwise)
    )


def _unsaid_or_refused(payload: tf.Tensor, otherwise: str | None) -> tf.Tensor:
    """Return 1 where neither XMP data nor a pattern says that an image is turned."""
    pattern = _XMP if otherwise is None else f"{_XMP}|{otherwise}"
    return require(tf.constant(1), ~_has(payload, pattern), _NOT_EXIF)


def _has(payload: tf.Tensor, pattern: str) -> tf.Tensor:
    # \C is one byte; a dot would be a character of UTF-8.
    return tf.strings.regex_full_match(payload, rf"\C*(?:{pattern})\C*")


def _behind(payload: tf.Tensor, mark: str) -> tf.Tensor:
    return tf.strings.regex_replace(
        payload, rf"^\C*?(?:{mark})", "", replace_global=False
    )


def _orientation(tiff: tf.Tensor) -> tf.Tensor:
    """Return the orientation of a TIFF structure, int32 [], 1 to 8; 0 where unsaid."""
    entries, big_endian, _ = _directory(tiff)
    is_tag = _number(entries[:, :2], 2, big_endian) == _ORIENTATION
    values = _number(entries[:, 8:10], 2, big_endian)
    value = tf.reduce_max(tf.where(is_tag, values, 0))
    return tf.where((value >= 1) & (value <= 8), value, 0)


def _is_whole(tiff: tf.Tensor) -> tf.Tensor:
    """Return whether all readers take the same for the orientation of a TIFF structure.

    That is, it has one of a number of two bytes, or none, and nothing that stands
    elsewhere is cut: some readers end there.
    """
    entries, big_endian, count = _directory(tiff)
    is_tag = _number(entries[:, :2], 2, big_endian) == _ORIENTATION
    kind = _number(entries[:, 2:4], 2, big_endian)
    values = _number(entries[:, 4:8], 4, big_endian)
    is_one = tf.reduce_all(~is_tag | ((kind == _SHORT) & (values == 1)))
    is_one &= tf.reduce_sum(tf.cast(is_tag, tf.int32)) <= 1
    unit = tf.gather(_BYTES_OF_KINDS, tf.clip_by_value(kind, 0, _UNKNOWN_KIND))
    size = tf.cast(unit, tf.int64) * tf.cast(values, tf.int64)
    end = size + tf.cast(_number(entries[:, 8:12], 4, big_endian), tf.int64)
    is_inside = (size >= 0) & (end >= size)
    is_inside &= end <= tf.cast(tf.strings.length(tiff), tf.int64)
    is_here = (size <= 4) & (size >= 0)
    is_tiff = tf.reduce_any(tf.strings.substr(tiff, 0, 4) == [b"II*\0", b"MM\0*"])
    return (
        is_tiff & is_one & tf.reduce_all(is_here | is_inside) & (count <= _MOST_ENTRIES)
    )


def _directory(tiff: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return the first directory of a TIFF structure.

    Returns:
        int32 [entries, 12], the bytes, zeros behind the last entry; whether numbers
        begin with their highest byte; and how many entries there should be.
    """
    size = tf.strings.length(tiff)
    # Zeros at the end, so that nothing is out of range, whatever the data says.
    tiff = tf.strings.join([tiff, b"\0" * _DIRECTORY_BYTES])
    head = _bytes(tiff, 0, 8)
    big_endian = head[0] == ord("M")
    place = _number(head[4:8], 4, big_endian)
    directory = _bytes(tiff, tf.clip_by_value(place, 0, size), _DIRECTORY_BYTES)
    count = _number(directory[:2], 2, big_endian)
    entries = tf.reshape(directory[2:], [_MOST_ENTRIES, _ENTRY_BYTES])
    is_entry = tf.range(_MOST_ENTRIES) < count
    return tf.where(is_entry[:, None], entries, 0), big_endian, count


def upright(image: tf.Tensor, turn: tf.Tensor) -> tf.Tensor:
    """Return the image [height, width, 3] turned as an orientation asks for."""
    image = tf.cond(turn >= 5, lambda: tf.transpose(image, [1, 0, 2]), lambda: image)
    # Reversing no axis at all is how an image is left as it is, without a condition.
    axes = tf.boolean_mask(
        [0, 1],
        [tf.reduce_any(turn == [3, 4, 7, 8]), tf.reduce_any(turn == [2, 3, 6, 7])],
    )
    return tf.reverse(image, axes)


def _bytes(text: tf.Tensor, start: tf.Tensor | int, count: int) -> tf.Tensor:
    numbers = tf.io.decode_raw(tf.strings.substr(text, start, count), tf.uint8)
    return tf.ensure_shape(tf.cast(numbers, tf.int32), [count])


def _number(digits: tf.Tensor, count: int, big_endian: tf.Tensor) -> tf.Tensor:
    """Return the number that bytes [..., count] stand for, int32 [...]."""
    powers = [256**power for power in range(count)]
    return tf.reduce_sum(digits * tf.where(big_endian, powers[::-1], powers), axis=-1)
