"""Run an export as a stranger would: a program of its own that knows nothing of kft.

usage: python -P outside.py FORMAT EXPORT QUESTIONS ANSWERS SECONDS

QUESTIONS is an .npz: `payloads` uint8 (all encoded images, one after the other),
`lengths` int64 [n], and `images` uint8 [n, size, size, 3], the same images ready for
the network. ANSWERS becomes an .npz: `probabilities` float32 [n, classes], `valid` bool
[n], `milliseconds` [k] of single images, `images_per_second` in batches of 32, and
`packages`, the top-level modules that are imported at the end. SECONDS is about how
long each of the two speeds is measured.
"""

import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

BATCH = 32
# Questions are a list of encoded images, or uint8 [n, size, size, 3]; the answer is
# probabilities [n, classes] and bool [n].
Ask = Callable[[Sequence[bytes] | np.ndarray], tuple[np.ndarray, np.ndarray]]


def saved_model(path: str) -> Ask:
    """Return what asks a SavedModel through serving_default, with encoded images."""
    import tensorflow as tf

    # The signature belongs to the loaded object, which has to live as long.
    loaded = tf.saved_model.load(path)

    def ask(payloads: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
        signature = loaded.signatures["serving_default"]
        answer = signature(image_bytes=tf.constant(list(payloads)))
        return answer["probabilities"].numpy(), answer["valid"].numpy()

    return ask


def litert(path: str) -> Ask:
    """Return what asks a LiteRT model, with pixels."""
    from ai_edge_litert import interpreter as litert_interpreter

    interpreter = litert_interpreter.Interpreter(
        model_path=path, num_threads=os.cpu_count()
    )
    (images,) = interpreter.get_input_details()
    (probabilities,) = interpreter.get_output_details()
    shape: list[tuple[int, ...]] = []

    def ask(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if shape != [pixels.shape]:
            interpreter.resize_tensor_input(images["index"], pixels.shape)
            interpreter.allocate_tensors()
            shape[:] = [pixels.shape]
        interpreter.set_tensor(images["index"], pixels)
        interpreter.invoke()
        answer = interpreter.get_tensor(probabilities["index"])
        return answer, np.ones(len(answer), bool)

    return ask


def onnx(path: str) -> Ask:
    """Return what asks an ONNX model, with pixels."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def ask(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        (answer,) = session.run(["probabilities"], {"images": pixels})
        return answer, np.ones(len(answer), bool)

    return ask


FORMATS = {
    "saved_model": (saved_model, "payloads"),
    "litert": (litert, "images"),
    "onnx": (onnx, "images"),
}


def main(
    name: str, export: str, questions_path: str, answers_path: str, duration: str
) -> None:
    """Answer all questions, then measure how fast the export is."""
    seconds = float(duration)
    open_export, kind = FORMATS[name]
    with np.load(questions_path) as file:
        questions = file["images"]
        if kind == "payloads":
            ends = np.cumsum(file["lengths"])
            data = file["payloads"].tobytes()
            questions = [data[a:b] for a, b in itertools.pairwise([0, *ends])]
    ask = open_export(export)
    answers = [
        ask(questions[start : start + BATCH])
        for start in range(0, len(questions), BATCH)
    ]
    np.savez(
        answers_path,
        probabilities=np.concatenate([probabilities for probabilities, _ in answers]),
        valid=np.concatenate([valid for _, valid in answers]),
        milliseconds=_latencies(ask, questions, seconds),
        images_per_second=_throughput(ask, questions, seconds),
        packages=sorted({module.split(".")[0] for module in sys.modules}),
    )


def _latencies(
    ask: Ask, questions: Sequence[bytes] | np.ndarray, seconds: float
) -> list[float]:
    """Return the milliseconds of single questions, for about that many seconds."""
    ask(questions[:1])
    found, start = [], time.perf_counter()
    for i in itertools.cycle(range(len(questions))):
        before = time.perf_counter()
        ask(questions[i : i + 1])
        now = time.perf_counter()
        found.append(1000 * (now - before))
        if now - start > seconds:
            return found


def _throughput(
    ask: Ask, questions: Sequence[bytes] | np.ndarray, seconds: float
) -> float:
    """Return images per second in batches, over about that many seconds."""
    batch = [questions[i % len(questions)] for i in range(BATCH)]
    if isinstance(questions, np.ndarray):
        batch = np.stack(batch)
    ask(batch)
    start = time.perf_counter()
    for count in itertools.count(1):
        ask(batch)
        passed = time.perf_counter() - start
        if passed > seconds:
            return BATCH * count / passed


if __name__ == "__main__":
    main(*sys.argv[1:])
