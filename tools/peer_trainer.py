"""The stages of a text classifier by the Trainer of Hugging Face, with PyTorch.

  python tools/peer_trainer.py JOB.json

That Python has torch, transformers and accelerate, which kft does not need. JOB.json,
which tools/bench_text.py writes, has `folder` (config.json, model.safetensors,
tokenizer), `train` and `validation` (texts, labels), `stages` (trained layers, epochs,
rate), `max_length`, `batch_size`, `momentum` and `clip_norm`. Prints the seconds of
training with validation after each epoch, and the best accuracy, as a line of JSON.

As its guides show: batches padded to their longest text, the classifier of the library
(the first token through a dense layer), cosine decay. Of the layers below the trained
ones requires_grad is False. Tokenising is not in the time.
"""

import json
import sys
import tempfile
import time
from typing import Any

import numpy as np
import torch
import transformers


class _Texts(torch.utils.data.Dataset):
    def __init__(self, tokenizer: Any, part: dict[str, Any], max_length: int) -> None:
        encoded = tokenizer(part["texts"], truncation=True, max_length=max_length)
        self._rows = [
            {"input_ids": ids, "attention_mask": mask, "labels": label}
            for ids, mask, label in zip(
                encoded["input_ids"],
                encoded["attention_mask"],
                part["labels"],
                strict=True,
            )
        ]

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> dict[str, Any]:
        return self._rows[row]


def main(path: str) -> None:
    """Train all stages, and print what came of it."""
    with open(path, encoding="utf-8") as file:
        job = json.load(file)
    tokenizer = transformers.AutoTokenizer.from_pretrained(job["folder"])
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        job["folder"], num_labels=1 + max(job["train"]["labels"])
    )
    train, validation = (
        _Texts(tokenizer, job[part], job["max_length"])
        for part in ("train", "validation")
    )
    seconds, best = 0.0, 0.0
    for layers, epochs, rate in job["stages"]:
        _train_only(model, layers)
        with tempfile.TemporaryDirectory() as folder:
            trainer = _trainer(
                job, (model, tokenizer), (train, validation), folder, epochs, rate
            )
            start = time.monotonic()
            trainer.train()
            seconds += time.monotonic() - start
        found = [one.get("eval_accuracy", 0.0) for one in trainer.state.log_history]
        best = max(best, *found)
    print(json.dumps({"seconds": round(seconds, 1), "accuracy": round(best, 4)}))


def _trainer(
    job: dict[str, Any],
    network: tuple[Any, Any],
    data: tuple[_Texts, _Texts],
    folder: str,
    epochs: int,
    rate: float,
) -> transformers.Trainer:
    model, tokenizer = network
    trained = [one for one in model.parameters() if one.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=rate, momentum=job["momentum"])
    steps = epochs * -(-len(data[0]) // job["batch_size"])
    return transformers.Trainer(
        model=model,
        args=transformers.TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=job["batch_size"],
            per_device_eval_batch_size=job["batch_size"],
            num_train_epochs=epochs,
            eval_strategy="epoch",
            save_strategy="no",
            max_grad_norm=job["clip_norm"],
            report_to=[],
            disable_tqdm=True,
            use_cpu=True,
            seed=0,
        ),
        train_dataset=data[0],
        eval_dataset=data[1],
        data_collator=transformers.DataCollatorWithPadding(tokenizer),
        compute_metrics=lambda found: {
            "accuracy": float(np.mean(found.predictions.argmax(-1) == found.label_ids))
        },
        optimizers=(
            optimizer,
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps),
        ),
    )


def _train_only(model: Any, layers: int | None) -> None:
    """Let the head and some of the last layers train; None for everything."""
    for parameter in model.base_model.parameters():
        parameter.requires_grad = layers is None
    pooler = getattr(model.base_model, "pooler", None)
    own = [] if pooler is None else [pooler]
    if layers:
        own += list(model.base_model.encoder.layer)[-layers:]
    for module in own:
        for parameter in module.parameters():
            parameter.requires_grad = True


if __name__ == "__main__":
    main(sys.argv[1])
