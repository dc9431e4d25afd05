"""Speed is measured on the code that trains and answers, and disturbs nobody."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from core import models
from core.config import RunConfig, run_config
from core.data.paths import runs_root
from core.engine import speed
from core.engine.learner import Learner
from core.machine import remembered

NAMES = list(models.TABLE)


@pytest.fixture(autouse=True)
def _nothing_tried_yet() -> Iterator[None]:
    tried = speed._quicker
    tried.cache_clear()
    yield
    tried.cache_clear()


@pytest.mark.parametrize("name", NAMES)
def test_every_architecture_can_be_measured_without_drawing_a_random_number(name: str) -> None:
    before = torch.random.get_rng_state()
    speeds = speed.measure(name, seconds=0.0)
    assert 0 < speeds.train_images_per_s < float("inf")
    assert 0 < speeds.infer_images_per_s < float("inf")
    assert (speeds.train_batch, speeds.infer_batch, speeds.threads) == (64, 250, torch.get_num_threads())
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm"])
def test_a_run_can_be_timed_with_any_settings_without_drawing_a_random_number(name: str) -> None:
    values = {
        "dropout": 0.5,
        "elastic": 1.0,
        "patience": 2,
        "schedule": "one-cycle",
        "precision": "auto",
        "batch_size": 4096,
    }
    values |= {"layers": 2} if name == "lstm" else {"batch_norm": True}
    before = torch.random.get_rng_state()
    learning, answering = speed.run_speeds(run_config(name, values), 0.0)
    assert 1 < learning < answering < float("inf")
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_run_in_another_thread_gets_the_random_numbers_it_would_have_had_alone() -> None:
    torch.manual_seed(0)
    alone = torch.stack([torch.rand(3) for _ in range(2_000)])
    drawn: list[torch.Tensor] = []
    measured = threading.Event()

    def draw() -> None:
        torch.manual_seed(0)
        drawn.extend(torch.rand(3) for _ in range(1_000))
        measured.wait()
        drawn.extend(torch.rand(3) for _ in range(1_000))

    thread = threading.Thread(target=draw)
    thread.start()
    speed.measure("cnn", seconds=0.05)
    measured.set()
    thread.join()
    assert torch.equal(torch.stack(drawn), alone)


def test_it_is_the_learner_that_is_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    learn = Learner.learn

    def watched(self: Learner, images: torch.Tensor, *rest: torch.Tensor) -> torch.Tensor:
        seen.append(len(images))
        return learn(self, images, *rest)

    monkeypatch.setattr(Learner, "learn", watched)
    speed.measure("softmax", seconds=0.05)
    assert set(seen) == {64}
    assert len(seen) > 10


def test_more_work_takes_longer() -> None:
    light, heavy = speed.measure("softmax", 0.05), speed.measure("cnn", 0.05)
    assert light.train_images_per_s > 3 * heavy.train_images_per_s
    assert light.infer_images_per_s > 3 * heavy.infer_images_per_s


@pytest.mark.parametrize(("faster", "slower", "taken"), [("bf16", "fp32", "bf16"), ("fp32", "bf16", "fp32")])
def test_automatic_precision_is_the_one_that_learns_clearly_faster(
    faster: str, slower: str, taken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def learning_speed(config: RunConfig, *_: object) -> float:
        asked.append(config.training.precision)
        return {faster: 150.0, slower: 100.0}[config.training.precision]

    monkeypatch.setattr(speed, "learning_speed", learning_speed)
    monkeypatch.setattr(speed, "first_step_seconds", lambda *_: 0.01)
    speed._quicker.cache_clear()
    config, cpu = run_config("mlp", {"widths": (17,), "precision": "auto", "batch_size": 32}), torch.device("cpu")
    assert [speed.precision_of(config, cpu) for _ in range(3)] == [taken] * 3
    assert asked == ["fp32", "bf16"] * speed.PRECISION_TRIALS  # in turn, and not again for every run
    speed._quicker.cache_clear()


class Steps:
    """Steps of a machine that takes ``seconds`` for the first one with each precision; counts what was tried.

    delays: times as slow a step or trial with bf16 is, in turn, while something else runs; not at all at their end
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, fp32: float, bf16: float, first: tuple[float, ...] = (),
        trials: tuple[float, ...] = (),
    ) -> None:  # fmt: skip
        self.seconds = {"fp32": fp32, "bf16": bf16}
        self.first: list[str] = []
        self.trials = 0
        self._first_delays, self._delays = iter(first), iter(trials)
        monkeypatch.setattr(speed, "first_step_seconds", self._first_step)
        monkeypatch.setattr(speed, "learning_speed", self._speed)

    def _first_step(self, config: RunConfig, *_: object) -> float:
        self.first.append(config.training.precision)
        return self._seconds_of(config, self._first_delays)

    def _speed(self, config: RunConfig, *_: object) -> float:
        self.trials += 1
        return 1 / self._seconds_of(config, self._delays)

    def _seconds_of(self, config: RunConfig, delays: Iterator[float]) -> float:
        precision = config.training.precision
        return self.seconds[precision] * (next(delays, 1.0) if precision == "bf16" else 1.0)


