"""Lessons: guess, lock it in, let it run, see what came out; nothing of the result before; progress is one's own."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core.config import RunConfig
from core.experiments import lessons
from core.experiments.apart import Apart, Measured
from core.experiments.results import Result
from core.experiments.stored_results import Seconds, write
from core.runs import guesses
from pages.learn.lessons import experiment
from pages.learn.lessons.words_used import words_in
from pages.shared import services
from pages.shared.visitor import COOKIE, owner
from tests.pages.conftest import OpenPage, moving, settle, words
from tests.pages.small_lessons import FILES, small_lessons

__all__ = ["small_lessons"]
PAGE = "pages/learn/lessons/page.py"


@pytest.fixture(autouse=True)
def cookies(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Those of the visitor; another one has others."""
    kept = {COOKIE: "a" * 32}
    monkeypatch.setattr(type(st.context), "cookies", property(lambda context: kept))
    return kept


def links(at: AppTest) -> dict[str, str]:
    """The query of each link on the page, by its label."""
    return {link.proto.label: link.proto.query_string for link in at.get("page_link")}


def lock(at: AppTest) -> None:
    at.button(key="lock").click().run()
    assert not at.exception, at.exception


def test_from_the_list_to_the_reveal_and_back(open_page: OpenPage, cookies: dict[str, str]) -> None:
    at = open_page(PAGE)
    assert "0 of 8 lessons done, about 40 minutes in all" in [bar.proto.text for bar in at.get("progress")]
    assert sum(button.key.startswith("lesson_") for button in at.button if button.key) == len(FILES)
    assert at.button(key="lessons_next").label == "Begin with “Two rates”"
    at.button(key="lessons_next").click().run()
    assert at.title[0].value == "Two rates"
    assert "Somebody said so." in words(at)
    assert "Then 4 networks learn on this computer." in words(at)
    assert "Because it is so." not in words(at), "nothing of the result before the guess"
    lock(at)
    assert "Guess first. Choose one of the answers." in words(at)
    assert not services.store().runs()

    at.radio(key="guess_choosing").set_value("B")
    at.text_input(key="guess_choosing_reason").set_value("*faster* steps")
    lock(at)
    kept = guesses.of_visitor(services.store(), owner())[0]
    assert (kept.value, kept.reason, kept.class_code) == ("B", "*faster* steps", "")
    runs = services.store().runs(run_ids=kept.run_ids)
    assert sorted((run.config["training"]["lr"], run.config["training"]["seed"]) for run in runs) == [
        (0.0001, 0), (0.0001, 1), (0.005, 0), (0.005, 1),
    ]  # fmt: skip
    assert [services.store().run(run_id).name for run_id in kept.run_ids[1:3]] == ["A, seed 1", "B, seed 0"]
    settle(at)
    shown = words(at)
    assert "Your guess: **“B”**" in shown
    assert "Your reason: *faster* steps" in shown
    assert "Your guess was right." in shown
    assert "Because it is so." in shown
    of_a = [services.store().run(run_id).summary["test_acc"] for run_id in kept.run_ids[:2]]
    assert f"It was {100 * sum(of_a) / 2:.2f} % of 382 images; you guessed “B”." in shown
    assert at.get("plotly_chart")
    sheets = [button.proto.label for button in at.get("download_button")]
    assert sheets == ["Lab sheet, to print (HTML)", "Lab sheet, Markdown"]
    by_label = links(at)
    assert by_label["See why"] == f"run={kept.run_ids[2]}&view=why&tip=choosing.0"
    assert by_label["See the digits"] == "tip=choosing.1"
    at.button(key="lessons_all").click().run()
    assert "1 of 8 lessons done, about 40 minutes in all" in [bar.proto.text for bar in at.get("progress")]
    assert at.button(key="lessons_next").label == "Go on with “A band”"
    assert at.button(key="lesson_choosing").label == "See it again"

    cookies[COOKIE] = "b" * 32
    other = open_page(PAGE, lesson="choosing")
    assert "Because it is so." not in words(other), "a guess of somebody else reveals nothing"
    assert "This computer has trained these networks already, so you then see at once what came out." in words(other)
    other.radio(key="guess_choosing").set_value("A")
    lock(other)
    assert len(services.store().runs()) == 4, "what was trained here is used again"
    assert "It came out otherwise than you guessed." in words(other)
    other.button(key="lesson_other_seeds").click().run()
    settle(other)
    newest = guesses.of_visitor(services.store(), owner())[0]
    assert [run.config["training"]["seed"] for run in map(services.store().run, newest.run_ids)] == [2, 3, 2, 3]
    other.button(key="lesson_again").click().run()
    assert other.radio(key="guess_choosing").value == "A"
    assert "Because it is so." not in words(other)


