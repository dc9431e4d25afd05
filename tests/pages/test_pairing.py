"""Image by image: the four cells are the stored answers, and a gap counts as luck until shown otherwise."""

from __future__ import annotations

import dataclasses
import re
from functools import partial

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.statistics import holm, paired
from core.data import kaggle, label_errors
from core.data.idx import payload_sha256
from core.engine.evaluate import Evaluation
from core.runs.rows import Run
from pages.lab.compare.pairing import p_is, p_text, pair_table
from pages.shared import gallery, services
from pages.shared.answered import answers_on_same_images, unique_labels
from tests.pages.conftest import OpenPage, Train, part_script, show_part, words
from tests.pages.test_data import csv
from tests.pages.test_shipped_runs import ASSETS

PAGE = "pages/lab/compare/page.py"


compare = partial(show_part, "pairing")


def right(run: Run) -> np.ndarray:
    evaluation = services.evaluation(run, "test")
    assert evaluation is not None
    return np.asarray(evaluation.logits.argmax(axis=1) == evaluation.labels)


def headline(at: AppTest) -> str:
    return next(one.value for one in at.markdown if one.value.startswith("**")).replace("\\", "")


def counts(at: AppTest) -> pd.DataFrame:
    return at.table[0].value.map(lambda text: int(text.replace(",", "")))


def metrics(at: AppTest) -> dict[str, str]:
    """Each figure beside the table by its name."""
    lines = (re.fullmatch(r"(.+): \*\*(.+)\*\*", one.value) for one in at.markdown)
    return {line[1]: line[2] for line in lines if line}


def pictures(at: AppTest) -> list[str]:
    return [text for one in at.get("image") for text in one.proto.imgs[0].alt.removeprefix("Images: ").split("; ")]


def table(at: AppTest, column: str) -> pd.DataFrame:
    return next(one.value for one in at.dataframe if column in one.value)


@pytest.fixture
def two(train: Train) -> list[Run]:
    return [train("softmax", name="plain"), train("mlp", name="deep", epochs=3)]


def test_the_four_cells_add_up_to_all_test_digits_and_are_the_stored_answers(two: list[Run]) -> None:
    at = compare(*two)
    a, b = map(right, two)
    cells = counts(at)
    assert cells.loc["Sum", "Sum"] == 382
    assert cells.loc["A right", "B right"] == (a & b).sum()
    assert cells.loc["A right", "B wrong"] == (a & ~b).sum()
    assert cells.loc["A wrong", "B right"] == (~a & b).sum()
    assert cells.loc["A wrong", "B wrong"] == (~a & ~b).sum()
    assert cells.loc["Sum", "B right"] == round(two[1].summary["test_acc"] * 382)


def test_the_first_two_runs_are_compared_and_numbers_are_those_of_mcnemar(two: list[Run]) -> None:
    at = compare(*two)
    assert (at.selectbox(key="pairing_a").value, at.selectbox(key="pairing_b").value) == tuple(
        run.run_id for run in two
    )
    expected = paired(*map(right, two))
    figures = metrics(at)
    assert float(figures["McNemar, exact"].removeprefix("< ")) == pytest.approx(expected.exact, abs=1e-4)
    assert float(figures["McNemar, mid-p"].removeprefix("< ")) == pytest.approx(expected.mid_p, abs=1e-4)
    difference = float(figures["Difference, A − B"].removesuffix(" points").replace("−", "-"))
    assert difference == pytest.approx(100 * expected.difference, abs=0.005)
    ahead, behind = ("plain", "deep") if expected.difference > 0 else ("deep", "plain")
    ending = "that could be luck" if expected.mid_p >= 0.05 else "luck alone would hardly do that"
    more = abs(expected.only_a - expected.only_b)
    assert headline(at) == f"**{ahead} read {more} more of 382 test images than {behind}; {ending}.**"
    assert "these two trained networks, not about their architectures" in words(at)


def test_each_choice_shows_the_images_of_its_cell(two: list[Run]) -> None:
    a, b = map(right, two)
    cells = {"only_a": a & ~b, "only_b": ~a & b, "neither": ~a & ~b, "both": a & b}
    at = compare(*two)
    assert at.button_group(key="pairing_cell").value == "only_a"
    for cell, there in cells.items():
        at.button_group(key="pairing_cell").set_value(cell).run()
        shown = [int(text.split("#")[1]) for text in pictures(at)]
        assert len(shown) == min(there.sum(), gallery.PER_PAGE)
        assert there[shown].all()


