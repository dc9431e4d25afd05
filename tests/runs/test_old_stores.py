"""What an older version left behind keeps working: its store (schema 2), its links and its flags.

``tests/fixtures/store_format_2.tar.xz`` was made by version 0.1.0 before its settings, events and comparisons got the names
they have now; ``store_format_2.json`` says what that version read from it.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from core import data
from core.cli.app import main
from core.compare.results import as_values, conditions
from core.config import RunConfig
from core.runs.groups import group
from core.runs.store import Store
from core.runs.worker import drive
from pages.shared.form import from_link

FIXTURES = Path(__file__).parents[1] / "fixtures"
# What that version called superiority is a win rate now.
BEFORE: dict[str, Any] = json.loads(
    (FIXTURES / "store_format_2.json").read_text("utf-8").replace('"superiority', '"win_rate')
)
LINKS: list[dict[str, str]] = json.loads((FIXTURES / "links_format_2.json").read_text("utf-8"))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    root = tmp_path / "old"
    with tarfile.open(FIXTURES / "store_format_2.tar.xz") as archive:
        archive.extractall(root, filter="data")
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(root))
    return Store(root)


def test_every_run_says_what_it_said(store: Store) -> None:
    runs = {run.run_id: run for run in store.runs()}
    assert {run_id: dict(run.summary) for run_id, run in runs.items()} == BEFORE["summaries"]
    values = runs[BEFORE["runs"]["words"]].run_config().flat().values()
    assert {1.5, 0.8, "momentum", "val_acc"} <= {value for value in values if not isinstance(value, tuple)}
    for run in runs.values():
        assert isinstance(run.run_config(), RunConfig)
        assert store.history(run.run_id)
    assert runs[BEFORE["runs"]["seed 1"]].tags == ("mine",)


@pytest.mark.parametrize("kind", BEFORE["groups"])
def test_every_comparison_has_its_contestants_and_its_outcome(store: Store, kind: str) -> None:
    comparison = group(store, BEFORE["groups"][kind])
    runs = store.runs(group=comparison.group_id)
    contestants = [
        [condition.label, [run.run_id for run in condition.runs], list(condition.seeds)]
        for condition in conditions(comparison, runs)
    ]
    assert contestants == BEFORE["conditions"][kind]
    assert json.loads(json.dumps(as_values(comparison, runs))) == BEFORE["outcomes"][kind]


@pytest.mark.parametrize("name", BEFORE["resumed"])
def test_a_run_that_was_cut_goes_on_to_its_end(store: Store, name: str) -> None:
    before = BEFORE["resumed"][name]
    run = drive(store, BEFORE["runs"][name], data.load)
    assert (run.status, run.summary["step"]) == (before["status"], before["step"])
    assert run.summary["epoch"] == pytest.approx(before["epoch"])
    # Other processors round otherwise, and a validation image in a hundred may fall on the other side.
    assert run.summary["val_acc"] == pytest.approx(before["val_acc"], abs=0.02)


@pytest.mark.parametrize("link", LINKS, ids=lambda link: link["architecture"])
def test_every_setting_of_an_old_link_is_understood(link: dict[str, str]) -> None:
    for architecture in link["architecture"].split(","):
        own = {name.removeprefix(f"{architecture}."): value for name, value in link.items() if name != "architecture"}
        named = {name: value for name, value in own.items() if "." not in name}
        values, notices = from_link(architecture, named)
        assert len(values) == len(named)
        assert not notices


def test_old_settings_of_a_race_still_work(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--kind", "hunger", "--seeds", "1", "--set", "looks=5", "bend=1", "optimiser=sgd", "epochs=1", "--json"]
    assert main(["race", "--architectures", "mlp,softmax", *flags]) == 0
    started = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (started["kind"], len(started["runs"])) == ("data_efficiency", 8)


def test_old_flags_still_work(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--optimiser", "sgd", "--looks", "5", "--bend", "1", "--max-steps", "2", "--epochs", "1", "--json"]
    assert main(["train", "--architecture", "softmax", *flags]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "finished"
