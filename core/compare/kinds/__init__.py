"""The kinds of comparison. A new one is one file beside this one and its name in the table.

Its results are shown by one of the views that ``Kind.view`` lists; what none of them fits also needs a view on the Race page.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from core.compare.budget import Speed
from core.compare.kinds import aa_test, data_efficiency, grid, race, tuning
from core.compare.kinds.kind import Kind
from core.compare.plan import Plan, Question
from core.errors import ConfigError

# By id, in the order in which they are offered.
KINDS: Mapping[str, Kind] = MappingProxyType(
    {module.KIND.id: module.KIND for module in (race, data_efficiency, tuning, aa_test, grid)}
)


def get(kind: str) -> Kind:
    """The record behind an id. Raises ConfigError for an unknown one."""
    if kind not in KINDS:
        raise ConfigError(f"Kind of comparison (kind) is {kind!r}, allowed is one of {', '.join(KINDS)}", ("kind",))
    return KINDS[kind]


def plan(question: Question, *, n_images: int, images_per_s: Speed | None = None) -> Plan:
    """The plan that answers a question, as its kind makes it.

    n_images: training images of the dataset, before any are held out · images_per_s: how fast a network trains here
    Raises ConfigError for what can not be planned.
    """
    return get(question.kind).plan(question, n_images, images_per_s)


def checked_plan(question: Question, *, n_images: int, images_per_s: Speed | None = None) -> Plan:
    """The same, after each of its runs was checked against this machine; the page and the command line both ask here.

    Raises ConfigError also for the first run that this machine can not train.
    """
    from core.machine.device import checked_configs  # loads torch, and a menu of the kinds can do without it

    ready = plan(question, n_images=n_images, images_per_s=images_per_s)
    checked_configs(ready.configs, lambda dataset: n_images)
    return ready
