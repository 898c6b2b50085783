"""Flagfiles: what is written, and how files are read."""

import dataclasses
from pathlib import Path

import pytest

from kft import config, errors
from kft.config import TrainConfig, fields, flagfile
from kft.config.fields import option


def _expand(*arguments: str) -> flagfile.Arguments:
    return flagfile.expand(arguments, switches=("nesterov",))


def _write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("a", fields.FieldType(str, False, None), "a"),
        ("none", fields.FieldType(str, False, None), "none"),
        ("none", fields.FieldType(str, True, None), None),
        ("None", fields.FieldType(int, True, None), None),
        (" 7 ", fields.FieldType(int, False, None), 7),
        ("1e-2", fields.FieldType(float, False, None), 0.01),
        ("True", fields.FieldType(bool, False, None), True),
        ("0", fields.FieldType(bool, False, None), False),
        ("Auto", fields.FieldType(int, False, None, ("auto",)), "auto"),
        ("8", fields.FieldType(int, False, None, ("auto",)), 8),
        ("", fields.FieldType(tuple, False, None), ()),
        ("a, b", fields.FieldType(tuple, False, None), ("a", "b")),
    ],
)
def test_a_text_becomes_a_value(
    text: str, kind: fields.FieldType, value: object
) -> None:
    assert flagfile.parse_value(text, kind) == value


