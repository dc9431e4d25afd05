"""A link to a race that is not run yet, in the words of the command line's flags: what the form holds, as an address and back.

``?architecture=gru,lstm&lr=0.003`` names networks and settings that all share; what one of several has for itself is named with
it (``lstm.hidden=64``). ``vary=widths=16;512`` lets one network compete with several values of a setting, and
``vary=dropout=0,0.3~lr=0.001,0.01`` crosses two. Beside them ``kind``, ``quick`` (yes or no), ``seeds`` (how many),
``first_seed``, ``budget`` (such as steps:300), ``match``, ``sizes``, ``trials`` and ``lr_range``. Older links wrote
``setting=widths&values=16;512``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core import models
from core.analysis.verdicts import fewest_seeds
from core.compare import kinds
from core.compare.budget import Budget
from core.compare.differences import LENGTH
from core.compare.forecast import contestant_pairs
from core.compare.kinds.grid import offered
from core.compare.plan import HIGHEST_LR, LOWEST_LR, SIZES, TRIALS, Question
from core.config import RunConfig, TrainingConfig, all_settings, run_config
from core.data.config import DataConfig
from core.fields import Config, Setting, settings
from core.runs.groups import OLD_KINDS
from pages.lab.race.factors import factor_key
from pages.lab.race.rules import AMOUNTS, FEWEST_TRIALS, MATCHES, MOST_SEEDS, MOST_TRIALS
from pages.lab.race.values import values_key
from pages.shared.form import from_link, widget_values
from pages.shared.link_names import RACE
from pages.shared.networks import ticks

START = ("mlp", "lenet")  # who competes until somebody chooses
SEPARATOR = "~"  # between two settings that are varied
NOT_QUICK = ("n_train", "val_fraction", *LENGTH)  # what a quick race sets itself
_VALUES_LETTERS, _NUMBER_DIGITS = 200, 9  # of one setting in a link, and of a whole number in it
_NUMBER_LETTERS, _LARGEST_NUMBER = 20, 1e15  # of any other number
_LISTS = {"setting", "values", *RACE}  # parameters that are no setting


@dataclass
class Filling:
    """What a link puts into the form.

    fields: name in the link -> key -> what the session holds · differs: network -> settings of learning it has for itself
    notices: sentences for what of the link can not be used · networks: those that it names and that are here
    is_usable: whether the form is to be filled with it
    """

    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    differs: dict[str, list[str]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    networks: list[str] = field(default_factory=list)
    is_usable: bool = True


def race_link(question: Question, vary: Mapping[str, Sequence[Any]], *, is_quick: bool = False) -> dict[str, str]:
    """The query of a link to the form that asks this.

    question: with at least one contestant · vary: setting -> its values · is_quick: the length is left to a quick race
    """
    by_network: dict[str, RunConfig] = {}
    for config in question.contestants:
        by_network.setdefault(config.architecture, config)
    first = question.contestants[0]
    left_out = {*vary, *(NOT_QUICK if is_quick else LENGTH if question.budget else ()), "architecture", "seed"}
    kind = kinds.get(question.kind)
    query = {"architecture": ",".join(by_network), "dataset": first.data.dataset}
    if question.kind not in ("race", "grid"):
        query["kind"] = question.kind
    for name, config in by_network.items():
        own, texts = _own_names(name), config.link()
        for setting in all_settings(name):
            is_own = setting.name in own
            text = texts.get(setting.name, "")
            if config is not first and not is_own:
                value, shared = config.flat()[setting.name], first.flat()[setting.name]
                text = setting.text(value) if value != shared else ""
            if text and setting.name not in left_out:
                is_prefixed = len(by_network) > 1 and (is_own or config is not first)
                query[f"{name}.{setting.name}" if is_prefixed else setting.name] = text
    if vary:
        by_name = {setting.name: setting for setting in all_settings(first.architecture)}
        query["vary"] = SEPARATOR.join(_varied_text(by_name[name], values) for name, values in vary.items())
    if "seeds" in kind.options:
        query["seeds"] = str(len(question.seeds))
        if question.seeds[0]:
            query["first_seed"] = str(question.seeds[0])
    if question.budget and not is_quick:
        query["budget"] = f"{question.budget.kind}:{question.budget.amount:g}"
    if question.match != "none":
        query["match"] = question.match
    if "sizes" in kind.options and not is_quick and question.sizes != SIZES:
        query["sizes"] = ",".join(map(str, question.sizes))
    if "trials" in kind.options:
        query |= {"trials": str(question.trials), "lr_range": f"{question.low:g}:{question.high:g}"}
    return query | {"quick": "yes" if is_quick else "no"}


def grid_link(plan: Mapping[str, Any]) -> dict[str, str]:
    """The same for a grid that was run. Raises ConfigError where its settings no longer exist."""
    cells, names = plan["contestants"], [factor["name"] for factor in plan["factors"]]
    config = run_config(cells[0]["architecture"], cells[0]["settings"])
    budget = Budget(**plan["budget"]) if plan["budget"] else None
    vary = {
        name: list({str(cell["settings"][name]): cell["settings"][name] for cell in cells}.values()) for name in names
    }
    return race_link(Question("grid", (config,), tuple(plan["seeds"]), budget), vary)


def read_link(query: Mapping[str, str]) -> Filling:
    """What a link to the form says; of what it does not name, what the form begins with."""
    filling = Filling()
    vary = query.get("vary") or ("=".join((query["setting"], query.get("values", ""))) if query.get("setting") else "")
    parts = vary.split(SEPARATOR) if vary else []
    asked_kind = query.get("kind", "").replace("-", "_")
    kind_id = OLD_KINDS.get(asked_kind, asked_kind) or ("grid" if len(parts) == 2 else "race")
    if kind_id not in kinds.KINDS:
        filling.notices.append(f"The link asks for a kind of comparison that is not here: {asked_kind[:40]!r}.")
        kind_id = "race"
    is_grid = "factors" in kinds.get(kind_id).options
    start = START if not is_grid and not parts else START[:1]
    asked = [name.strip() for name in query.get("architecture", ",".join(start)).split(",")]
    filling.networks = names = [name for name in dict.fromkeys(asked) if name in models.TABLE]
    varied = _varied(names[0], parts, is_grid=is_grid) if len(names) == 1 else {}
    if (is_grid and vary and len(varied) != 2) or len(parts) > 2:
        filling.notices = [
            "The link can not be followed: it has to name a network and to vary two of its settings, such as dropout=0,0.3."
        ]
        filling.is_usable = False
        return filling
    filling.notices += [
        f"The link asks for a network that is not here: {name[:40]!r}." for name in asked if name not in names
    ]
    if not names:
        filling.is_usable = False
        return filling
    if parts and not varied:
        filling.notices.append(
            f"The link lets {', '.join(names)} compete in {parts[0].partition('=')[0][:40]!r}, which can not be."
        )
    _fill_settings(filling, {name: text for name, text in query.items() if name not in _LISTS})
    _fill_who(filling, kind_id, varied)
    _fill_rules(
        filling, query, kind_id, n=max(2, len(names), *(len(setting.texts(text)) for setting, text in varied.values()))
    )
    filling.notices = list(dict.fromkeys(filling.notices))
    return filling


def _own_names(architecture: str) -> set[str]:
    return {setting.name for setting in settings(models.get(architecture).config)}


def _varied_text(setting: Setting, values: Sequence[Any]) -> str:
    texts = dict.fromkeys(value if isinstance(value, str) else setting.text(value) for value in values)
    return f"{setting.name}={(';' if setting.kind == 'ints' else ',').join(texts)}"


def _varied(architecture: str, parts: Sequence[str], *, is_grid: bool) -> dict[str, tuple[Setting, str]]:
    """Name -> setting and text of its values, of those that this network can be compared in."""
    able = offered(architecture) if is_grid else all_settings(architecture)
    by_name = {name: setting for setting in able for name in (setting.name, *setting.old_names)}
    varied = {}
    for part in parts:
        name, _, values = part.partition("=")
        setting = by_name.get(name.replace("-", "_"))
        if setting and len(values) <= _VALUES_LETTERS:
            varied[setting.name] = (setting, values)
    return varied


def _fill_settings(filling: Filling, parameters: Mapping[str, str]) -> None:
    """The settings that all share, and those that a network has for itself."""
    names, known = filling.networks, set[str]()
    for name in reversed(names):  # what all share is taken from the first
        own_names = _own_names(name)
        own = {key.removeprefix(f"{name}."): text for key, text in parameters.items() if key.startswith(f"{name}.")}
        valid, notices = from_link(name, {**parameters, **{key: text for key, text in own.items() if key in own_names}})
        values = {setting.name: setting.default for setting in all_settings(name)} | valid
        filling.notices += notices
        forms: dict[str, type[Config]] = {
            "race_data": DataConfig,
            "race_training": TrainingConfig,
            f"race_{name}": models.get(name).config,
        }
        for form, config in forms.items():
            for key, value in widget_values(config, form, values).items():
                filling.fields.setdefault(key.removeprefix(f"{form}_"), {})[key] = value
        learning, notices = from_link(name, {key: text for key, text in own.items() if key not in own_names})
        filling.notices += notices
        form = f"race_{name}_learning"
        for key, value in widget_values(TrainingConfig, form, learning).items():
            filling.fields.setdefault(key.removeprefix(f"{form}_"), {})[key] = value
        filling.differs[name] = [setting.name for setting in settings(TrainingConfig) if setting.name in learning]
        filling.fields.setdefault("differs", {})[f"race_{name}_differs"] = filling.differs[name]
        for setting in all_settings(name):
            for key in (setting.name, *setting.old_names):
                known |= {key, f"{name}.{key}"}
    filling.notices += [
        f"The link names a setting that is not here: {key[:40]!r}." for key in parameters if key not in known
    ]


def _fill_who(filling: Filling, kind_id: str, varied: Mapping[str, tuple[Setting, str]]) -> None:
    """Of which kind the comparison is, who competes, and in which values."""
    names, fields = filling.networks, filling.fields
    fields["kind"] = {"race_kind": kind_id}
    fields["architecture"] = {**ticks(names, "race_networks"), "race_network": names[0]}
    who = "settings" if len(varied) == 1 else "networks"
    fields["vary"] = {f"race_who_{kind.id}": who for kind in kinds.KINDS.values() if "networks" in kind.options}
    for place, (setting, text) in enumerate(varied.values()):
        fields["vary"][factor_key(place, names[0])] = setting.name
        if len(varied) == 1:
            fields["vary"][f"race_setting_{names[0]}"] = setting.name
        texts = setting.texts(text)
        if setting.kind == "choice":
            choices = [setting.typed(value) for value in texts]
            filling.notices += [
                f"The link's value can not be used: {setting.title} is {str(choice)[:40]!r}, allowed is {setting.allowed}."
                for choice in choices
                if choice not in setting.choices
            ]
            there = [choice for choice in setting.choices if choice in choices]
            if len(there) > 1:
                fields["vary"][values_key(setting.name)] = there
        elif setting.kind != "bool" and texts:  # that is on against off
            fields["vary"][values_key(setting.name)] = ("; " if setting.kind == "ints" else " ").join(texts)


def _fill_rules(filling: Filling, query: Mapping[str, str], kind_id: str, n: int) -> None:
    """Seeds, budget and whatever else all obey. n: how many compete"""
    fields, notices, is_grid = filling.fields, filling.notices, kind_id == "grid"
    n_seeds = min(MOST_SEEDS, fewest_seeds() if is_grid else fewest_seeds(contestant_pairs(n)))
    if seeds := query.get("seeds", ""):
        if seeds.isdecimal() and len(seeds) <= _NUMBER_DIGITS and 1 <= int(seeds) <= MOST_SEEDS:
            n_seeds = int(seeds)
        else:
            notices.append(f"The link asks for {seeds[:20]!r} seeds, allowed are 1 to {MOST_SEEDS}.")
    fields["seeds"] = {"race_seeds": n_seeds}
    first = query.get("first_seed", "0")
    fields["first_seed"] = {"race_first_seed": 0}
    if first.isdecimal() and len(first) <= _NUMBER_DIGITS:
        fields["first_seed"] = {"race_first_seed": int(first)}
    else:
        notices.append(f"The link asks for {first[:20]!r} as first seed, allowed is a number below a thousand million.")
    fields["budget"] = {"race_budget": "none"}
    kind, _, amount = query.get("budget", "").partition(":")
    if kind in AMOUNTS and (number := _number(amount)):
        fields["budget"] = {"race_budget": kind, f"race_amount_{kind}": number / AMOUNTS[kind][1]}
    elif kind:
        notices.append(f"The link's budget can not be used: {query['budget'][:40]!r}.")
    # Who says how long the networks learn, or on how many images, asks for no quick race.
    is_full = is_grid or bool(kind) or bool({*NOT_QUICK, "sizes"} & query.keys())
    quick = query.get("quick", "no" if is_full else "yes")
    fields["quick"] = {"race_length": "full" if quick == "no" else "quick"}
    match = query.get("match", "none")
    fields["match"] = {"race_match": match if match in MATCHES else "none", "race_lead": filling.networks[0]}
    sizes = [size for size in SIZES if str(size) in query.get("sizes", ",".join(map(str, SIZES))).split(",")]
    fields["sizes"] = {"race_sizes": sizes or list(SIZES)}
    trials = query.get("trials", "")
    is_number = trials.isdecimal() and len(trials) <= _NUMBER_DIGITS and FEWEST_TRIALS <= int(trials) <= MOST_TRIALS
    fields["trials"] = {"race_trials": int(trials) if is_number else TRIALS}
    low, _, high = query.get("lr_range", "").partition(":")
    lr = next(setting for setting in settings(TrainingConfig) if setting.name == "lr")
    is_range = all((lr.low or 0) <= _number(end) <= (lr.high or math.inf) and _number(end) for end in (low, high))
    fields["lr_range"] = {
        "race_low": _number(low) if is_range else LOWEST_LR, "race_high": _number(high) if is_range else HIGHEST_LR
    }  # fmt: skip
    strange = {
        "match": match not in MATCHES, "trials": bool(trials) and not is_number,
        "lr_range": "lr_range" in query and not is_range,
        "sizes": "sizes" in query and not sizes, "quick": quick not in ("yes", "no"),
    }  # fmt: skip
    notices += [
        f"The link's value can not be used: {RACE[name]} is {query[name][:40]!r}."
        for name, is_wrong in strange.items()
        if is_wrong
    ]


def _number(text: str) -> float:
    """A number above 0 as it stands in a link; 0 for anything else, and for more than a field can hold."""
    digits = text.replace(".", "", 1).replace("e-", "", 1).replace("e+", "", 1)
    is_number = digits.isdecimal() and digits.isascii() and len(text) <= _NUMBER_LETTERS and text[0].isdigit()
    number = float(text) if is_number else 0.0
    return number if number <= _LARGEST_NUMBER else 0.0
