"""The kinds of comparison. A new one is one file beside this one and its name in the table."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.compare.budget import Speed
from core.compare.kinds import aa_test, data_efficiency, race, tuning
from core.compare.kinds.kind import Kind
from core.compare.plan import Plan, Question
from core.errors import ConfigError

# By id, in the order in which they are offered.
KINDS: Mapping[str, Kind] = MappingProxyType(
    {module.KIND.id: module.KIND for module in (race, data_efficiency, tuning, aa_test)}
)


def get(kind: str) -> Kind:
    """The record behind an id. Raises ConfigError for an unknown one."""
    if kind not in KINDS:
        raise ConfigError(f"Kind of comparison (kind) is {kind!r}, allowed is one of {', '.join(KINDS)}", ("kind",))
    return KINDS[kind]


def plan(question: Question, *, n_images: int, images_per_s: Speed | None = None) -> Plan:
    """The plan that answers a question, as its kind makes it; the page and the command line both ask here.

    n_images: training images of the dataset, before any are held out · images_per_s: how fast a network trains here
    Raises ConfigError for what can not be planned.
    """
    return get(question.kind).plan(question, n_images, images_per_s)
