"""Mistakes: the figures of an evaluation, and a gallery that follows the matrix and the menus."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from core.analysis.metrics import confusion, wilson
from core.data import kaggle, label_errors
from core.data.idx import payload_sha256
from core.data.paths import data_root
from core.engine.evaluate import Evaluation
from pages.lab.mistakes import choice, images
from pages.shared import gallery, services
from tests.pages.conftest import OpenPage, Train, WithoutResult
from tests.pages.test_data import csv

PAGE = "pages/lab/mistakes/page.py"


def pictures(at: object) -> list[str]:
    return [one.proto.imgs[0].alt for one in at.get("image")]  # type: ignore[attr-defined]


def test_without_a_run_the_page_offers_to_train_one(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    assert "No network has been trained yet." in at.info[0].value
    assert not at.metric


def test_header_tells_accuracy_with_its_interval_and_loss_with_its_unit(open_page: OpenPage, train: Train) -> None:
    run = train()
    at = open_page(PAGE)
    figures = {one.label: one.value for one in at.metric}
    right = round(run.summary["test_acc"] * 382)
    low, high = wilson(right, 382)
    assert figures["Accuracy"] == f"{100 * right / 382:.2f} %"
    assert figures["Mistakes"] == f"{382 - right:,}"
    assert figures["Loss"] == f"{run.summary['test_loss']:.4f} nats"
    assert any(f"{100 * low:.2f} % and {100 * high:.2f} %" in one.value for one in at.caption)


def test_menus_filter_the_gallery_and_show_all_resets_it(open_page: OpenPage, train: Train) -> None:
    run = train()
    answered = services.evaluation(run, "test")
    assert answered is not None
    matrix = confusion(answered.labels, answered.logits.argmax(axis=1))
    truth, predicted = np.unravel_index((matrix * ~np.eye(10, dtype=bool)).argmax(), matrix.shape)
    at = open_page(PAGE)
    at.selectbox(key="mistakes_truth").set_value(str(truth)).run()
    at.selectbox(key="mistakes_predicted").set_value(str(predicted)).run()
    assert not at.exception
    shown = pictures(at)[0].removeprefix("Images: ").split("; ")
    assert len(shown) == min(matrix[truth, predicted], gallery.PER_PAGE)
    assert all(text.startswith(f"{truth} read as {predicted} #") for text in shown)
    next(one for one in at.button if one.label == "Show all").click().run()
    assert (at.selectbox(key="mistakes_truth").value, at.selectbox(key="mistakes_predicted").value) == ("any", "any")
    assert f"{382 - np.trace(matrix):,} mistakes" in " ".join(one.value for one in at.caption)


def test_equal_digits_show_what_was_read_correctly(open_page: OpenPage, train: Train) -> None:
    train()
    at = open_page(PAGE)
    at.selectbox(key="mistakes_truth").set_value("0").run()
    at.selectbox(key="mistakes_predicted").set_value("0").run()
    assert all(text.startswith("0 read as 0") for text in pictures(at)[0].removeprefix("Images: ").split("; "))


def test_one_image_is_shown_with_its_probabilities(open_page: OpenPage, train: Train) -> None:
    train()
    at = open_page(PAGE)
    image_box = next(box for box in at.selectbox if box.label == "Image")
    assert len(image_box.options) == gallery.PER_PAGE
    image_box.select_index(3).run()
    assert not at.exception
    index = image_box.options[3].removeprefix("#").split(":")[0]
    assert f"Image {index}, labelled" in pictures(at)[1]
    assert "the truth is" in at.get("html")[0].proto.body


def test_the_worst_mistake_comes_first_and_every_page_has_others(open_page: OpenPage, train: Train) -> None:
    train()
    at = open_page(PAGE)
    first = next(box for box in at.selectbox if box.label == "Image").options
    at.get("pagination")[0].set_value(2).run()  # type: ignore[union-attr]
    assert not at.exception
    second = next(box for box in at.selectbox if box.label == "Image").options
    assert not set(first) & set(second)


def test_tables_agree_with_the_matrix(open_page: OpenPage, train: Train) -> None:
    run = train()
    at = open_page(PAGE)
    pairs, digits = (one.value for one in at.dataframe)
    assert digits["Images"].sum() == run.summary["n_test"]
    assert (digits["Recall"] * digits["Images"] / 100).sum() == pytest.approx(run.summary["test_acc"] * 382)
    assert pairs["Images"].is_monotonic_decreasing
    assert (pairs["True digit"] != pairs["Read as"]).all()


def test_export_holds_numbers_only_and_every_image(open_page: OpenPage, train: Train) -> None:
    from core.analysis.predictions import prediction_table

    answered = services.evaluation(train(), "test")
    assert answered is not None
    text = prediction_table(answered.logits, answered.labels).to_csv(index=False)
    table = pd.read_csv(io.StringIO(text))
    assert sorted(table["index"]) == list(range(382))
    assert {kind.kind for kind in table.dtypes} == {"i", "f"}
    assert np.allclose(table[[f"p{digit}" for digit in range(10)]].sum(axis=1), 1)
    labels = [button.proto.label for button in open_page(PAGE).get("download_button")]
    assert labels.count("All answers as CSV") == 1


def test_validation_images_can_be_judged_and_their_absence_is_said(open_page: OpenPage, train: Train) -> None:
    run = train()
    at = open_page(PAGE)
    at.button_group(key="mistakes_on").set_value("val").run()
    assert {one.label: one.value for one in at.metric}["Accuracy"] == f"{100 * run.summary['val_acc']:.2f} %"
    train(val_fraction=0.0)
    at = open_page(PAGE)
    at.button_group(key="mistakes_on").set_value("val").run()
    assert "held no images out" in at.info[0].value


def test_unknown_run_in_the_link_gives_a_notice(open_page: OpenPage, train: Train) -> None:
    train()
    at = open_page(PAGE, run="ffffffffffff")
    assert "not here" in at.warning[0].value
    assert at.metric


def test_nothing_mistaken_is_said(open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = services.dataset("digits").test_labels
    perfect = Evaluation((20 * np.eye(10, dtype=np.float32))[labels], labels)
    train()
    monkeypatch.setattr(choice, "evaluation", lambda *_: perfect)
    at = open_page(PAGE)
    assert "Nothing was misread: all 382 images are right." in [one.value for one in at.success]


def test_answers_that_are_no_numbers_are_an_error_in_words(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = services.dataset("digits").test_labels
    train()
    lost = Evaluation(np.full((382, 10), np.nan, np.float32), labels)
    monkeypatch.setattr(choice, "evaluation", lambda *_: lost)
    assert "not numbers" in open_page(PAGE).error[0].value


def test_known_label_errors_of_mnist_are_marked(
    open_page: OpenPage, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train()
    wrong, labels = 947, np.zeros(10_000, np.int64)
    monkeypatch.setattr(label_errors, "KNOWN", {payload_sha256(labels.astype(np.uint8)): frozenset((wrong, 1))})
    logits = np.tile(np.array([5, *[0] * 9], np.float32), (10_000, 1))
    logits[wrong] = np.roll(logits[wrong], 4)
    monkeypatch.setattr(choice, "evaluation", lambda *_: Evaluation(logits, labels))
    monkeypatch.setattr(images, "pictures", lambda run, split, labels: np.zeros((10_000, 28, 28), np.uint8))
    monkeypatch.setitem(run.config["data"], "dataset", "mnist")
    monkeypatch.setattr(choice, "pick_run", lambda key, **_: run)
    at = open_page(PAGE)
    assert pictures(at)[0] == f"Images: 0 read as 4 #{wrong}*"
    assert any("known to be wrong" in one.value for one in at.caption)


def test_images_of_a_dataset_that_has_changed_since_are_not_shown(open_page: OpenPage, train: Train) -> None:
    kaggle.save_upload(None, csv(200))
    train(dataset="kaggle", n_train=0)
    (data_root() / "kaggle" / "train.csv").write_bytes(csv(300))
    services.dataset.clear()
    at = open_page(PAGE)
    assert "only the answers" in at.warning[0].value
    assert not pictures(at)


def test_only_runs_with_a_result_are_offered(open_page: OpenPage, train: Train, without_result: WithoutResult) -> None:
    judged = train()
    without_result()
    menu = open_page(PAGE).selectbox(key="mistakes_run")
    assert menu.value == judged.run_id
    assert len(menu.options) == 1


@pytest.mark.parametrize(
    ("status", "says"),
    [("stopped", "without a result"), ("diverged", "without a result"), ("queued", "no result yet")],
)
def test_a_link_to_a_run_without_a_result_says_so_and_falls_back(
    open_page: OpenPage, train: Train, without_result: WithoutResult, status: str, says: str
) -> None:
    run = without_result()[status]
    at = open_page(PAGE, run=run.run_id)
    assert says in at.warning[0].value
    assert at.info[0].value == "No run has a result yet."
    judged = train()
    at = open_page(PAGE, run=run.run_id)
    assert says in at.warning[0].value
    assert at.selectbox(key="mistakes_run").value == judged.run_id
