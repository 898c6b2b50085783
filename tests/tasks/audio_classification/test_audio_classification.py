"""The whole way of a sound: files, two stages on a stored trunk, answers, exports."""

import base64
import dataclasses
import functools
import io
import json
import re
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from kft import __main__ as kft_main
from kft import demo, errors, tasks
from kft.config import AudioClassificationConfig, DemoConfig
from kft.data import sample
from kft.data.labels import LabelMap
from kft.evaluation import load_run
from kft.inference import find_model
from kft.model import split
from kft.tasks import grad_cam
from kft.training.fine_tune import fine_tune
from kft.training.monitoring.progress import SilentReporter
from tests import kept_weights, task_runs, yamnet_file

soundfile = pytest.importorskip("soundfile", reason="needs the extra audio")
sounds = pytest.importorskip("tests.sounds", reason="needs the extra audio")

STAGES = "head:10@0.1,top2:2@1e-3"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sounds")
    sounds.folder_of_tones(path / "tones")
    return path


def _config(folder: Path, name: str, **changes: object) -> AudioClassificationConfig:
    config = AudioClassificationConfig(
        dataset=f"folder:{folder / 'tones'}",
        weights="none",
        run_dir=str(folder / name),
        stages=STAGES,
        seconds=0.8,
        batch_size=8,
        clip_norm=1.0,
        warmup_fraction=0.0,
        export=(),
    )
    return dataclasses.replace(config, **changes)


@pytest.fixture(scope="module")
def train(folder: Path) -> task_runs.Train:
    return task_runs.once(functools.partial(_config, folder))


def test_two_stages_on_a_stored_trunk_tell_low_from_high(train) -> None:
    result = train()
    assert [stage.cached for stage in result.stages] == [True, True]
    assert result.validation["accuracy"] >= 0.9


@pytest.mark.slow
def test_a_stored_trunk_gives_the_weights_of_a_live_one(train) -> None:
    cached, live = train(), train(feature_cache="off")
    kept_weights.assert_close(cached.run_dir, live.run_dir, atol=1e-5)


@pytest.mark.slow
def test_yamnet_trains_on_stored_patches_as_on_live_ones(train, folder: Path) -> None:
    weights = yamnet_file.write(folder / "yamnet.h5", yamnet_file.numbers())
    plan = {
        "backbone": "YAMNet",
        "weights": str(weights),
        "seconds": 1.2,
        # Random numbers make features of hundreds.
        "stages": "head:2@1e-6,top1:2@1e-9",
        "warmup_fraction": 0.0,
    }
    cached = train(feature_cache="memory", **plan)
    live = train(feature_cache="off", **plan)
    assert [stage.cached for stage in cached.stages] == [True, True]
    kept_weights.assert_close(cached.run_dir, live.run_dir, atol=1e-5)


@pytest.mark.integration
def test_a_killed_run_goes_on_bit_by_bit(folder: Path) -> None:
    config = _config(folder, "killed", augment="shift@0.1,gain,noise,specaugment,mixup")
    whole = fine_tune(
        dataclasses.replace(config, run_dir=str(folder / "whole")),
        reporter=SilentReporter(),
    )
    task_runs.assert_goes_on(config, whole.run_dir)


