"""The bench of the class set: every way of training is judged everywhere, and a gain is against the training as ever."""

from __future__ import annotations

import json

import pytest
from test_pendigits import put

from bench import class_set as bench


def test_every_way_is_judged_everywhere(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    put([{"label": n % 10, "strokes": [[[0, 0], [200, 10 * n], [90, 400 + n]]]} for n in range(60)])
    monkeypatch.setattr(bench, "BASE", {"dataset": "digits", "n_train": 100, "epochs": 1})
    flags = ["--kept", "20", "--judged", "10", "--seeds", "1", "--architectures", "softmax", "--json"]
    assert bench.main(flags) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len({(row["way"], row["judged_on"]) for row in rows}) == len(rows) == 4 * 3
    by_way = {row["way"]: row for row in rows if row["judged_on"] == "other drawings"}
    for way, row in by_way.items():
        assert row["gain"] == pytest.approx(row["mean"] - by_way["as ever"]["mean"]), way
        assert row["n"] == 10
