"""The named experiments: they hold what the projects that they replay told about themselves, and every one of them runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from counted import count_parameters

from core import models
from core.cli.app import main
from core.config import RunConfig
from core.data.dataset import Dataset
from core.data.kaggle import COLUMNS
from core.data.split import split
from core.engine import machine_kind
from core.engine.machine_kind import MachineKind
from core.engine.snapshots import planned_snapshots
from core.errors import ConfigError
from core.experiments import presets
from core.experiments.presets import KINDS, PRESETS
from core.experiments.recipes import BEST
from core.experiments.reference_runs import ZOO
from core.fields import settings

REPLAYS = [name for name, preset in PRESETS.items() if preset.kind == "replay"]


def only(name: str) -> RunConfig:
    """The config of a preset of one run."""
    (config,) = PRESETS[name].configs()
    return config


def values_of(name: str, *names: str) -> list[Any]:
    values = only(name).flat()
    return [values[setting] for setting in names]


def test_the_first_look_says_how_many_images_it_learns_from(digits: Dataset) -> None:
    n_bytes = 0
    for config in PRESETS["first-look"].configs():
        assert f"the same {len(split(digits, config.data).train):,} images" in PRESETS["first-look"].sentence
        n_params = models.get(config.architecture).n_params(config.model)
        n, size = planned_snapshots(config, len(digits.train_labels), n_params)
        assert n >= 8, "there is something to go back through from the first experiment on"
        n_bytes += size
    assert n_bytes <= 10_000_000


def test_no_two_presets_share_an_id() -> None:
    assert len({one.id for one in presets._ALL}) == len(presets._ALL)
    assert list(PRESETS) == [one.id for one in presets._ALL]


def test_a_preset_reads_like_a_sentence_and_belongs_to_a_group() -> None:
    for name, preset in PRESETS.items():
        assert preset.kind in KINDS, name
        assert preset.sentence[0].isupper() or preset.sentence[0].isdigit(), name
        assert preset.sentence.endswith((".", "?")), name
        assert bool(preset.published) == bool(preset.difference), f"{name}: another's figure needs its caveat"
        assert not preset.published.endswith("."), f"{name}: it is a part of a sentence"
        assert preset.difference.endswith(".") or not preset.difference, name


def test_a_preset_gives_valid_configs_that_differ_in_nothing_but_what_they_compare() -> None:
    for name, preset in PRESETS.items():
        configs = preset.configs()
        assert len(set(configs)) == len(configs), name
        assert len({config.training for config in configs}) == 1, f"{name}: trained alike"
        with_a_seed = preset.configs(seed=4)
        assert len({config.data.model_dump_json() for config in with_a_seed}) == 1, f"{name}: on the same split"
        assert {config.training.seed for config in with_a_seed} == {4}, name


def test_the_baselines_are_those_that_were_published() -> None:
    assert values_of("fc-baseline", "widths", "optimizer", "lr", "batch_size", "epochs") == [
        (128, 64),
        "adam",
        0.001,
        64,
        5,
    ]
    assert values_of("cnn-baseline", "channels", "widths", "epochs") == [(32, 64), (128, 64), 5]
    assert (PRESETS["fc-baseline"].published, PRESETS["cnn-baseline"].published) == (
        "97.42 % on the 10,000 test images, one run", "98.88 % on the 10,000 test images, one run",
    )  # fmt: skip


def test_softmax_meets_one_hidden_layer_under_plain_sgd() -> None:
    configs = PRESETS["softmax-vs-hidden"].configs()
    assert [config.architecture for config in configs] == ["softmax", "mlp", "mlp"]
    assert {(config.training.optimizer, config.training.batch_size) for config in configs} == {("sgd", 128)}
    assert {config.data.val_fraction for config in configs} == {1 / 6}


def test_the_dense_pair_learns_from_the_same_images_and_differs_as_told() -> None:
    data = ("dataset", "normalisation", "val_fraction", "split_seed")
    assert values_of("keras-dense", *data)[:3] == ["kaggle", "unit", 0.2]
    assert values_of("keras-dense", *data) == values_of("torch-dense", *data)
    assert values_of("keras-dense", "batch_size", "epochs", "shuffle", "widths") == [80, 80, True, (128, 64)]
    assert values_of("torch-dense", "batch_size", "shuffle", "widths") == [20, False, (128, 64)]
    assert (only("keras-dense").architecture, only("torch-dense").architecture) == ("keras-dense", "mlp")


def test_the_three_networks_on_kaggles_digits_are_trained_on_one_split() -> None:
    configs = [only(name) for name in ("kaggle-ann", "kaggle-cnn", "kaggle-rnn")]
    assert [config.architecture for config in configs] == ["mlp", "cnn", "rnn"]
    assert {config.data.dataset for config in configs} == {"kaggle"}
    assert len({config.data for config in configs}) == 1
    assert configs[0].training == configs[1].training
    assert configs[2].training.lr == 10 * configs[0].training.lr, "the one that its author called unstable"


def test_the_film_network_meets_tiny_vgg() -> None:
    dense, convolutional = PRESETS["fc-vs-tinyvgg"].configs()
    assert (dense.architecture, convolutional.architecture) == ("mlp", "tinyvgg")
    assert count_parameters(dense) == 785 * 16 + 17 * 16 + 17 * 10


def test_the_best_training_of_an_architecture_is_called_like_it() -> None:
    best = [preset for preset in PRESETS.values() if preset.kind == "best"]
    assert {preset.id: preset.runs[0][0] for preset in best} == {
        f"best-{name}": recipe.architecture for name, recipe in BEST.items()
    }
    for name, recipe in BEST.items():
        assert name == recipe.architecture or (name.startswith(recipe.architecture) and recipe.label)
    assert {"mlp", "mlp-large", *ZOO} <= set(BEST)
    assert count_parameters(only("best-mlp-large")) <= 1_000_000
    assert len({preset.title for preset in best}) == len(best)


def test_patience_changes_how_long_and_how_fast_it_learns_how_often_it_looks_and_else_what_it_says() -> None:
    patient = [preset for preset in PRESETS.values() if preset.kind == "patient"]
    assert patient
    for preset in patient:
        (more,), (best,) = preset.configs(), presets.get(preset.id.replace("patient-", "best-")).configs()
        assert (more.architecture, more.data) == (best.architecture, best.data)
        for setting in settings(type(best.model)):
            changed = getattr(more.model, setting.name) != getattr(best.model, setting.name)
            assert changed == (f"with {setting.title.lower()};" in preset.sentence)
        assert more.training.epochs > best.training.epochs
        same = {name: getattr(best.training, name) for name in ("epochs", "tta_views", "precision")}
        assert more.training.model_copy(update=same) == best.training


@pytest.mark.parametrize("kind", get_args(MachineKind))
def test_a_preset_is_valid_on_every_kind_of_machine_and_says_what_it_is_there(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_kind, "machine_kind", lambda: kind)
    for preset in PRESETS.values():
        here, changes = preset.on_this_machine(), preset.by_machine.get(kind, {})
        assert bool(here.here) == bool(preset.by_machine), preset.id
        for config, described in zip(here.configs(), preset.configs(), strict=True):
            assert config.architecture == described.architecture
            assert {name: value for name, value in config.flat().items() if described.flat()[name] != value} == changes
            assert config.data.dataset == described.data.dataset
            if changes.get("epochs"):
                epochs = f"{changes['epochs']} epoch{'s' if changes['epochs'] > 1 else ''}"
                assert f"{epochs} instead of {described.training.epochs}" in here.here
        assert here.here.endswith(": as described.") == bool(preset.by_machine and not changes), preset.id


def test_a_preset_that_is_the_same_everywhere_measures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_kind, "machine_kind", pytest.fail)
    preset = PRESETS["first-look"]
    assert preset.on_this_machine() is preset
    assert not preset.elsewhere()


def test_an_unknown_preset_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match="allowed is one of first-look, fc-baseline"):
        presets.get("fc")


@pytest.mark.parametrize("name", [name for name in REPLAYS if PRESETS[name].configs()[0].data.dataset == "kaggle"])
def test_a_replay_on_kaggles_files_runs_from_the_command_line(
    name: str, tmp_path: Path, digits: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = np.column_stack([digits.train_labels[:400], digits.train_images[:400].reshape(400, -1)])
    path = tmp_path / "data" / "kaggle" / "train.csv"
    path.parent.mkdir(parents=True)
    np.savetxt(path, rows, "%d", ",", header=",".join(COLUMNS["train"]), comments="")
    assert main(["train", "--preset", name, "--epochs", "1", "--seed", "3", "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["status"], result["dataset"], result["n_test"]) == ("finished", "kaggle", 80)
    assert result["architecture"] == only(name).architecture


@pytest.mark.mnist
@pytest.mark.parametrize("name", [name for name in REPLAYS if PRESETS[name].configs()[0].data.dataset == "mnist"])
def test_a_replay_on_mnist_runs_from_the_command_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    quick = ["--epochs", "1", "--n-train", "200", "--seed", "3", "--json"]
    assert main(["train", "--preset", name, *quick]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    results = [line for line in lines if "status" in line]
    assert [result["architecture"] for result in results] == [run[0] for run in PRESETS[name].runs]
    assert {result["n_test"] for result in results} == {10_000}


def test_those_against_the_clock_learn_from_every_image_and_name_their_mark() -> None:
    blinks = {preset.id: preset.title for preset in PRESETS.values() if preset.kind == "blink"}
    assert blinks == {
        "blink-99": "99.0 % before you blink",
        "blink-99.4": "99.4 % before you blink",
        "blink-99.5": "99.5 % before you blink",
    }
    assert all(only(name).data.val_fraction == 0 for name in blinks)


def test_what_differs_on_a_slow_machine_is_said_as_people_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_kind, "machine_kind", lambda: "32-bit, slow")
    wanted = {
        "best-cnn": "1 epoch instead of 5",
        "best-compact": "45,000 images instead of all, 1 epoch instead of 4",
    }
    for name, words in wanted.items():
        assert PRESETS[name].on_this_machine().here.endswith(f": {words}, to be ready in time."), name
