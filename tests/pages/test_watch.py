"""What moves while something trains: one look for everybody, nothing but data, and no door for strangers."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import Response

from core.config import run_config
from core.runs import rows
from pages.shared import live_state as looks
from pages.shared import services, watch
from pages.shared.live_state import Wanted
from tests.pages.conftest import OpenPage, Train, moving
from tests.runs.run_material import checkpoint, epoch_end, progress, started


def training(name: str = "") -> str:
    """A run in its second epoch, as a worker would have left it between two events."""
    store = services.store()
    run_id = store.create(run_config("mlp", {"epochs": 4}), name=name)
    assert store.claim("somebody") == run_id
    store.commit(
        run_id, [started(), epoch_end(0), progress(0.3), progress(0.6), epoch_end(1), checkpoint(1), progress(1.5)]
    )
    return run_id


def answer(address: str, host: str = "localhost:8501") -> Response:
    """What the server says to ``GET /<address>``."""
    parts = urlsplit(address)
    scope = {
        "type": "http", "method": "GET", "path": f"/{parts.path}", "query_string": parts.query.encode(),
        "headers": [(b"host", host.encode())],
    }  # fmt: skip
    (route,) = [one for one in watch.routes() if one.path == f"/{parts.path}"]
    return asyncio.run(route.endpoint(Request(scope)))


def told(response: Response) -> dict[str, Any]:
    assert response.headers["content-encoding"] == "gzip"
    look: dict[str, Any] = json.loads(gzip.decompress(bytes(response.body)), parse_constant=pytest.fail)
    return look


def test_a_look_tells_how_far_each_run_is_and_both_curves() -> None:
    run_id = training()
    wanted = Wanted((run_id,), "epoch", log_y=False)
    look = told(answer(watch.address(wanted)))
    assert look["cards"][run_id]["share"] == 1.5 / 4
    assert "epoch 2" in look["cards"][run_id]["said"].lower()
    assert "Best epoch so far: 1" in look["cards"][run_id]["best"]
    assert set(look["charts"]) == {"loss", "accuracy"}
    drawn = [x for trace in look["charts"]["loss"]["figure"]["data"] for x in trace["x"] if x is not None]
    assert max(drawn) == 1.5
    assert look["statuses"] == {run_id: services.store().run(run_id).status}


def test_a_script_sees_what_happened_a_moment_ago() -> None:
    run_id = services.store().create(run_config("mlp", {}))
    wanted = Wanted((run_id,), "epoch", log_y=False)
    assert looks.fresh(wanted)["statuses"] == {run_id: "queued"}
    services.store().request(run_id, "pause")
    assert looks.fresh(wanted)["statuses"] == {run_id: "paused"}
    assert told(answer(watch.address(wanted)))["statuses"] == {run_id: "paused"}


def test_fifty_visitors_cost_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Wanted((training(),), "epoch", log_y=False)
    made: list[float] = []
    original = looks._made

    def slowly(asked: Wanted) -> looks.Look:
        made.append(time.monotonic())
        time.sleep(0.05)
        return original(asked)

    monkeypatch.setattr(looks, "_made", slowly)
    with ThreadPoolExecutor(50) as visitors:
        seen = list(visitors.map(looks.shared, [wanted] * 50))
    assert len(made) == 1
    assert len(set(seen)) == 1
    assert len(seen) == 50


def test_a_look_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Wanted((training(),), "epoch", log_y=False)
    before = looks.shared(wanted)
    monkeypatch.setattr(looks, "HOLD", 0.0)
    services.store().commit(wanted.runs[0], [progress(1.75)])
    assert looks.shared(wanted) != before


def test_whoever_waits_for_a_first_point_looks_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "status_of", lambda *_, **__: "running")
    run_id = services.store().create(run_config("mlp", {"epochs": 4}))
    wanted = Wanted((run_id,), "epoch", log_y=False)
    assert looks.fresh(wanted)["soon"]
    before = looks.shared(wanted)
    time.sleep(looks.HOLD_SOON)
    assert services.store().claim("somebody") == run_id
    services.store().commit(run_id, [started(), epoch_end(0)])
    assert looks.shared(wanted) != before
    assert not looks.fresh(wanted)["soon"]


def test_what_is_not_a_number_is_left_out_and_not_sent() -> None:
    run_id = training()
    services.store().commit(run_id, [replace(progress(1.6), train_loss=float("nan"))])
    assert told(answer(watch.address(Wanted((run_id,), "seconds", log_y=True))))["charts"]


@pytest.mark.parametrize(
    "address",
    ["lab/look", "lab/look?run=&x=epoch", "lab/look?run=abcdef012345&x=epoch", "lab/look?run=<script>&x=epoch",
     "lab/look?run=abcdef&x=colour", "lab/look?group=nobody", f"lab/look?x=epoch&run={','.join(['abcdef'] * 9)}"],
)  # fmt: skip
def test_a_question_without_sense_is_answered_in_plain_words(address: str) -> None:
    response = answer(address)
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_foreign_host_is_told_nothing() -> None:
    assert answer(watch.address(Wanted((training(),), "epoch", log_y=False)), host="evil.example").status_code == 403


@pytest.mark.parametrize(
    "wanted",
    [Wanted(("a" * 32, "b" * 32), "multiply_adds", log_y=True), Wanted((), "epoch", log_y=False, group="a&b=c")],
)
def test_an_address_says_what_was_wanted(wanted: Wanted) -> None:
    assert watch.asked_for(dict(parse_qsl(urlsplit(watch.address(wanted)).query))) == wanted


def test_the_chart_library_is_the_one_that_is_installed() -> None:
    response = answer(watch.LIBRARY)
    assert response.status_code == 200
    assert b"plotly.js v" in gzip.decompress(bytes(response.body))[:200]
    assert "immutable" in response.headers["cache-control"]


def test_time_left_is_that_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, now = training(), 1000.0
    monkeypatch.setattr(looks.time, "monotonic", lambda: now)
    run = services.store().run(run_id)
    rows, _ = looks.history(run_id, run.version)
    for second in range(11):  # half an epoch in ten seconds, and 2.5 epochs are missing
        now = 1000.0 + second
        words = looks._left(replace(run, status="running", epoch=1.0 + second / 20), rows, 1)
    assert words == ", about 50 s left"


def test_runs_that_ended_do_not_move(open_page: OpenPage, train: Train) -> None:
    run = train()
    at = open_page("pages/lab/train/page.py", run=run.run_id)
    assert [one["live"] for one in moving(at)] == [False]


def test_a_run_that_trains_moves_on_home_too(open_page: OpenPage) -> None:
    run_id = services.store().create(run_config("mlp", {}))
    at = open_page("pages/learn/home/page.py")
    (card,) = moving(at)
    assert card["live"]
    assert card["look"]["cards"][run_id]["said"] == "Queued: position 1"
    assert card["look"]["statuses"] == {run_id: "queued"}, "and Home is drawn anew when it begins or ends"