@pytest.mark.integration
def test_two_devices_give_what_one_gives(train, folder: Path) -> None:
    alone = train()
    command = [
        sys.executable,
        *task_runs.command(_config(folder, "two"), "--devices=cpu:2"),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    kept_weights.assert_close(folder / "two", alone.run_dir, atol=1e-5)


def test_files_and_an_export_alone_are_answered(train, tmp_path, capsys) -> None:
    run_dir = train().run_dir
    low, high = sounds.tone(310, 0.9), sounds.tone(1480, 3.0, rate=44_100)
    (tmp_path / "a.wav").write_bytes(sounds.encoded(low, subtype="PCM_24"))
    stereo = np.stack([high, high], axis=1)
    (tmp_path / "b.wav").write_bytes(sounds.encoded(stereo, rate=44_100))
    (tmp_path / "c.wav").write_bytes(b"these are words")
    (tmp_path / "d.flac").write_bytes(sounds.encoded(low, kind="FLAC"))
    assert kft_main.dispatch(["export", f"--run_dir={run_dir}"]) == 0
    certificate = json.loads((run_dir / "export/parity.json").read_text())
    assert certificate["saved_model"]["passed"]
    assert certificate["saved_model"]["largest_difference"] < 1e-4
    capsys.readouterr()
    asked = (f"--run_dir={run_dir}", f"--model={run_dir}/export/saved_model")
    # An export reads WAV alone.
    for what, bad, flac in zip(asked, (1, 2), ("low", None), strict=True):
        with pytest.raises(SystemExit, match=f"{bad} of 4 files"):
            kft_main.dispatch(["predict", what, "--format=jsonl", str(tmp_path)])
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        labels = [
            (one["predictions"] or [{"label": None}])[0]["label"] for one in lines
        ]
        assert labels == ["low", "high", None, flac]
        assert lines[2]["error"]


def test_a_saved_model_takes_wav_files_and_needs_tensorflow_alone(train) -> None:
    run_dir = train().run_dir
    if not (run_dir / "export/saved_model").exists():
        kft_main.dispatch(["export", f"--run_dir={run_dir}"])
    path = run_dir.parent / "tones/high/3.wav"
    code = (
        "import sys, tensorflow as tf\n"
        f"model = tf.saved_model.load({str(run_dir / 'export/saved_model/1')!r})\n"
        f"wav = open({str(path)!r}, 'rb').read()\n"
        "answer = model.signatures['serving_default'](\n"
        "    wav_bytes=tf.constant([b'words', wav, wav[:99]]))\n"
        "print(*answer['class_name'].numpy(), *answer['valid'].numpy())\n"
        "assert not {'soundfile', 'soxr', 'kft'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    first, second, _, *valid = done.stdout.split()
    assert (first, second) == ("b''", "b'high'")
    assert valid == ["False", "True", "True"]


def test_people_hear_a_sound_and_see_where_the_network_listened(train) -> None:
    assert kft_main.dispatch(["report", f"--run_dir={train().run_dir}"]) == 0
    run = load_run.load(str(train().run_dir))
    sound = sounds.tone(300, 0.8, rate=16_000)
    shown = run.task.display.example_html(b"", sound)
    assert shown.startswith('<img src="data:image/png;base64,')
    assert "<audio controls" in shown
    content = base64.b64decode(re.search(r"audio/wav;base64,([^\"]+)", shown)[1])
    heard, rate = soundfile.read(io.BytesIO(content))
    assert rate == 16_000
    np.testing.assert_allclose(heard, sound, atol=1e-4)
    assert "where it listened" in run.task.display.explanation
    overlays = run.task.display.explain(
        run.network, [sound, -sound], targets=[0, 1], payloads=[]
    )
    assert [one[:11] for one in overlays] == ["<img style=", "<img style="]


@pytest.mark.slow
def test_in_a_browser_one_can_record_and_listen(train, browser, monkeypatch) -> None:
    # The sounds of the tests are so short that their feature map would be refused.
    monkeypatch.setattr(grad_cam, "LEAST_SIDE", 1)
    config = DemoConfig(run_dir=str(train().run_dir), port=0)
    with demo.server(config, find_model.chosen(config)) as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        thread.start()
        page = browser.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(server.address)
        page.click("#record")
        page.wait_for_selector("#record:text('Stop')")
        page.wait_for_timeout(1200)
        page.click("#record")
        page.wait_for_selector("meter")
        assert page.inner_text("h2") == "recording.wav"
        assert page.inner_text("#record") == "Record with the microphone"
        assert page.is_visible("article audio")
        assert page.is_visible(".explanation img")
        listened = "document.querySelector('article audio')"
        page.evaluate(f"{listened}.play()")
        assert page.evaluate(f"{listened}.duration") == pytest.approx(0.8, abs=0.01)
        server.shutdown()
        thread.join()
    assert problems == []


def test_a_preview_is_an_image_of_spectrograms(folder: Path) -> None:
    from PIL import Image

    task = tasks.get(_config(folder, "preview"), LabelMap(("high", "low")))
    one = sounds.tone(300, 0.8, rate=16_000)
    (folder / "preview.png").write_bytes(task.display.preview([one, one], ["a", "b"]))
    with Image.open(folder / "preview.png") as image:
        assert image.format == "PNG"


@pytest.mark.parametrize("windows", [1, 3])
def test_what_is_trained_on_is_what_is_answered(folder: Path, windows: int) -> None:
    config = _config(folder, "inputs", windows=windows, augment="shift@0.05")
    splits = tasks.load_splits(config)
    inputs = tasks.get(config, splits.labels).inputs
    chosen = sample.spread(splits.train, 4)
    loaded = np.stack(sample.load(chosen, inputs.preprocess(training=False)))
    assert loaded.shape == (4, 12_800 * windows)
    again = [
        inputs.preprocess(training=False)(
            tf.constant((folder / "tones" / str(name)).read_bytes()), tf.zeros([2])
        )
        for name in chosen.ids
    ]
    np.testing.assert_array_equal(loaded, again)
    augmented = np.stack(sample.load(chosen, inputs.preprocess(training=True)))
    assert np.abs(augmented - loaded).max() > 0.1


def test_a_bad_sound_is_named_or_skipped_and_silence_is_named(
    folder: Path, tmp_path: Path, caplog
) -> None:
    tones = sounds.folder_of_tones(tmp_path / "tones", count=8)
    (tones / "low" / "3.wav").write_bytes(b"these are words")
    muted = sounds.encoded(np.zeros(8_000, np.float32))
    (tones / "high" / "2.wav").write_bytes(muted)
    changes = {"dataset": f"folder:{tones}", "stages": "head:1@0.1"}
    config = _config(folder, "bad", **changes)
    with pytest.raises(errors.DataError, match=r"low/3.wav cannot be read: it cannot"):
        fine_tune(config, reporter=SilentReporter())
    skips = dataclasses.replace(
        config,
        run_dir=str(folder / "skips"),
        on_bad_audio="skip",
        max_bad_fraction=0.2,
    )
    result = fine_tune(skips, reporter=SilentReporter())
    assert "low/3.wav" in (result.run_dir / "bad_images.csv").read_text()
    said = "sounds are silence in all that is read of them (high/2.wav)"
    # Of both runs, before they read the bad one.
    assert caplog.text.count(said) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"seconds": 0.5}, "SpeechEmbedding reads 0.782 to 600 s, received 0.5"),
        ({"sample_rate": 8000}, "SpeechEmbedding reads 16000 samples per second"),
        ({"backbone": "SpeechEmbeding"}, "Did you mean SpeechEmbedding"),
        ({"augment": "flip"}, "--augment: expected names .* received 'flip'"),
        ({"augment": "mixup", "cached_views": 2}, "mixup of --augment needs two"),
        ({"backbone": "MobileNetV2", "windows": 2}, "MobileNetV2 reads one window"),
    ],
    ids=str,
)
def test_a_network_that_cannot_be_is_refused_before_it_starts(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    config = _config(folder, "refused", **changes)
    with pytest.raises(errors.ConfigError, match=message):
        tasks.kind(config.task).check(config)


def test_a_missing_package_is_named_with_its_extra(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    config = _config(folder, "missing")
    with pytest.raises(
        errors.ConfigError, match=r"soundfile.*pip install 'kft-keras\[audio"
    ):
        tasks.kind(config.task).check(config)


def test_a_network_of_images_reads_spectrograms(folder: Path, caplog) -> None:
    config = _config(folder, "image", backbone="MobileNetV2", stages="head:1@0.1")
    task = tasks.get(config, LabelMap(("high", "low")))
    network = task.network()
    one = sounds.tone(300, 0.8, rate=16_000)
    image = keras.Model(
        network.model.input, network.model.get_layer("spectrogram_image").output
    )(one[None])[0].numpy()
    assert image.shape == (96, 74, 3)
    assert image.min() >= 0 and image.max() == pytest.approx(255)
    # Low tones are at the bottom.
    assert image[..., 0].mean(axis=1).argmax() > 75
    assert network.model(one[None]).shape == (1, 2)
    split.split_at(network.model, network.anchor(2))
    tasks.kind(config.task).check(
        dataclasses.replace(config, weights="pretrained", stages="head:1@0.1")
    )
    assert "knows nothing of speech" in caplog.text
