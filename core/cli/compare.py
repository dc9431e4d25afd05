"""``python -m core race`` and ``compare``: networks against each other over seeds, and two trained ones image by image."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cache
from typing import TYPE_CHECKING, Any

from core import models
from core.analysis.verdicts import FEWEST_SEEDS
from core.cli import output as console
from core.cli.output import say
from core.compare.plan import HIGHEST_LR, LOWEST_LR, TRIALS
from core.errors import ConfigError, RunError

if TYPE_CHECKING:
    from core.compare.budget import Speed
    from core.compare.plan import Budget, Plan
    from core.compare.results import On
    from core.config import RunConfig
    from core.runs.rows import Run
    from core.runs.store import Store

RACE_HELP = (
    "Train several networks with several seeds on the same images, and say which one is better, if that can be told."
)
COMPARE_HELP = "Compare two runs image by image: which images did each alone read, and could the gap be luck?"


def add_race_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--architectures", metavar="NAMES", required=True, help="separated by commas; see `architectures`"
    )
    parser.add_argument("--dataset", help="one of those that `datasets` lists; default digits")
    parser.add_argument(
        "--kind", choices=("race", "hunger", "tuning"), default="race",
        help="race: the same for all; hunger: again with more and more images; tuning: several learning rates for each",
    )  # fmt: skip
    parser.add_argument(
        "--seeds", type=int, metavar="N",
        help=f"how many, counted from 0; default {FEWEST_SEEDS}, the fewest that can tell; a tuning has one",
    )  # fmt: skip
    parser.add_argument(
        "--budget", metavar="KIND:AMOUNT",
        help="what each run may spend: epochs, steps, examples, seconds or multiply-adds, such as steps:1000",
    )  # fmt: skip
    parser.add_argument(
        "--match",
        choices=("parameters", "multiply-adds"),
        default="none",
        help="resize the networks until these are equal",
    )
    parser.add_argument("--rematch", action="store_true", help="one network against its own copy with other seeds")
    parser.add_argument("--trials", type=int, metavar="N", help=f"learning rates of a tuning; default {TRIALS}")
    parser.add_argument(
        "--lr-range", metavar="LOW:HIGH", help=f"where a tuning draws them from; default {LOWEST_LR:g}:{HIGHEST_LR:g}"
    )
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE",
        help="settings of all networks that have them, such as epochs=3 batch_size=32",
    )  # fmt: skip
    parser.add_argument("--name", default="", help="what the comparison is called; default is who competes")
    parser.add_argument("--verbose", action="store_true", help="say also what happens within each run")


def add_compare_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_a", metavar="RUN_A")
    parser.add_argument("run_b", metavar="RUN_B")
    parser.add_argument("--on", choices=("test", "val"), default="test", help="which images; default test")


def race(options: argparse.Namespace) -> int:
    """Plan, queue and train a group here and now; the dashboard shows it, too. Returns 1 when a run failed or diverged."""
    from core.compare.results import as_values
    from core.runs.groups import create_group, group

    plan = _plan(options)
    store = console.open_store()
    # Created as paused: a dashboard that is open on the same store leaves them to this process.
    group_id, run_ids = create_group(
        store, plan.configs, name=plan.name, kind=plan.kind, plan=plan.kept, request="pause"
    )
    about = {"group": group_id, "name": plan.name, "kind": plan.kind}
    title = f"{plan.name}: {len(run_ids)} runs"
    say({**about, "runs": run_ids, "notes": list(plan.notes)}, options.json, "\n".join([title, *plan.notes]))
    # The test images of a tuning are for the trials that validation chooses.
    code = console.drive(
        store, run_ids, options.json, events=options.verbose, split="val" if plan.kind == "tuning" else "test"
    )
    values = as_values(group(store, group_id), store.runs(group=group_id))
    say({**about, **values}, options.json, "\n".join(_outcome_lines(values)))
    return code


def compare(options: argparse.Namespace) -> int:
    """Two runs by their answers to the same images."""
    from core.compare.results import pair
    from core.machine.threads import use_training_threads

    use_training_threads()
    store = console.open_store()
    a, b = (store.run(run_id) for run_id in (options.run_a, options.run_b))
    found = pair(a.label, b.label, _answers(store, a, options.on), _answers(store, b, options.on), options.on)
    values = {
        "run_a": a.run_id, "run_b": b.run_id, "name_a": a.label, "name_b": b.label, "on": options.on,
        **asdict(found.found), "winner": found.verdict.winner, "verdict": found.verdict.sentence,
    }  # fmt: skip
    say(values, options.json, "\n".join(_pair_lines(values)))
    return 0


def _plan(options: argparse.Namespace) -> Plan:
    """What was asked for, as ``core.compare.plan`` plans it. Raises ConfigError."""
    from core import data
    from core.compare import plan as races
    from core.machine.device import preflight

    for flag, given, kind in (
        ("--trials", options.trials, "tuning"),
        ("--lr-range", options.lr_range, "tuning"),
        ("--rematch", options.rematch, "race"),
    ):
        if given and options.kind != kind:
            raise ConfigError(f"{flag} belongs to --kind {kind}, not to {options.kind}", (flag[2:].replace("-", "_"),))
    if options.kind == "tuning" and options.seeds is not None:
        raise ConfigError("a tuning has one seed: leave out --seeds", ("seeds",))
    budget = _budget(options.budget)
    low, high = _range(options.lr_range) if options.lr_range else (LOWEST_LR, HIGHEST_LR)
    contestants = _contestants(options)
    seeds = range(FEWEST_SEEDS if options.seeds is None else options.seeds)
    n_images = len(data.load(contestants[0].data.dataset).train_images)
    shared: dict[str, Any] = {
        "budget": budget, "match": options.match, "n_images": n_images, "images_per_s": _speed(), "name": options.name,
    }  # fmt: skip
    if options.kind == "hunger":
        plan = races.hunger(contestants, seeds, **shared)
    elif options.kind == "tuning":
        trials = TRIALS if options.trials is None else options.trials
        plan = races.tuning(contestants, trials, low, high, **shared)
    else:
        plan = races.race(contestants, seeds, **shared, rematch=options.rematch)
    for config in plan.configs:
        preflight(config)
    return plan


def _contestants(options: argparse.Namespace) -> list[RunConfig]:
    """One per architecture, each with those of the given settings that it has. Raises ConfigError."""
    from core.compare.differences import LENGTH
    from core.compare.results import VARIED
    from core.config import all_settings, run_config

    names = [models.get(name.strip()).id for name in options.architectures.split(",")]
    values = _settings(options.set) | ({} if options.dataset is None else {"dataset": options.dataset})
    own = ({"seed", *VARIED.get(options.kind, ())} - set(LENGTH)) & values.keys()
    if own:
        raise ConfigError(f"{', '.join(own)}: a {options.kind} sets this itself, so --set can not", tuple(own))
    known = {name: {one.name for one in all_settings(name)} for name in names}
    strangers = tuple(name for name in values if not any(name in own for own in known.values()))
    if strangers:
        raise ConfigError(f"{', '.join(strangers)}: not a setting of {' or '.join(names)}", strangers)
    return [run_config(name, {one: value for one, value in values.items() if one in known[name]}) for name in names]


def _settings(given: Sequence[str]) -> dict[str, str]:
    """ "name=value" texts as a mapping; a dash in a name is as good as an underscore."""
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ConfigError(f"--set is {text!r}, allowed is name=value", ("set",))
        found[name.replace("-", "_")] = value
    return found


def _budget(text: str | None) -> Budget | None:
    from core.compare.plan import BUDGETS, Budget

    if text is None:
        return None
    kind, _, amount = text.partition(":")
    named = next((one for one in BUDGETS if one == kind), None)
    if named is None:
        raise ConfigError(
            f"--budget is {text!r}, allowed is KIND:AMOUNT with a kind of {', '.join(BUDGETS)}", ("budget",)
        )
    return Budget(named, _number("--budget", text, amount))


def _range(text: str) -> tuple[float, float]:
    low, _, high = text.partition(":")
    return _number("--lr-range", text, low), _number("--lr-range", text, high)


def _number(flag: str, text: str, part: str) -> float:
    try:
        return float(part)
    except ValueError:
        raise ConfigError(
            f"{flag} is {text!r}, in which {part!r} is not a number", (flag[2:].replace("-", "_"),)
        ) from None


def _speed() -> Speed:
    """Measures a network when it is first asked about it."""

    @cache
    def images_per_s(config: RunConfig) -> float:
        from core.engine.speed import learning_speed
        from core.machine.threads import use_training_threads

        use_training_threads()
        return learning_speed(config)

    return images_per_s


def _answers(store: Store, run: Run, on: On) -> Any:
    """A run's answers. Raises RunError when it has none (yet)."""
    from core import data
    from core.runs.shipped import evaluation

    found = evaluation(store, run, on, data.load)
    if found is None and not run.has_ended:
        raise RunError(f"{run.label} has not ended; its test images stay closed until then" if on == "test" else
                       f"{run.label} has not ended; its answers are kept at the end")  # fmt: skip
    if found is None:
        raise RunError(
            f"{run.label} ({run.status}) has no answers to {'test' if on == 'test' else 'validation'} images"
        )
    return found


