"""``python -m core lessons``: the list, and a lesson measured from an empty folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.cli.app import main
from core.data.paths import assets_root
from core.errors import ConfigError
from core.experiments import lessons as declared
from core.experiments.stored_results import stored_result, stored_seconds

SAME_WEIGHTS = assets_root() / "lessons" / "same-weights.md"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with one lesson that takes a second."""
    text = SAME_WEIGHTS.read_text("utf-8")
    head, rest = text.split("[experiment]")
    experiment = (
        '[experiment]\nkind = "train"\nmeasure = "test_acc"\nseeds = [3]\nsettings = { n_train = 100, epochs = 1 }\n'
    )
    made = tmp_path / "assets" / "lessons"
    made.mkdir(parents=True)
    contestants = rest[rest.index("[[contestant]]") :].replace('architecture = "cnn"', 'architecture = "mlp"')
    contestants = "\n".join(
        "settings = {}" if line.startswith("settings") else line for line in contestants.splitlines()
    )
    (made / "quick.md").write_text(f"{head}{experiment}{contestants}\n", "utf-8")
    monkeypatch.setattr(declared, "assets_root", lambda: tmp_path / "assets")
    declared.lessons.cache_clear()
    yield made
    declared.lessons.cache_clear()


def test_lessons_are_listed_and_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lessons", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert {"id": "quick", "course": "networks", "seconds": None}.items() <= row.items()
    assert row["question"].endswith("?")
    assert main(["lessons", "measure", "quick", "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["seeds"], [one["label"] for one in values["measured"]]) == ([3], ["MLP", "CNN"])
    lesson = declared.get("quick")
    result = stored_result(lesson)
    assert result is not None
    assert [list(one.values) for one in result.measured] == [one["values"] for one in values["measured"]]
    assert "thread" in result.machine
    assert main(["lessons"]) == 0
    assert f"{stored_seconds(lesson):.0f} s" in capsys.readouterr().out

    changed = (folder / "quick.md").read_text("utf-8").replace("epochs = 1", "epochs = 2")
    with pytest.raises(ConfigError, match="measured with other settings"):
        stored_result(declared.parse("quick", changed))
    assert (
        stored_result(declared.parse("quick", changed.replace("epochs = 2", "epochs = 1").replace("Which", "Who")))
        == result
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["measure"], "needs the id of a lesson"),
        (["measure", "nothing"], "lesson is 'nothing', allowed is one of quick"),
        (["list", "quick"], "only `lessons measure` takes"),
    ],
)
def test_what_can_not_be_done_is_said_in_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    assert main(["lessons", *words]) == 2
    assert sentence in capsys.readouterr().err
