"""Labels and description of the inputs in a .tflite file, where mobile libraries look.

A flatbuffer after TensorFlow Lite Support's metadata_schema.fbs (identifier M001) is a
buffer of the model named TFLITE_METADATA. Files are in a ZIP archive that is appended,
which is read from its end, as the flatbuffer is from its start: `unzip model.tflite
labels.txt` works too.
"""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flatbuffers
import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from kft.tasks.task import Endpoint, FlatTable

_NAME = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_MODEL_IDENTIFIER = b"TFL3"
# A value of the schema's enum.
_TENSOR_AXIS_LABELS = np.uint8(2)
# The most fields that one of its tables has.
_FIELDS = 10

# Puts a field of a table that is being built.
_Put = Callable[[flatbuffers.Builder], None]


def add(
    content: bytes, endpoint: Endpoint, *, what: str, scores: str, labels_file: str
) -> bytes:
    """Return a .tflite file with the description of its tensors in it.

    Args:
        content: the file.
        endpoint: that it was made from.
        what: the model is, in a few words.
        scores: the name of its output.
        labels_file: of the archive, with a class name a line.
    """
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    inputs = [
        _tensor(
            name,
            endpoint.notes.get(name, ""),
            {3: endpoint.litert_content[name]}
            if name in endpoint.litert_content
            else {},
        )
        for name in _inputs(model)
    ]
    labels = {
        **_described(labels_file, "One class name per line, in index order."),
        2: _TENSOR_AXIS_LABELS,
    }
    output = _tensor(scores, endpoint.notes.get(scores, ""), {6: [labels]})
    root = {
        **_described(what, "Fine-tuned with kft."),
        3: [{2: inputs, 3: [output]}],
    }
    buffer = schema.BufferT()
    buffer.data = list(_flatbuffer(root))
    entry = schema.MetadataT()
    entry.name, entry.buffer = _NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(content) + 4096)
    builder.Finish(model.Pack(builder), _MODEL_IDENTIFIER)
    return bytes(builder.Output())


def append(content: bytes, files: Mapping[str, str]) -> bytes:
    """Return a .tflite file with an archive of text files at its end."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        for name, text in files.items():
            # A fixed date, so that the same network gives the same file.
            file.writestr(zipfile.ZipInfo(name), text)
    return content + archive.getvalue()


def _inputs(model: schema.ModelT) -> list[str]:
    """Return the names of the inputs, in the order that the file has them in."""
    names = {one.tensorIndex: _text(one.name) for one in model.signatureDefs[0].inputs}
    return [names[index] for index in model.subgraphs[0].inputs]


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _tensor(name: str, note: str, more: FlatTable) -> FlatTable:
    return {**_described(name, note), **more}


def _described(name: str, text: str) -> dict[int, Any]:
    """Return name and description, the first two fields of most tables."""
    return {0: name, 1: text}


def _flatbuffer(root: FlatTable) -> bytes:
    builder = flatbuffers.Builder(1024)
    builder.Finish(_table(builder, root), _IDENTIFIER)
    return bytes(builder.Output())


def _table(builder: flatbuffers.Builder, fields: FlatTable) -> int:
    # What a table refers to has to be there before it is begun.
    puts = [_field(builder, number, value) for number, value in fields.items()]
    builder.StartObject(_FIELDS)
    for put in puts:
        put(builder)
    return int(builder.EndObject())


def _field(builder: flatbuffers.Builder, number: int, value: Any) -> _Put:
    """Return what puts a field; raises TypeError for a value of no known width."""
    if isinstance(value, np.uint8):
        return lambda builder: builder.PrependUint8Slot(number, int(value), 0)
    if isinstance(value, np.uint32):
        return lambda builder: builder.PrependUint32Slot(number, int(value), 0)
    if isinstance(value, str):
        child = builder.CreateString(value)
    elif isinstance(value, Mapping):
        child = _table(builder, value)
    elif isinstance(value, Sequence):
        child = _vector(builder, [_table(builder, one) for one in value])
    else:
        raise TypeError(f"field {number} of a flatbuffer: {value!r}")
    return lambda builder: builder.PrependUOffsetTRelativeSlot(number, child, 0)


def _vector(builder: flatbuffers.Builder, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())