def _pair_lines(values: Mapping[str, Any]) -> list[str]:
    images = "test" if values["on"] == "test" else "validation"
    low, high = 100 * values["low"], 100 * values["high"]
    cells = (f"{name.replace('_', ' ')} {values[name]:,}" for name in ("both", "only_a", "only_b", "neither"))
    return [
        f"a = {values['name_a']}, b = {values['name_b']}, on {values['n']:,} {images} images",
        f"read by {', '.join(cells)}",
        f"accuracy of a minus b: {100 * values['difference']:+.2f} percentage points (95 % {low:+.2f} to {high:+.2f})",
        f"McNemar p: mid-p {values['mid_p']:.4g}, exact {values['exact']:.4g}",
        values["verdict"],
    ]


def _outcome_lines(values: Mapping[str, Any]) -> list[str]:
    """The conditions, a line each, then the verdicts."""
    lines = []
    for one in values["conditions"]:
        at = f" with {one['n_train']:,} images" if "n_train" in one else ""
        lr = f" at learning rate {one['lr']:g}" if one.get("lr") else ""
        count = (
            f"best of {one['trials']} trials"
            if "trials" in one
            else f"{one['finished']} of {one['runs']} runs finished"
        )
        told = [count]
        for on, word in (("val", "validation"), ("test", "test")):
            if one[f"{on}_mean"] is not None:
                sd = "" if one[f"{on}_sd"] is None else f" ± {100 * one[f'{on}_sd']:.2f}"
                told.append(f"{word} accuracy {100 * one[f'{on}_mean']:.2f}{sd} % on {one[f'n_{on}']:,} images")
        if one["n_params"]:
            told.append(f"{one['n_params']:,} parameters")
        if one["multiply_adds"]:
            told.append(f"{one['multiply_adds']:,} multiply-adds")
        if one["seconds"] is not None:
            told.append(f"{one['seconds']:.1f} s a run")
        lines.append(f"{one['label']}{at}{lr}: {', '.join(told)}")
    for pair in values["comparisons"]:
        at = f"With {pair['n_train']:,} images: " if "n_train" in pair else ""
        lines.append(at + pair["verdict"])
    return lines
