"""``python -m core race``: networks against each other over seeds."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from core import models
from core.analysis.verdicts import fewest_seeds
from core.cli import flags
from core.cli import output as console
from core.cli.output import say
from core.compare import kinds, quick
from core.compare.budget import BUDGETS, Budget
from core.compare.forecast import contestant_pairs, forecast
from core.compare.grid_blocks import n_blocks
from core.compare.plan import HIGHEST_LR, LOWEST_LR, SIZES, TRIALS, Factor, Question, contestants
from core.errors import ConfigError
from core.fields import SPLIT_WORDS, SplitName
from core.runs.groups import OLD_KINDS

if TYPE_CHECKING:
    from core.compare.budget import Speed
    from core.compare.kinds.kind import Kind, Option
    from core.compare.plan import Plan
    from core.config import RunConfig

RACE_HELP = (
    "Train several networks with several seeds on the same images, and say which one is better, if that can be told."
)
GRID_ARCHITECTURE = "mlp"
QUICK_SETS = frozenset({"n_train", "val_fraction", "epochs", "max_steps"})  # settings that --quick decides


def add_race_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--architectures", metavar="NAMES",
        help=f"separated by commas; see `architectures`. A grid has one, {GRID_ARCHITECTURE} where none is named",
    )  # fmt: skip
    parser.add_argument("--dataset", help="one of those that `datasets` lists; default digits")
    parser.add_argument(
        "--kind", type=_kind_id, metavar=f"{{{','.join(map(_flag, kinds.KINDS))}}}", help=_kinds_help(),
    )  # fmt: skip
    parser.add_argument(
        "--seeds", type=int, metavar="N",
        help=f"how many, counted from 0; default the fewest that can tell: {_fewest_help()}; a tuning has one",
    )  # fmt: skip
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--budget", metavar="KIND:AMOUNT",
        help="what each run may spend: epochs, steps, examples, seconds or multiply-adds, such as steps:1000",
    )  # fmt: skip
    length.add_argument(
        "--quick", action="store_true",
        help=f"as on the page Race: {quick.TRAIN_IMAGES:,} training images, {quick.STEPS} steps a run",
    )  # fmt: skip
    parser.add_argument(
        "--match", choices=("parameters", "multiply-adds"), default="none",
        help="resize the networks until these are equal",
    )  # fmt: skip
    parser.add_argument("--rematch", action="store_true", help=argparse.SUPPRESS)  # once --kind aa-test was called so
    parser.add_argument("--trials", type=int, metavar="N", help=f"learning rates of a tuning; default {TRIALS}")
    parser.add_argument(
        "--lr-range", metavar="LOW:HIGH", help=f"where a tuning draws them from; default {LOWEST_LR:g}:{HIGHEST_LR:g}"
    )
    parser.add_argument(
        "--vary", action="append", metavar="NAME=VALUES", default=[],
        help="one of the two settings of a grid and its values, such as dropout=0,0.3; lists of numbers apart by a semicolon",
    )  # fmt: skip
    parser.add_argument(
        "--set", nargs="+", action="extend", default=[], metavar="NAME=VALUE",
        help="settings of all networks that have them, such as epochs=3 batch_size=32",
    )  # fmt: skip
    parser.add_argument("--name", default="", help="what the comparison is called; default is who competes")
    flags.add_processes(parser)
    parser.add_argument("--verbose", action="store_true", help="say also what happens within each run")


def _fewest_help() -> str:
    """ "6 for 2 networks, 7 for 3, …"."""
    fewest = [f"{fewest_seeds(contestant_pairs(n))} for {n}" for n in range(2, 6)]
    return ", ".join([f"{fewest[0]} networks", *fewest[1:]])


def _flag(kind: str) -> str:
    """An id as the command line writes it."""
    return kind.replace("_", "-")


def _kind_id(text: str) -> str:
    """The id of a kind; what older versions called it will do."""
    kind = OLD_KINDS.get(text, text.replace("-", "_"))
    if kind not in kinds.KINDS:
        raise argparse.ArgumentTypeError(f"{text!r}, allowed is one of {', '.join(map(_flag, kinds.KINDS))}")
    return kind


def _a(kind: Kind) -> str:
    """ "a race", "an aa-test"."""
    return f"{'an' if kind.id.startswith('a') else 'a'} {_flag(kind.id)}"


def _kinds_help() -> str:
    sentences = (f"{_flag(kind.id)}: {kind.help[0].lower()}{kind.help[1:]}" for kind in kinds.KINDS.values())
    return f"{' '.join(sentences)} Default race."


def race(options: argparse.Namespace) -> int:
    """Plan, queue and train a group here and now; the dashboard shows it, too. Returns 1 when a run failed or diverged."""
    from core.compare.results import as_values
    from core.runs.groups import create_group, group
    from core.runs.quota import COMMAND_LINE

    plan = _plan(options)
    store = console.open_store()
    outlook = forecast(plan, store)
    # Created as paused: a dashboard that is open on the same store leaves them to this process.
    group_id, run_ids = create_group(
        store, plan.runs, name=plan.name, kind=plan.kind, plan=plan.kept, request="pause", owner=COMMAND_LINE
    )
    about = {"group": group_id, "name": plan.name, "kind": plan.kind}
    title = f"{plan.name}: {len(run_ids)} runs"
    first = {**about, "runs": run_ids, "notes": list(plan.notes), "forecast": outlook}
    say(first, options.json, "\n".join([title, *plan.notes, *outlook]))
    console.say_time(plan.configs, store, options.processes)
    # Where validation images choose, the test images are for the chosen runs.
    split: Literal["val", "test"] = "val" if kinds.get(plan.kind).chooses else "test"
    code = console.drive(store, run_ids, options.json, events=options.verbose, split=split, processes=options.processes)
    values = as_values(group(store, group_id), store.runs(group=group_id), store.evaluation)
    say({**about, **values}, options.json, "\n".join(_outcome_lines(values)))
    return code


def _plan(options: argparse.Namespace) -> Plan:
    """The plan for what the flags ask, checked against this machine. Raises ConfigError, DataError without the images."""
    from core import data

    question = question_of(options)
    n_images = data.count_images(question.contestants[0].data.dataset)
    flags.report_idle(question.contestants, _settings(options.set))
    return kinds.checked_plan(question, n_images=n_images, images_per_s=_speed())


def question_of(options: argparse.Namespace) -> Question:
    """What the flags ask. Raises ConfigError naming each value that is not allowed."""
    kind = _kind(options)
    takes_seeds = "seeds" in kind.options
    if options.seeds is not None and not takes_seeds:
        raise ConfigError(f"{_a(kind)} has one seed: leave out --seeds", ("seeds",))
    entries = _entries(options, kind)
    factors = _factors(options, entries)
    n_judged = contestant_pairs(len(entries))
    if len(factors) == 2:
        n_judged = n_blocks(*(len(factor.values) for factor in factors))
    fewest = fewest_seeds(n_judged) if takes_seeds else 1
    n_seeds = fewest if options.seeds is None else options.seeds
    budget, sizes = (quick.budget(), quick.SIZES) if options.quick else (_budget(options.budget), SIZES)
    low, high = _range(options.lr_range) if options.lr_range else (LOWEST_LR, HIGHEST_LR)
    return Question(
        kind.id, contestants(entries), tuple(range(n_seeds)), budget, options.match, sizes,
        trials=TRIALS if options.trials is None else options.trials, low=low, high=high, name=options.name,
        factors=factors,
    )  # fmt: skip


def _kind(options: argparse.Namespace) -> Kind:
    """The kind that is asked for. Raises ConfigError for a flag that belongs to another one."""
    if options.rematch and options.kind not in (None, "race", "aa_test"):
        raise ConfigError(f"--rematch belongs to --kind race, not to {_flag(options.kind)}", ("rematch",))
    kind = kinds.get("aa_test" if options.rematch else options.kind or "race")
    belongs: tuple[tuple[str, object, Option], ...] = (
        ("--trials", options.trials, "trials"), ("--lr-range", options.lr_range, "trials"),
        ("--vary", options.vary or None, "factors"),
    )  # fmt: skip
    for flag, value, option in belongs:
        if value is not None and option not in kind.options:
            owner = next(_flag(other.id) for other in kinds.KINDS.values() if option in other.options)
            raise ConfigError(
                f"{flag} belongs to --kind {owner}, not to {_flag(kind.id)}", (flag[2:].replace("-", "_"),)
            )
    return kind


def _entries(options: argparse.Namespace, kind: Kind) -> list[tuple[str, dict[str, Any]]]:
    """Each architecture with those of the settings that it has. Raises ConfigError; DataError without the images."""
    from core import data
    from core.config import all_settings, present_shared_values

    names = options.architectures or (GRID_ARCHITECTURE if "factors" in kind.options else "")
    if not names:
        raise ConfigError("--architectures is missing: which networks shall run?", ("architectures",))
    architectures = [models.get(name.strip()).id for name in names.split(",")]
    values = present_shared_values(_settings(options.set))
    values |= {} if options.dataset is None else {"dataset": options.dataset}
    varied = tuple(present_shared_values(_settings(options.vary, "--vary")))
    for whose, theirs in (
        (_a(kind), ("seed", *kind.varies)), ("--vary", varied), ("--quick", QUICK_SETS if options.quick else ()),
    ):  # fmt: skip
        if own := tuple(sorted(values.keys() & set(theirs))):
            raise ConfigError(f"{', '.join(own)}: {whose} sets this itself, so --set can not", own)
    if options.quick:
        if own := tuple(sorted(QUICK_SETS.intersection(varied))):
            raise ConfigError(f"{', '.join(own)}: --quick sets this itself, so --vary can not", own)
        values |= quick.images(data.count_images(values.get("dataset", data.EMBEDDED)))
    names_of = {
        architecture: {setting.name for setting in all_settings(architecture)} for architecture in architectures
    }
    strangers = tuple(name for name in values if not any(name in own_names for own_names in names_of.values()))
    if strangers:
        raise ConfigError(f"{', '.join(strangers)}: not a setting of {' or '.join(architectures)}", strangers)
    return [
        (architecture, {name: value for name, value in values.items() if name in names_of[architecture]})
        for architecture in architectures
    ]


def _factors(options: argparse.Namespace, entries: Sequence[tuple[str, dict[str, Any]]]) -> tuple[Factor, ...]:
    """The settings that a grid varies, each with its values as texts."""
    from core.config import all_settings

    (architecture, _), *_ = entries
    by_name = {name: setting for setting in all_settings(architecture) for name in (setting.name, *setting.old_names)}
    factors = []
    for text in options.vary:
        ((name, values),) = _settings([text], "--vary").items()
        setting = by_name.get(name)
        factors.append(Factor(setting.name, tuple(setting.texts(values))) if setting else Factor(name, (values,)))
    return tuple(factors)


def _settings(texts: Sequence[str], flag: str = "--set") -> dict[str, str]:
    """ "name=value" texts as a mapping; a dash in a name is as good as an underscore."""
    values = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ConfigError(f"{flag} is {text!r}, allowed is name=value", (flag[2:],))
        values[name.replace("-", "_")] = value
    return values


def _budget(text: str | None) -> Budget | None:
    if text is None:
        return None
    kind, _, amount = text.partition(":")
    name = next((name for name in BUDGETS if name == kind), None)
    if name is None:
        raise ConfigError(
            f"--budget is {text!r}, allowed is KIND:AMOUNT with a kind of {', '.join(BUDGETS)}", ("budget",)
        )
    return Budget(name, _number("--budget", text, amount))


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


def _outcome_lines(values: Mapping[str, Any]) -> list[str]:
    """The conditions, a line each, then the verdicts."""
    lines = []
    splits: tuple[SplitName, ...] = ("val", "test")
    is_grid = "blocks" in values  # whose rows carry the values of its two settings by name, and the labels say them
    for row in values["conditions"]:
        at = f" with {row['n_train']:,} images" if "n_train" in row and not is_grid else ""
        lr = f" at learning rate {row['lr']:g}" if "trials" in row and row["lr"] else ""
        finished = f"{row['finished']} of {row['runs']} runs finished"
        facts = [f"best of {row['trials']} trials" if "trials" in row else finished]
        for split in splits:
            if row[f"{split}_mean"] is not None:
                sd = "" if row[f"{split}_sd"] is None else f" ± {100 * row[f'{split}_sd']:.2f}"
                mean = f"{SPLIT_WORDS[split]} accuracy {100 * row[f'{split}_mean']:.2f}{sd} %"
                facts.append(f"{mean} on {row[f'n_{split}']:,} images")
        if row["n_params"]:
            facts.append(f"{row['n_params']:,} parameters")
        if row["multiply_adds"]:
            facts.append(f"{row['multiply_adds']:,} multiply-adds")
        if row["seconds"] is not None:
            facts.append(f"{row['seconds']:.1f} s a run")
        lines.append(f"{row['label']}{at}{lr}: {', '.join(facts)}")
    for pair in values["comparisons"]:
        at = f"With {pair['n_train']:,} images: " if "n_train" in pair else ""
        lines.append(at + pair["verdict"])
    if "verdict" in values:
        lines.append(values["verdict"])
    return lines
