"""LiteRT and ONNX: what an application finds in the files."""

import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from kft import errors, exporters
from kft.config import ExportConfig
from kft.exporters import export_run, litert, litert_float16
from kft.metrics import calibration
from tests.exporters.conftest import Exported

QUANTIZED = ("none", "float16", "dynamic", "int8")
LABELS = b"cyan\nmagenta\nyellow\n"


@pytest.fixture(scope="module")
def one_run(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(small_run, tmp_path_factory.mktemp("formats") / "run")


def _export(run: Path, **options: object) -> export_run.Export:
    # 8 bits change the mind of a network that is never sure.
    config = ExportConfig(
        run_dir=str(run),
        parity_examples=18,
        allow_disagreement=options.get("quantize") in ("dynamic", "int8"),
        **options,
    )
    (export,) = export_run.export_run(config)
    return export


@pytest.fixture(scope="module", params=QUANTIZED)
def lite(request: pytest.FixtureRequest, one_run: Path) -> export_run.Export:
    pytest.importorskip("ai_edge_litert")
    return _export(one_run, formats=("litert",), quantize=request.param)


@pytest.fixture(scope="module")
def onnx(one_run: Path) -> export_run.Export:
    for package in exporters.EXPORTERS["onnx"].packages:
        pytest.importorskip(package)
    return _export(one_run, formats=("onnx",))


def _interpreter(export: export_run.Export):
    from ai_edge_litert.interpreter import Interpreter

    return Interpreter(model_path=str(export.path))


def test_lite_answers_as_the_network_in_a_process_without_tensorflow(
    lite: export_run.Export,
) -> None:
    certificate = lite.certificate
    limits = {"none": 1e-4, "float16": 1e-2, "dynamic": 0.3, "int8": 0.5}
    assert certificate.largest_difference <= limits[certificate.quantize]
    assert certificate.mean_difference <= 0.1
    assert certificate.without == ("kft", "tensorflow", "keras")


def test_lite_takes_raw_pixels_and_a_batch_of_any_size(lite: export_run.Export) -> None:
    interpreter = _interpreter(lite)
    (images,) = interpreter.get_input_details()
    assert images["dtype"] == np.uint8
    assert images["shape_signature"].tolist() == [-1, 64, 64, 3]
    # Quantized by 1 from 0, which is to say not at all; 0 stands for none.
    assert images["quantization"] in ((0.0, 0), (1.0, 0))
    runner = interpreter.get_signature_runner("serving_default")
    for batch in (1, 3):
        pixels = np.full((batch, 64, 64, 3), 100, np.uint8)
        (probabilities,) = runner(images=pixels).values()
        assert probabilities.dtype == np.float32
        assert probabilities.shape == (batch, 3)
        np.testing.assert_allclose(probabilities.sum(-1), 1, atol=0.02)


def test_lite_uses_operations_of_litert_alone(lite: export_run.Export) -> None:
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(lite.path.read_bytes(), 0))
    custom = [code.customCode for code in model.operatorCodes if code.customCode]
    assert custom == []


def test_int8_is_smaller_and_float16_is_half(one_run: Path) -> None:
    folder = one_run / "export" / "litert"
    if not (folder / "model_int8.tflite").exists():
        pytest.skip("LiteRT is not installed")
    sizes = {
        name: (folder / f"model{name}.tflite").stat().st_size
        for name in ("", "_float16", "_int8")
    }
    assert sizes["_float16"] < 0.55 * sizes[""]
    assert sizes["_int8"] < 0.35 * sizes[""]


def test_float16_rounds_large_constants_alone(one_run: Path) -> None:
    from tensorflow.lite.python import schema_py_generated as schema

    path = one_run / "export" / "litert" / "model_float16.tflite"
    if not path.exists():
        pytest.skip("LiteRT is not installed")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
    shapes = [
        list(map(int, tensor.shape))
        for tensor in model.subgraphs[0].tensors
        if tensor.type == schema.TensorType.FLOAT16
    ]
    # Not the 3 x 3 kernels of the depthwise convolution, 9 numbers for each channel.
    assert shapes == [[256, 3, 3, 16]]


