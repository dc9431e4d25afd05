"""The experiment of a lesson once more, as a race on MNIST: the same networks, more images, as many seeds as verdicts need.

    python -m bench.lessons_on_mnist shuffled-pixels [--seeds 8] [--set epochs=3 batch_size=64] [--bars FILE.png] [--json]
    python -m bench.lessons_on_mnist shuffled-pixels --group GROUP_ID --bars FILE.png    # a race that has run already

The runs are kept as a group in $DIGIT_LAB_RUNS, so the page Race shows them as well. Test images are opened once, after each
training. With every network stands what the coach says of its last run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.serving import report
from core import data, models
from core.analysis.coach import diagnose
from core.analysis.verdicts import fewest_seeds
from core.charts.looks import Look, look
from core.cli import output
from core.compare import kinds
from core.compare.conditions import conditions
from core.compare.forecast import contestant_pairs
from core.compare.plan import Plan, Question, contestants
from core.compare.results import as_values
from core.errors import ConfigError, RunError
from core.experiments import lessons
from core.experiments.lessons import Lesson
from core.machine.processor import cpu_model
from core.machine.threads import training_threads, use_training_threads
from core.runs import groups
from core.runs.quota import COMMAND_LINE
from core.runs.store import Store

DATASET = "mnist"
HATCHES = {
    "": None,
    "/": "//",
    "x": "xx",
    "\\": "\\\\",
    "-": "--",
    "|": "||",
    "+": "++",
    ".": "..",
}  # by a look's pattern
BARS_INCHES, DOTS_PER_INCH = (7.2, 3.6), 130


@dataclass(frozen=True, slots=True)
class Bar:
    """One network. label: in the lesson · accuracies: a fraction for each seed, on n test images · n_train: learned from
    wrong_labels: of these · coach: what it says of the last run, "" for nothing · seconds: a run
    look: as the first, second, … of its architecture
    """

    label: str
    accuracies: tuple[float, ...]
    n: int
    n_train: int
    wrong_labels: int
    coach: str
    seconds: float
    look: Look

    @property
    def mean(self) -> float:
        return sum(self.accuracies) / len(self.accuracies)


def plan_of(lesson: Lesson, n_seeds: int | None, values: dict[str, str]) -> Plan:
    """A race of the lesson's networks. n_seeds: None for the fewest that can tell. Raises ConfigError, DataError."""
    if lesson.experiment.kind != "train":
        raise ConfigError(f"{lesson.id} trains nothing, so there is nothing to repeat on MNIST")
    entries = [
        (one.architecture, {**lesson.experiment.settings, **one.settings, "dataset": DATASET, **values})
        for one in lesson.contestants
    ]
    if n_seeds is None:
        n_seeds = fewest_seeds(contestant_pairs(len(entries)))
    question = Question("race", contestants(entries), tuple(range(n_seeds)), name=f"{lesson.title}, MNIST"[:60])
    return kinds.checked_plan(question, n_images=data.count_images(DATASET))


def raced(store: Store, lesson: Lesson, plan: Plan) -> str:
    """Train all of it here and now; returns the id of the group. Raises RunError when a run did not end well."""
    use_training_threads()
    group_id, run_ids = groups.create_group(
        store, plan.runs, name=plan.name, kind=plan.kind, plan=plan.kept, request="pause", owner=COMMAND_LINE
    )
    print(
        f"{lesson.id}: group {group_id}, {len(run_ids)} runs; {cpu_model()}, {training_threads()} thread(s)", flush=True
    )
    if output.drive(store, run_ids, as_json=False, events=False):
        raise RunError(f"{lesson.id}: not every run of group {group_id} ended well")
    return group_id


def bars_of(store: Store, lesson: Lesson, group: groups.Group) -> list[Bar]:
    """In the order of the lesson's contestants. Raises RunError where the group is not such a race, or has not finished."""
    members = conditions(group, store.runs(group=group.group_id))
    if len(members) != len(lesson.contestants):
        raise RunError(f"{group.name} has {len(members)} networks, {lesson.id} has {len(lesson.contestants)}")
    bars: list[Bar] = []
    architectures: list[str] = []
    for contestant, member in zip(lesson.contestants, members, strict=True):
        values = member.values("test")
        if set(values) != set(member.seeds):
            raise RunError(f"{group.name}: {len(values)} of {len(member.seeds)} runs of {member.label} have finished")
        last, repeat = member.runs[-1], architectures.count(contestant.architecture)
        architectures.append(contestant.architecture)
        history = [event for _, event in store.history(last.run_id)]
        seconds = [run.summary["seconds"] for run in member.runs]
        bars.append(
            Bar(
                contestant.label, tuple(values[seed] for seed in member.seeds), last.summary["n_test"],
                last.started["n_train"], last.started.get("n_wrong_labels") or 0,
                diagnose(history, last.run_config().training.init) or "", sum(seconds) / len(seconds),
                look(*models.hue_and_place(contestant.architecture), repeat),
            )
        )  # fmt: skip
    return bars


