"""Data: every dataset can be looked at, and what is imported is checked first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.data import augment, download, kaggle
from core.data.download import DownloadProgress, DownloadState
from core.data.paths import data_root
from core.machine import threads
from tests.pages.conftest import OpenPage

PAGE = "pages/learn/data/page.py"


def csv(n: int = 40, *, columns: tuple[str, ...] = kaggle.COLUMNS["train"]) -> bytes:
    rng = np.random.default_rng(0)
    rows = [
        ",".join(map(str, ([i % 10] if columns[0] == "label" else []) + rng.integers(0, 256, 784).tolist()))
        for i in range(n)
    ]
    return "\n".join([",".join(columns), *rows, ""]).encode()


def upload(at: AppTest, content: bytes, name: str = "train.csv") -> AppTest:
    at.file_uploader[0].upload(name, content).run()
    assert not at.exception, at.exception
    return at


def metrics(at: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in at.metric}


def go_to(at: AppTest, tab: str) -> AppTest:
    at.session_state["data_tab"] = tab
    at.run()
    assert not at.exception, at.exception
    return at


def test_embedded_digits_are_there_without_any_file(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    figures = metrics(at)
    assert (figures["Training images"], figures["Validation images"], figures["Test images"]) == ("1,157", "258", "382")
    assert figures["Background"].endswith(" %")
    assert any("CC BY 4.0" in caption.value for caption in at.caption)
    assert len(at.get("image")) == 1, "the samples are one composed picture"
    assert not any(button.proto.shortcut for button in at.button), "no key shuffles them by surprise"


def test_data_page_does_not_wait_for_torch() -> None:
    code = (
        "import sys; from streamlit.testing.v1 import AppTest; from pages.shared import services;"
        "services.warm_up = lambda: None; at = AppTest.from_file('streamlit_app.py', default_timeout=60).run();"
        f"at.switch_page({PAGE!r}).run(); assert not at.exception, at.exception;"
        "assert at.title[0].value == 'Data'; sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_samples_hold_the_chosen_digits_rows_and_part_and_change_on_request(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    at.button_group(key="data_digits").set_value([3, 8]).run()
    at.slider(key="data_rows").set_value(2).run()
    at.button_group(key="data_from").set_value("test").run()
    before = at.get("image")[0].proto
    assert "20 test images with the labels 3 8 3 8" in before.imgs[0].alt
    at.button_group(key="data_digits").set_value([3, 8]).run()
    assert at.get("image")[0].proto.imgs[0].url == before.imgs[0].url, "the same choice gives the same picture"
    next(one for one in at.button if one.label == "Other samples").click().run()
    assert at.get("image")[0].proto.imgs[0].url != before.imgs[0].url
    at.button_group(key="data_digits").set_value([]).run()
    assert [one.value for one in at.info] == ["Choose at least one digit."]


def test_a_choice_of_samples_can_be_named_and_repeated(open_page: OpenPage) -> None:
    def picture(at: AppTest) -> str:
        return str(at.get("image")[0].proto.imgs[0].url)

    at = open_page(PAGE)
    choice = at.number_input(key="data_seed")
    assert (choice.label, choice.value, choice.min, choice.max) == ("Choice", 0, 0, 999_999)
    first = picture(at)
    next(one for one in at.button if one.label == "Other samples").click().run()
    assert at.number_input(key="data_seed").value == 1
    second = picture(at)
    assert second != first
    at.number_input(key="data_seed").set_value(999_999).run()
    assert any("choice 999,999." in caption.value for caption in at.caption)
    next(one for one in at.button if one.label == "Other samples").click().run()
    assert at.number_input(key="data_seed").value == 0, "after the last choice comes the first"
    assert picture(at) == first
    again = open_page(PAGE)
    again.number_input(key="data_seed").set_value(1).run()
    assert picture(again) == second, "the number is all that another visitor needs"


def test_variations_leave_the_cores_to_the_training(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    drawn = augment.variants

    def variants(*args: Any, **kwargs: Any) -> np.ndarray:
        called.append("variants")
        return drawn(*args, **kwargs)

    monkeypatch.setattr(threads, "use_one_thread", lambda: called.append("single"))
    monkeypatch.setattr(augment, "variants", variants)
    go_to(open_page(PAGE), "Variations")
    assert called == ["single", "variants"]


def test_counts_have_a_table_twin_that_adds_up(open_page: OpenPage) -> None:
    at = go_to(open_page(PAGE), "How many of each")
    table = at.dataframe[0].value
    assert table[["Training", "Validation", "Test"]].sum().tolist() == [1157, 258, 382]
    assert "Images per digit: training 1,157 images" in at.get("plotly_chart")[0].proto.alt


def test_average_and_variations_are_drawn(open_page: OpenPage) -> None:
    at = go_to(open_page(PAGE), "Average digit")
    assert "pure background (0)" in at.get("plotly_chart")[0].proto.alt
    go_to(at, "Variations")
    with_variations = at.get("image")[0].proto.imgs[0].url
    for name in ("shift", "rotation", "zoom", "shear", "elastic", "thickness"):
        at.slider(key=f"data_{name}").set_value(0.0)
    at.run()
    assert not at.exception
    assert at.get("image")[0].proto.imgs[0].url != with_variations
    at.button_group(key="data_digit").set_value(7).run()
    plain_seven = at.get("image")[0].proto.imgs[0].url
    at.slider(key="data_habits").set_value(1.0).run()
    assert not at.exception
    assert at.get("image")[0].proto.imgs[0].url != plain_seven, "some of the sevens have a bar"
    assert "data_drawn_ones" not in {slider.key for slider in at.slider}, "it changes no five"
    at.button_group(key="data_digit").set_value(1).run()
    as_written = at.get("image")[0].proto.imgs[0].url
    at.slider(key="data_drawn_ones").set_value(1.0).run()
    assert not at.exception
    assert at.get("image")[0].proto.imgs[0].url != as_written


@pytest.mark.parametrize("name", ["mnist", "kaggle"])
def test_missing_dataset_says_how_to_get_it(open_page: OpenPage, name: str) -> None:
    at = open_page(PAGE, dataset=name)
    assert at.button_group(key="data_name").value == name
    assert "Data page" in at.info[0].value
    assert not at.error


def test_link_to_an_unknown_dataset_gives_a_notice(open_page: OpenPage) -> None:
    at = open_page(PAGE, dataset="![](http://evil.example)")
    assert at.warning[0].value == "The link asks for a dataset that there is not. Here are the others."
    assert at.button_group(key="data_name").value == "digits"


def test_good_kaggle_file_is_imported_and_shown(open_page: OpenPage) -> None:
    at = upload(open_page(PAGE, dataset="kaggle"), csv())
    assert "train.csv is in place: 40 images." in [one.value for one in at.success]
    assert metrics(at)["Test images"] == "8"
    assert at.file_uploader[0].value is None, "its memory is let go of"


def test_bad_kaggle_file_gets_one_sentence_and_changes_nothing(open_page: OpenPage) -> None:
    broken = csv().replace(b"\n1,", b"\n![x](http://a.b),", 1)
    at = upload(open_page(PAGE), broken)
    assert len(at.error) == 1
    assert at.error[0].value.startswith("The file, line 3, column label")
    assert "![" not in at.error[0].value, "what stands in a file is never rendered"
    assert not (data_root() / "kaggle").exists()
    at.slider(key="data_rows").set_value(3).run()
    assert len(at.error) == 1, "the explanation stays as long as the file does"


def test_existing_file_is_replaced_only_when_asked(open_page: OpenPage) -> None:
    at = upload(open_page(PAGE), csv(40))
    before = (data_root() / "kaggle" / "train.csv").read_bytes()
    upload(at, csv(50))
    assert "Already there: train.csv" in at.warning[0].value
    assert (data_root() / "kaggle" / "train.csv").read_bytes() == before
    next(one for one in at.button if one.label == "Check and replace").click().run()
    assert "train.csv is in place: 50 images." in [one.value for one in at.success]


def test_damaged_dataset_is_an_error_in_words(open_page: OpenPage) -> None:
    folder: Path = data_root() / "kaggle"
    folder.mkdir(parents=True)
    (folder / "train.csv").write_bytes(b"label;pixel0\n")
    at = open_page(PAGE, dataset="kaggle")
    assert len(at.error) == 1
    assert "separated by ';'" in at.error[0].value.replace("\\", "")


def test_download_shows_progress_and_its_failure_and_can_be_tried_again(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Any] = []

    class Fake:
        def __init__(self) -> None:
            made.append(self)
            self.stopped = False
            self.state = DownloadState(
                "running", "Downloading file 2 of 4: x", DownloadProgress("x", 3_100_000, 9_900_000, 1, 4)
            )

        def stop(self) -> None:
            self.stopped = True

    monkeypatch.setattr(download, "Download", Fake)
    at = open_page(PAGE)
    next(one for one in at.button if one.label == "Download MNIST").click().run()
    assert not at.exception
    bar = at.get("progress")[0].proto
    assert "3.1 of 9.9 MB" in bar.text
    assert bar.value == int(100 * (1 + 3.1 / 9.9) / 4)
    at.button(key="data_stop").click().run()
    assert made[0].stopped
    made[0].state = DownloadState("failed", "example.org: the server answered 503 ![](http://a.b)")
    at.run()
    assert "the server answered 503" in at.error[0].value
    assert "![" not in at.error[0].value
    next(one for one in at.button if one.label == "Try again").click().run()
    assert len(made) == 2
    made[1].state = DownloadState("done", "MNIST is ready")
    at.run()
    assert not at.exception


@pytest.mark.mnist
def test_mnist_facts_are_those_of_the_training_split(open_page: OpenPage) -> None:
    at = open_page(PAGE, dataset="mnist")
    figures = metrics(at)
    assert (figures["Training images"], figures["Validation images"]) == ("50,000", "10,000")
    assert figures["Mean pixel"].startswith("0.13")
    assert figures["Deviation"].startswith("0.30")