def tried(values: dict[str, object]) -> str:
    return speed.precision_of(run_config("mlp", {"precision": "auto", **values}), torch.device("cpu"))


def tried_anew(values: dict[str, object]) -> str:
    """The precision that another process on this machine would take."""
    speed._quicker.cache_clear()
    return tried(values)


def test_a_hopeless_trial_ends_after_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_clock", lambda *_: time.thread_time)
    machine = Steps(monkeypatch, fp32=0.1, bf16=1.0)
    assert tried_anew({"batch_size": 48}) == "fp32"
    assert machine.first == ["fp32", "bf16"]
    assert machine.trials == 0


def test_a_short_first_step_is_not_hopeless(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Steps(monkeypatch, fp32=0.001, bf16=0.01)  # most of it may be the choice of kernels
    assert tried_anew({"batch_size": 48}) == "fp32"
    assert machine.trials == 2 * speed.PRECISION_TRIALS


def test_another_process_on_this_machine_does_not_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Steps(monkeypatch, fp32=0.02, bf16=0.01)
    assert tried_anew({"batch_size": 48}) == "bf16"
    later = Steps(monkeypatch, fp32=0.01, bf16=0.02)  # a busier moment
    assert tried_anew({"batch_size": 48}) == "bf16"
    assert (later.first, later.trials) == ([], 0)
    assert tried_anew({"batch_size": 49}) == "fp32"  # another question
    assert later.trials == 2 * speed.PRECISION_TRIALS


def test_an_answer_in_which_the_trials_differ_counts_for_an_hour_and_gives_way_to_an_agreed_one_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hours = iter((7, 7, 7, 8, 8, 9, 10, 99))
    monkeypatch.setattr(speed, "_this_hour", lambda: next(hours))
    values: dict[str, object] = {"batch_size": 48}
    busy = Steps(monkeypatch, fp32=0.02, bf16=0.01, trials=(3.0, 3.0, 1.0))
    assert [tried(values), tried(values), tried_anew(values)] == ["fp32"] * 3, "most of them say so"
    assert busy.trials == 2 * speed.PRECISION_TRIALS, "tried once, whoever asks"
    still_busy = Steps(monkeypatch, fp32=0.02, bf16=0.01, trials=(1.0, 1.0, 3.0))
    assert [tried(values), tried_anew(values)] == ["fp32"] * 2, "a race does not go to and fro"
    assert still_busy.trials == 2 * speed.PRECISION_TRIALS
    at_rest = Steps(monkeypatch, fp32=0.02, bf16=0.01)
    assert [tried(values), tried(values), tried_anew(values)] == ["bf16"] * 3
    assert at_rest.trials == 2 * speed.PRECISION_TRIALS, "kept for good"


def test_a_step_is_hopeless_at_the_second_look_where_it_may_have_had_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_clock", lambda *_: time.perf_counter)
    machine = Steps(monkeypatch, fp32=0.2, bf16=0.1, first=(9.0,))
    assert tried_anew({"batch_size": 48}) == "bf16"
    assert (machine.first, machine.trials) == (["fp32", "bf16"] * 2, 2 * speed.PRECISION_TRIALS)
    machine = Steps(monkeypatch, fp32=0.1, bf16=1.0)
    assert tried_anew({"batch_size": 49}) == "fp32"
    assert (machine.first, machine.trials) == (["fp32", "bf16"] * 2, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows counts processor seconds in long steps")
def test_the_trial_of_one_thread_does_not_count_what_it_had_to_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """16 bits need half of the work, and while they have their turn the processor does three times as much besides."""
    passed = {"thread_time": 0.0, "perf_counter": 0.0}

    def learn(learner: Learner, *_: object) -> None:
        work = {"fp32": 0.02, "bf16": 0.01}[learner.precision]
        passed["thread_time"] += work
        passed["perf_counter"] += work * {"fp32": 1, "bf16": 4}[learner.precision]

    clocks = {name: lambda name=name: passed[name] for name in passed}
    monkeypatch.setattr(speed, "time", SimpleNamespace(time=time.time, **clocks))
    monkeypatch.setattr(speed, "learn", learn)
    threads = torch.get_num_threads()
    try:
        for n_threads, answer in ((1, "bf16"), (2, "fp32")):
            torch.set_num_threads(n_threads)
            assert tried({"batch_size": 48}) == answer
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"a": 1}', "\0\xff", "[" * 100_000])
def test_a_damaged_note_of_earlier_trials_is_as_good_as_none(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = runs_root() / remembered.FILE_NAME
    path.parent.mkdir(parents=True)
    path.write_bytes(content.encode("latin-1"))
    machine = Steps(monkeypatch, fp32=0.02, bf16=0.01)
    assert tried_anew({"batch_size": 48}) == "bf16"
    assert machine.trials == 2 * speed.PRECISION_TRIALS
    assert list(json.loads(path.read_bytes()).values())[-1] == "bf16"


def test_a_folder_that_can_not_be_written_to_only_means_another_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a file").write_text("")
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(tmp_path / "a file" / "runs"))
    machine = Steps(monkeypatch, fp32=0.02, bf16=0.01)
    assert [tried_anew({"batch_size": 48}) for _ in range(2)] == ["bf16"] * 2
    assert machine.trials == 4 * speed.PRECISION_TRIALS


def test_an_answer_holds_for_one_processor_one_torch_and_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered.remember("which", "this")
    assert remembered.recall("which") == "this"
    assert remembered.recall("whose") is None
    monkeypatch.setattr(torch, "__version__", "0.0")
    assert remembered.recall("which") is None


def test_the_oldest_answers_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MAX_ANSWERS", 3)
    for question, answer in (("a", "fp32"), ("b", "fp32"), ("a", "bf16"), ("c", "fp32"), ("d", "fp32")):
        remembered.remember(question, answer)
    assert [remembered.recall(question) for question in "abcd"] == ["bf16", None, "fp32", "fp32"]


def test_automatic_precision_is_tried_on_this_machine_without_drawing_a_random_number() -> None:
    before = torch.random.get_rng_state()
    precision = speed.precision_of(
        run_config("cnn", {"channels": (4,), "dropout": 0.5, "precision": "auto"}), torch.device("cpu")
    )
    assert precision in ("fp32", "bf16")
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_given_precision_is_not_tried(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "_quicker", None)
    assert speed.precision_of(run_config("mlp", {"precision": precision}), torch.device("cpu")) == precision
