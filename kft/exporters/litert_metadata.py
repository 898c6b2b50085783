"""Labels and input description inside a .tflite file, where mobile libraries look.

A flatbuffer after TensorFlow Lite Support's metadata_schema.fbs (identifier M001) is a
buffer of the model named TFLITE_METADATA. labels.txt itself is in a ZIP archive that is
appended to the file, which is read from its end, as the flatbuffer is from its start.
`unzip model.tflite labels.txt` works too. So does preprocessing.json, which has
`ServingModel.preprocessing`.
"""

import io
import json
import zipfile
from collections.abc import Callable, Sequence

import flatbuffers
from tensorflow.lite.python import schema_py_generated as schema

from kft.exporters.serving_graph import ServingModel

LABELS = "labels.txt"
PREPROCESSING = "preprocessing.json"
_NAME = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_MODEL_IDENTIFIER = b"TFL3"
# Values of the schema's enums and unions.
_TENSOR_AXIS_LABELS = 2
_IMAGE_PROPERTIES = 2
_RGB = 1

# Puts a field of a table that is being built.
_Field = Callable[[flatbuffers.Builder], None]


def add(content: bytes, served: ServingModel) -> bytes:
    """Return a .tflite file with metadata and labels in it."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    buffer = schema.BufferT()
    buffer.data = list(_metadata(served))
    entry = schema.MetadataT()
    entry.name, entry.buffer = _NAME, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(content) + 4096)
    builder.Finish(model.Pack(builder), _MODEL_IDENTIFIER)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        # A fixed date, so that the same network gives the same file.
        file.writestr(zipfile.ZipInfo(LABELS), served.run.labels.text())
        preprocessing = json.dumps(served.preprocessing)
        file.writestr(zipfile.ZipInfo(PREPROCESSING), preprocessing)
    return bytes(builder.Output()) + archive.getvalue()


def _metadata(served: ServingModel) -> bytes:
    size = served.image_size
    builder = flatbuffers.Builder(1024)
    pixels = _table(builder, [_number(0, size), _number(1, size)])
    properties = _table(builder, [_byte(0, _RGB), _child(1, pixels)])
    content = _table(builder, [_byte(0, _IMAGE_PROPERTIES), _child(1, properties)])
    images = _described(
        builder, "images", "RGB image, 0 to 255; scaling is inside the network."
    )
    image_tensor = _table(builder, [*images, _child(3, content)])
    labels = _described(builder, LABELS, "One class name per line, in index order.")
    labels_file = _table(builder, [*labels, _byte(2, _TENSOR_AXIS_LABELS)])
    labels_files = _vector(builder, [labels_file])
    named = _described(builder, "probabilities", "One for each class; they sum to 1.")
    answer_tensor = _table(builder, [*named, _child(6, labels_files)])
    inputs, outputs = (
        _vector(builder, [image_tensor]),
        _vector(builder, [answer_tensor]),
    )
    graph = _table(builder, [_child(2, inputs), _child(3, outputs)])
    graphs = _vector(builder, [graph])
    model = _described(builder, "image classifier", "Fine-tuned with kft.")
    builder.Finish(_table(builder, [*model, _child(3, graphs)]), _IDENTIFIER)
    return bytes(builder.Output())


def _described(builder: flatbuffers.Builder, name: str, text: str) -> list[_Field]:
    """Return name and description, the first two fields of most tables."""
    return [
        _child(0, builder.CreateString(name)),
        _child(1, builder.CreateString(text)),
    ]


def _table(builder: flatbuffers.Builder, fields: Sequence[_Field]) -> int:
    builder.StartObject(10)
    for field in fields:
        field(builder)
    return builder.EndObject()


def _vector(builder: flatbuffers.Builder, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return builder.EndVector()


def _child(number: int, offset: int) -> _Field:
    return lambda builder: builder.PrependUOffsetTRelativeSlot(number, offset, 0)


def _byte(number: int, value: int) -> _Field:
    return lambda builder: builder.PrependUint8Slot(number, value, 0)


def _number(number: int, value: int) -> _Field:
    return lambda builder: builder.PrependUint32Slot(number, value, 0)
