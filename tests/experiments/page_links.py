"""What the pages read of their address, found in their source: the names, and every word that may be a value; and whether a
link to a page is one that the page can follow."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import cache

from core import data, models
from core.compare import kinds, quick
from core.compare.plan import Factor, Question, contestants
from core.config import RunConfig, all_settings, run_config
from core.data.paths import CHECKOUT
from core.experiments.baselines import BASELINES
from core.experiments.lessons import lessons
from core.inspect.distortions import DISTORTIONS
from core.machine.device import checked_configs
from pages.lab.race.link import SEPARATOR
from pages.shared.link_names import NAMES
from pages.shared.locks import HIDE, LOCK

ADDRESSES = {path.stem for path in (CHECKOUT / "pages").glob("*.py")} - {"__init__"}

READERS = {"follow_once", "remember", "follow", "keep", "pick_tab", "query_params.get"}  # the name is their first text
AFTER_A_LABEL = {"choose", "pick", "_pick", "switch"}  # the name is their second text
MOST_VALUES = 6  # that compete in one race
MNIST_IMAGES = 60_000
AA_SEEDS = 6  # of a test of a network against its own copy, of which the page sets the number
SPELT_OUT = {"compare": {"a", "b"}}  # names that no text in the source holds


@cache
def names_and_words(page: str) -> tuple[frozenset[str], frozenset[str]]:
    """Of a page and of what pages share: names that stand in a call which reads the address, and all texts."""
    folders = [*(CHECKOUT / "pages").glob(f"*/{page}"), CHECKOUT / "pages" / "shared"]
    names: set[str] = set(SPELT_OUT.get(page, ()))
    words: set[str] = set()
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        constants = _constants(tree)
        words |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            called = ast.unparse(call.func).removeprefix("st.").removeprefix("choices.")
            place = 1 if called in AFTER_A_LABEL else 0 if called in READERS else None
            if place is not None and len(call.args) > place:
                argument = call.args[place]
                value = (
                    constants.get(argument.id) if isinstance(argument, ast.Name) else getattr(argument, "value", None)
                )
                names |= {value} if isinstance(value, str) else set()
    return frozenset(names), frozenset(words)


def has_key(page: str, key: str) -> bool:
    """Whether a control of that page may have this key: a text of the source is the key, or its beginning or end where it is
    put together."""
    words = names_and_words(page)[1]
    parts = [word for word in words if "_" in word and len(word) > 1]
    return key in words or any(key.startswith(part) or key.endswith(part) for part in parts)


def check_link(where: str, page: str, query: Mapping[str, str]) -> None:
    """A link names what its page reads, and says something of it that there is; what it sets up can be started.

    where: said first when not · query: text in braces stands for runs
    """
    assert page in ADDRESSES, f"{where}: there is no page {page!r}, allowed is one of {sorted(ADDRESSES)}"
    names, words = names_and_words(page)
    query = _without_locks(where, page, query)
    own = dict(query)
    if page == "train" or (page == "race" and "architecture" in query):
        own = {name: value for name, value in query.items() if name in names}
        settings = {name: value for name, value in query.items() if name not in names or name == "vary"}
        own.pop("vary", None)
        (_check_race if page == "race" else _check_training)(where, settings)
    words |= {
        *models.TABLE,
        *BASELINES,
        *data.DATASETS,
        *DISTORTIONS,
        *lessons(),
        *map(str, range(10_000)),
        "yes",
        "no",
    }
    for name, value in own.items():
        if (page, name) == ("lessons", "class"):  # a code that a teacher makes up
            continue
        assert name in names, f"{where}: {name} is not read there, allowed is one of {', '.join(sorted(names))}"
        parts = [part for part in re.sub(r"\{[^}]*\}", "", value).split(",") if part]
        strange = [part for part in parts if part not in words]
        assert not strange, f"{where}: {name} is {strange}, which that page knows nothing of"


def _without_locks(where: str, page: str, query: Mapping[str, str]) -> dict[str, str]:
    """The rest of a link, when all that it locks or hides is there."""
    listed = {name for parameter in (LOCK, HIDE) for name in query.get(parameter, "").split(",") if name}
    names_there = set(NAMES.get(page, ()))
    if page in ("train", "race"):
        names_there |= {
            name for one in query.get("architecture", models.RECOMMENDED).split(",") for name in _settings(one)
        }
    assert listed <= names_there, f"{where}: {sorted(listed - names_there)} can not be locked there"
    return {name: value for name, value in query.items() if name not in (LOCK, HIDE)}


def _check_training(where: str, query: dict[str, str]) -> None:
    """``architecture`` and settings, with the network's name before those of one of several."""
    architectures = query.pop("architecture", models.RECOMMENDED).split(",")
    configs = [_config(where, architecture, query, alone=len(architectures) == 1) for architecture in architectures]
    checked_configs(configs, _n_images)
    strangers = [
        name for name in query if not any(name.removeprefix(f"{one}.") in _settings(one) for one in architectures)
    ]
    assert not strangers, f"{where}: {strangers} are settings of none of {architectures}"


