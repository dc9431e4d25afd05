from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from run_material import checkpoint, epoch_end, finished, made_evaluation, progress, started, weights

from core.config import RunConfig, run_config
from core.engine.events import Diverged, Failed, Stopped
from core.errors import DataError, RunError
from core.runs import artefacts
from core.runs.lease import Lease
from core.runs.store import Store, runs_root


def files(root: Path) -> int:
    return len(list((root / "artefacts").glob("*/*")))


def test_a_new_run_is_queued_and_reads_back_as_it_was_asked_for(store: Store, config: RunConfig) -> None:
    run = store.run(store.create(config, group="race"))
    assert (run.status, run.queue_position, run.number, run.group) == ("queued", 1, 1, "race")
    assert (run.name, run.is_named, run.architecture_place) == ("Softmax regression, 3 epochs", False, 0)
    assert run.run_config() == config
    assert (run.epoch, run.epochs, run.step, run.n_params, run.has_ended) == (None, 3, 0, None, False)
    assert store.history(run.run_id) == []
    assert store.checkpoint(run.run_id) is None
    assert store.evaluation(run.run_id, "test") is None
    with pytest.raises(RunError, match="no weights yet"):
        store.snapshot(run.run_id)


@pytest.mark.parametrize(("max_steps", "epochs"), [(0, 3), (25, 2.5), (99, 3), (1, 0.1)])
def test_a_number_of_steps_is_told_as_the_epochs_it_makes(store: Store, max_steps: int, epochs: float) -> None:
    run_id = store.create(run_config("softmax", {"epochs": 3, "max_steps": max_steps}), request="pause")
    store.commit(run_id, [started()])
    assert store.run(run_id).epochs == epochs


def test_a_share_of_a_very_short_run_can_always_be_told(store: Store) -> None:
    run_id = store.create(run_config("softmax", {"max_steps": 1}), request="pause")
    store.commit(run_id, [started(steps_per_epoch=10_000)])
    assert store.run(run_id).epochs > 0


