"""Advice at the end of messages."""

import pytest

from kft import errors


def test_a_typo_gets_the_near_names() -> None:
    advice = errors.closest("resnet5O", ["ResNet50", "VGG16"])
    assert advice == "Did you mean ResNet50?"


def test_case_does_not_matter_and_the_real_spelling_is_shown() -> None:
    assert errors.closest("VGG16", ["vgg16"]) == "Did you mean vgg16?"


def test_a_few_options_are_all_listed_when_none_is_near() -> None:
    assert errors.closest("xyz", ["adam", "sgd"]) == "Possible values: adam, sgd."


def test_many_options_are_cut_and_counted() -> None:
    options = [f"option{number}" for number in range(40)]
    advice = errors.closest("?", options, most=2)
    assert advice == "Possible values: option0, option1, ... (40 in all)."


def test_none_are_listed_where_only_near_names_are_wanted() -> None:
    assert errors.closest("?", ["option0", "option1"], most=0) == ""


@pytest.mark.parametrize("name", ["", "x", "x" * 1000])
def test_advice_on_no_options_is_empty(name: str) -> None:
    assert errors.closest(name, []) == ""


def test_a_message_of_any_length_can_be_read() -> None:
    assert str(errors.DataError("short")) == "short"
    text = str(errors.DataError(f"begin{'x' * 100_000}end"))
    assert len(text) < 10_100
    assert text.startswith("beginx") and text.endswith("xend")
    assert "(90,008 characters)" in text


def test_a_part_of_a_name_gets_the_names_that_have_it() -> None:
    options = ["image_classification", "audio_classification", "WhisperTiny"]
    assert errors.closest("audio", options) == "Did you mean audio_classification?"
    assert errors.closest("whisper", options) == "Did you mean WhisperTiny?"
    assert errors.closest("io", options, most=0) == ""
