"""NASNet-A (Zoph et al., arXiv:1707.07012). No TensorFlow here.

A cell reads the two cells before it, so a cut is two tensors. `cell_3` is Keras' normal
cell 3, `reduce_4` its reduction cell `reduce_4`. The stem includes the two reduction
cells that Keras calls `stem_1` and `stem_2`.
"""

from kft.backbones.image.image_backbone import Backbone, Family, ImagenetFile
from kft.config import stages

FAMILIES = (
    Family(
        name="NASNet",
        scaling="tf",
        license="Apache-2.0",
        edge="ends",
        layers=(
            (r"cell_(\d+)", r"normal_concat_\1"),
            (r"(reduce_\d+)", r"reduction_concat_\1"),
        ),
        stem_end=r"reduction_concat_stem_2",
    ),
)

_SERVER = "https://storage.googleapis.com/tensorflow/keras-applications/nasnet"


def _blocks(cells: int) -> stages.Blocks:
    """Return three runs of `cells` normal cells with a reduction cell between two."""
    names = [f"cell_{i}" for i in range(cells)]
    for reduction in (cells, 2 * cells):
        names.append(f"reduce_{reduction}")
        names += [f"cell_{reduction + i}" for i in range(1, cells + 1)]
    return stages.Blocks(tuple(names))


BACKBONES = (
    Backbone(
        name="NASNetMobile",
        family="NASNet",
        image_size=224,
        min_image_size=32,
        parameters=4_269_716,
        blocks=_blocks(4),
        imagenet=ImagenetFile(
            folder=_SERVER,
            name="nasnet_mobile_no_top.h5",
            digest="1ed92395b5b598bdda52abe5c0dbfd63",
            remote_name="NASNet-mobile-no-top.h5",
        ),
    ),
    Backbone(
        name="NASNetLarge",
        family="NASNet",
        image_size=331,
        min_image_size=32,
        parameters=84_916_818,
        blocks=_blocks(6),
        imagenet=ImagenetFile(
            folder=_SERVER,
            name="nasnet_large_no_top.h5",
            digest="d81d89dc07e6e56530c4e77faddd61b5",
            remote_name="NASNet-large-no-top.h5",
        ),
    ),
)