def _check_race(where: str, query: dict[str, str]) -> None:
    """``architecture`` and settings; of one network what varies, one setting or two: with its values where it is not on or
    off. An older link has ``setting`` and ``values`` for one."""
    architectures = query.pop("architecture").split(",")
    kind, n_seeds = query.pop("kind", "race"), 1
    assert kind in kinds.KINDS, f"{where}: kind is {kind!r}, allowed is one of {', '.join(kinds.KINDS)}"
    if kind == "aa_test":
        n_seeds = AA_SEEDS
    varied, text = query.pop("setting", ""), query.pop("values", "")
    vary = query.pop("vary", "").split(SEPARATOR)
    if len(vary) == 1 and not varied:
        varied, _, text = vary[0].partition("=")
    if len(vary) > 1:
        (architecture,) = architectures
        cells = dict(part.split("=") for part in vary)
        factors = tuple(Factor(name, tuple(values.split(","))) for name, values in cells.items())
        seeds = tuple(range(int(query.pop("seeds", "1"))))
        network = _config(where, architecture, query, alone=True)
        kinds.checked_plan(
            Question("grid", (network,), seeds, factors=factors),
            n_images=_n_images(network.data.dataset) or MNIST_IMAGES,
        )
        return
    values: Sequence[str | None] = text.split(";" if ";" in text else ",") if text else [None]
    if varied:
        (architecture,) = architectures
        values = values if text else ["false", "true"]
        assert varied in _settings(architecture), f"{where}: {varied} is no setting of {architecture}"
        assert 2 <= len(values) <= MOST_VALUES, f"{where}: {len(values)} values to compare"
    entries = []
    for architecture in architectures:
        config = _config(where, architecture, query, alone=len(architectures) == 1)
        own = {name: value for name, value in query.items() if name in _settings(architecture)}
        n_images = _n_images(config.data.dataset)
        if not {"n_train", "epochs"} & query.keys() and n_images is not None:
            own |= quick.images(n_images)
        entries += [(architecture, own | ({varied: value} if varied else {})) for value in values]
    competing = contestants(entries)
    budget = None if {"n_train", "epochs"} & query.keys() else quick.budget()
    kinds.checked_plan(
        Question(kind, competing, tuple(range(n_seeds)), budget),
        n_images=_n_images(competing[0].data.dataset) or MNIST_IMAGES,
    )


def _config(where: str, architecture: str, query: Mapping[str, str], *, alone: bool) -> RunConfig:
    own = {name.removeprefix(f"{architecture}."): value for name, value in query.items()}
    named = {name: value for name, value in own.items() if name in _settings(architecture) or alone}
    config = run_config(architecture, named)
    idle = config.idle_sentences(named)
    assert not idle, f"{where}: {idle}"
    return config


def _settings(architecture: str) -> set[str]:
    return {setting.name for setting in all_settings(architecture)}


@cache
def _n_images(dataset: str) -> int | None:
    """None of one that is not here: a page says so, with the way to get it."""
    return data.count_images(dataset) if dataset in data.present_names() else None


def _constants(tree: ast.Module) -> dict[str, object]:
    """Texts at module level by their names, also where several stand in one line."""
    pairs: list[tuple[ast.expr, ast.expr]] = []
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Tuple)
            and isinstance(node.value, ast.Tuple)
        ):
            pairs += zip(node.targets[0].elts, node.value.elts, strict=False)
        elif isinstance(node, ast.Assign):
            pairs.append((node.targets[0], node.value))
    return {
        target.id: value.value
        for target, value in pairs
        if isinstance(target, ast.Name) and isinstance(value, ast.Constant)
    }
