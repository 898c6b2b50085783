"""The stages of an image classifier by a loop of PyTorch, as its tutorials show it.

  python tools/peer_images.py JOB.json

That Python has torch, Pillow and efficientnet-lite-pytorch, which kft does not need.
JOB.json, which tools/bench_small.py writes, has `weights` (the .pth file of
EfficientNetLite0), `train` and `validation` (paths, labels), `classes`, `stages`
(blocks that train or null for the head, epochs, rate), `batch_size` and `side`. Prints
the best accuracy as a line of JSON; the time is that of the whole process.

As transfer learning tutorials do it: a DataLoader decodes the images in every epoch,
requires_grad is False below what trains, frozen BatchNorm does not move, SGD with
momentum and a cosine schedule, validation after each epoch.
"""

import json
import sys
from typing import Any

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

_MEAN, _DEVIATION = 127.0, 128.0
_WORKERS = 2


class _Images(torch.utils.data.Dataset):
    def __init__(self, part: dict[str, Any], side: int) -> None:
        self._part = part
        self._side = side

    def __len__(self) -> int:
        return len(self._part["paths"])

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        with Image.open(self._part["paths"][row]) as file:
            resized = file.convert("RGB").resize((self._side, self._side))
        pixels = (np.asarray(resized, np.float32) - _MEAN) / _DEVIATION
        return torch.from_numpy(pixels.transpose(2, 0, 1)), self._part["labels"][row]


def main(path: str) -> None:
    """Train all stages, and print what came of it."""
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    torch.manual_seed(0)
    model = EfficientNet.from_pretrained(
        "efficientnet-lite0", weights_path=job["weights"], num_classes=job["classes"]
    )
    train, validation = (
        torch.utils.data.DataLoader(
            _Images(job[part], job["side"]),
            batch_size=job["batch_size"],
            shuffle=part == "train",
            num_workers=_WORKERS,
        )
        for part in ("train", "validation")
    )
    best = 0.0
    for blocks, epochs, rate in job["stages"]:
        _unfreeze(model, blocks)
        trained = [one for one in model.parameters() if one.requires_grad]
        optimizer = torch.optim.SGD(trained, rate, momentum=0.9)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, epochs * len(train)
        )
        for _ in range(epochs):
            _train(model, train, optimizer, schedule)
            best = max(best, _accuracy(model, validation))
    print(json.dumps({"val_accuracy": round(best, 4)}))


def _unfreeze(model: EfficientNet, blocks: int | None) -> None:
    """Let the classifier train, and with a number so many of the last blocks."""
    model.requires_grad_(False)
    model._fc.requires_grad_(True)
    if blocks:
        for part in (*model._blocks[-blocks:], model._conv_head, model._bn1):
            part.requires_grad_(True)


def _train(model: Any, batches: Any, optimizer: Any, schedule: Any) -> None:
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    for images, labels in batches:
        loss = torch.nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()


@torch.no_grad()
def _accuracy(model: Any, batches: Any) -> float:
    model.eval()
    hits = [
        (model(images).argmax(dim=1) == labels).float() for images, labels in batches
    ]
    return float(torch.cat(hits).mean())


if __name__ == "__main__":
    main(sys.argv[1])