def test_float16_leaves_numbers_that_it_can_not_hold() -> None:
    from tensorflow.lite.python import schema_py_generated as schema

    tensor, buffer = schema.TensorT(), schema.BufferT()
    tensor.type, tensor.buffer = schema.TensorType.FLOAT32, 0
    model = schema.ModelT()
    model.buffers = [buffer]
    for value, fits in ((65_504.0, True), (65_520.0, False)):
        numbers = np.full(10_000, -value, np.float32)
        buffer.data = numbers.view(np.uint8)
        assert (litert_float16._large_constant(model, tensor) is not None) == fits


def test_labels_are_in_the_lite_file(lite: export_run.Export) -> None:
    with zipfile.ZipFile(io.BytesIO(lite.path.read_bytes())) as file:
        assert file.read("labels.txt") == LABELS


def test_metadata_says_where_the_labels_are(lite: export_run.Export) -> None:
    from tensorflow.lite.python import schema_py_generated as schema

    model = schema.Model.GetRootAs(lite.path.read_bytes(), 0)
    entries = {
        model.Metadata(i).Name(): model.Metadata(i).Buffer()
        for i in range(model.MetadataLength())
    }
    content = bytes(model.Buffers(entries[b"TFLITE_METADATA"]).DataAsNumpy())
    assert content[4:8] == b"M001"
    root = _Table.root(content)
    graph = root.tables(3)[0]
    (image,) = graph.tables(2)
    (answer,) = graph.tables(3)
    properties = image.table(3)
    assert (image.text(0), properties.byte(0)) == ("images", 2)
    assert properties.table(1).byte(0) == 1  # RGB
    assert answer.text(0) == "probabilities"
    (labels,) = answer.tables(6)
    assert (labels.text(0), labels.byte(2)) == ("labels.txt", 2)


class _Table:
    """Reads a flatbuffer without its schema."""

    def __init__(self, content: bytes, position: int) -> None:
        from flatbuffers import table

        self._table = table.Table(content, position)

    @classmethod
    def root(cls, content: bytes) -> "_Table":
        return cls(content, int.from_bytes(content[:4], "little"))

    def _at(self, field: int) -> int:
        return self._table.Pos + self._table.Offset(4 + 2 * field)

    def table(self, field: int) -> "_Table":
        return _Table(self._table.Bytes, self._table.Indirect(self._at(field)))

    def tables(self, field: int) -> list["_Table"]:
        offset = self._table.Offset(4 + 2 * field)
        start = self._table.Vector(offset)
        return [
            _Table(self._table.Bytes, self._table.Indirect(start + 4 * i))
            for i in range(self._table.VectorLen(offset))
        ]

    def text(self, field: int) -> str:
        return self._table.String(self._at(field)).decode()

    def byte(self, field: int) -> int:
        return self._table.Bytes[self._at(field)]


def test_a_calibration_example_of_bytes_always_spans_all_values() -> None:
    rng = np.random.default_rng(0)
    gray = rng.integers(100, 120, (8, 8, 3)).astype(np.float32)
    plain = np.full((8, 8, 3), 7, np.float32)
    for image in (gray, plain):
        stretched = litert.stretched(image)
        assert (stretched.min(), stretched.max()) == (0, 255)


def test_onnx_answers_as_the_network_in_a_process_without_tensorflow(
    onnx: export_run.Export,
) -> None:
    assert onnx.certificate.passed
    assert onnx.certificate.largest_difference <= 1e-4
    assert onnx.certificate.without == ("kft", "tensorflow", "keras")


