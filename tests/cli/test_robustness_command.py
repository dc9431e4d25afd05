"""``python -m core robustness``: one object a line, undistorted first; a table for people; one line of complaint."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Generator
from typing import Any

import pytest
from test_cli import lines, trained

from core.cli.app import main
from core.runs import robustness
from core.runs.store import Store, runs_root


def test_it_prints_one_object_for_each_run_and_point(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (trained(capsys, "--seed", seed)[-1] for seed in ("0", "1"))
    ids = [first["run_id"], second["run_id"]]
    command = ["robustness", *(run_id[:20] for run_id in ids), ids[0], "--json"]
    assert main([*command, "--images", "0", "--distortion", "shift", "corruption:fog"]) == 0
    rows = lines(capsys)
    assert all(list(row) == ["run", "distortion", "strength", "accuracy", "n"] for row in rows)
    assert [(row["run"], row["distortion"], row["strength"]) for row in rows] == [
        (run_id, name, strength)
        for name, strength in [("none", 0), *(("shift", by) for by in (1, 2, 3, 4, 6)), ("corruption:fog", 1)]
        for run_id in ids
    ]
    assert [row["accuracy"] for row in rows[:2]] == [first["test_acc"], second["test_acc"]]
    assert {row["n"] for row in rows} == {382}

    assert main([*command[:2], "--images", "100", "--distortion", "shift"]) == 0
    name, head, undistorted, *_, last = capsys.readouterr().out.splitlines()
    assert ids[0] in name
    assert (head.split()[-4:], head[:12]) == (["100", "test", "images", "a"], "accuracy on ")
    assert undistorted.startswith("Undistorted")
    assert last.startswith("Shift (pixels): 6")
    store = Store(runs_root())
    (measured,) = robustness.measured_before(store, [store.run(ids[0])], [robustness_point("shift", 6)], 100)
    store.close()
    assert last.split()[-1] == f"{measured.accuracy:.2%}"

    assert main([*command[:2], "--json", "--corruptions", "--images", "20"]) == 0
    assert len(lines(capsys)) == 16

    for wrong, sentence in (
        (["nobody"], "not a run id"),
        ([ids[0], "--distortion", "shft"], "no distortion 'shft'"),
        ([ids[0], "--images", "-1"], "take 0 or more"),
        ([ids[0], "--images", "many"], "invalid int value"),
    ):
        assert main(["robustness", *wrong]) == 2
        printed = capsys.readouterr()
        assert (printed.out, printed.err.count("\n")) == ("", 1)
        assert sentence in printed.err


def robustness_point(distortion: str, strength: float) -> Any:
    from core.inspect.robustness import Point

    return Point(distortion, strength)


def test_ctrl_c_keeps_what_was_measured(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = trained(capsys)[-1]["run_id"]
    measure = robustness.measure

    def interrupted(*asked: Any, should_stop: Any, **options: Any) -> Generator[Any, None, None]:
        for row in measure(*asked, should_stop=should_stop, **options):
            signal.raise_signal(signal.SIGINT)
            yield row

    monkeypatch.setattr(robustness, "measure", interrupted)
    before = threading.active_count()
    assert main(["robustness", run_id, "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out.splitlines()[0])["distortion"] == "none"
    assert printed.err.startswith("Stopped after ")
    assert "of 46 measurements" in printed.err
    assert threading.active_count() == before