@pytest.mark.parametrize(
    ("text", "base", "message"),
    [
        ("1.5", int, "expected a whole number, received '1.5'"),
        ("", int, "expected a whole number, received ''"),
        ("fast", float, "expected a number, received 'fast'"),
        ("yes", bool, "expected true or false, received 'yes'"),
    ],
)
def test_a_text_of_the_wrong_type_is_refused(
    text: str, base: type, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        flagfile.parse_value(text, fields.FieldType(base, False, None))


def test_a_flagfile_explains_every_flag_above_it() -> None:
    lines = flagfile.format_flagfile(TrainConfig()).split("\n")
    for field in dataclasses.fields(TrainConfig):
        place = next(i for i, t in enumerate(lines) if t.startswith(f"--{field.name}="))
        assert lines[place - 1].startswith("# ")
        assert lines[place - 1].endswith(field.metadata["help"].split()[-1])
    assert max(map(len, lines)) <= 88


def test_a_name_with_a_comma_can_not_be_written() -> None:
    with pytest.raises(errors.ConfigError, match="--export: .* cannot be written"):
        flagfile.format_flagfile(TrainConfig(export=("a,b",)))


def test_fields_are_grouped_by_the_class_that_declares_them() -> None:
    grouped = flagfile.groups(TrainConfig)
    names = [field.name for _, part in grouped for field in part]
    assert sorted(names) == sorted(f.name for f in dataclasses.fields(TrainConfig))
    assert grouped[0][0] == config.DataConfig.__doc__.split("\n")[0].rstrip(".")
    assert grouped[-1][0] == config.ImageOptions.__doc__.split("\n")[0].rstrip(".")
    run_options = grouped[0][1], grouped[-4][1]
    assert [part[0].name for part in run_options] == ["task", "recipe"]


def test_what_a_subclass_declares_anew_is_there_once() -> None:
    names = [field.name for _, part in flagfile.groups(TrainConfig) for field in part]
    assert names.count("dataset") == names.count("backbone") == 1
    assert names.index("dataset") == 1


def test_a_default_that_a_subclass_changes_is_that_of_the_subclass() -> None:
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Larger(config.ImageOptions):
        """Larger batches."""

        batch_size: int = option(64, "Larger.", minimum=1)

    grouped = {f.name: title for title, part in flagfile.groups(Larger) for f in part}
    assert len(grouped) == len(dataclasses.fields(Larger))
    assert "--batch_size=64\n" in flagfile.format_flagfile(Larger())


def test_arguments_without_a_flagfile_stay_as_they_are() -> None:
    arguments = ("--batch_size", "3", "file.jpg", "--", "--flagfile=x")
    assert _expand(*arguments) == flagfile.Arguments(arguments, {})


def test_lines_stand_where_the_file_is_named(tmp_path: Path) -> None:
    path = _write(
        tmp_path / "a.cfg",
        "# a comment",
        "   # an indented comment",
        "// another",
        "",
        "  --batch_size=8  ",
        "--nesterov",
        "--dataset=folder:a b#c",
    )
    expanded = _expand("--seed=1", f"--flagfile={path}", "--seed=2")
    assert expanded.values == (
        "--seed=1",
        "--batch_size=8",
        "--nesterov",
        "--dataset=folder:a b#c",
        "--seed=2",
    )
    assert expanded.origins["batch_size"] == f"{path}, line 5"


@pytest.mark.parametrize("value", ["folder:batch #3", 'a "b" #c', '"a #b"', "#1 # 2"])
def test_a_value_that_looks_like_a_comment_comes_back_out_of_quotes(
    tmp_path: Path, value: str
) -> None:
    text = flagfile.format_flagfile(TrainConfig(dataset=value))
    assert f'--dataset="{value}"\n' in text
    path = tmp_path / "a.cfg"
    path.write_text(text)
    assert f"--dataset={value}" in _expand(f"--flagfile={path}").values


def test_quotes_around_other_values_belong_to_them(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.cfg", '--dataset="folder:x"')
    assert _expand(f"--flagfile={path}").values == ('--dataset="folder:x"',)


def test_the_file_may_be_an_argument_of_its_own(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.cfg", "--seed=3")
    assert _expand("--flagfile", str(path)).values == ("--seed=3",)
    assert _expand("-flagfile", str(path)).values == ("--seed=3",)


def test_a_flag_of_the_command_line_has_no_origin_in_a_file(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.cfg", "--seed=3", "--batch_size=1")
    expanded = _expand(f"--flagfile={path}", "--seed", "4")
    assert expanded.origins == {"batch_size": f"{path}, line 2"}


def test_a_nested_flagfile_is_relative_to_the_file_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path / "configs" / "base.cfg", "--seed=3")
    top = _write(tmp_path / "configs" / "top.cfg", "--flagfile=base.cfg", "--epochs=1")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert _expand(f"--flagfile={top}").values == ("--seed=3", "--epochs=1")


def test_a_tilde_is_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    _write(tmp_path / "a.cfg", "--seed=3")
    assert _expand("--flagfile=~/a.cfg").values == ("--seed=3",)


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    path.write_bytes(b"\xef\xbb\xbf# first\r\n--seed=3\r\n--dataset=x\r\n")
    assert _expand(f"--flagfile={path}").values == ("--seed=3", "--dataset=x")


def _problem(*arguments: str) -> str:
    with pytest.raises(errors.ConfigError) as caught:
        _expand(*arguments)
    return str(caught.value)


@pytest.mark.parametrize("line", ["batch_size=3", "3", "-", "--", "--batch_size"])
def test_a_line_that_is_no_flag_is_named_with_its_number(
    tmp_path: Path, line: str
) -> None:
    path = _write(tmp_path / "a.cfg", "", line, "--seed=3")
    assert _problem(f"--flagfile={path}").startswith(
        f"{path}, line 2: expected --name=value"
    )


def test_name_and_value_belong_on_one_line_with_an_equals_sign(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.cfg", "--batch_size 3")
    assert "received '--batch_size 3'" in _problem(f"--flagfile={path}")


def test_files_that_read_each_other_are_refused(tmp_path: Path) -> None:
    _write(tmp_path / "a.cfg", "--flagfile=b.cfg")
    _write(tmp_path / "b.cfg", "--flagfile=a.cfg")
    assert "a.cfg reads itself" in _problem(f"--flagfile={tmp_path}/a.cfg")


def test_files_within_files_without_end_are_refused(tmp_path: Path) -> None:
    _write(tmp_path / "0.cfg", "--seed=1")
    for number in range(1, 1200):
        _write(tmp_path / f"{number}.cfg", f"--flagfile={number - 1}.cfg")
    assert "expected fewer" in _problem(f"--flagfile={tmp_path}/1199.cfg")
    assert flagfile.expand([f"--flagfile={tmp_path}/50.cfg"], switches=()).values


def test_a_file_that_reads_itself_under_another_name_is_refused(
    tmp_path: Path,
) -> None:
    path = _write(tmp_path / "a.cfg", "--flagfile=b/../c/a.cfg")
    (tmp_path / "b").mkdir()
    (tmp_path / "c").symlink_to(tmp_path)
    assert "reads itself" in _problem(f"--flagfile={path}")


def test_one_file_may_be_read_twice(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.cfg", "--seed=3")
    assert _expand(*[f"--flagfile={path}"] * 2).values == ("--seed=3",) * 2


def test_a_missing_file_gets_the_near_name(tmp_path: Path) -> None:
    _write(tmp_path / "flowers.cfg", "--seed=3")
    message = _problem(f"--flagfile={tmp_path}/flower.cfg")
    assert message.endswith("Did you mean flowers.cfg?")


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    message = _problem(f"--flagfile={tmp_path}/nowhere/a.cfg")
    assert f"There is no folder {tmp_path}/nowhere either." in message


def test_a_missing_nested_file_says_what_paths_are_relative_to(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.cfg", "--flagfile=configs/b.cfg")
    assert f"named in {path}; paths are relative to it" in _problem(
        f"--flagfile={path}"
    )


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x80abc"])
def test_a_file_that_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.cfg"
    path.write_bytes(content)
    assert "cannot be read as text" in _problem(f"--flagfile={path}")


@pytest.mark.parametrize("name", ["~nobody-has-this-name/a", "a\0b", "x" * 5000])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    assert _problem(f"--flagfile={name}").startswith("--flagfile: ")


def test_a_link_that_points_to_itself_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.cfg"
    path.symlink_to(path)
    assert _problem(f"--flagfile={path}").startswith("--flagfile: ")


def test_a_folder_is_no_flagfile(tmp_path: Path) -> None:
    assert "cannot be read as text" in _problem(f"--flagfile={tmp_path}")


def test_a_flagfile_without_a_file_is_refused() -> None:
    assert _problem("--flagfile") == "--flagfile: expected a file after it."
    assert _problem("--flagfile=").startswith("--flagfile: ")


def test_the_flagfile_of_a_run_is_about_the_folder_in_which_it_lies(
    tmp_path: Path,
) -> None:
    flags = tmp_path / "flags.cfg"
    flags.write_text("--run_dir=before\n--seed=3\n")
    kept = flagfile.expand([f"--flagfile={flags}"], switches=())
    assert kept.values == ("--run_dir=before", "--seed=3")
    (tmp_path / "config.json").touch()
    moved = flagfile.expand([f"--flagfile={flags}"], switches=())
    assert moved.values == (f"--run_dir={tmp_path}", "--seed=3")
    elsewhere = [f"--flagfile={flags}", "--run_dir=elsewhere"]
    assert flagfile.expand(elsewhere, switches=()).values[-1] == "--run_dir=elsewhere"
