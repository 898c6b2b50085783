"""Small random vision transformers with what transformers computes of images.

    pip install torch transformers pillow
    python tools/make_vit_references.py tests/backbones/image/vit_references

For each a folder with config.json, preprocessor_config.json and model.safetensors, and
features.npz: `images_16`, uint8 [2, 16, 16, 3], of the size that its positions were
learned for, `images_28` and `images_12`, and with each of them `features_16` and so on:
what the classifier of the family reads.
Written once; tests compare kft's own graph with them.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
import transformers

_SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 16,
    "patch_size": 4,
}
_VIT = {**_SIZES, "intermediate_size": 24}
_DINO = {**_SIZES, "mlp_ratio": 2}
# Sides of images, in pixels: of the grid that was learned, larger, smaller.
_SIDES = (16, 28, 12)
MODELS = {
    "vit": (transformers.ViTForImageClassification, transformers.ViTConfig, _VIT),
    "deit": (transformers.DeiTForImageClassification, transformers.DeiTConfig, _VIT),
    "dinov2": (
        transformers.Dinov2ForImageClassification,
        transformers.Dinov2Config,
        _DINO,
    ),
    "dinov2_gated": (
        transformers.Dinov2Model,
        transformers.Dinov2Config,
        {**_DINO, "mlp_ratio": 4, "use_swiglu_ffn": True},
    ),
}
_PROCESSORS = {
    "vit": transformers.ViTImageProcessorPil,
    "deit": transformers.DeiTImageProcessorPil,
    "dinov2": transformers.BitImageProcessorPil,
}


def main(folder: Path) -> None:
    """Write all of them below a folder."""
    rng = np.random.default_rng(0)
    images = {
        side: rng.integers(0, 256, [2, side, side, 3], np.uint8) for side in _SIDES
    }
    for name, (model_class, config_class, values) in MODELS.items():
        torch.manual_seed(0)
        model = model_class(config_class(**values)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.copy_(torch.randn_like(parameter) * 0.2 + 0.05)
        target = folder / name
        model.save_pretrained(target)
        processor = _PROCESSORS[model.config.model_type](
            size={"height": 16, "width": 16}, crop_size={"height": 16, "width": 16}
        )
        processor.save_pretrained(target)
        found = {}
        for side, batch in images.items():
            pixels = processor(
                list(batch), return_tensors="pt", do_resize=False, do_center_crop=False
            )["pixel_values"]
            found[f"images_{side}"] = batch
            found[f"features_{side}"] = _features(model, pixels)
        np.savez_compressed(target / "features.npz", **found)


def _features(model: transformers.PreTrainedModel, pixels: torch.Tensor) -> np.ndarray:
    """Return what the classifier of the family reads, [images, features]."""
    base = model.base_model
    is_dino = model.config.model_type == "dinov2"
    options = {} if is_dino else {"interpolate_pos_encoding": True}
    with torch.no_grad():
        states = base(pixels, **options).last_hidden_state
    if is_dino:
        # As Dinov2ForImageClassification.forward has it.
        states = torch.cat([states[:, 0], states[:, 1:].mean(dim=1)], dim=1)
        return states.numpy()
    return states[:, 0].numpy()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    main(parser.parse_args().folder)
