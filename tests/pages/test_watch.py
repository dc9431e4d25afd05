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
from core.machine.processor import SideBySide
from core.runs import rows
from core.runs.rows import Run
from core.runs.schema import StorageError
from pages.shared import live_charts, live_state, pace, progress, seen_runs, services, watch
from pages.shared.blocks import compressed, gzip_of, stored, text_of
from pages.shared.live_state import Wanted
from pages.shared.shelf import Shelf
from tests.pages.conftest import OpenPage, Train, moving
from tests.runs.run_material import checkpoint, epoch_end, started
from tests.runs.run_material import progress as progress_event


def training(name: str = "") -> str:
    """A run in its second epoch, as a worker would have left it between two events."""
    store = services.store()
    run_id = store.create(run_config("mlp", {"epochs": 4}), name=name)
    assert store.claim("somebody") == run_id
    store.commit(
        run_id,
        [
            started(),
            epoch_end(0),
            progress_event(0.3),
            progress_event(0.6),
            epoch_end(1),
            checkpoint(1),
            progress_event(1.5),
        ],
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


def snapshot_of(response: Response) -> dict[str, Any]:
    assert response.headers["content-encoding"] == "gzip"
    snapshot: dict[str, Any] = json.loads(gzip.decompress(bytes(response.body)), parse_constant=pytest.fail)
    return snapshot


def test_a_look_tells_how_far_each_run_is_and_both_curves() -> None:
    run_id = training()
    wanted = Wanted("runs", (run_id,))
    snapshot = snapshot_of(answer(watch.address(wanted)))
    assert snapshot["cards"][run_id]["share"] == 1.5 / 4
    assert "epoch 2" in snapshot["cards"][run_id]["status"].lower()
    assert "Best epoch so far: 1" in snapshot["cards"][run_id]["best"]
    assert set(snapshot["charts"]) == {"loss", "accuracy"}
    drawn = [x for trace in snapshot["charts"]["loss"]["figure"]["data"] for x in trace["x"] if x is not None]
    assert max(drawn) == 1.5
    assert snapshot["statuses"] == {run_id: services.store().run(run_id).status}
    assert "while learning, with dropout and variation on" in snapshot["note"]
    assert "losses drawn" not in snapshot["note"]


def test_a_lesson_shows_the_accuracy_alone_and_says_what_its_lines_are() -> None:
    shown = live_state.current(Wanted("lesson", (training(),)))
    assert list(shown["charts"]) == ["accuracy"]
    assert shown["note"] == "Dotted: images it learned from. Solid: new images."
    assert (
        watch.parse_address(dict(parse_qsl(urlsplit(watch.address(Wanted("lesson", ("a" * 32,)))).query))).view
        == "lesson"
    )


def test_losses_say_what_they_leave_out() -> None:
    run_ids = [
        services.store().create(run_config("mlp", values))
        for values in ({"label_smoothing": 0.1}, {"l1": 0.01, "weight_decay": 0.1})
    ]
    for view in ("runs", "overlay"):
        note = live_state.current(Wanted(view, tuple(run_ids)))["note"]  # type: ignore[arg-type]
        assert "The losses drawn leave out label smoothing, the L1 penalty and weight decay." in note
    assert "leave out label smoothing." in live_state.current(Wanted("runs", (run_ids[0],)))["note"]


def test_a_script_sees_what_happened_a_moment_ago() -> None:
    run_id = services.store().create(run_config("mlp", {}))
    wanted = Wanted("runs", (run_id,))
    assert live_state.current(wanted)["statuses"] == {run_id: "queued"}
    services.store().request(run_id, "pause")
    assert live_state.current(wanted)["statuses"] == {run_id: "paused"}
    assert snapshot_of(answer(watch.address(wanted)))["statuses"] == {run_id: "paused"}


def drawn(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> list[tuple[str, str]]:
    """Whose lines are worked out from now on, and for which chart; each takes so long."""
    log: list[tuple[str, str]] = []
    original = live_charts._drawn

    def slowly(kept: Shelf, run: Run, name: live_charts.ChartName, shape: live_charts.Shape) -> live_charts._Lines:
        log.append((run.run_id, name))
        time.sleep(seconds)
        return original(kept, run, name, shape)

    monkeypatch.setattr(live_charts, "_drawn", slowly)
    return log


def test_fifty_visitors_cost_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Wanted("runs", (training(),))
    made = drawn(monkeypatch, 0.05)
    with ThreadPoolExecutor(50) as visitors:
        seen = list(visitors.map(live_state.newest, [wanted] * 50))
    assert sorted(name for _, name in made) == ["accuracy", "loss"]
    assert len(set(seen)) == 1
    assert len(seen) == 50


def test_what_is_made_of_a_run_serves_every_selection_it_is_in(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b, c = (training(name) for name in "abc")
    made = drawn(monkeypatch)
    for run_ids in ((a, b), (b, c), (c, a, b)):
        live_state.newest(Wanted("runs", run_ids))
        live_state.newest(Wanted("overlay", run_ids))
    assert sorted(made) == sorted(
        (run_id, name) for run_id in (a, b, c) for name in ("loss", "accuracy", "gap", "gradients")
    )
    made.clear()
    services.store().commit(b, [progress_event(1.7)])
    monkeypatch.setattr(seen_runs, "HOLD_SECONDS", 0.0)
    for run_ids in ((a, b), (b, c)):
        live_state.newest(Wanted("runs", run_ids))
    assert made == [(b, "loss"), (b, "accuracy")], "and only what has moved is made anew"


def test_a_run_that_has_ended_is_drawn_once_and_its_new_name_is_seen(
    monkeypatch: pytest.MonkeyPatch, train: Train
) -> None:
    run = train(epochs=1)
    made = drawn(monkeypatch)
    wanted = Wanted("runs", (run.run_id, training()))
    live_state.newest(wanted)
    monkeypatch.setattr(seen_runs, "HOLD_ENDED_SECONDS", 0.0)
    services.store().annotate(run.run_id, name="another")
    snapshot = snapshot_of(answer(watch.address(wanted)))
    assert len(made) == 4
    assert snapshot["cards"][run.run_id]["name"] == "another"
    assert snapshot["charts"]["loss"]["figure"]["data"][0]["name"] == "another"


def test_a_look_reads_the_runs_it_shows_and_those_that_others_watch_but_never_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = services.store()
    for _ in range(20):
        store.create(run_config("mlp", {}), request="pause")
    mine, another = training("mine"), training("another")
    read: list[str] = []
    original = rows.read_run

    def read_run(row: Any, **beside: Any) -> Run | rows.DamagedRun:
        read.append(row["run_id"])
        return original(row, **beside)

    monkeypatch.setattr("core.runs.store.read_run", read_run)
    monkeypatch.setattr(seen_runs, "HOLD_SECONDS", 60.0)
    live_state.newest(Wanted("runs", (mine,)))
    live_state.newest(Wanted("overlay", (mine, another)))
    assert set(read) == {mine, another}, "the number of running ones comes without the others"
    read.clear()
    for _ in range(3):
        live_state.newest(Wanted("runs", (another,)))
        live_state.newest(Wanted("runs", (mine,)))
    assert not read, "a moment later nothing has to be read"
    monkeypatch.setattr(seen_runs, "HOLD_SECONDS", 0.0)
    live_state.newest(Wanted("epochs", (mine,)))
    assert sorted(read) == sorted((mine, another)), "whoever reads does so for the others too"


def test_a_look_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Wanted("runs", (training(),))
    monkeypatch.setattr(seen_runs, "HOLD_SECONDS", 60.0)
    before = live_state.newest(wanted)
    services.store().commit(wanted.runs[0], [progress_event(1.75)])
    assert live_state.newest(wanted) == before, "for a moment that is new enough"
    monkeypatch.setattr(seen_runs, "HOLD_SECONDS", 0.0)
    assert live_state.newest(wanted) != before


def test_whoever_waits_for_a_first_point_looks_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "status_of", lambda *_, **__: "running")
    run_id = services.store().create(run_config("mlp", {"epochs": 4}))
    wanted = Wanted("runs", (run_id,))
    assert live_state.current(wanted)["soon"]
    before = live_state.newest(wanted)
    time.sleep(seen_runs.HOLD_SOON_SECONDS)
    assert services.store().claim("somebody") == run_id
    services.store().commit(run_id, [started(), epoch_end(0)])
    assert live_state.newest(wanted) != before
    assert not live_state.current(wanted)["soon"]


def test_an_answer_is_the_same_in_one_piece() -> None:
    blocks = [stored(b"a" * 200_000), compressed(b"b" * 1_000), stored(b""), stored(b"c"), compressed(b"")]
    assert gzip.decompress(gzip_of(blocks)) == text_of(blocks) == b"a" * 200_000 + b"b" * 1_000 + b"c"


def test_what_is_kept_has_a_bound_and_what_was_taken_last_stays() -> None:
    shelf = Shelf(max_bytes=100_000)
    made: list[str] = []

    def take(key: str) -> str:
        return shelf.get(key, 0, lambda: made.append(key) or key, lambda _: 40_000)  # type: ignore[func-returns-value]

    assert [take(key) for key in "abacab"] == list("abacab")
    assert made == ["a", "b", "c", "b"], "the third one is too many, and what nobody took for the longest goes"


def test_what_is_not_a_number_is_left_out_and_not_sent() -> None:
    run_id = training()
    services.store().commit(run_id, [replace(progress_event(1.6), train_loss=float("nan"))])
    assert snapshot_of(answer(watch.address(Wanted("runs", (run_id,), "seconds", log_y=True))))["charts"]


@pytest.mark.parametrize(
    "query",
    ["", "view=runs", "view=runs&runs=&x=epoch", "view=runs&runs=abcdef012345", "view=runs&runs=<script>",
     "view=colours&runs=abcdef", "view=runs&runs=abcdef&x=colour", "view=overlay&runs=abcdef&smoothing=1",
     "view=overlay&runs=abcdef&smoothing=nan", "view=overlay&runs=abcdef&smoothing=much", "view=group&group=nobody",
     f"view=epochs&runs={','.join(['abcdef'] * 11)}"],
)  # fmt: skip
def test_a_question_without_sense_is_answered_in_plain_words(query: str) -> None:
    response = answer(f"{watch.SNAPSHOT}?{query}")
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/plain")
    assert response.headers["x-content-type-options"] == "nosniff"


def test_a_locked_store_is_busy_and_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object, **__: object) -> None:
        raise StorageError("storage problem: another program kept the runs locked for more than 5 seconds.")

    monkeypatch.setattr("pages.shared.watch.newest", locked)
    response = answer(f"{watch.SNAPSHOT}?view=epochs")
    assert (response.status_code, response.headers["x-frame-options"]) == (503, "DENY")
    assert b"kept the runs locked" in bytes(response.body)


def test_a_foreign_host_is_told_nothing() -> None:
    assert answer(watch.address(Wanted("runs", (training(),))), host="evil.example").status_code == 403


@pytest.mark.parametrize(
    "wanted",
    [Wanted("runs", ("a" * 32, "b" * 32), "multiply_adds", log_y=True), Wanted("group", group="a&b=c"), Wanted("epochs"),
     Wanted("overlay", ("a" * 32,), "seconds", smoothing=0.97)],
)  # fmt: skip
def test_an_address_says_what_was_wanted(wanted: Wanted) -> None:
    assert watch.parse_address(dict(parse_qsl(urlsplit(watch.address(wanted)).query))) == wanted


def test_the_chart_library_is_the_one_that_is_installed() -> None:
    response = answer(watch.LIBRARY)
    assert response.status_code == 200
    assert b"plotly.js v" in gzip.decompress(bytes(response.body))[:200]
    assert "immutable" in response.headers["cache-control"]


def test_time_left_is_that_of_the_clock_and_the_same_for_a_run_and_its_race(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, now = training(), 1000.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    run = services.store().run(run_id)
    for second in range(11):  # half an epoch in ten seconds, and 2.5 epochs are missing
        now = 1000.0 + second
        watched = replace(run, status="running", epoch=1.0 + second / 20)
        card = live_state.card(watched, 1)
        sentence = progress.progress_sentence([watched], 1)
    assert card["status"].endswith(", about 50 s left")
    assert sentence == "0 of 1 runs finished, about 50 s left"
    waiting = replace(run, run_id="f" * 32, status="queued", epoch=None, latest={})
    assert progress.seconds_left([watched, waiting], 1) > 50, "whoever waits comes after it"
    assert progress.seconds_left([replace(watched, status="paused")], 1) == 0


def test_a_network_that_has_not_begun_is_weighed_by_what_it_computes_beside_those_that_have() -> None:
    small = replace(services.store().run(training()), status="finished", summary={"seconds": 2.0})
    config = run_config("cnn", {"dataset": "digits", "epochs": small.epochs}).model_dump(mode="json")
    cnn = replace(
        small, run_id="f" * 32, status="queued", architecture="cnn", config=config, epoch=None, started={}, latest={},
        summary={},
    )  # fmt: skip
    again = replace(
        cnn, architecture=small.architecture, config={**small.config, "data": {**small.config["data"], "split_seed": 9}}
    )
    assert progress.seconds_left([small, again], 0) == pytest.approx(2.0), "alike"
    assert progress.seconds_left([small, cnn], 0) > 10, "the small ones come first, and say little about it"


def test_a_run_that_shares_the_computer_takes_longer_by_those_it_shares_it_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = replace(services.store().run(training()), status="running", epoch=2.0, epochs=4, latest={"seconds": 10.0})
    assert progress.seconds_left([run], 1) == 10
    assert progress.seconds_left([run], 2) == 20
    three = [replace(run, run_id=str(number) * 32) for number in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(progress, "side_by_side", lambda: SideBySide(2, 1))
        assert progress.seconds_left([run], 1) == 10
        assert progress.seconds_left([run], 2) == 10, "each has a process"
        assert progress.seconds_left([run, *three], 2) == 20, "two processes have four runs"
    assert progress.seconds_left([run, replace(run, run_id="f" * 32)], 2) == 20, (
        "both of them, one after the other in turn"
    )


def test_what_only_has_to_be_put_together_is_answered_at_once_and_nothing_is_read_or_made_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a, b = training("a"), training("b")
    views = [Wanted(view, (a,)) for view in ("runs", "overlay", "epochs")]  # type: ignore[arg-type]
    made = drawn(monkeypatch)
    monkeypatch.setattr(seen_runs, "HOLD_SECONDS", 60.0)
    assert [live_state.at_hand(wanted) for wanted in views] == [None] * 3
    made_and_read = [live_state.newest(wanted) for wanted in views]
    assert [live_state.at_hand(wanted) for wanted in views] == made_and_read
    n_made = len(made)
    assert live_state.at_hand(Wanted("runs", (a, b))) is None, "the other has not been read"
    assert live_state.at_hand(Wanted("runs", (a,), "seconds")) is None, "nor has this been drawn"
    assert live_state.at_hand(Wanted("group", group="somebody")) is None
    monkeypatch.setattr(seen_runs, "HOLD_SECONDS", 0.0)
    assert [live_state.at_hand(wanted) for wanted in views] == [None] * 3, "a moment later it is old"
    assert len(made) == n_made


def test_whoever_asks_too_often_waits_and_the_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "HOLD_BACK_SECONDS", 0.0)
    at = watch.address(Wanted("epochs"))
    marks = [pace.pace().mark() for _ in range(2)]
    statuses = [answer(f"{at}&mark={marks[0]}").status_code for _ in range(60)]
    allowed = int(pace.MAX_IN_A_ROW)
    assert set(statuses[: allowed // 2]) == {200}
    assert statuses[-1] == 429
    refused = answer(f"{at}&mark={marks[0]}")
    assert (refused.headers["retry-after"], refused.headers["x-frame-options"]) == ("2", "DENY")
    assert answer(f"{at}&mark={marks[1]}").status_code == 200, "the next visitor is another client"
    for _ in range(allowed):
        answer(at)
    forged = [f"&mark={number:032x}" for number in range(3)]
    assert [answer(at + mark).status_code for mark in forged] == [429] * 3, "without a mark the address counts"
    pace.pace().charge(marks[1], "", 60.0)
    assert answer(f"{at}&mark={marks[1]}").status_code == 429, "what had to be made for it counts by its time"
    later = time.monotonic() + 1
    monkeypatch.setattr(pace.time, "monotonic", lambda: later)
    assert answer(at).status_code == 200


def test_a_page_hands_each_visitor_a_mark_of_his_own(open_page: OpenPage) -> None:
    services.store().create(run_config("mlp", {}))
    marks = []
    for _ in range(2):
        at = open_page("pages/learn/home/page.py")
        query = dict(parse_qsl(urlsplit(moving(at)[0]["address"]).query))
        marks.append(query["mark"])
        assert pace.pace().is_own(query["mark"])
        at.run()
        assert marks[-1] in moving(at)[0]["address"], "a rerun asks under the same address"
    assert marks[0] != marks[1]


def test_the_overlay_carries_its_four_charts_and_moves_by_its_address() -> None:
    run_id = training()
    services.store().commit(run_id, [replace(progress_event(1.6), grad_norm=2.0)])
    wanted = Wanted("overlay", (run_id,), "step", log_y=True, smoothing=0.5)
    snapshot = snapshot_of(answer(watch.address(wanted)))
    assert list(snapshot["charts"]) == ["loss", "accuracy", "gap", "gradients"]
    assert "how long its gradient was" in snapshot["note"]
    assert all(chart["alt"] and chart["figure"]["data"] for chart in snapshot["charts"].values())
    assert snapshot["statuses"] == {run_id: services.store().run(run_id).status}


def test_a_table_is_drawn_anew_when_an_epoch_ends_and_not_before() -> None:
    run_id = training()
    for wanted in (Wanted("epochs", (run_id,)), Wanted("epochs")):
        before = live_state.current(wanted)
        services.store().commit(run_id, [progress_event(1.6)])
        assert live_state.current(wanted) == before
    services.store().commit(run_id, [epoch_end(2)])
    assert live_state.current(Wanted("epochs", (run_id,))) != before


def test_runs_that_ended_do_not_move(open_page: OpenPage, train: Train) -> None:
    run = train()
    at = open_page("pages/lab/train/page.py", run=run.run_id)
    assert [part["live"] for part in moving(at)] == [False]


def test_a_run_that_trains_moves_on_home_too(open_page: OpenPage) -> None:
    run_id = services.store().create(run_config("mlp", {}))
    at = open_page("pages/learn/home/page.py")
    (card,) = moving(at)
    assert card["live"]
    assert card["snapshot"]["cards"][run_id]["status"] == "Waits to start"
    assert card["snapshot"]["statuses"] == {run_id: "queued"}, "and Home is drawn anew when it begins or ends"