def test_captions_say_the_truth_and_both_answers(two: list[Run]) -> None:
    at = compare(*two, pairing_cell="neither")
    evaluations = [services.evaluation(run, "test") for run in two]
    for text in pictures(at):
        truth, said_a, said_b, index = map(int, re.fullmatch(r"(\d): A (\d), B (\d) #(\d+)", text).groups())  # type: ignore[union-attr]
        assert truth == evaluations[0].labels[index] == evaluations[1].labels[index]  # type: ignore[union-attr]
        assert [said_a, said_b] == [one.logits[index].argmax() for one in evaluations]  # type: ignore[union-attr]


def test_pages_of_a_gallery_show_other_images(two: list[Run]) -> None:
    at = compare(*two, pairing_cell="both")
    before = pictures(at)
    at.get("pagination")[0].set_value(2).run()  # type: ignore[union-attr]
    assert not set(before) & set(pictures(at))


def test_a_run_against_itself_is_not_distinguishable(two: list[Run]) -> None:
    at = compare(*two, pairing_a=two[0].run_id, pairing_b=two[0].run_id)
    assert headline(at).startswith("**plain and plain read exactly the same")
    assert metrics(at)["McNemar, mid-p"] == "1.0000"
    assert "There is no such image." in words(at)


def test_exchanging_a_and_b_mirrors_everything(two: list[Run]) -> None:
    original, exchanged = compare(*two), compare(*reversed(two))
    assert (counts(exchanged).to_numpy() == counts(original).to_numpy().T).all()
    ends = [
        metrics(at)["95 % interval"].removesuffix(" points").replace("−", "-").split(" to ")
        for at in (original, exchanged)
    ]
    assert [float(end) for end in ends[0]] == [-float(end) for end in reversed(ends[1])]
    assert metrics(original)["McNemar, mid-p"] == metrics(exchanged)["McNemar, mid-p"]
    assert headline(original) == headline(exchanged)


def test_two_runs_have_no_table_of_pairs_and_nothing_to_correct(two: list[Run]) -> None:
    at = compare(*two)
    assert "All pairs" not in [one.value for one in at.subheader]
    assert "Holm" not in words(at)


def test_three_runs_give_three_pairs_corrected_together(two: list[Run], train: Train) -> None:
    runs = [*two, train("mlp", name="short", epochs=1, seed=3)]
    at = compare(*runs)
    pairs = [(0, 1), (0, 2), (1, 2)]
    p_values = [paired(right(runs[i]), right(runs[j])).mid_p for i, j in pairs]
    rows = pair_table(answers_on_same_images(runs))
    assert rows["mid-p"].tolist() == pytest.approx(p_values)
    assert rows["after Holm"].tolist() == pytest.approx(holm(p_values))
    shown = table(at, "after Holm")
    assert shown["after Holm"].tolist() == [p_text(p) for p in holm(p_values)]
    assert [(row.A, row.B) for row in shown.itertuples()] == [(runs[i].name, runs[j].name) for i, j in pairs]
    for p, verdict in zip(holm(p_values), shown["Verdict"], strict=True):
        assert (verdict == "not distinguishable") == (p >= 0.05)
    assert f"mid-{p_is(holm(p_values)[0])}" in words(at)
    assert "Cochran’s Q = " in words(at)
    alike = at.get("plotly_chart")[0].proto.alt
    assert all(run.name in alike for run in runs)


def test_a_run_of_other_images_is_left_out_in_words(two: list[Run], train: Train) -> None:
    kaggle.save_upload(None, csv(300))
    stranger = train("softmax", name="stranger", dataset="kaggle", n_train=0)
    at = compare(two[0], stranger, two[1])
    sentence = next(one.value for one in at.info).replace("\\", "")
    assert sentence.startswith("stranger reads other test images (Kaggle Digit Recognizer")
    assert at.selectbox(key="pairing_b").value == two[1].run_id
    assert len(at.selectbox(key="pairing_a").options) == 2
    at = compare(two[0], stranger)
    assert not metrics(at)
    assert "at least two runs on the same test images" in words(at)


def test_one_run_or_none_is_asked_for_more(two: list[Run]) -> None:
    for runs in ([], two[:1]):
        assert "at least two runs" in words(compare(*runs))


