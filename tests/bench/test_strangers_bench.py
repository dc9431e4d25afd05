"""The bench for strangers: every kind is measured, and a missing file is one sentence."""

from __future__ import annotations

import gzip
import json

import pytest

from bench import pendigits
from bench import strangers as bench
from core import data
from core.config import run_config
from core.data.paths import data_root
from core.runs.store import Store, runs_root
from core.runs.worker import drive


def test_every_kind_is_refused_by_one_or_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--n", "1"]) == 2
    assert "pendigits" in capsys.readouterr().err
    path = data_root() / pendigits.FILE
    path.parent.mkdir(parents=True)
    drawn = [{"label": 7, "strokes": [[[0, 0], [200, 0], [90, 400]]]}] * 4
    path.write_bytes(gzip.compress(json.dumps(drawn).encode()))
    store = Store(runs_root())
    run_id = store.create(run_config("softmax", {"epochs": 1, "n_train": 100}), request="pause")
    drive(store, run_id, load_dataset=data.load)
    assert bench.main([run_id, "--n", "2", "--json"]) == 0
    shares = json.loads(capsys.readouterr().out)["shares"]
    assert list(shares) == ["validation", "pen", *bench.KINDS]
    assert {kind: share["n"] for kind, share in shares.items()} == {
        "validation": 129, "pen": 2, **dict.fromkeys(bench.KINDS, 2),
    }  # fmt: skip
    for share in shares.values():
        assert max(share["network"], share["form"]) <= share["either"] <= share["network"] + share["form"]
    assert shares["validation"]["network"] < 0.1
    assert shares["two apart"]["form"] == 1.0
