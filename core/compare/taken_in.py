"""What another Digit Lab has made, taken in from a bundle: a run, or a comparison with its plan and its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from core import models
from core.compare import kinds
from core.compare.conditions import conditions
from core.errors import ConfigError, RunError
from core.runs.bundle_events import MAX_NUMBER, is_text
from core.runs.group_bundles import GroupBundle, is_group, read_group
from core.runs.groups import Group, present_kind
from core.runs.imported import import_bundle, import_group
from core.runs.store import Store

MAX_CONTESTANTS, MAX_SEEDS, MAX_NOTES, MAX_LABEL_LETTERS = 200, 1_000, 100, 400
MAX_DEPTH = 6  # of lists and objects within each other in a plan


class TakenIn(NamedTuple):
    """run_id, group_id: one of them, the other "" · n_runs, n_new: of these how many were not here before"""

    name: str
    run_id: str
    group_id: str
    n_runs: int
    n_new: int


def take_in(store: Store, content: bytes, owner: str) -> TakenIn:
    """All of a bundle or nothing; it belongs to whoever takes it in. The calling thread has said how many cores torch takes.

    Raises RunError when it is no sound bundle, and as ``import_bundle`` does; StorageError.
    """
    if not is_group(content):
        run_id, is_new = import_bundle(store, content, owner)
        return TakenIn(store.run(run_id).label, run_id, "", 1, int(is_new))
    bundle = read_group(content)
    check_plan(bundle)
    n_new = import_group(store, bundle, owner)
    return TakenIn(bundle.name, "", bundle.group_id, len(bundle.runs), n_new)


def check_plan(bundle: GroupBundle) -> None:
    """That a plan is one that the pages can show. Raises RunError, also for a kind that this version does not know."""
    plan = bundle.plan
    contestants = plan.get("contestants")
    kind = present_kind(bundle.kind, plan)
    if kind not in kinds.KINDS:
        raise RunError("This bundle holds a comparison of a kind that this Digit Lab does not know.")
    need(_is_plain(plan), "a value of its plan")
    need(isinstance(contestants, list) and 0 < len(contestants) <= MAX_CONTESTANTS, "contestants of its plan")
    assert isinstance(contestants, list)
    for contestant in contestants:
        need(isinstance(contestant, dict) and _is_contestant(contestant), "a contestant of its plan")
    for name, most in (("exempt", MAX_NOTES), ("notes", MAX_NOTES)):
        texts = plan.get(name, [])
        need(isinstance(texts, list) and len(texts) <= most and all(map(is_text, texts)), f"{name} of its plan")
    need("exempt" in plan, "exempt of its plan")
    need(all(place is None or place < len(contestants) for place in bundle.contestants.values()), "a run's contestant")
    if kinds.get(kind).view == "sizes":
        need(_is_ints(plan.get("sizes"), MAX_CONTESTANTS), "sizes of its plan")
    if kinds.get(kind).view == "grid":
        need(_are_factors(plan.get("factors"), len(contestants)), "factors of its plan")
    group = Group(bundle.group_id, 0, bundle.name, kind, plan, bundle.created_utc, len(bundle.runs))
    try:
        kinds.get(kind).lineups(plan, conditions(group, ()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RunError("This is no bundle of Digit Lab, or it is damaged: its plan can not be read.") from error


def need(holds: bool, what: str) -> None:
    """Raise RunError unless something holds. what: the part in question"""
    if not holds:
        raise RunError(f"This is no bundle of Digit Lab, or it is damaged: {what}.")


def _is_contestant(contestant: Mapping[str, Any]) -> bool:
    label = contestant.get("label")
    try:
        models.title(str(contestant.get("architecture")))
    except ConfigError:
        return False
    is_named = is_text(label) and 0 < len(str(label)) <= MAX_LABEL_LETTERS and "\n" not in str(label)
    return is_named and _is_ints(contestant.get("seeds"), MAX_SEEDS)


def _are_factors(factors: object, n_cells: int) -> bool:
    """Whether these are the two settings of a grid of so many cells."""
    if not isinstance(factors, list) or len(factors) != 2:
        return False
    sizes = []
    for factor in factors:
        if not isinstance(factor, dict) or not {"name", "title", "unit", "values"} <= factor.keys():
            return False
        values = factor["values"]
        texts = [
            factor["name"],
            factor["title"],
            factor["unit"] or "-",
            *(values if isinstance(values, list) else [None]),
        ]
        if not all(is_text(text) and 0 < len(text) <= MAX_LABEL_LETTERS and "\n" not in text for text in texts):
            return False
        sizes.append(len(values))
    return min(sizes) >= 2 and sizes[0] * sizes[1] == n_cells


def _is_ints(values: object, most: int) -> bool:
    """Whether these are whole numbers from 0, each once."""
    if not isinstance(values, list) or not 0 < len(values) <= most:
        return False
    return all(type(value) is int and 0 <= value <= MAX_NUMBER for value in values) and len(set(values)) == len(values)


def _is_plain(value: object, depth: int = MAX_DEPTH) -> bool:
    """Numbers, texts that can be shown, and lists and objects of such."""
    if isinstance(value, dict):
        return depth > 0 and all(map(is_text, value)) and all(_is_plain(part, depth - 1) for part in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_is_plain(part, depth - 1) for part in value)
    return value is None or is_text(value) or (isinstance(value, (int, float)) and abs(value) <= MAX_NUMBER)
