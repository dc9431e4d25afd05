"""What stands first on Train where something is watched: the curves, and at the end an answer with three next steps."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.compare.results import compare_leaders
from core.config import run_config
from core.data import DATASETS
from core.runs.rows import Run
from pages.lab.train.outcome import why_dotted_lies_below, why_test_differs
from pages.shared import services
from tests.pages.conftest import OpenPage, Train, moving, words

PAGE = "pages/lab/train/page.py"
RACE = "pages/lab/race/page.py"


def links(at: AppTest) -> dict[str, str]:
    """Label -> query of the links in the card; later ones of the same name do not count."""
    return {one.proto.label: one.proto.query_string for one in reversed(at.get("page_link"))}


def test_two_finished_runs_end_with_an_answer_above_their_curves_and_no_form(open_page: OpenPage, train: Train) -> None:
    runs = [train("softmax", epochs=1, name="*plain*"), train("mlp", epochs=3, name="deep")]
    ids = ",".join(run.run_id for run in runs)
    at = open_page(PAGE, run=ids)
    answers = {run.name: services.evaluation(run, "test") for run in runs}
    verdict = compare_leaders(answers).verdict  # type: ignore[arg-type]
    shown = words(at)
    assert f"**{verdict.finding}**" in shown.replace("****", "**")
    assert verdict.figures in shown
    assert verdict.caveat in shown
    assert r"\*plain\*" in "".join(one.value for one in at.markdown), "a name is no markup"
    assert dict(at.query_params) == {"run": ids}, "the address carries the runs alone"
    assert "train" not in {button.key for button in at.button}, "no second button to train above or below the curves"
    best, worst = sorted(runs, key=lambda run: -run.summary["test_acc"])
    offered = links(at)
    assert offered["Write your own digit for both"] == f"run={best.run_id}%2C{worst.run_id}"
    assert offered["Look at the mistakes"] == f"run={best.run_id}"
    assert offered["Race them with several seeds"] == f"like={best.run_id}%2C{worst.run_id}"
    at.session_state["change_settings"] = True
    at.run()
    assert at.button(key="train").label == "Train 2 networks", (
        "whoever changes the settings begins with those of the runs"
    )
    assert dict(at.query_params) == {"run": ids}


def test_one_finished_run_says_what_it_read(open_page: OpenPage, train: Train) -> None:
    run = train("softmax", epochs=1, name="plain")
    at = open_page(PAGE, run=run.run_id)
    right = round(382 * run.summary["test_acc"])
    assert f"**plain read {right} of 382 test images that it had never seen" in words(at)
    assert {"Write your own digit for it", "Race it against another network"} <= links(at).keys()


def test_what_trains_comes_first_for_whoever_opens_the_page_and_has_no_answer_yet(open_page: OpenPage) -> None:
    run_id = services.store().create(run_config("mlp", {}))
    at = open_page(PAGE)
    assert dict(at.query_params) == {"run": run_id}
    assert at.multiselect(key="live").value == [run_id]
    assert "charts" in moving(at)[0]["snapshot"], "the curves stand above how far each run is"
    assert "train" not in {button.key for button in at.button}
    assert "test images that it had never seen" not in words(at)
    settings = open_page(PAGE, architecture="mlp")
    assert settings.button(key="train").label == "Train", "a link to settings still opens the form"


def test_test_accuracy_far_from_validation_accuracy_is_explained_by_who_wrote_the_images(train: Train) -> None:
    run = train("softmax", epochs=1)
    apart = replace(run, summary={**run.summary, "val_acc": 0.975, "test_acc": 0.903})
    assert why_test_differs(apart).startswith(
        "**Why 97.50 % on validation images and 90.30 % on test images?** Different"
    )
    assert "also chose the best epoch" in why_test_differs(apart)
    assert "also chose" not in why_test_differs(replace(apart, config={**run.config, "training": {"monitor": "last"}}))
    assert why_test_differs(replace(run, summary={**run.summary, "val_acc": 0.905, "test_acc": 0.9})) == ""
    assert why_test_differs(replace(run, summary={"test_acc": 0.9})) == "", "nothing was held out"
    assert all(entry.why_test_differs.endswith(".") for entry in DATASETS.values())


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({}, "still getting better"), ({"shift": 3.0}, "moved, turned or stretched"), ({"dropout": 0.5}, "(dropout)")],
)
def test_a_dotted_line_that_lies_below_is_explained_by_what_made_learning_hard(
    train: Train, settings: dict[str, float], reason: str
) -> None:
    run = train("mlp", epochs=1, lr=0.003, **settings)
    assert reason in why_dotted_lies_below([run])


def test_a_dotted_line_above_needs_no_explanation(train: Train) -> None:
    assert why_dotted_lies_below([train("mlp", epochs=20, n_train=50, lr=0.003)]) == ""


def test_a_link_to_a_race_fills_its_form_with_the_settings_of_the_runs(open_page: OpenPage) -> None:
    store = services.store()
    configs = [run_config(name, {"dataset": "digits", "epochs": 3, "shift": 1.5}) for name in ("softmax", "mlp")]
    runs: list[Run] = [store.run(store.create(config, request="pause")) for config in configs]
    at = open_page(RACE, like=",".join(run.run_id for run in runs))
    assert at.button(key="race_start").label == "Start the race (12 runs)"
    assert at.session_state["race_data_shift"] == 1.5
    assert at.session_state["race_training_epochs"] == 3
    assert [at.pills(key=f"race_networks_{family}").value for family in ("linear", "dense")] == [["softmax"], ["mlp"]]
    assert "The link can not be followed" in words(open_page(RACE, like="![](http://example.org/x.png)"))