def test_answers_that_are_no_numbers_are_left_out_in_words(two: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    evaluation = services.evaluation(two[0], "test")
    assert evaluation is not None
    lost = Evaluation(np.full((382, 10), np.nan, np.float32), evaluation.labels)
    monkeypatch.setattr("pages.shared.answered.evaluation", lambda run, *_: lost if run.name == "plain" else evaluation)
    assert "The answers of plain are not numbers" in words(compare(*two))


def test_names_that_are_equal_are_told_apart_by_number(train: Train) -> None:
    runs = [train("softmax", name="twin"), train("softmax", name="twin", seed=1)]
    assert unique_labels(runs) == ["twin, run 1", "twin, run 2"]
    assert set(table(compare(*runs), "Right")["Network"]) == {"twin, run 1", "twin, run 2", "Ensemble"}


def test_known_label_errors_of_mnist_are_marked(two: list[Run], monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, labels = 947, np.zeros(10_000, np.int64)
    monkeypatch.setattr(label_errors, "KNOWN", {payload_sha256(labels.astype(np.uint8)): frozenset((wrong, 1))})
    logits = np.tile(np.array([5, *[0] * 9], np.float32), (10_000, 1))
    other = logits.copy()
    other[wrong] = np.roll(other[wrong], 4)
    evaluations = {"plain": Evaluation(logits, labels), "deep": Evaluation(other, labels)}
    on_mnist = {
        run.run_id: dataclasses.replace(run, config={**run.config, "data": {**run.config["data"], "dataset": "mnist"}})
        for run in two
    }
    monkeypatch.setattr(type(services.store()), "run", lambda self, run_id: on_mnist[run_id])
    monkeypatch.setattr("pages.shared.answered.evaluation", lambda run, *_: evaluations[run.name])
    monkeypatch.setattr(
        "pages.lab.compare.pairing.pictures", lambda run, split, labels: np.zeros((10_000, 28, 28), np.uint8)
    )
    at = compare(*two)
    assert pictures(at) == [f"0: A 0, B 4 #{wrong}*"]
    assert "known to be wrong" in words(at)


def test_images_of_a_dataset_that_has_changed_since_are_not_shown(
    two: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.lab.compare.pairing.pictures", lambda run, split, labels: None)
    at = compare(*two, pairing_cell="both")
    assert "only the answers" in words(at)
    assert not pictures(at)
    assert metrics(at)


def test_a_link_chooses_a_and_b_and_the_choice_stands_in_the_address(two: list[Run]) -> None:
    at = AppTest.from_function(part_script, args=("pairing", [run.run_id for run in two]), default_timeout=60)
    at.query_params["a"], at.query_params["b"] = two[1].run_id, two[0].run_id
    at.run()
    assert at.selectbox(key="pairing_a").value == two[1].run_id
    at.selectbox(key="pairing_a").set_value(two[0].run_id).run()
    assert at.selectbox(key="pairing_a").value == two[0].run_id
    assert at.query_params["a"] == two[0].run_id


def test_a_name_is_never_markup(train: Train) -> None:
    runs = [train("softmax", name="**a** $x$ [b](c)"), train("softmax", name="<i>", seed=1)]
    at = compare(*runs)
    shown = "\n".join(one.value for kind in (at.markdown, at.caption) for one in kind)
    assert r"\*\*a\*\* \$x\$ \[b\]\(c\)" in shown
    assert "[b](c)" not in shown
    assert "<i>" not in shown.replace(r"\<i\>", "")


def test_without_the_images_of_shipped_runs_the_page_says_so_and_who_has_some(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS))
    runs = services.store().runs()
    far = [run.run_id for run in runs if run.config["data"]["dataset"] == "mnist"][:2]
    near = [run.run_id for run in runs if run.config["data"]["dataset"] == "digits"]
    at = open_page(PAGE, run=",".join(far), view="images")
    assert "came with Digit Lab, but the images of MNIST did not" in words(at)
    assert not metrics(at)
    links = {one.proto.label.replace("\\", ""): one.proto for one in at.get("page_link")}
    assert "Get MNIST on the Data page" in links
    (offer,) = (link for label, link in links.items() if label.startswith("Compare "))
    assert all(run_id in offer.query_string for run_id in near)
    at = open_page(PAGE, run=",".join(near), view="images")
    assert counts(at).loc["Sum", "Sum"] == 382
    assert "nobody noted after each epoch" in words(open_page(PAGE, run=",".join(near), view="learned"))


def test_nothing_but_runs_on_the_same_images_comes_back(two: list[Run]) -> None:
    answers = answers_on_same_images(two)
    assert [one.run.run_id for one in answers] == [run.run_id for run in two]
    assert [one.accuracy for one in answers] == pytest.approx([run.summary["test_acc"] for run in two])
