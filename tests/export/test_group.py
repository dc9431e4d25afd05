"""A comparison taken along: its tables say what the verdict says, and its bundle is the same comparison elsewhere."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core import data
from core.cli.app import main
from core.compare.plan import Factor
from core.compare.results import as_values
from core.compare.taken_in import take_in
from core.config import run_config
from core.errors import InputError
from core.export.source import GroupSource, of_group
from core.export.targets import GROUP_TARGETS, export_group
from core.runs import bundles, worker
from core.runs.group_bundles import is_group
from core.runs.groups import create_group
from core.runs.store import Store, runs_root
from tests.comparisons import planned, race
from tests.stored_runs import ended, launched

NAME = "=1 <b>race</b> $x$"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> GroupSource:
    """Two networks, two seeds each, and a run that was stopped before it began."""
    store = Store(tmp_path_factory.mktemp("compared") / "runs")
    small = {"dataset": "digits", "epochs": 1, "n_train": 100}
    contestants = [run_config("mlp", {**small, "widths": "8"}), run_config("softmax", small)]
    plan = race(contestants, (0, 1), n_images=1_157)
    group_id, run_ids = create_group(
        store, [*plan.runs, plan.runs[0]], name=NAME, kind=plan.kind, plan=plan.kept, request="pause"
    )
    for run_id in run_ids[:-1]:
        worker.drive(store, run_id, data.load)
    store.request(run_ids[-1], "stop")
    return of_group(store, group_id)


@pytest.fixture
def elsewhere() -> Store:
    """The store that the command line uses in this test."""
    return Store(runs_root())


def test_its_tables_and_its_figure_say_what_the_verdict_says(compared: GroupSource) -> None:
    values = as_values(compared.group, compared.runs, compared.store.evaluation)
    files = {file.name: file.content for file in export_group("csv", compared).files}
    runs, verdicts = (pd.read_parquet(io.BytesIO(files[f"{name}.parquet"])) for name in ("runs", "verdicts"))
    assert list(runs["contestant"])[:4] == ["MLP", "Softmax regression"] * 2
    assert list(verdicts["verdict"]) == [pair["verdict"] for pair in values["comparisons"]]
    assert len(pd.read_csv(io.BytesIO(files["verdicts.csv"]))) == 1
    points = pd.read_parquet(io.BytesIO(files["epochs.parquet"]))
    assert set(points["run_id"]) == {run.run_id for run in compared.runs[:4]}
    figure = export_group("figure", compared)
    caption = str(figure.figures["caption"])
    for words in ("2 contestants with 2 seeds each", "4 of 5 runs", "382 images", values["comparisons"][0]["verdict"]):
        assert words in caption
    assert b"$x$" in figure.files[0].content
    assert b"<b>" not in figure.files[0].content


def test_a_grid_is_drawn_with_its_cells_and_its_blocks_are_its_verdicts(elsewhere: Store) -> None:
    factors = (Factor("dropout", (0, 0.3)), Factor("lr", (0.01, 0.1, 1)))
    plan = planned("grid", [run_config("mlp", {"dataset": "digits"})], (0,), n_images=1_415, factors=factors)
    group_id, run_ids = launched(elsewhere, plan)
    for place, run_id in enumerate(run_ids[1:]):
        ended(elsewhere, run_id, test=0.5 + 0.1 * place)
    elsewhere.request(run_ids[0], "stop")
    grid = of_group(elsewhere, group_id)
    values = as_values(grid.group, grid.runs, elsewhere.evaluation)
    files = export_group("csv", grid).files
    verdicts = pd.read_csv(io.BytesIO(next(file.content for file in files if file.name == "verdicts.csv")))
    assert list(verdicts["verdict"]) == [block["verdict"] for block in values["blocks"]]
    assert list(verdicts["second_to"]) == [0.1, 1.0]
    figure = export_group("figure", grid)
    for words in (values["verdict"], "6 contestants with 1 seed each", "5 of 6 runs finished"):
        assert words in str(figure.figures["caption"])
    drawn = figure.files[0].content.decode()
    for words in ("Learning rate: value", "Dropout: value", "90.00 %", "50.00 %", "0 of 1 seeds", "can not be told"):
        assert words in drawn, words
    assert "<b>" not in drawn


def test_its_bundle_is_the_same_comparison_elsewhere(
    compared: GroupSource, elsewhere: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = export_group("bundle", compared)
    assert "stopped" not in made.warning
    assert compared.runs[-1].name in made.warning
    (file,) = made.files
    taken = take_in(elsewhere, file.content, "")
    assert (taken.n_runs, taken.n_new, taken.group_id) == (4, 4, compared.group.group_id)
    there = of_group(elsewhere, taken.group_id)
    assert (there.group.name, there.group.kind, there.group.plan) == (NAME, "race", compared.group.plan)
    whole = as_values(compared.group, compared.runs[:4], compared.store.evaluation)
    assert as_values(there.group, there.runs, elsewhere.evaluation) == whole
    again = take_in(elsewhere, file.content, "")
    assert (again.n_new, len(elsewhere.runs())) == (0, 4)
    (again_file,) = export_group("bundle", there).files
    assert again_file == file, "what came in goes on as it is"
    path = tmp_path / "a.zip"
    path.write_bytes(file.content)
    assert main(["import", str(path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == 4
    out = str(tmp_path / "out")
    assert main(["export", taken.group_id, "--to", "bundle", "--out", out]) == 0
    assert main(["export", taken.group_id, "--to", "hub", "--out", out]) == 2
    assert ", ".join(GROUP_TARGETS) in capsys.readouterr().err


def changed(content: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The same bundle with other values in its group.json, and right checksums."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if name != bundles.MANIFEST}
    values = json.loads(files["group.json"])
    change(values)
    return bundles.zipped({**files, "group.json": json.dumps(values).encode()})


def test_a_hostile_one_leaves_nothing(compared: GroupSource, elsewhere: Store) -> None:
    content = export_group("bundle", compared).files[0].content
    (run_id, *_) = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("group.json"))["contestants"]
    changes: dict[str, Callable[[dict[str, Any]], object]] = {
        "id": lambda values: values.update(group_id="../x"), "kind": lambda values: values.update(kind="x"),
        "name": lambda values: values.update(name="a\nb"), "more": lambda values: values.update(more=1),
        "time": lambda values: values.update(created_utc="yesterday"), "no plan": lambda values: values.update(plan={}),
        "seeds": lambda values: values["plan"]["contestants"][0].update(seeds="all"),
        "label": lambda values: values["plan"]["contestants"][0].update(label=["x"]),
        "network": lambda values: values["plan"]["contestants"][0].update(architecture="../x"),
        "notes": lambda values: values["plan"].update(notes=[1]), "exempt": lambda values: values["plan"].pop("exempt"),
        "sizes": lambda values: values.update(kind="data_efficiency"),
        "place": lambda values: values["contestants"].update({run_id: 2}),
        "no run": lambda values: values["contestants"].pop(run_id),
        "other run": lambda values: values["contestants"].update({"0" * 32: 0}),
    }  # fmt: skip
    for name, change in changes.items():
        with pytest.raises(InputError) as refusal:
            take_in(elsewhere, changed(content, change), "")
        assert str(refusal.value), name
    assert not is_group(bundles.zipped({"run.json": b"group.json"})), "a word in it makes no comparison of a run"
    for hostile in (content[:-5], content[:5000] + b"x" + content[5001:], b"group.json"):
        with pytest.raises(InputError, match="no bundle"):
            take_in(elsewhere, hostile, "")
    assert elsewhere.runs() == []
    assert elsewhere.database.read("SELECT * FROM groups") == []
