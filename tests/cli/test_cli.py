"""The command line: one JSON object a line, exit codes, one line of complaint, and the same store as the dashboard."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from core import models
from core.cli.app import main
from core.config import run_config
from core.engine import machine_kind
from core.engine.lr_finder import NOTHING_FOUND
from core.experiments import presets
from core.experiments.presets import PRESETS, Preset
from core.runs.store import Store, runs_root

ROOT = Path(__file__).parents[2]
QUICK = ["--widths", "16", "--epochs", "2", "--n-train", "200"]


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def trained(capsys: pytest.CaptureFixture[str], *more: str) -> list[dict[str, Any]]:
    assert main(["train", "--architecture", "mlp", *QUICK, "--json", *more]) == 0
    return lines(capsys)


def test_train_prints_one_object_per_event_and_the_result_last(capsys: pytest.CaptureFixture[str]) -> None:
    *events, result = trained(capsys, "--seed", "3")
    assert [event["event"] for event in events if event["event"] != "progress"] == [
        "started", "epoch", "epoch", "epoch", "finished",
    ]  # fmt: skip
    assert {"run_id", "status", "test_acc", "test_loss", "seconds", "n_params"} <= result.keys()
    assert result["status"] == "finished"
    assert result["n_params"] == 785 * 16 + 17 * 10
    assert result["n_test"] == 382
    assert (result["test_acc"] * 382) % 1 == pytest.approx(0, abs=1e-9)


def test_the_run_is_listed_shown_and_evaluated_to_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    result = trained(capsys)[-1]
    assert main(["runs", "--json"]) == 0
    assert lines(capsys) == [result]
    assert main(["show", result["run_id"][:12], "--json"]) == 0
    (shown,) = lines(capsys)
    assert [epoch["epoch"] for epoch in shown["epochs"]] == [0, 1, 2]
    assert shown["config"]["training"]["epochs"] == 2
    threads, cpu = shown["manifest"]["threads"], shown["manifest"]["cpu"]
    assert main(["show", result["run_id"]]) == 0
    printed = capsys.readouterr().out
    assert f"trained on {cpu}, {threads} thread" in printed
    assert printed.count("while learning; then") == 2
    assert printed.count("on training images and") == 3
    assert main(["evaluate", result["run_id"], "--json"]) == 0
    (evaluated,) = lines(capsys)
    assert evaluated["acc"] == result["test_acc"]
    assert evaluated["loss"] == pytest.approx(result["test_loss"], abs=1e-6)
    assert main(["evaluate", result["run_id"], "--on", "val", "--json"]) == 0
    assert lines(capsys)[0]["n"] == 258


def test_the_same_command_gives_the_same_figures_twice(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = trained(capsys)[-1], trained(capsys)[-1]
    assert (first["test_acc"], first["test_loss"]) == (second["test_acc"], second["test_loss"])
    assert first["run_id"] != second["run_id"]


def test_without_json_the_last_line_tells_a_person(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--architecture", "mlp", *QUICK, "--name", "My first"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("My first: finished, test accuracy ")
    assert "% on 382 images" in last


def test_a_diverged_run_exits_with_1_and_reports_no_accuracy(capsys: pytest.CaptureFixture[str]) -> None:
    wild = ["--optimizer", "sgd", "--lr", "10", "--weight-decay", "1", "--epochs", "20"]
    assert main(["train", "--architecture", "mlp", "--json", *wild]) == 1
    result = lines(capsys)[-1]
    assert result["status"] == "diverged"
    assert result["test_acc"] is None
    assert "learning rate" in result["reason"]


def test_bad_input_gives_one_line_and_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    refused: list[tuple[list[str], str]] = [
        (["train"], "--architecture is missing"),
        (["train", "--architecture", "perceptron"], "allowed is one of softmax, mlp"),
        (["train", "--architecture", "mlp", "--lr", "99"], "Learning rate (lr) is '99', allowed is 0.00001 to 10"),
        (["train", "--architecture", "mlp", "--epochs", "0"], "epochs"),
        (["train", "--architecture", "mlp", "--hidden", "3"], "--hidden"),
        (["train", "--architecture", "mlp", "--dataset", "mnist"], "MNIST"),
        (["train", "--architecture", "mlp", "--dataset", "imagenet"], "one of digits, mnist, kaggle"),
        (["train", "--architecture", "cnn", "--channels", "512,512", "--batch-size", "4096"], "GB"),
        (["train", "--preset", "fc-baselin"], "allowed is one of first-look, fc-baseline"),
        (["train", "--preset", "first-look", "--architecture", "mlp"], "not both"),
        (["show", "../../etc/passwd"], "not a run id"),
        (["show", "0123456789ab"], "run"),
        (["train", "--architecture", "mlp", "--batch-norm", "true", "--n-train", "1"], "batch normalisation needs at least 2"),
        (["train", "--architecture", "resnet", "--n-train", "1"], "batch normalisation needs at least 2"),
        (["train", "--architecture", "mlp", "--val-fraction", "0", "--patience", "1"], "patience needs validation"),
        (["find-lr", "--architecture", "mlp", "--batch-norm", "true", "--n-train", "1"], "leaves 1 of the 1,"),
        (["find-lr", "--architecture", "mlp", "--val-fraction", "0", "--patience", "1"], "but val_fraction is 0"),
        (["race", "--architectures", "mlp,compact", "--set", "n_train=1"], "batch normalisation needs at least 2"),
        (["race", "--architectures", "mlp,cnn", "--set", "val_fraction=0", "patience=2"], "patience needs validation"),
        (["race", "--architectures", "mlp", "--kind", "tuning", "--set", "val_fraction=0"], "Tuning needs validation"),
        (["find-lr"], "--architecture is missing"),
        (["find-lr", "--architecture", "mlp", "--batch-size", "0"], "Batch size (batch_size) is '0', allowed is"),
        (["find-lr", "--architecture", "mlp", "--dataset", "mnist"], "MNIST"),
        (["find-lr", "--architecture", "mlp", "--hidden", "3"], "--hidden"),
        (["race"], "--architectures is missing"),
        (["race", "--kind", "grid"], "The settings of a grid are none, allowed are two different ones"),
        (["race", "--kind", "grid", "--vary", "dropout"], "--vary is 'dropout', allowed is name=value"),
        (["race", "--kind", "grid", "--vary", "dropout=0,0.3", "--vary", "looks=1,5", "--set", "tta_views=5"], "--vary sets"),
        (["race", "--kind", "grid", "--quick", "--vary", "dropout=0,0.3", "--vary", "n_train=1,5"], "--quick sets this itself"),
        (["race", "--kind", "grid", "--vary", "dropout=0,0.3", "--vary", "split-seed=1,2"], "can not be varied in a grid"),
        (["race", "--architectures", "mlp,softmax", "--vary", "lr=1,2"], "--vary belongs to --kind grid, not to race"),
        (["race", "--architectures", "mlp,perceptron"], "allowed is one of softmax, mlp"),
        (["race", "--architectures", "mlp", "--seeds", "1"], "no race"),
        (["race", "--architectures", "mlp,mlp"], "equal under these rules"),
        (["race", "--architectures", "mlp,softmax", "--seeds", "0"], "Seeds (seeds) are none"),
        (["race", "--architectures", "mlp,softmax", "--seeds", "101"], "at most 200"),
        (["race", "--architectures", "mlp,softmax", "--seeds", "six"], "--seeds"),
        (["race", "--architectures", "mlp,softmax", "--rematch"], "A/A test"),
        (["race", "--architectures", "mlp,softmax", "--kind", "dance"], "race, data-efficiency, tuning, aa-test, grid"),
        (["race", "--architectures", "mlp,softmax", "--trials", "3"], "--trials belongs to --kind tuning, not to race"),
        (["race", "--architectures", "mlp", "--kind", "hunger", "--rematch"], "--rematch belongs to --kind race"),
        (["race", "--architectures", "mlp", "--kind", "tuning", "--seeds", "3"], "leave out --seeds"),
        (["race", "--architectures", "mlp", "--kind", "tuning", "--lr-range", "0.1"], "'0.1', in which '' is not a number"),
        (["race", "--architectures", "mlp", "--kind", "tuning", "--lr-range", "0.1:0.01"], "Learning rate (lr)"),
        (["race", "--architectures", "mlp", "--kind", "tuning", "--set", "lr=0.1"], "lr: a tuning sets this itself"),
        (["race", "--architectures", "mlp,softmax", "--set", "seed=3"], "seed: a race sets this itself"),
        (["race", "--architectures", "mlp,softmax", "--set", "epochs"], "--set is 'epochs', allowed is name=value"),
        (["race", "--architectures", "mlp,softmax", "--set", "epochs=0"], "epochs"),
        (["race", "--architectures", "mlp,softmax", "--set", "channels=3"], "channels: not a setting of mlp or softmax"),
        (["race", "--architectures", "mlp,softmax", "--budget", "hours:3"], "--budget is 'hours:3', allowed is KIND:AMOUNT"),
        (["race", "--architectures", "mlp,softmax", "--budget", "steps"], "'steps', in which '' is not a number"),
        (["race", "--architectures", "mlp,softmax", "--budget", "steps:0"], "above 0"),
        (["race", "--architectures", "mlp,softmax", "--dataset", "mnist"], "MNIST"),
        (["race", "--architectures", "mlp,softmax", "--name", "x" * 81], "81 characters"),
        (["race", "--architectures", "mlp,softmax", "--processes", "0"], "'0', allowed is a whole number from 1 to 64"),
        (["reference", "--processes", "many"], "'many', allowed is a whole number from 1 to 64"),
        (["compare", "0123456789ab"], "RUN_B"),
        (["compare", "0123456789ab", "0123456789ab"], "There is no run 0123456789ab"),
        (["compare", "../../etc/passwd", "0123456789ab"], "not a run id"),
        (["dance"], "dance"),
        ([], "COMMAND"),
    ]  # fmt: skip
    for arguments, words in refused:
        assert main(arguments) == 2, arguments
        printed = capsys.readouterr()
        assert printed.out == "", arguments
        assert len(printed.err.splitlines()) == 1, arguments
        assert words in printed.err, arguments
        if runs_root().exists():
            store = Store(runs_root())
            assert store.runs() == [], f"{arguments}: what is refused leaves nothing behind"
            store.close()


@pytest.mark.parametrize("command", ["train", "find-lr"])
def test_an_optimizer_that_moves_nothing_of_a_network_is_said_in_a_line(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for architecture, n_lines in (("softmax", 1), ("mlp", 0)):
        main(
            [
                command,
                "--architecture",
                architecture,
                "--optimizer",
                "muon",
                "--n-train",
                "50",
                "--max-steps",
                "2",
                "--json",
            ]
        )
        printed = capsys.readouterr().err.splitlines()
        assert len([line for line in printed if line.startswith("Muon moves no weight of Softmax")]) == n_lines


def test_find_lr_prints_one_object_per_point_and_the_suggestion_last(capsys: pytest.CaptureFixture[str]) -> None:
    find = ["find-lr", "--architecture", "mlp", "--dataset", "digits", "--widths", "16", "--optimizer", "nesterov"]
    assert main([*find, "--json"]) == 0
    *points, last = lines(capsys)
    rates = [point["lr"] for point in points]
    assert rates == sorted(rates)
    assert all(point.keys() == {"lr", "loss", "smoothed"} for point in points)
    assert last.keys() == {"lr", "suggested"}
    assert run_config("mlp", {"lr": last["lr"]}).training.lr in (float(f"{rate / 10:.2g}") for rate in rates)
    assert main(find) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(points) + 1
    assert printed[-1] == last["suggested"]
    assert not runs_root().exists(), "a search stores nothing"


def test_a_fault_of_torch_is_one_line_and_exit_code_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_kernel(*_: object, **__: object) -> None:
        raise RuntimeError("could not create a primitive\nat kernel.cpp:17")

    monkeypatch.setattr("core.engine.lr_finder.find_lr", no_kernel)
    assert main(["find-lr", "--architecture", "mlp", "--dataset", "digits"]) == 1
    printed = capsys.readouterr().err.strip()
    assert printed == "This computer could not compute it (RuntimeError: could not create a primitive)"


@pytest.mark.parametrize(
    ("words", "what_takes_long"),
    [
        ("machine mlp --measure", "core.machine.throughput.ways"),
        ("baselines", "core.experiments.baselines.baseline"),
        ("evaluate RUN", "core.runs.store.Store.run"),
        ("compare RUN OTHER", "core.runs.store.Store.run"),
        ("export RUN --to script --out FOLDER", "core.runs.store.Store.run"),
        ("backup FILE", "core.runs.backup.back_up"),
        ("reference --answers", "core.runs.shipped.names"),
        ("train --architecture mlp", "core.cli.output.say_time"),
    ],
)
def test_ctrl_c_ends_a_command_in_one_line_with_exit_code_130(
    words: str, what_takes_long: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(what_takes_long, interrupted)
        assert main(words.split()) == 130
    assert capsys.readouterr().err == "Interrupted.\n"
    assert not [run for run in Store(runs_root()).runs() if not run.shipped]


def test_a_name_that_the_terminal_has_no_letters_for_ends_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    Store(runs_root()).create(run_config("softmax", {}), name="数字")
    printed = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(printed, encoding="cp1252"))
    assert main(["runs"]) == 0
    assert rb"\u6570\u5b57" in printed.getvalue()


def test_find_lr_without_a_fall_of_the_loss_exits_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["find-lr", "--architecture", "mlp", "--json", "--clip-norm", "0.0001", "--optimizer", "sgd"]) == 1
    assert lines(capsys)[-1] == {"lr": None, "suggested": NOTHING_FOUND}


def test_every_setting_is_a_flag_with_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["train", "--architecture", "cnn", "--help"])
    assert exit_.value.code == 0
    text = capsys.readouterr().out
    for flag in ("--channels", "--dropout", "--lr", "--val-fraction", "--clip-norm", "--label-smoothing"):
        assert flag in text


def test_datasets_architectures_and_presets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets", "--json"]) == 0
    assert [(row["id"], row["present"]) for row in lines(capsys)] == [
        ("digits", True),
        ("mnist", False),
        ("kaggle", False),
    ]
    assert main(["architectures", "--json"]) == 0
    assert [row["id"] for row in lines(capsys)] == list(models.TABLE)
    assert main(["presets", "--json"]) == 0
    assert [row["id"] for row in lines(capsys)] == list(PRESETS)


def test_a_preset_of_several_runs_gives_one_result_each(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--preset", "first-look", "--epochs", "1", "--n-train", "100", "--json"]) == 0
    results = [line for line in lines(capsys) if "status" in line]
    assert [result["architecture"] for result in results] == ["mlp", "cnn"]


def test_a_preset_is_what_it_is_on_this_machine_and_a_flag_goes_before_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = (("softmax", {"dataset": "digits", "epochs": 3, "n_train": 100}),)
    with_quick = {"quick": Preset("quick", "Quick", "Quick.", runs, by_machine={"32-bit": {"epochs": 2}})}
    monkeypatch.setattr(presets, "PRESETS", with_quick)
    assert main(["presets"]) == 0
    assert "Quick. On a machine without 16-bit units: --epochs 2." in capsys.readouterr().out
    for kind, flag, epochs in (("16-bit", [], 3), ("32-bit", [], 2), ("32-bit", ["--epochs", "1"], 1)):
        monkeypatch.setattr(machine_kind, "machine_kind", lambda kind=kind: kind)
        assert main(["train", "--preset", "quick", *flag, "--json"]) == 0
        shown = capsys.readouterr()
        result = json.loads(shown.out.splitlines()[-1])
        assert Store(runs_root()).run(result["run_id"]).run_config().training.epochs == epochs
        assert shown.err.startswith("On this machine, with")


def test_help_and_lists_do_not_wait_for_torch() -> None:
    code = (
        "import sys; from core.cli.app import main; main(['runs']); main(['datasets']); main(['presets']); main(['lessons'])\n"
        "try: main(['--help'])\nexcept SystemExit: print('torch' in sys.modules)"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert process.stdout.splitlines()[-1] == "False"


def test_the_test_images_stay_closed_until_the_run_has_ended(capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(runs_root())
    run_id = store.create(run_config("mlp", {"epochs": 2}), request="pause")
    store.close()
    assert main(["evaluate", run_id]) == 2
    assert "stay closed" in capsys.readouterr().err


def start_preset() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "core", "train", "--preset", "first-look", "--epochs", "1000", "--json"]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ)


def stopped_by_sigterm(process: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """The results of its runs, after exit code 0 within ten seconds."""
    assert process.stdout is not None
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    rest = process.stdout.read().splitlines()
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - began < 10
    return [json.loads(line) for line in rest if '"status"' in line]


def test_sigterm_stops_a_run_cleanly_with_its_weights_and_those_that_wait() -> None:
    process = start_preset()
    assert process.stdout is not None
    while json.loads(process.stdout.readline()).get("epoch") != 2:
        pass
    results = stopped_by_sigterm(process)
    assert [result["status"] for result in results] == ["stopped", "stopped"]
    assert results[0]["test_acc"] > 0.2


@pytest.mark.alone
@pytest.mark.slow
def test_sigterm_ends_a_preset_of_several_runs_even_while_one_is_paused() -> None:
    process = start_preset()
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    store = Store(runs_root())
    store.request(first["run_id"], "pause")
    time.sleep(1)
    assert [result["status"] for result in stopped_by_sigterm(process)] == ["stopped", "stopped"]
    store.close()


def test_a_flag_that_does_nothing_is_taken_and_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--optimizer", "rmsprop", "--momentum", "0.5", "--max-steps", "2", "--epochs", "1", "--json"]
    assert main(["train", "--architecture", "softmax", *flags]) == 0
    written = capsys.readouterr()
    assert written.err == "Momentum (momentum) does nothing while Optimizer (optimizer) is RMSprop.\n"
    assert json.loads(written.out.splitlines()[-1])["status"] == "finished"


def test_the_command_line_is_held_by_the_disk_and_says_whose_its_runs_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_MAX_QUEUED", "1")
    trained(capsys)
    monkeypatch.setenv("DIGIT_LAB_MAX_DISK_GB", "0.00001")
    for command in (["train", "--architecture", "mlp"], ["race", "--architectures", "mlp,softmax", "--seeds", "1"]):
        assert main(command) == 2
        assert "or more (DIGIT_LAB_MAX_DISK_GB). Delete runs" in capsys.readouterr().err
    monkeypatch.setenv("DIGIT_LAB_MAX_DISK_GB", "plenty")
    assert main(["runs"]) == 2
    allowed = "'plenty', allowed is 0 to 1000000 GB, 0 is no limit"
    assert capsys.readouterr().err == f"Disk of all runs (DIGIT_LAB_MAX_DISK_GB) is {allowed}\n"
    assert [run.owner for run in Store(runs_root()).runs()] == ["command line"]