def test_every_kind_of_guess_is_kept_as_it_was_made(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    class Idle:
        def wake(self) -> None:
            """Nothing trains."""

    monkeypatch.setattr(services, "worker", Idle)
    at = open_page(PAGE, lesson="number")
    lock(at)
    assert re.search(r"Guess first\. No number from [\d,]+ to [\d,]+ for your guess\.", words(at))
    at.number_input(key="guess_number").set_value(8000)
    lock(at)
    assert "Your guess was right. You guessed 8,000 weights; what came out is 7,850 weights." in words(at)
    for lesson_id, fields, lacking in (
        ("band", {"low": 60.0, "high": 50.0}, ("lowest and highest", "highest")),
        ("curve", {"1": 80.5, "0": 30.0}, ("A and B", "A")),
    ):
        at.query_params["lesson"] = lesson_id
        at.run()
        assert at.get("plotly_chart"), "axes to draw on"
        for (name, value), names in zip(fields.items(), lacking, strict=True):
            lock(at)
            assert f"Guess first. No number from 0 to 100 for {names}." in words(at)
            at.number_input(key=f"guess_{lesson_id}_{name}").set_value(value)
        if lesson_id == "band":
            lock(at)
            assert "Guess first. The lowest is above the highest." in words(at)
            at.number_input(key="guess_band_high").set_value(70.0)
        lock(at)
    at.query_params["lesson"] = "order"
    at.run()
    at.button(key="guess_order_1").click().run()
    assert "Click the one that comes second." in words(at)
    lock(at)
    assert "Guess first. Without a place: A and C." in words(at)
    at.button(key="guess_order_undo").click().run()
    for place in (2, 0):
        at.button(key=f"guess_order_{place}").click().run()
    lock(at)
    assert moving(at), "progress and curves"
    kept = {guess.lesson: guess.value for guess in guesses.of_visitor(services.store(), owner())}
    assert kept == {"number": 8000.0, "band": (60.0, 70.0), "curve": (30.0, 80.5), "order": ("C", "A", "B")}
    assert len(services.store().runs()) == 6 + 2 + 3

    at.query_params["lesson"] = "timed"
    at.run()
    at.number_input(key="guess_timed").set_value(5000)
    lock(at)
    assert "Measuring has to wait: a network is being trained, and both would be slowed down." in words(at)

    at.query_params["lesson"] = "order"
    at.run()
    at.button(key="lesson_stop").click().run()
    assert "Your guess is kept." in words(at)
    assert len(services.store().runs()) == 6 + 2
    del at.session_state["launched"]  # more than a double click later
    at.button(key="lesson_start").click().run()
    assert len(services.store().runs()) == 6 + 2 + 3
    assert at.button(key="lesson_stop")
    at.button(key="lessons_all").click().run()
    assert [badge for badge in at.markdown if "Guess locked in" in badge.value]


def test_without_the_images_what_came_out_elsewhere_is_shown_and_said_to_be(open_page: OpenPage) -> None:
    measured = (Measured("A", (50.0, 51.0), 10_000, "test"), Measured("B", (90.0, 91.0), 10_000, "test"))
    result = Result("elsewhere", measured, (0, 1), (Apart("A", "B", "B", "B is ahead."),), 12.0)
    at = open_page(PAGE, lesson="elsewhere")
    assert "The images of MNIST are not on this computer" in words(at)
    at.radio(key="guess_elsewhere").set_value("A")
    lock(at)
    assert "This lesson needs the images of MNIST, which are not on this computer." in words(at)
    write(lessons.get("elsewhere"), result, Seconds(20.0, 12.0))
    at.run()
    assert "It was 50.50 % of 10,000 images; you guessed “A”." in words(at)
    assert "so this was trained beforehand" in words(at)
    assert not services.store().runs()
    assert "See why" not in links(at), "there is no run of it here"
    assert "See the digits" in links(at)


def test_what_the_text_compares_is_told_apart_or_not(open_page: OpenPage) -> None:
    lesson = lessons.get("pairs")
    measured = tuple(
        Measured(label, accuracies, 500, "test")
        for label, accuracies in (("A", (50.0, 51.0)), ("B", (90.0, 91.0)), ("C", (90.2, 91.0)))
    )
    apart = (Apart("B", "A", "B", "B is ahead."), Apart("B", "C", "", "Nobody is ahead."))
    write(lesson, Result("pairs", measured, (0, 1), apart, 12.0), Seconds(20.0, 12.0))
    at = open_page(PAGE, lesson="pairs")
    assert "Could it be luck?" not in words(at), "nothing of the result before the guess"
    at.radio(key="guess_pairs").set_value("More")
    lock(at)
    assert "Your guess was right." in words(at)
    assert "- B: 90.50 %; C: 90.60 %. Not distinguishable: a gap like this can be luck." in words(at)
    assert "- B: 90.50 %; A: 50.50 %. B is ahead by 40.00 percentage points, and luck would hardly do that." in words(
        at
    )
    assert "Judged by the luck of the images, and by whether all 2 seeds agree." in words(at)


def test_two_who_lock_in_at_the_same_moment_share_their_runs(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Idle:
        def wake(self) -> None:
            """Nothing trains."""

    def slow_launch(configs: Sequence[RunConfig]) -> list[str]:
        time.sleep(0.5)
        return services.launch(configs)

    monkeypatch.setattr(services, "worker", Idle)
    monkeypatch.setattr(experiment, "launch", slow_launch)
    monkeypatch.setattr(services, "_token", lambda configs: secrets.token_hex(16))  # each visitor has his own
    open_page(PAGE, lesson="choosing")
    lesson = lessons.get("choosing")
    guess_id = guesses.save(services.store(), owner(), lesson, lesson.guess.options[0])
    with ThreadPoolExecutor(2) as threads:
        list(threads.map(lambda _: experiment.start(lesson, guess_id), range(2)))
    assert len(services.store().runs()) == 4


def test_the_words_of_a_text_that_are_explained() -> None:
    assert list(words_in("Each seed is a run. The learning rates of two networks, with batch size 64 or an Epoch")) == [
        "batch", "epoch", "learning rate", "network", "run", "seed",
    ]  # fmt: skip
    assert not words_in("seedling, rerun, to and from, p or n")
    assert not words_in(
        "It has learned, from [ten digits](train?architecture=mlp&epochs=5), in {seeds} days, without a memory"
    )
    assert words_in("Two MLPs and a ReLU, with [a step](train)") == ("step", "ReLU", "MLP")


def test_a_class_and_a_link_that_leads_nowhere(open_page: OpenPage) -> None:
    at = open_page(PAGE, **{"lesson": "number", "class": "7b-2026"})
    at.text_input(key="lessons_name").set_value("Ada")
    at.number_input(key="guess_number").set_value(10)
    lock(at)
    (seen,) = guesses.of_class(services.store(), "7b-2026", "number")
    assert (seen.name, seen.value) == ("Ada", 10.0)
    at.button(key="lessons_all").click().run()
    assert "Your guesses count for the class “7b-2026”." in words(at)
    at = open_page(PAGE, **{"lesson": "![x](http://example.org)", "class": "<b>"})
    assert "The link asks for a lesson that is not here." in words(at)
    assert "The link names a class that can not be one" in words(at)
    assert at.title[0].value == "Lessons"
