"""The benches of the dashboard: figures are what they say, every pair of pages has its turn, bad input is one sentence."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

pytest.importorskip("playwright")

from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bench import (
    accuracy,
    class_hour,
    estimates,
    inside,
    layer_looks,
    moments,
    overhead,
    page,
    pendigits,
    race_pages,
    start,
    visitors,
)
from bench.serving import Follower, Seen, percentile
from bench.stored import fill
from bench.visitor import Visitor
from core import data
from core.compare.cost import Pace
from core.config import run_config
from core.runs.store import Store


def test_a_percentile_lies_on_the_line_between_its_neighbours() -> None:
    shares = (0, 0.5, 0.95, 1)
    assert [percentile([5, 1, 4, 2, 3], share) for share in shares] == pytest.approx([1.0, 3.0, 4.8, 5.0])
    assert [percentile([7.0], share) for share in shares] == [7.0] * 4
    for values, share in (([], 0.5), ([1.0], 1.5), ([1.0], -0.1)):
        with pytest.raises(ValueError, match="no percentile"):
            percentile(values, share)


def test_a_tour_takes_every_way_between_two_pages_once() -> None:
    for n in (1, 2, 3, 8):
        ways = list(pairwise([0, *moments.tour(n)]))
        assert sorted(ways) == [(a, b) for a in range(n) for b in range(n) if a != b]


def test_a_moment_is_met_only_when_both_figures_are() -> None:
    met = {
        row["moment"]: row["met"]
        for row in page.rows({"page change": [100.0] * 9 + [5_000.0], "Mistakes opened": [1.0]})
    }
    assert met["page change"] is False
    assert met["Mistakes opened"] is True
    assert met["stroke to five answers"] is None  # not measured


def test_a_first_picture_is_met_where_its_slow_ones_are_fast_enough() -> None:
    slow = inside.row("first", "mlp: first picture", [100.0] * 9 + [5_000.0], 2_000)
    assert (slow["n"], slow["p50_ms"], slow["met"]) == (10, 100.0, False)
    assert inside.row("first", "mlp: first picture", [1_999.0] * 10, 2_000)["met"]
    assert inside.row("tsne", "page change, with", [])["met"] is None
    assert "not measured" in inside.text(inside.row("tsne", "page change, with", []))


def test_the_speed_of_a_training_is_counted_between_its_events(tmp_path: Path) -> None:
    store = Store(tmp_path)
    follower = Follower(store, store.create(run_config("softmax", {})))
    follower.seen = [
        Seen(at, at, "progress", epoch) for at, epoch in ((0.0, 0.0), (10.0, 1.0), (12.0, 1.5), (99.0, 2.0))
    ]
    assert follower.images_per_s(1_000, 5.0, 20.0) == pytest.approx(250.0)
    with pytest.raises(RuntimeError, match="too little"):
        follower.images_per_s(1_000, 11.0, 20.0)
    store.close()


def test_what_is_left_of_the_speed_is_judged_round_by_round() -> None:
    def turns(*speeds: float, ticks: tuple[float, ...] = (), n: int = 0) -> list[visitors.Took]:
        return [visitors.Took(speed, list(ticks), 500.0, 400.0, 0.0, n) for speed in speeds]

    measured = {
        visitors.ENGINE: turns(1_000, 500), visitors.ALONE: turns(900, 450), 1: turns(855, 428, ticks=(5.0,)),
        20: turns(700, 350, ticks=(5.0,)), 50: turns(810, 405, ticks=(250.0,), n=50),
        visitors.DIFFERENT: turns(810, 405, ticks=(150.0,), n=50), visitors.HASTY: turns(720, 360, ticks=(5.0,), n=4),
    }  # fmt: skip
    rows = {row["turn"]: row for row in visitors.rows(measured)}
    assert rows[1]["of_alone"] == pytest.approx(0.95, abs=0.002)
    assert rows[1]["met"] is True
    assert rows[20]["met"] is False
    assert rows[50]["of_alone"] == pytest.approx(0.9)
    assert rows[50]["met"] is False  # its ticks are too slow
    assert rows[50]["rss_per_visitor_mb"] == pytest.approx(2.0)
    assert rows[visitors.ALONE]["of_engine"] == pytest.approx(0.9)
    assert rows[visitors.DIFFERENT]["met"] is True
    assert rows[visitors.HASTY]["met"] is False  # four fifths stay, nine tenths are asked


def test_a_visitor_draws_the_page_that_it_is_on_anew() -> None:
    visitor = Visitor(socket=None, url="http://localhost")
    opened, shown = ForwardMsg(), ForwardMsg()
    opened.new_session.page_script_hash = "frame"
    shown.navigation.page_script_hash = "train"
    for message in (opened, shown, opened):
        assert not visitor._take(message)
    assert visitor.page_hash == "train", "with the frame's own hash it would be Home"


def test_fifty_selections_differ_and_all_show_the_run_that_trains() -> None:
    selected = visitors.selections("own", [f"run {number}" for number in range(100)], 50)
    assert len({frozenset(run_ids) for run_ids in selected}) == len(selected) == 50
    assert {len(run_ids) for run_ids in selected} == set(range(1, 9))
    assert all(run_ids[0] == "own" for run_ids in selected)


def test_a_store_with_a_past_is_made_up_at_once(tmp_path: Path) -> None:
    with closing(Store(tmp_path)) as store:
        run_ids = fill(store, 3)
        runs = [store.run(run_id) for run_id in run_ids]
        assert [(run.status, run.epoch) for run in runs] == [("finished", 20)] * 3
        assert len(store.history(run_ids[0])) > 200


def test_fairness_is_one_when_all_waited_alike() -> None:
    assert class_hour.jain([2.0, 2.0, 2.0]) == 1
    assert class_hour.jain([0.0, 0.0, 6.0]) == pytest.approx(1 / 3)


def test_overhead_is_a_share_of_the_same_round() -> None:
    took = {overhead.BARE: [1.0, 0.5, 2.0], overhead.ENGINE: [0.99, 0.49, 2.1], overhead.STORE: [0.9, 0.48, 1.8]}
    rows = {row["way"]: row for row in overhead.rows("cnn", took, 1_000)}
    assert rows[overhead.BARE]["of_bare"] == 1
    assert rows[overhead.ENGINE]["of_bare"] == pytest.approx(0.99)
    assert rows[overhead.STORE]["of_bare"] == pytest.approx(0.9)
    assert rows[overhead.STORE]["met"] is False
    assert rows[overhead.STORE]["images_per_s"] == pytest.approx(900)


def test_all_three_ways_of_training_move_forward(tmp_path: Path) -> None:
    dataset = data.load("digits")
    config = run_config("softmax", {"dataset": "digits", "epochs": 1_000})
    with closing(overhead.stored(config, dataset, tmp_path)) as stored:
        ways = [overhead.bare(config, dataset), overhead.engine(config, dataset), stored]
        assert all(overhead.turn(way, 0.3) > 0 for way in ways)


def test_a_plan_is_estimated_then_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"n_train": 50, "max_steps": 2, "epochs": 1}
    monkeypatch.setattr(estimates, "PLANS", {"small": estimates.train("softmax", "mlp", **small)})
    monkeypatch.setattr(estimates, "timed_pace", lambda config: Pace(1_000.0, 4_000.0, 1.4, "made up"))
    (row,) = estimates.measured("small", data.load("digits"), again=False)
    assert (row["plan"], row["runs"], row["source"]) == ("small", 2, "made up")
    assert row["factor"] == pytest.approx(max(row["estimate_s"] / row["real_s"], row["real_s"] / row["estimate_s"]))
    assert row["met"] == (row["factor"] <= estimates.MAX_FACTOR)


def test_what_a_look_holds_up_is_counted_against_the_steps_beside_it() -> None:
    steady = [0.01 * step for step in range(1_000)]
    assert layer_looks.lost_seconds(steady, 4.0, 4.5, beside=2.0) == pytest.approx(0.0, abs=0.02)
    stood_still = [moment for moment in steady if not 4.1 <= moment < 4.4]
    assert layer_looks.lost_seconds(stood_still, 4.0, 4.5, beside=2.0) == pytest.approx(0.3, abs=0.02)


def test_every_plan_of_the_estimates_can_be_made() -> None:
    dataset = data.load("digits")
    assert len(estimates.PLANS) == 12
    assert all(make(dataset) for make in estimates.PLANS.values())


def test_bad_input_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    for bench, arguments in (
        (visitors, ["--visitors", "0"]), (visitors, ["--visitors", "1,x"]), (visitors, ["--visitors", ""]),
        (visitors, ["--seconds", "1"]), (visitors, ["--rounds", "0"]), (visitors, ["class", "--class-seconds", "1"]),
        (page, ["--rounds", "0"]), (inside, ["--rounds", "0"]), (inside, ["no-such-part"]), (layer_looks, ["--looks", "1"]),
        (start, ["--rounds", "0"]),
        (accuracy, ["no-such-preset"]), (accuracy, ["first-look", "--seeds", "0"]), (estimates, ["no-such-plan"]),
        (pendigits, ["abcdef"]),
    ):  # fmt: skip
        assert bench.main(arguments) == 2, arguments
        assert len(capsys.readouterr().err.splitlines()) == 1, arguments


def test_a_race_costs_pages_what_its_p95_is_of_that_in_the_thread() -> None:
    took = {"thread": [200.0] * 19 + [400.0], "processes": [100.0] * 20}
    moments = {
        way: {"page change": values, "Train to first point": [650.0, 690.0, 800.0]} for way, values in took.items()
    }
    mb = {"rss_mb": 900.0, "pss_mb": 600.0}
    rows = list(race_pages.rows(moments, {"thread": [mb], "processes": [mb, mb]}))  # type: ignore[arg-type]
    first_point, change, memory, *_, ratio = rows
    assert (first_point["p50_ms"], first_point["met"]) == (690.0, True)
    assert (change["n"], change["p95_ms"], change["met"]) == (20, pytest.approx(210.0), None)
    assert (memory["server"], memory["children"]) == (mb, [])
    assert (ratio["page_change_p95_of_thread"], ratio["met"]) == (pytest.approx(100 / 210), True)
    assert [race_pages._text(row) for row in rows][-1].endswith("0.48 of that in the thread, asked at most 1   met")
    assert "900 (600), 900 (600); together 1,200" in race_pages._text(rows[-2])
