import base64
import io

import keras
import numpy as np
import pytest
from PIL import Image

from kft.backbones.image import image_table
from kft.config import ImageModelConfig, stages
from kft.data.labels import LabelMap
from kft.model.network import Network
from kft.tasks.class_answers import ClassAnswers
from kft.tasks.image_classification import image_network
from kft.tasks.image_classification.image_display import ImageDisplay

ANSWERS = ClassAnswers(LabelMap(("no", "yes")))


def _opened(html: str) -> Image.Image:
    """Return the image that is all of an <img>."""
    before, _, rest = html.partition(";base64,")
    content, _, after = rest.partition('"')
    assert before.startswith('<img src="data:image/') and after == ' alt="">'
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_an_example_is_the_square_that_the_network_sees() -> None:
    square = np.full([40, 40, 3], (10, 200, 30), np.uint8)
    found = np.asarray(_opened(ImageDisplay(ANSWERS).example_html(b"<script>", square)))
    assert found.shape == (40, 40, 3)
    assert np.abs(found.astype(int) - square).max() < 4


def _network(config: ImageModelConfig, size: int) -> Network:
    return image_network.build(
        config,
        image_table.of(config),
        image_size=size,
        num_classes=2,
        weights="none",
    )


def test_each_image_has_the_overlay_of_its_own_answer() -> None:
    config = ImageModelConfig(backbone="EfficientNetLite0", weights="none")
    network = _network(config, 32)
    rng = np.random.default_rng(0)
    squares = [rng.integers(0, 256, (32, 32, 3)).astype(np.uint8) for _ in range(2)]
    display = ImageDisplay(ANSWERS)
    overlays = display.explain(network, squares, targets=[0, 1], payloads=[])
    assert [_opened(one).mode for one in overlays] == ["RGBA", "RGBA"]
    assert (
        overlays[1]
        == display.explain(network, squares[1:], targets=[1], payloads=[])[0]
    )
    assert list(display.explain(network, [], targets=[], payloads=[])) == []


def test_a_network_that_reads_no_map_has_no_overlays() -> None:
    inputs = keras.Input((8, 8, 3), name="images")
    hidden = keras.layers.Flatten(name="hidden")(inputs)
    logits = keras.layers.Dense(2, name="logits")(hidden)
    network = Network(keras.Model(inputs, logits), stages.Blocks(()), {}, "logits")
    assert ImageDisplay(ANSWERS).unexplained(network) == (
        "Grad-CAM needs one feature map below the head, and logits does not read a "
        "feature map."
    )


@pytest.mark.parametrize(("size", "side"), [(96, 3), (128, 4)])
def test_a_map_of_few_places_is_refused(size: int, side: int) -> None:
    config = ImageModelConfig(backbone="MobileNet", weights="none")
    with keras.StatelessScope(initialize_variables=False):
        network = _network(config, size)
    keras.backend.clear_session()  # or Keras fills them in at its next scope
    reason = ImageDisplay(ANSWERS).unexplained(network)
    if side < 4:
        assert f"The last feature map is {side} x {side}, and Grad-CAM of" in reason
    else:
        assert reason == ""
