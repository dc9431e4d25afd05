"""The board of a class on the page for teachers: a link to hand out, guesses as they come in, the result when asked for."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

from core.experiments import lessons
from core.experiments.stored_results import stored_result
from core.runs import guesses
from pages.shared import services
from tests.pages.conftest import OpenPage, words

PAGE = "pages/learn/teachers/page.py"
LESSON = "same-weights"
VISITOR = "{:032x}"


def test_a_class_guesses_and_the_teacher_shows_what_came_out(open_page: OpenPage) -> None:
    at = open_page(PAGE, **{"view": "guesses", "lesson": LESSON, "class": "7B-2026"})
    assert "Nobody has guessed yet." in words(at)
    assert at.code[0].value.endswith(f"/lessons?lesson={LESSON}&class=7b-2026")
    assert at.metric[0].value == "7b-2026"

    lesson, store = lessons.get(LESSON), services.store()
    save = {"class_code": "7b-2026"}
    first = guesses.save(store, VISITOR.format(1), lesson, "The CNN", "<b>*edges*</b>", name="Ada", **save)
    guesses.save(store, VISITOR.format(2), lesson, "The MLP", "1. luck", **save)
    guesses.save(store, VISITOR.format(3), lesson, "The MLP", "not of this class", class_code="other")
    at.run()
    shown = words(at)
    assert "2 guesses: “The MLP” 1, “The CNN” 1, “They can not be told apart” 0." in shown
    assert "**“The CNN”** (Ada): <b>*edges*</b>" in shown
    assert "not of this class" not in shown
    assert "What came out" not in shown
    assert [metric.value for metric in at.metric] == ["7b-2026", "2", "0"]
    table = at.dataframe[0].value
    assert table["Reason"].tolist() == ["<b>*edges*</b>", "1. luck"]
    assert "Outcome" not in table

    at.button(key="guesses_show").click().run()
    assert "What came out is “The CNN”." in words(at)
    assert "beforehand on another computer" in words(at), "nobody of the class has a result yet"
    result = stored_result(lesson)
    assert result is not None
    own = json.loads(json.dumps({**result.as_values(), "machine": ""}))
    guesses.mark_revealed(store, VISITOR.format(1), first, own)
    at.run()
    assert "Measured on 382 test images, 6 seeds, by runs of this class." in words(at)
    assert {badge.value.split("] ")[-1] for badge in at.markdown if "Guessed right: 1" in badge.value}
    assert at.dataframe[0].value["Outcome"].tolist() == ["right", "off"]
    at.button(key="guesses_show").click().run()
    assert "What came out" not in words(at)

    at.session_state["all_lessons"] = True
    at.run()
    (row,) = at.dataframe[-1].value.to_dict("records")
    assert (row["lesson"], row["locked in"], row["have seen it"], row["right"], row["close"]) == (
        lesson.title,
        2,
        1,
        1,
        0,
    )
    (link,) = [link.proto for link in at.get("page_link") if link.proto.label == f"Board of “{lesson.title}”"]
    assert parse_qs(link.query_string) == {"view": ["guesses"], "lesson": [LESSON], "class": ["7b-2026"]}


def test_a_code_is_made_up_and_can_be_typed_on_lessons(open_page: OpenPage) -> None:
    at = open_page(PAGE, view="guesses")
    code = at.text_input(key="teachers_class").value
    assert guesses.checked_class_code(code)
    assert at.query_params["class"] == code
    at.text_input(key="teachers_class").set_value("no code").run()
    assert "A class is called by at most 24 of a to z, 0 to 9 and -." in words(at)
    pupil = open_page("pages/learn/lessons/page.py")
    pupil.text_input(key="lessons_code").set_value(f" {code.upper()} ").run()
    assert f"Your guesses count for the class “{code}”." in words(pupil)
