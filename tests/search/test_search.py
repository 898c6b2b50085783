"""What a search runs, keeps, repeats and refuses; the runs themselves are played."""

import csv
import itertools
import json

import pytest

from kft import errors, tasks
from kft.cli.flags import parse as parse_flags
from kft.config import TrainConfig
from kft.search import search_dir
from kft.training.monitoring import signals as monitoring_signals
from tests.search.conftest import tiny_splits


def rates(played):
    return [config.learning_rate for config in played.configs]


def test_a_random_search_tries_new_values_and_keeps_the_best(search_tiny, played):
    outcome = search_tiny()
    assert len(set(rates(played))) == len(played.configs) == 6
    assert all(1e-3 <= rate <= 1 for rate in rates(played))
    assert outcome.best.values == {"learning_rate": max(rates(played))}
    assert outcome.config.learning_rate == max(rates(played))
    assert outcome.config.run_dir.endswith(f"best-{outcome.best.number:04d}")


@pytest.mark.parametrize("tuner", ["random", "bayesian"])
def test_the_settings_as_they_are_come_first(search_tiny, played, tuner, tmp_path):
    space = "stages.head.learning_rate=log:1e-3..1,stages.head.epochs=int:1..5"
    search_tiny(tuner=tuner, stages="head:3@0.03", space=space, trials=2)
    assert played.configs[0].stages == "head:3@0.03"
    assert played.configs[1].stages != "head:3@0.03"
    played.configs.clear()
    # As they are, they are not in this space.
    space = "stages.head.learning_rate=log:1e-1..1"
    folder = str(tmp_path / "other")
    search_tiny(stages="head:3@0.03", space=space, trials=1, search_dir=folder)
    assert played.configs[0].stages != "head:3@0.03"


def test_a_search_goes_on_where_a_file_of_its_flags_lies_elsewhere(
    search_tiny, played, tmp_path
):
    first, moved, other = (tmp_path / name for name in ("a.h5", "b.h5", "c.h5"))
    first.write_bytes(b"weights")
    search_tiny(trials=1, weights=str(first))
    first.rename(moved)
    other.write_bytes(b"others")
    with pytest.raises(errors.RunDirError, match=r"--weights: .*a\.h5 -> .*c\.h5"):
        search_tiny(trials=2, weights=str(other))
    search_tiny(trials=2, weights=str(moved))
    assert [config.weights for config in played.configs] == [str(first), str(moved)]


