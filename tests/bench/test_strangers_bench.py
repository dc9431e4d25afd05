"""The bench for strangers: every kind is measured, and a missing file is one sentence."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from bench import pendigits
from bench import strangers as bench
from core.data.dataset import Dataset
from core.data.paths import data_root

ASSETS = Path(__file__).parents[2] / "assets" / "reference_runs"


def test_every_kind_is_refused_by_one_or_both(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, digits: Dataset
) -> None:
    assert bench.main(["--n", "1"]) == 2
    assert "no judge" in capsys.readouterr().err
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS))
    monkeypatch.setattr(bench, "load", lambda _: digits)
    assert bench.main(["--n", "1"]) == 2
    assert "pendigits" in capsys.readouterr().err
    path = data_root() / pendigits.FILE
    path.parent.mkdir(parents=True)
    drawn = [{"label": 7, "strokes": [[[0, 0], [200, 0], [90, 400]]]}] * 4
    path.write_bytes(gzip.compress(json.dumps(drawn).encode()))
    assert bench.main(["--n", "2", "--json"]) == 0
    shares = json.loads(capsys.readouterr().out)["shares"]
    assert list(shares) == ["validation", "pen", *bench.KINDS]
    assert {kind: share["n"] for kind, share in shares.items() if kind != "validation"} == {
        "pen": 2, **dict.fromkeys(bench.KINDS, 2),
    }  # fmt: skip
    for share in shares.values():
        assert max(share["judge"], share["form"]) <= share["either"] <= share["judge"] + share["form"]
    assert shares["two apart"]["form"] == 1.0
    assert np.mean([shares[kind]["judge"] for kind in bench.SCRIBBLES]) > 0.9
