"""What docs/teaching.md offers can be done: its links and commands are followed as far as the start, its times add up, and the
lessons are those that there are."""

from __future__ import annotations

import re
import shlex
from urllib.parse import parse_qsl

import pytest

from core import data
from core.cli import app, flags
from core.cli.race import question_of
from core.compare import kinds
from core.data.paths import CHECKOUT
from core.experiments import presets
from core.experiments.lessons import lessons
from core.experiments.stored_results import stored_seconds
from tests.experiments.page_links import ADDRESSES, check_link

TEXT = (CHECKOUT / "docs" / "teaching.md").read_text("utf-8")
LINKS = sorted(set(re.findall(rf"`((?:{'|'.join(sorted(ADDRESSES))})(?:\?[^`\s]+)?)`", TEXT)))
COMMANDS = [
    line.partition("#")[0].strip()
    for block in re.findall(r"^```\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    for line in block.splitlines()
    if line.startswith("python -m")
]
N_EXPERIMENTS = 25
MOST_WAITED = 60  # seconds for an experiment, on two slow cores
N_IMAGES = 60_000  # to learn from, of MNIST, which need not be here


@pytest.mark.parametrize("address", LINKS)
def test_a_link_can_be_followed(address: str) -> None:
    page, _, query = address.partition("?")
    parameters = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    assert len(dict(parameters)) == len(parameters), "a parameter that stands twice counts once"
    check_link(f"teaching.md: {address}", page, dict(parameters))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "count_images", lambda dataset: N_IMAGES)
    _, _, module, *arguments = shlex.split(command)
    if module != "core":
        assert (CHECKOUT / f"{module.replace('.', '/')}.py").is_file()
        return
    options = app._parser(flags.architecture_meant(arguments)).parse_args(arguments)
    if arguments[0] == "race":
        kinds.plan(question_of(options), n_images=N_IMAGES)
    if getattr(options, "preset", None):
        presets.get(options.preset)


def test_every_lesson_stands_there_with_its_question_and_times() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| `")
    ]
    listed = {row[0].strip("`"): row[2:5] for row in rows if row[0].strip("`") in lessons()}
    assert list(listed) == list(lessons())
    for lesson in lessons().values():
        seconds = stored_seconds(lesson)
        assert seconds is not None
        assert listed[lesson.id] == [lesson.question, str(lesson.minutes), f"{seconds:.0f}"], lesson.id
    waits = [float(row[5]) for row in rows if row[0].strip("`") in lessons()]
    assert max(waits) <= MOST_WAITED


def test_each_half_of_a_plan_takes_45_minutes() -> None:
    plans = TEXT.split("## Three lesson plans")[1].split("\n## ")[0]
    tables = plans.split("| Minutes |")[1:]
    assert [sum(map(int, re.findall(r"^\| (\d+) \|", table, re.MULTILINE))) for table in tables] == [45] * 6


def test_the_experiments_are_numbered_and_those_that_wait_say_so() -> None:
    rows = [line.strip("|").split("|") for line in TEXT.splitlines() if re.match(r"\| \d+ \| \w", line)]
    experiments = [row for row in rows if len(row) == 5]
    assert [int(row[0]) for row in experiments] == list(range(1, N_EXPERIMENTS + 1))
    assert all("`" in row[2] or "waits" in row[3] for row in experiments)
