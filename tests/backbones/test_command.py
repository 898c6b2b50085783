import typing
from pathlib import Path

from kft import tasks
from kft.backbones import __main__ as command
from kft.backbones.audio import audio_backbone, speech_backbone
from kft.backbones.image import image_table
from kft.backbones.text import text_backbone
from tests import own_networks


def test_names_that_count_up_become_one() -> None:
    names = ["mixed_5b", "block35_9", "block35_10", "block2a", "block2b", "block4a"]
    assert command.runs(names) == [
        "mixed_5b",
        "block35_9..10",
        "block2a..b",
        "block4a",
    ]


def test_the_list_has_every_backbone_and_is_quick(run_kft, nothing_heavy) -> None:
    done = run_kft("backbones", env=nothing_heavy)
    assert done.returncode == 0, done.stderr
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.strip()}
    assert set(image_table.BACKBONES) <= listed


def test_one_backbone_is_listed_with_every_cut(run_kft) -> None:
    done = run_kft("backbones", "--backbone=NASNetLarge")
    words = set(done.stdout.replace(",", " ").split())
    assert set(image_table.get("NASNetLarge").blocks.names) <= words
    assert "84" in done.stdout.replace(",", " ").split()


def test_an_own_network_is_listed_with_what_its_blocks_read(
    run_kft, tmp_path: Path, nothing_heavy
) -> None:
    own_networks.residual().save(tmp_path / "mine.keras")
    path = f"--backbone={tmp_path / 'mine.keras'}"
    done = run_kft("backbones", path, env=nothing_heavy)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "input: 32 pixels" in lines
    for block, layer in own_networks.BLOCKS.items():
        assert f"{block}: above {layer}" in lines


def test_networks_of_texts_are_listed_with_license_and_source(run_kft) -> None:
    done = run_kft("backbones", "--task=text_classification")
    assert done.returncode == 0, done.stderr
    for backbone in text_backbone.BACKBONES.values():
        line = next(x for x in done.stdout.splitlines() if backbone.name in x)
        assert backbone.license in line
        assert f"{backbone.parameters / 1e6:.1f} M" in line
        assert f"layer_1..{backbone.layers}" in line
    assert backbone.package.name in " ".join(done.stdout.split())
    wrong = run_kft("backbones", "--task=text_classification", "--backbone=MiniLM")
    assert wrong.returncode == 2
    assert "Did you mean MiniLM-L6" in wrong.stderr


def test_the_networks_of_sounds_are_listed(run_kft) -> None:
    done = run_kft("backbones", "--task=audio_classification")
    assert done.returncode == 0, done.stderr
    for backbone in audio_backbone.BACKBONES.values():
        line = next(x for x in done.stdout.splitlines() if backbone.name in x)
        assert f"{backbone.parameters / 1e6:.2f} M" in line
        assert backbone.license in line
        assert f"{backbone.blocks.names[0]}..{len(backbone.blocks.names)}" in line
    alone = ("--task=audio_classification", "--backbone=MobileNetV2")
    assert "ImageNet" in run_kft("backbones", *alone).stdout
    wrong = run_kft("backbones", alone[0], "--backbone=SpeechEmbeding")
    assert wrong.returncode == 2
    assert "Did you mean SpeechEmbedding" in wrong.stderr


def test_recognisers_of_speech_are_listed(run_kft) -> None:
    done = run_kft("backbones", "--task=speech_recognition")
    assert done.returncode == 0, done.stderr
    for backbone in speech_backbone.BACKBONES.values():
        line = next(x for x in done.stdout.splitlines() if backbone.name in x)
        assert f"{backbone.parameters / 1e6:.2f} M" in line
        assert backbone.license in line


def test_every_task_has_its_list() -> None:
    named = typing.get_args(typing.get_type_hints(command.BackbonesConfig)["task"])
    assert set(named) == set(command.LISTS) == set(tasks.TASKS)


def test_an_unknown_backbone_is_a_mistake_not_a_crash(run_kft) -> None:
    done = run_kft("backbones", "--backbone=Resnet51")
    assert done.returncode == 2
    assert "Did you mean ResNet50" in done.stderr
    assert "Traceback" not in done.stderr