def draw(bars: Sequence[Bar], title: str, path: Path) -> None:
    """How many test images each network misread: a bar for the mean, a dot for each seed. Bars begin at zero."""
    figure = Figure(figsize=BARS_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    highest = max(100 * (1 - min(bar.accuracies)) for bar in bars)
    for place, bar in enumerate(bars):
        misread = [100 * (1 - accuracy) for accuracy in bar.accuracies]
        hatch = HATCHES[bar.look.pattern]
        axes.bar(place, 100 * (1 - bar.mean), width=0.62, color=bar.look.colour, hatch=hatch, edgecolor="white")
        spread = [place + 0.3 * (number / max(1, len(misread) - 1) - 0.5) for number in range(len(misread))]
        axes.scatter(spread, misread, s=14, color="white", edgecolors="black", linewidths=0.8, zorder=3)
        axes.text(place, max(misread) + 0.03 * highest, f"{100 * bar.mean:.2f} % read", ha="center", va="bottom")
    axes.set_xticks(range(len(bars)), [bar.label for bar in bars])
    axes.set_ylabel(f"Misread of {bars[0].n:,} test images (%)")
    axes.set_ylim(0, 1.15 * highest)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, fontsize=10, loc="left")
    figure.savefig(path, dpi=DOTS_PER_INCH)


def rows(store: Store, lesson: Lesson, group_id: str, picture: Path | None) -> Iterator[dict[str, Any]]:
    """A row for each network, then one for each pair of them."""
    group = groups.group(store, group_id)
    bars = bars_of(store, lesson, group)
    for bar in bars:
        yield {
            "label": bar.label, "mean": bar.mean, "low": min(bar.accuracies), "high": max(bar.accuracies),
            "seeds": len(bar.accuracies), "n_test": bar.n, "n_train": bar.n_train, "wrong_labels": bar.wrong_labels,
            "seconds": bar.seconds, "coach": bar.coach,
        }  # fmt: skip
    values = as_values(group, store.runs(group=group_id), store.evaluation)
    yield from ({"a": pair["a"], "b": pair["b"], "verdict": pair["verdict"]} for pair in values["comparisons"])
    if picture is not None:
        seeds = f"{len(bars[0].accuracies)} seeds (dots), mean (bar)"
        draw(bars, f"{lesson.title}: MNIST, {bars[0].n_train:,} images to learn from, {seeds}", picture)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 2 with one line on standard error for bad input or a run that did not end well."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.lessons_on_mnist", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("lesson", metavar="LESSON", help="its id; see `python -m core lessons`")
    parser.add_argument("--seeds", type=int, metavar="N", help="default: the fewest that can tell")
    parser.add_argument("--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE", help="for all networks")
    parser.add_argument("--group", metavar="ID", help="train nothing, read this race")
    parser.add_argument("--bars", type=Path, metavar="FILE", help="draw them into this picture")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(arguments)

    def found() -> Iterator[dict[str, Any]]:
        lesson = lessons.get(options.lesson)
        with closing(output.open_store()) as store:
            group_id = options.group or raced(store, lesson, plan_of(lesson, options.seeds, _values(options.set)))
            yield from rows(store, lesson, group_id, options.bars)

    return report(found(), _text, as_json=options.json)


def _values(texts: Sequence[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if wrong := [text for text, (name, _, value) in zip(texts, pairs, strict=True) if not (name and value)]:
        raise ConfigError(f"--set is {wrong[0]!r}, allowed is name=value", ("set",))
    return {name: value for name, _, value in pairs}


def _text(row: dict[str, Any]) -> str:
    if "verdict" in row:
        return f"{row['a']} against {row['b']}: {row['verdict']}"
    wrong = f", {row['wrong_labels']:,} of them with a wrong label" if row["wrong_labels"] else ""
    coach = f"\n    the coach: {row['coach']}" if row["coach"] else ""
    return (
        f"{row['label']:<18} {row['mean']:.2%} ({row['low']:.2%} to {row['high']:.2%}, {row['seeds']} seeds, "
        f"{row['n_test']:,} test images)  {row['n_train']:,} images to learn from{wrong}  {row['seconds']:.1f} s a run{coach}"
    )


if __name__ == "__main__":
    sys.exit(main())