@pytest.mark.parametrize("spelled", ["", "./"])
def test_a_search_does_not_go_on_with_what_a_file_of_its_flags_holds_since(
    search_tiny, played, tmp_path, monkeypatch, spelled
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.h5").write_bytes(b"weights")
    search_tiny(trials=1, weights="my.h5")
    (tmp_path / "my.h5").write_bytes(b"others")
    with pytest.raises(errors.RunDirError, match="--weights: .*my.h5 as it was -> as"):
        search_tiny(trials=2, weights=f"{spelled}my.h5")
    assert len(played.configs) == 1


def test_a_trial_has_a_folder_of_its_own_and_no_export(search_tiny, played, tmp_path):
    search_tiny(trials=2)
    folders = [config.run_dir for config in played.configs]
    assert folders == [str(tmp_path / "search/trials" / n) for n in ("0000", "0001")]
    assert {config.export for config in played.configs} == {()}


def test_the_seed_decides_what_is_tried(search_tiny, played, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        search_tiny(trials=3, seed=seed, search_dir=str(tmp_path / name))
    a, b, c = rates(played)[:3], rates(played)[3:6], rates(played)[6:]
    assert a == b
    # The first trial has the settings as they are.
    assert not set(a[1:]) & set(c[1:])


def test_searches_with_neighbouring_seeds_try_different_values(
    search_tiny, played, tmp_path
):
    tried = []
    for seed in range(3):
        played.configs.clear()
        search_tiny(trials=12, seed=seed, search_dir=str(tmp_path / str(seed)))
        tried.append(set(rates(played)[1:]))
    assert [len(values) for values in tried] == [11, 11, 11]
    # Three digits may be the same by chance.
    pairs = itertools.combinations(tried, 2)
    assert all(len(one & other) <= 1 for one, other in pairs)


def test_a_grid_runs_every_combination_once(search_tiny, played):
    played.curve = lambda config: [0.5]
    space = "dropout=choice:0|0.2,stages.head.epochs=int:1..3,momentum=linear:0..0.8/2"
    search_tiny(tuner="grid", trials=None, space=space)
    tried = [(c.dropout, c.stages, c.momentum) for c in played.configs]
    stages = ["head:1", "head:2", "head:3"]
    assert tried == list(itertools.product([0.0, 0.2], stages, [0.0, 0.8]))


def test_a_grid_without_an_end_is_refused(search_tiny):
    with pytest.raises(errors.ConfigError, match="learning_rate=log:0.001..1.0/4 has"):
        search_tiny(tuner="grid")


def test_bayesian_search_repeats_no_values_and_comes_close_to_the_peak(
    search_tiny, played
):
    played.curve = lambda config: [1 - abs(config.dropout - 0.6)] * 3
    outcome = search_tiny(tuner="bayesian", trials=12, space="dropout=linear:0..0.95")
    assert abs(outcome.best.values["dropout"] - 0.6) < 0.03
    assert len({config.dropout for config in played.configs}) == 12
    played.configs.clear()
    outcome = search_tiny(
        tuner="bayesian",
        trials=12,
        space="dropout=choice:0|0.1|0.2|0.3",
        search_dir=f"{outcome.search.path}-choice",
    )
    # All of the space, and then an end.
    assert sorted(c.dropout for c in played.configs) == [0, 0.1, 0.2, 0.3]


def test_hyperband_gives_few_epochs_to_many_and_all_to_the_best(search_tiny, played):
    outcome = search_tiny(
        tuner="hyperband", trials=None, stages="head:3@0.1,all:6", prune="median"
    )
    stages = [(c.stages, c.learning_rate) for c in played.configs]
    cheap = [rate for text, rate in stages if text == "head:1@0.1,all:1"]
    whole = [rate for text, rate in stages if text == "head:3@0.1,all:6"]
    assert len(cheap) > len(whole) > 0
    # The best of those with a ninth of the epochs got three ninths, then all.
    assert {max(cheap)} <= {r for text, r in stages if text == "head:1@0.1,all:2"}
    assert max(cheap) in whole
    assert {r.status for r in outcome.records} == {"finished"}


def test_in_hyperband_a_failure_counts_as_the_worst_of_its_round(search_tiny, played):
    def curve(config):
        if len(played.configs) == 1:
            raise errors.NotFiniteError("The loss is not finite.")
        return [config.learning_rate / 10]

    played.curve = curve
    search_tiny(tuner="hyperband", trials=13, stages="head:9")
    stages = [config.stages for config in played.configs]
    # The first bracket is as if nothing had failed.
    assert [stages.count(f"head:{n}") for n in (1, 3, 9)] == [9, 3, 1]


def test_a_hyperband_that_gives_nobody_all_epochs_is_refused(search_tiny):
    rounds = {"tuner": "hyperband", "stages": "head:9"}
    with pytest.raises(errors.ConfigError, match=r"9 \+ 3 \+ 1 = 13 trials"):
        search_tiny(trials=12, **rounds)
    with pytest.raises(errors.ConfigError, match="9 different trials, and .* has 3"):
        search_tiny(trials=None, space="dropout=choice:0|0.1|0.2", **rounds)


def test_two_values_that_exclude_each_other_are_found_before_the_search(search_tiny):
    space = "optimizer=choice:sgd|adam,momentum=linear:0..0.95"
    with pytest.raises(errors.ConfigError, match="optimizer=adam  momentum=0"):
        search_tiny(space=space)


def test_values_that_only_go_together_are_searched_together(search_tiny, played):
    played.curve = lambda config: [0.5]
    space = "augment=choice:flip|standard,cached_views=choice:2|4"
    search_tiny(space=space, tuner="grid", trials=None)
    assert len(played.configs) == 4


def test_a_finished_search_says_so_to_whoever_comes_late(search_tiny, played):
    outcome = search_tiny(trials=2)
    state = json.loads(outcome.search.oracle_json.read_text())
    assert (state["is_complete"], state["max_trials"]) == (True, 2)
    assert state["oracle"]["retry_queue"] == []


def test_a_damaged_state_is_named(search_tiny, played):
    outcome = search_tiny(trials=2)
    outcome.search.oracle_json.write_text('{"oracle": {}}')
    with pytest.raises(errors.RunDirError, match="oracle.json is damaged"):
        search_tiny(trials=3)


def test_a_failure_is_recorded_and_the_search_goes_on(search_tiny, played):
    def curve(config):
        if len(played.configs) == 2:
            raise errors.NotFiniteError("The loss is not finite.")
        return [0.5]

    played.curve = curve
    outcome = search_tiny(trials=4)
    assert [r.status for r in outcome.records].count("failed") == 1
    assert outcome.records[1].message == "The loss is not finite."
    assert outcome.records[1].validation == {}
    assert len(played.configs) == 4


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), errors.RunDirError("disk full"), KeyboardInterrupt()]
)
def test_what_is_not_the_values_fault_stops_the_search(search_tiny, played, error):
    good = played.curve

    def curve(config):
        if len(played.configs) == 3:
            raise error
        return good(config)

    played.curve = curve
    with pytest.raises(type(error)):
        search_tiny()
    before = rates(played)
    assert len(before) == 3
    outcome = search_tiny()
    # What had ended is not run again; what was cut off comes first, then the rest.
    assert rates(played)[3] == before[2]
    assert len(rates(played)[3:]) == 4
    assert len(set(rates(played))) == 6 == len(outcome.records)


def test_the_same_command_on_a_finished_search_runs_nothing(search_tiny, played):
    first = search_tiny()
    assert search_tiny() == first
    assert len(played.configs) == 6


