"""Our digits: kept on Draw with a label, scored, saved, loaded, deleted and brought back; and learned from."""

from __future__ import annotations

import numpy as np
from streamlit.testing.v1 import AppTest
from test_draw import PAGE, SEVEN, canvas, draw, png

from core.analysis.metrics import wilson
from core.data.class_set import Digits, learned_from
from core.data.class_set_files import as_csv, as_idx
from core.data.strokes import rasterise
from core.runs import class_set
from pages.shared import services
from tests.pages.conftest import OpenPage, Train, words


def rerun(at: AppTest, *, is_open: bool = False) -> AppTest:
    """is_open: the folded part is open; an AppTest forgets that from run to run"""
    if is_open:
        at.session_state["draw_our_digits"] = True
    at.run()
    assert not at.exception, at.exception
    return at


def own(n: int) -> Digits:
    """Embedded test digits with a changed pixel: of other people they are not, but no network has seen them so."""
    data = services.dataset("digits")
    images = data.test_images[:n].copy()
    images[:, 0, 0] = 255
    return Digits(images, data.test_labels[:n])


def test_a_digit_is_kept_with_its_label_once_and_undone(open_page: OpenPage, train: Train) -> None:
    train()
    at = draw(open_page(PAGE), png(canvas(rasterise(SEVEN))))
    assert at.button(key="draw_keep").disabled, "without a label"
    at.get_by_key("draw_keep_label_0").set_value(7)
    at.text_input(key="draw_keep_writer").set_value("*Ana*").run()
    at.button(key="draw_keep").click()
    rerun(at)
    kept = class_set.class_set(services.store())
    assert (list(kept.digits.labels), kept.writers, len(kept.owners[0])) == ([7], ("*Ana*",), 32)
    assert "Kept as a 7. 1 digit kept." in words(at)
    assert "Our digits" in [fold.label for fold in at.expander]
    assert at.button(key="draw_keep").disabled, "the next digit has no label yet"
    at.get_by_key("draw_keep_label_1").set_value(7).run()
    at.button(key="draw_keep").click()
    rerun(at)
    assert "This very picture is kept as a 7 already. 1 digit kept." in words(at)
    at.get_by_key("draw_keep_label_2").set_value(1).run()
    at.button(key="draw_keep").click()
    rerun(at)
    at.button(key="draw_keep_undo").click()
    rerun(at)
    assert list(class_set.class_set(services.store()).digits.labels) == [7]
    at.segmented_control(key="draw_source").set_value("sample")
    rerun(at)
    assert "draw_keep" not in [button.key for button in at.button], "digits of a dataset are no one's own"


def test_every_network_is_scored_on_them_with_its_interval(open_page: OpenPage, train: Train) -> None:
    at = open_page(PAGE)
    assert "Nothing is kept yet." in words(rerun(at, is_open=True))
    digits = own(40)
    class_set.add(services.store(), digits)
    runs = [train("mlp", name="first"), train("softmax", name="second", epochs=1)]
    at = open_page(PAGE, run=",".join(run.run_id for run in runs))
    rerun(at, is_open=True)
    table = at.dataframe[0].value
    for run, (_, row) in zip(runs, table.sort_values("name").iterrows(), strict=True):
        right = services.predictor(run).logits(digits.images).argmax(1) == digits.labels
        low, high = wilson(int(right.sum()), 40)
        assert row["right"] == f"{right.sum()} of 40"
        assert row["95 % interval"] == f"{100 * low:.1f}–{100 * high:.1f}"
        assert row["test (%)"] == 100 * run.summary["test_acc"]
        assert row["tested on"] == f"{run.summary['n_test']} of Embedded digits"
    assert "40 digits are few" in words(at)
    assert "kept digits" in words(at)
    # A network that learned from one half: then all are judged on the other.
    third = train("softmax", name="third", epochs=1, class_set=0.3)
    held_out = int((~learned_from(digits.images)).sum())
    at.multiselect(key="draw_runs").set_value([run.run_id for run in (*runs, third)])
    table = rerun(at, is_open=True).dataframe[0].value
    assert {right.split(" of ")[1] for right in table["right"]} == {str(held_out)}
    assert f"Of 40 kept digits these are the {held_out} that are held out" in words(at)
    links = [link.proto for link in at.get("page_link")]
    (fine_tuning,) = [link.query_string for link in links if link.label.startswith("Fine-tune")]
    assert f"start_from={at.selectbox(key='draw_our_run').value}" in fine_tuning
    assert "class_set=0.1" in fine_tuning


def test_they_are_seen_deleted_and_brought_back_saved_and_loaded(open_page: OpenPage, train: Train) -> None:
    train()
    digits = own(30)
    numbers = class_set.add(services.store(), digits, writer="Ana").numbers
    at = open_page(PAGE)
    at.session_state["draw_our_view"] = "pictures"
    frame = rerun(at, is_open=True).dataframe[0].value
    assert len(frame) == 24
    assert list(frame["label"]) == sorted(digits.labels)[:24]
    assert frame["picture"].str.startswith("data:image/png;base64,").all()
    at.button(key="draw_our_delete_all").click()
    rerun(at, is_open=True)
    assert "Deleted 30 digits." in words(at)
    assert not len(class_set.class_set(services.store()))
    at.button(key="draw_our_undo").click()
    rerun(at, is_open=True)
    assert class_set.class_set(services.store()).numbers == numbers
    at.session_state["draw_our_view"] = "files"
    rerun(at, is_open=True)
    at.button(key="draw_take").click()
    rerun(at, is_open=True)
    assert "Our digits (30)" in words(at)
    assert at.selectbox(key="take_class_set_form").options == ["CSV", "Pictures (ZIP)", "IDX (two files)"]
    more = Digits(own(31).images[29:], own(31).labels[29:])
    uploader = at.get("file_uploader")[-1]
    uploader.set_value([("mine.csv", as_csv(more), "text/csv")])
    rerun(at, is_open=True).button(key="draw_import").click()
    rerun(at, is_open=True)
    assert "Added 1 digit. 1 was there already." in words(at)
    np.testing.assert_array_equal(class_set.class_set(services.store()).digits.images[-1], more.images[-1])
    at.get("file_uploader")[-1].set_value([("labels.gz", as_idx(more)[1], "application/gzip")])
    rerun(at, is_open=True).button(key="draw_import").click()
    rerun(at, is_open=True)
    assert "labels.gz: IDX files come in pairs" in words(at)


def test_the_form_of_the_train_page_says_what_is_missing(open_page: OpenPage) -> None:
    at = open_page("pages/lab/train/page.py", dataset="digits", class_set="0.1", start_from="0123abcd")
    assert "10 % of the images that are learned from are digits kept on the Draw page." in words(at)
    assert "Learning begins with the weights of run 0123abcd." in words(at)
    at.button(key="train").click()
    rerun(at)
    assert "no kept digits to learn from" in words(at)
    class_set.add(services.store(), own(20))
    at.button(key="train").click()
    rerun(at)
    assert "Start from (start_from) is 0123abcd, but there is no run with it" in words(at)
