"""Architectures: every entry of the registry is taught, can be compared, and its speed measured here."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core import models
from core.config import run_config
from core.fields import settings
from core.models import short_title
from pages.shared import services
from tests.pages.conftest import OpenPage, words

PAGE = "pages/learn/architectures/page.py"


def selected_architectures(at: AppTest) -> list[str]:
    return list(at.multiselect(key="architectures").value)


def test_all_architectures_are_compared_and_two_are_explained(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    assert at.title[0].value == "Architectures"
    first = ["Network", "Parameters", "Learns (images/s)", "Answers (images/s)", "Multiply-adds"]
    assert list(at.dataframe[0].value) == first
    at.toggle(key="costs_all_columns").set_value(True).run()
    table = at.dataframe[0].value.set_index("Network")
    assert list(table.index) == [short_title(name) for name in models.TABLE]
    assert table.loc["CNN", ["Parameters", "Multiply-adds"]].tolist() == [429_258, 4_248_704]
    assert table.loc["MLP", "Weights (kB)"] == pytest.approx(437.5)
    assert (table["Step (MB)"] > 0).all()
    assert table[["Learns (images/s)", "Answers (images/s)"]].isna().all(axis=None), "nothing was measured yet"
    assert "FLOP" not in words(at)
    assert selected_architectures(at) == ["mlp", "cnn"]


@pytest.mark.parametrize("name", list(models.TABLE))
def test_every_architecture_has_its_text_picture_layers_settings_and_sources(open_page: OpenPage, name: str) -> None:
    at = open_page(PAGE, architectures=name)
    assert not at.warning
    assert not at.error
    text = words(at)
    assert f"#### {models.title(name)}" in text
    assert "**What to try.**" in text
    (drawing,) = at.get("graphviz_chart")
    assert "1 × 28 × 28" in drawing.proto.spec
    assert drawing.proto.alt.startswith(models.title(name))
    assert len(at.dataframe) == 1, "what is not open is not drawn"
    order = [part.type for part in at.main if part.type in ("graphviz_chart", "dataframe")]
    assert order == ["graphviz_chart", "dataframe"], "the picture comes first"
    at.session_state["architectures_part"] = "Layer by layer"
    at.run()
    record = models.get(name)
    layers = at.dataframe[0].value
    assert layers["Parameters"].sum() == record.n_params(record.config())
    assert layers["Multiply-adds"].sum() == record.multiply_adds(record.config())
    for part, there in (
        ("Settings at default", [one.title for one in settings(record.config)]),
        ("About", ["**Source.**", "**What to try.**"]),
    ):
        at.session_state["architectures_part"] = part
        at.run()
        assert not at.exception
        assert all(one in words(at) for one in there)


def test_link_puts_networks_side_by_side(open_page: OpenPage) -> None:
    at = open_page(PAGE, architectures="lstm,softmax,gru")
    assert selected_architectures(at) == ["lstm", "softmax", "gru"]
    assert len(at.get("graphviz_chart")) == 3
    at.session_state["architectures_part"] = "Settings at default"
    at.run()
    assert "There is nothing to set" in words(at)


def test_address_is_a_link_to_the_choice(open_page: OpenPage) -> None:
    at = open_page(PAGE)
    at.multiselect(key="architectures").set_value(["rnn"]).run()
    assert dict(at.query_params) == {"architectures": "rnn"}
    at.multiselect(key="architectures").set_value([]).run()
    assert not at.exception
    assert "Choose at least one network." in [one.value for one in at.info]
    assert not dict(at.query_params)


@pytest.mark.parametrize(
    "value", ["vgg19", "![x](http://example.org/y.png)", "mlp,nonsense", ",", "x" * 5_000, "a,b,c,d,e"]
)
def test_bad_link_gives_a_sentence_and_a_working_page(open_page: OpenPage, value: str) -> None:
    at = open_page(PAGE, architectures=value)
    (warning,) = [one.value for one in at.warning]
    assert warning.startswith("The link asks for a network that is not here")
    assert "](http" not in warning
    assert len(warning) < 200
    assert selected_architectures(at) == (["mlp"] if value.startswith("mlp") else ["mlp", "cnn"])


def test_link_to_too_many_networks_shows_the_first_three(open_page: OpenPage) -> None:
    at = open_page(PAGE, architectures="mlp,cnn,rnn,gru")
    assert at.warning[0].value == "The link asks for 4 networks; 3 fit side by side."
    assert selected_architectures(at) == ["mlp", "cnn", "rnn"]


def test_measuring_fills_the_table_for_everybody_and_says_how_it_was_done(open_page: OpenPage) -> None:
    at = open_page(PAGE, architectures="softmax")
    at.button_group(key="costs_which").set_value("those chosen above").run()
    at.button(key="costs_measure").click().run()
    assert not at.exception, at.exception
    for visitor in (at, open_page(PAGE)):
        speeds = visitor.dataframe[0].value.set_index("Network")[["Learns (images/s)", "Answers (images/s)"]]
        assert (speeds.loc["Softmax regression"] > 0).all()
        assert speeds.drop("Softmax regression").isna().all(axis=None)
        assert "with 1 thread" in words(visitor)
        assert "learning in batches of 64, answering in batches of 250" in words(visitor)


def test_measuring_waits_for_a_training(open_page: OpenPage) -> None:
    run_id = services.store().create(run_config("mlp", {}))
    at = open_page(PAGE)
    assert at.button(key="costs_measure").disabled
    assert "Measuring has to wait: a network is being trained" in words(at)
    services.store().request(run_id, "stop")
    at.run()
    assert not at.button(key="costs_measure").disabled
    assert "has to wait" not in words(at)


def test_train_link_presets_the_network(open_page: OpenPage) -> None:
    at = open_page(PAGE, architectures="gru")
    links = [one.proto for one in at.get("page_link") if one.proto.label == "Train this one"]
    assert [one.query_string for one in links] == ["architecture=gru"]
    there = open_page("pages/lab/train/page.py", architecture="gru")
    assert not there.warning
    assert "**Gated recurrent unit (GRU)**: 61,962 parameters" in words(there)


def test_a_link_opens_the_part_that_it_names(open_page: OpenPage) -> None:
    at = open_page("pages/learn/architectures/page.py", architectures="mlp", part="layers")
    assert at.session_state["architectures_part"] == "Layer by layer"
    assert len(at.tabs) == 4
    locked = open_page("pages/learn/architectures/page.py", architectures="mlp", part="about", lock="part")
    assert [tab.label for tab in locked.tabs] == ["About"], "the others can not be opened"