def test_a_double_click_makes_one_run_even_from_many_threads(root: Path, config: RunConfig) -> None:
    stores = [Store(root) for _ in range(3)]
    run_ids: list[str] = []
    barrier = threading.Barrier(6)

    def click(store: Store) -> None:
        barrier.wait()
        run_ids.append(store.create(config, token="click"))

    threads = [threading.Thread(target=click, args=(stores[n % 3],)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(run_ids) == 6
    assert len(set(run_ids)) == 1
    assert len(stores[0].runs()) == 1
    assert stores[0].create(config) != stores[0].create(config)


def test_ids_sort_by_time_and_numbers_are_never_given_twice(store: Store, config: RunConfig) -> None:
    first = store.create(config)
    time.sleep(0.003)
    second = store.create(config)
    assert first < second
    assert [run.run_id for run in store.runs()] == [second, first]
    store.delete(second)
    assert store.run(store.create(config)).number == 3


def test_runs_of_a_group_are_listed_alone(store: Store, config: RunConfig) -> None:
    inside = [store.create(config, group="a") for _ in range(2)]
    store.create(config, group="b")
    assert [run.run_id for run in store.runs(group="a")] == inside[::-1]
    assert len(store.runs()) == 3


def test_the_queue_is_served_oldest_first_and_says_the_place(store: Store, root: Path, config: RunConfig) -> None:
    runs = [store.create(config) for _ in range(3)]
    assert [store.run(run).queue_position for run in runs] == [1, 2, 3]
    with Lease(root) as lease:
        store.request(runs[1], "pause")
        assert [store.run(run).status for run in runs] == ["queued", "paused", "queued"]
        assert store.run(runs[2]).queue_position == 2
        assert [store.claim(lease.id) for _ in range(3)] == [runs[0], runs[2], None]
        assert [store.run(run).status for run in runs] == ["running", "paused", "running"]
        store.request(runs[1], "run")
        assert store.run(runs[1]).queue_position == 1
        assert store.claim(lease.id) == runs[1]


@pytest.mark.parametrize("terminal", [
    finished(), Stopped(1.5, 15, 2.0, 1), Diverged(1.0, 10, 2.0, 0, 10.0, None), Failed("no", "trace", 2.0),
])  # fmt: skip
def test_status_follows_requests_the_lease_and_the_end(store: Store, root: Path, config: RunConfig, terminal) -> None:  # type: ignore[no-untyped-def]
    run_id = store.create(config)
    seen = [store.run(run_id).status]

    def ask(what) -> None:  # type: ignore[no-untyped-def]
        store.request(run_id, what)
        seen.append(store.run(run_id).status)
        assert store.requested(run_id) == what

    lease = Lease(root)
    assert store.claim(lease.id) == run_id
    ask("run")
    ask("pause")
    ask("run")
    ask("stop")
    lease.release()
    seen.append(store.run(run_id).status)
    ask("pause")
    ask("run")
    with Lease(root) as lease:
        assert store.claim(lease.id) == run_id
        store.finish(run_id, [started(), terminal], {})
        seen.append(store.run(run_id).status)
    assert seen == [
        "queued", "running", "paused", "running", "stopping", "interrupted", "interrupted", "queued", terminal.kind,
    ]  # fmt: skip
    before = store.run(run_id)
    for what in ("run", "pause", "stop"):
        store.request(run_id, what)
    assert store.run(run_id) == before
    with pytest.raises(RunError, match="already ended"):
        store.commit(run_id, [progress(1)])
    with pytest.raises(RunError, match="already ended"):
        store.finish(run_id, [finished()], {})
    assert store.history(run_id)[-1][1]["event"] == terminal.kind


def test_a_run_that_never_started_is_stopped_at_once(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    store.request(run_id, "stop")
    run = store.run(run_id)
    assert (run.status, run.summary["epoch"], run.queue_position) == ("stopped", 0, None)
    assert store.claim("0" * 32) is None


def test_an_interrupted_run_that_is_told_to_stop_is_wrapped_up_first(
    store: Store, root: Path, config: RunConfig
) -> None:
    waiting, interrupted = store.create(config), store.create(config)
    with Lease(root) as lease:
        store.claim(lease.id, interrupted)
        store.commit(interrupted, [started(), epoch_end(0)])
    store.request(interrupted, "stop")
    assert store.run(interrupted).status == "stopping"
    with Lease(root) as lease:
        assert [store.claim(lease.id), store.claim(lease.id)] == [interrupted, waiting]


def test_events_and_checkpoint_come_back_whole(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    store.commit(run_id, [started(), epoch_end(0)], manifest={"threads": 2})
    assert store.run(run_id).version == 2
    store.commit(run_id, [progress(0.5), epoch_end(1), checkpoint(1, best=0)])
    history = store.history(run_id)
    assert [payload["event"] for _, payload in history] == ["started", "epoch", "progress", "epoch"]
    assert history[2][1]["grad_norm"] is None
    assert [payload["epoch"] for _, payload in store.history(run_id, after=history[1][0])] == [0.5, 1]

    kept = store.checkpoint(run_id)
    assert kept is not None
    expected = checkpoint(1, best=0)
    assert (kept.epoch, kept.step, kept.best_epoch, kept.best_value) == (1, 10, 0, 0.5)
    for name in ("weights", "best_weights", "optimizer"):
        there, back = getattr(expected, name), getattr(kept, name)
        assert there.keys() == back.keys()
        for key in there:
            np.testing.assert_array_equal(there[key], back[key])

    about, best = store.snapshot(run_id)
    assert (about["architecture"], about["mean"], about["std"], about["best_epoch"]) == ("softmax", 0.25, 0.5, 0)
    assert about["config"] == config.model_dump(mode="json")
    np.testing.assert_array_equal(best["weight"], weights(0)["weight"])
    run = store.run(run_id)
    assert (run.epoch, run.step, run.n_params, run.device, run.manifest) == (1, 10, 10, "cpu", {"threads": 2})


def test_replaced_files_go_but_not_those_another_run_names(store: Store, root: Path, config: RunConfig) -> None:
    first, other = store.create(config), store.create(config)
    for run_id in (first, other):
        store.commit(run_id, [started(), checkpoint(1)])
    assert files(root) == 2
    store.commit(first, [checkpoint(2)])
    assert files(root) == 4
    store.commit(other, [checkpoint(2)])
    assert files(root) == 4, "the checkpoint before the last is kept"
    for run_id in (first, other):
        store.commit(run_id, [checkpoint(3)])
    assert files(root) == 4
    assert store.checkpoint(other) is not None


def test_the_summary_says_what_came_out(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    evaluations = {"val": made_evaluation(3), "test": made_evaluation(4)}
    store.commit(run_id, [started(), epoch_end(0), epoch_end(1), checkpoint(1)])
    store.finish(run_id, [epoch_end(2), finished(2)], evaluations)
    summary = store.run(run_id).summary
    assert summary == {
        "status": "finished", "epoch": 2, "step": 20, "seconds": 2.0, "best_epoch": 2, "n_params": 10,
        "images_per_s": 1000.0, "reason": "", "val_acc": 0.75, "val_loss": 0.5, "n_val": 3,
        "test_acc": 0.75, "test_loss": 0.5, "n_test": 4,
    }  # fmt: skip
    evaluation = store.evaluation(run_id, "test")
    assert evaluation is not None
    np.testing.assert_array_equal(evaluation.logits, made_evaluation(4).logits)
    np.testing.assert_array_equal(evaluation.labels, np.arange(4))


def test_a_diverged_run_says_when_and_what_to_try(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    store.finish(run_id, [started(), Diverged(1.25, 1250, 2.0, 0, float("inf"), None)], {})
    assert "step 1,250 (epoch 1.25" in store.run(run_id).reason
    assert "lower learning rate" in store.run(run_id).reason


def test_a_resumed_run_takes_back_what_lay_beyond_its_checkpoint(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    store.commit(
        run_id, [started(), epoch_end(0), epoch_end(1), checkpoint(1), progress(1.5), epoch_end(2), progress(2.5)]
    )
    seen = store.run(run_id).version
    store.commit(run_id, [started(epoch=1), progress(1.5)])
    events = [(payload["event"], payload["epoch"]) for _, payload in store.history(run_id)]
    assert events == [("started", 0), ("epoch", 0), ("epoch", 1), ("started", 1), ("progress", 1.5)]
    assert [payload["event"] for _, payload in store.history(run_id, after=seen)] == ["started", "progress"]
    assert store.run(run_id).epoch == 1.5


def test_a_run_that_starts_again_without_a_checkpoint_tells_everything_anew(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    for _ in range(2):
        store.commit(run_id, [started(), epoch_end(0), progress(0.5)])
    assert [payload["event"] for _, payload in store.history(run_id)] == ["started", "epoch", "progress"]


def test_a_resume_elsewhere_is_marked_as_not_comparable_to_the_bit(store: Store, config: RunConfig) -> None:
    run_id = store.create(config)
    manifest = {"threads": 2, "cpu": "a"}
    for now in (manifest, manifest, manifest | {"threads": 4}):
        assert "changed_on_resume" not in store.run(run_id).manifest
        store.commit(run_id, [started()], manifest=now)
    assert store.run(run_id).manifest == manifest | {"changed_on_resume": ["threads"]}


def test_version_and_status_tell_of_news(store: Store, config: RunConfig) -> None:
    def seen() -> dict[str, tuple[int, str]]:
        return {run.run_id: (run.version, run.status) for run in store.runs()}

    run_ids = [store.create(config) for _ in range(2)]
    before = seen()
    assert before == dict.fromkeys(run_ids, (0, "queued"))
    store.commit(run_ids[0], [started()])
    assert {run_id for run_id, news in seen().items() if news != before[run_id]} == {run_ids[0]}


@pytest.mark.parametrize("role", ["best", "last", "eval-val", "eval-test"])
def test_a_damaged_file_is_a_plain_sentence_and_the_run_is_still_listed(
    store: Store, root: Path, config: RunConfig, role: str
) -> None:
    run_id = store.create(config)
    store.commit(run_id, [started(), epoch_end(1), checkpoint(1, best=0)])
    store.finish(run_id, [finished()], {"val": made_evaluation(3), "test": made_evaluation(4)})
    with sqlite3.connect(root / "runs.sqlite3") as db:
        sha = db.execute("SELECT sha256 FROM artefacts WHERE role = ?", (role,)).fetchone()[0]
    path = root / "artefacts" / sha[:2] / f"{sha}.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    read: dict[str, Callable[[], object]] = {
        "best": lambda: store.snapshot(run_id), "last": lambda: store.checkpoint(run_id),
        "eval-val": lambda: store.evaluation(run_id, "val"), "eval-test": lambda: store.evaluation(run_id, "test"),
    }  # fmt: skip
    with pytest.raises(RunError, match="damaged"):
        read[role]()
    assert store.run(run_id).status == "finished"
    for other in set(read) - {role} - ({"last"} if role == "best" else set()):
        assert read[other]() is not None


def test_readers_of_a_run_in_training_always_get_a_whole_snapshot(root: Path, config: RunConfig) -> None:
    writer, reader = Store(root), Store(root)
    run_id = writer.create(config)
    writer.commit(run_id, [started(), checkpoint(1)])
    done = threading.Event()

    def write() -> None:
        for epoch in range(2, 40):
            writer.commit(run_id, [epoch_end(epoch), checkpoint(epoch)])
        done.set()

    thread = threading.Thread(target=write)
    thread.start()
    while not done.is_set():
        kept = reader.checkpoint(run_id)
        assert kept is not None
        assert (kept.weights["weight"] == kept.epoch).all()
        assert (kept.best_weights["weight"] == kept.epoch).all()
    thread.join()


def test_a_checkpoint_replaced_while_it_is_being_read_is_read_anew(
    store: Store, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = store.create(config)
    store.commit(run_id, [started(), checkpoint(1)])
    get, newer = artefacts.get, [3, 2]

    def overtaken(root: Path, sha: str) -> bytes:
        if newer:
            store.commit(run_id, [checkpoint(newer.pop())])
        return get(root, sha)

    monkeypatch.setattr(artefacts, "get", overtaken)
    kept = store.checkpoint(run_id)
    assert kept is not None
    assert (kept.epoch, kept.best_weights["weight"][0, 0]) == (3, 3)


def test_the_folder_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DIGIT_LAB_RUNS", str(tmp_path))
    assert runs_root() == tmp_path
    monkeypatch.setenv("DIGIT_LAB_RUNS", "~/digits")
    assert runs_root() == Path.home() / "digits"
    monkeypatch.setenv("DIGIT_LAB_RUNS", "~no such user/digits")
    with pytest.raises(DataError, match="DIGIT_LAB_RUNS is '~no such user/digits'"):
        runs_root()
    monkeypatch.delenv("DIGIT_LAB_RUNS")
    assert (runs_root().parent / "core").is_dir()


def test_not_a_number_never_reaches_the_stored_json(store: Store, root: Path, config: RunConfig) -> None:
    run_id = store.create(config)
    store.finish(run_id, [started(), progress(0.5), Diverged(1, 1, float("nan"), 0, 1.0, float("inf"))], {})
    with sqlite3.connect(root / "runs.sqlite3") as db:
        texts = [row[0] for row in db.execute("SELECT payload FROM events UNION ALL SELECT payload FROM summaries")]
    assert len(texts) == 4  # three events and the summary
    for text in texts:
        json.loads(text, parse_constant=lambda name: pytest.fail(name))