def test_onnx_names_its_tensors_its_opset_and_its_labels(
    onnx: export_run.Export,
) -> None:
    import onnx as onnx_package

    model = onnx_package.load(onnx.path)
    onnx_package.checker.check_model(model, full_check=True)
    (images,), (probabilities,) = model.graph.input, model.graph.output
    assert (images.name, probabilities.name) == ("images", "probabilities")
    shape = images.type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in shape] == ["batch", 64, 64, 3]
    assert images.type.tensor_type.elem_type == onnx_package.TensorProto.UINT8
    opsets = {one.domain: one.version for one in model.opset_import}
    assert opsets[""] == 18
    properties = {one.key: one.value for one in model.metadata_props}
    assert json.loads(properties["labels"]) == LABELS.decode().split()


def test_an_older_opset_of_onnx_answers_alike(one_run: Path) -> None:
    onnx_package = pytest.importorskip("onnx")
    export = _export(one_run, formats=("onnx",), onnx_opset=13)
    assert export.certificate.passed
    opsets = onnx_package.load(export.path).opset_import
    assert {one.domain: one.version for one in opsets}[""] == 13


def test_a_temperature_is_baked_into_the_export(
    run: Path, exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The network knows so little that a fit would end at the highest temperature.
    monkeypatch.setattr(
        calibration,
        "calibrate",
        lambda logits, labels: calibration.Calibration(
            temperature=2.5,
            examples=len(labels),
            loss_before=1.2,
            loss_after=1.1,
            ece_before=0.2,
            ece_after=0.1,
        ),
    )
    export = _export(run, formats=("onnx",), calibrate=True)
    found = json.loads((run / "export" / "calibration.json").read_text())
    assert (found["examples"], found["temperature"]) == (18, 2.5)

    import onnxruntime

    images = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3)).astype(np.uint8)
    logits = exported.network.model.predict_on_batch(images)
    scaled = np.exp(logits / found["temperature"])
    (answer,) = onnxruntime.InferenceSession(str(export.path)).run(
        None, {"images": images}
    )
    np.testing.assert_allclose(
        answer, scaled / scaled.sum(-1, keepdims=True), atol=1e-4
    )


def test_a_missing_package_is_named_with_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exporters.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        errors.ConfigError, match=r"tf2onnx: pip install 'kft-keras\[onnx\]'"
    ):
        exporters.check(("saved_model", "onnx"))


def test_quantize_without_a_format_that_can_is_an_error() -> None:
    with pytest.raises(errors.ConfigError, match="--quantize=int8.*Possible.*litert"):
        exporters.check(("saved_model",), "int8")


@pytest.mark.parametrize("name", exporters.EXPORTERS)
def test_the_file_of_a_format_loads_without_kft_and_tensorflow(name: str) -> None:
    code = (
        "import runpy, sys\n"
        "found = runpy.run_path(sys.argv[1])\n"
        "names = ('write', 'open_export', 'read_metadata', 'snippet')\n"
        "assert all(callable(found[name]) for name in names)\n"
        "loaded = {'kft', 'keras', 'tensorflow'} & set(sys.modules)\n"
        "sys.exit(f'imported: {loaded}' if loaded else 0)\n"
    )
    path = exporters.EXPORTERS[name].format.__file__
    subprocess.run([sys.executable, "-P", "-c", code, path], check=True)


@pytest.mark.parametrize("name", ["litert", "onnx"])
def test_a_network_that_does_not_convert_is_one_message(
    name: str, tmp_path: Path
) -> None:
    import tensorflow as tf

    exporter = exporters.EXPORTERS[name]
    for package in exporter.packages:
        pytest.importorskip(package)

    def answer(x: tf.Tensor) -> dict[str, tf.Tensor]:
        # No format has this.
        return {"scores": tf.math.betainc(2.0, 3.0, tf.sigmoid(x))}

    endpoint = SimpleNamespace(
        function=answer, specs=[tf.TensorSpec([None, 3], tf.float32, "x")]
    )
    served = SimpleNamespace(
        tensors=endpoint,
        scores="scores",
        run=SimpleNamespace(model=SimpleNamespace(variables=[])),
    )
    path = tmp_path / "model"
    with pytest.raises(
        errors.ConfigError, match=f"--formats={name}: this network does not convert"
    ):
        exporter.format.write(served, path, exporters.FormatOptions())
    assert not path.exists()
