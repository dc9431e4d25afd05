"""What the texts on screen tell a reader to try can be tried: each names a link, and the link is one that starts."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core import models
from core.data.paths import assets_root
from core.experiments.baselines import BASELINES
from core.experiments.lessons import lessons
from pages.shared.architecture_text import TEXTS, TO_TRY, architecture_text
from pages.shared.linked_text import TextLink, page_file, parts
from pages.shared.networks import families
from tests.experiments.page_links import check_link
from tests.pages.conftest import OpenPage

ARCHITECTURES = (*models.TABLE, *BASELINES)
TRAIN, RACE = "pages/lab/train/page.py", "pages/lab/race/page.py"


def links(text: str) -> list[TextLink]:
    return [part for part in parts(text) if isinstance(part, TextLink)]


def test_a_text_falls_into_markdown_and_links() -> None:
    text = "One.\n\n- [Two](train?architecture=mlp&widths=16,16) Three?\n- [Four](draw)\n- five\n- [six](https://example.org)\n"
    first, two, four, last = parts(text)
    assert first == "One."
    assert two == TextLink("Two", "train", {"architecture": "mlp", "widths": "16,16"}, "Three?")
    assert four == TextLink("Four", "draw", {}, "")
    assert last == "- five\n- [six](https://example.org)"
    for page in ("train", "lessons", "words"):
        assert (assets_root().parent / page_file(page)).is_file()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_everything_that_a_text_says_to_try_can_be_started(name: str) -> None:
    assert {path.stem for path in TEXTS.glob("*.md")} == set(ARCHITECTURES)
    text = architecture_text(name)
    for link in links(text):
        check_link(f"{name}.md: {link.label}", link.page, link.query)
        assert (assets_root().parent / page_file(link.page)).is_file()
    _, begins, to_try = text.partition(TO_TRY)
    assert begins
    assert links(to_try)
    assert all(isinstance(part, TextLink) for part in parts(to_try)), "what to try is links and nothing else"


@pytest.mark.parametrize("lesson_id", list(lessons()))
def test_every_lesson_leads_on_to_something_that_can_be_started(lesson_id: str) -> None:
    lesson = lessons()[lesson_id]
    for section in lesson.sections.values():
        for link in links(section):
            check_link(f"{lesson_id}.md: {link.label}", link.page, link.query)
    assert links(lesson.sections["Carry on"]), f"{lesson_id}: its last question can not be followed by a click"


@pytest.mark.parametrize(
    ("page", "query", "sentence"),
    [
        ("teacher", {}, "there is no page 'teacher'"),
        ("train", {"architecture": "mlp", "bend": "0.5", "colour": "red"}, "colour"),
        ("train", {"architecture": "mlp", "n_train": "70000"}, "n_train"),
        ("train", {"architecture": "mlp", "optimizer": "sgd", "momentum": "0.5"}, "does nothing"),
        ("race", {"architecture": "gru", "setting": "gates", "values": "1,2"}, "gates is no setting"),
        ("race", {"architecture": "compact", "setting": "head", "values": "average,none"}, "none"),
        ("race", {"architecture": "mlp", "setting": "widths", "values": "16"}, "1 values"),
        ("lessons", {"lesson": "no-such-lesson"}, "knows nothing"),
        ("robustness", {"distortion": "sneeze"}, "knows nothing"),
        ("inside", {"look": "why"}, "is not read there"),
    ],
)
def test_a_link_that_leads_nowhere_is_found(page: str, query: dict[str, str], sentence: str) -> None:
    with pytest.raises((AssertionError, ValueError), match=sentence):
        check_link("a text", page, query)


def networks(at: AppTest, form: str) -> list[str]:
    """Those that are ticked, in the order of the table."""
    ticked = {name for family in families() for name in at.pills(key=f"{form}_networks_{family}").value}
    return [name for name in models.TABLE if name in ticked]


def test_links_fill_the_form_without_a_notice(open_page: OpenPage) -> None:
    by_page = {
        page: [link for name in ARCHITECTURES for link in links(architecture_text(name)) if link.page == page]
        for page in ("train", "race")
    }
    for link in (max(by_page["train"], key=lambda link: len(link.query)), by_page["train"][0]):
        at = open_page(TRAIN, **link.query)
        assert not at.warning, link
        assert not at.error, link
        assert not at.button(key="train").disabled
        assert networks(at, "train") == link.query["architecture"].split(",")
    in_settings = next(link for link in by_page["race"] if link.query.get("setting") == "widths")
    of_networks = next(link for link in by_page["race"] if "epochs" in link.query and "setting" not in link.query)
    for link in (in_settings, of_networks):
        at = open_page(RACE, **link.query)
        assert not at.warning, link
        assert not at.error, link
        assert not at.button(key="race_start").disabled
    assert networks(at, "race") == of_networks.query["architecture"].split(",")


def test_what_a_link_to_a_race_can_not_have_is_said(open_page: OpenPage) -> None:
    at = open_page(RACE, architecture="compact,vgg19", setting="head", values="average,<b>none", colour="red", lr="99")
    notices = [notice.value.replace("\\", "") for notice in at.warning]
    assert any("a network that is not here: 'vgg19'" in notice for notice in notices)
    assert any("names a setting that is not here: 'colour'" in notice for notice in notices)
    assert any("Head is '<b>none'" in notice for notice in notices)
    assert any("lr" in notice and "can not be used" in notice for notice in notices)
    assert not at.button(key="race_start").disabled, "what can be had is there"
    two = open_page(RACE, architecture="mlp,cnn", setting="dropout", values="0,0.3")
    assert [notice.value for notice in two.warning] == [
        "The link lets mlp, cnn compete in 'dropout', which can not be."
    ]
    assert networks(two, "race") == ["mlp", "cnn"]