@pytest.mark.parametrize("tuner", ["random", "grid"])
def test_more_trials_go_on_with_a_finished_search(search_tiny, played, tuner):
    space = "learning_rate=log:1e-3..1/9"
    search_tiny(tuner=tuner, trials=4, space=space)
    search_tiny(tuner=tuner, trials=9, space=space)
    assert len(set(rates(played))) == len(played.configs) == 9


def test_a_signal_stops_between_trials(search_tiny, played, monkeypatch):
    signals = monitoring_signals.Signals()
    monkeypatch.setattr(monitoring_signals, "Signals", lambda: signals)

    def curve(config):
        signals.handle(15, None)
        return [0.5]

    played.curve = curve
    with pytest.raises(errors.Interrupted):
        search_tiny()
    assert len(played.configs) == 1


def test_a_trial_whose_record_is_there_is_not_run_again(search_tiny, played):
    outcome = search_tiny(trials=2)
    # As a kill between the record and the oracle's state leaves it.
    path = outcome.search.oracle_json
    state = json.loads(path.read_text())
    state["oracle"]["ongoing_trials"] = {"alone": "1"}
    state["trials"]["1"].update(status="RUNNING", score=None)
    path.write_text(json.dumps(state))
    assert search_tiny(trials=3).records[:2] == outcome.records
    assert len(played.configs) == 3


def test_failures_alone_end_the_search(search_tiny, played):
    def curve(config):
        raise errors.TrainingError("Out of memory.")

    played.curve = curve
    with pytest.raises(errors.TrainingError, match="5 trials in a row .* Out of mem"):
        search_tiny(trials=12)
    assert len(played.configs) == 5


def test_other_flags_are_refused_with_the_difference(search_tiny, played):
    search_tiny()
    changes = {
        "space": "learning_rate=log:1e-3..10",
        "tuner": "grid",
        "pooling": "max",
        "export": ("litert",),
    }
    for name, value in changes.items():
        changed = {"space": "learning_rate=log:1e-3..1/3"} if name == "tuner" else {}
        with pytest.raises(errors.RunDirError, match=f"--{name}: .* -> "):
            search_tiny(**{**changed, name: value})
    search_tiny(train_best=False)


def test_other_data_is_refused(search_tiny, played, monkeypatch):
    search_tiny()
    monkeypatch.setattr(tasks, "load_splits", lambda config: tiny_splits("grown"))
    with pytest.raises(errors.RunDirError, match=r"the data: .* \(tiny -> grown\)"):
        search_tiny()


def test_a_folder_of_something_else_is_refused(search_tiny, played, tmp_path):
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "thesis.tex").touch()
    with pytest.raises(errors.RunDirError, match="no search folder .*thesis.tex"):
        search_tiny()


def test_a_hopeless_trial_ends_early_and_can_not_win(search_tiny, played):
    def curve(config):
        if len(played.configs) == 5:
            return [0.3, 0.3, 0.9]
        return [0.5, 0.6, 0.7]

    played.curve = curve
    outcome = search_tiny()
    fifth = outcome.records[4]
    assert (fifth.status, fifth.epochs) == ("pruned", 1)
    assert fifth.validation == {"accuracy": 0.3, "loss": 1.0}
    assert fifth.message == "after 1 of 3 epochs below the median of the others"
    assert outcome.best.validation["accuracy"] == 0.7


def test_without_pruning_every_trial_runs_to_its_end(search_tiny, played):
    played.curve = lambda config: [0.9 if len(played.configs) < 5 else 0.1] * 3
    outcome = search_tiny(prune="off")
    assert [record.epochs for record in outcome.records] == [3] * 6


def test_trials_name_their_features_so_that_another_folder_of_work_finds_them(
    search_tiny, played, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    search_tiny(search_dir="search", trials=1)
    (config,) = played.configs
    assert config.cache_dir == str(tmp_path / "search" / "features")


def test_best_cfg_is_the_winner_as_a_flagfile(search_tiny, played):
    outcome = search_tiny()
    found = parse_flags(TrainConfig, [f"--flagfile={outcome.search.best_cfg}"])
    assert found.config == outcome.config
    assert found.config.export == ("saved_model",)
    assert found.config.cache_dir is None


def test_trials_csv_has_a_line_for_each_trial(search_tiny, played):
    outcome = search_tiny()
    with open(outcome.search.trials_csv, newline="") as file:
        lines = list(csv.DictReader(file))
    assert [float(line["learning_rate"]) for line in lines] == rates(played)
    assert [float(line["val_accuracy"]) for line in lines] == rates(played)


def test_the_folder_of_a_search_is_beside_that_of_the_run():
    from kft.config import TuneConfig

    named = TuneConfig(run_dir="runs/mine")
    assert str(search_dir.at(named).path) == "runs/mine-search"
    unnamed = TuneConfig(dataset="digits", backbone="ResNet50")
    assert str(search_dir.at(unnamed).path) == "runs/digits-ResNet50-search"
