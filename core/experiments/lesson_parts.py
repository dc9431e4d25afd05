"""What a lesson consists of: what is guessed, what is done, and how the result becomes right or wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from core.errors import ConfigError
from core.experiments.measures import Asked, Unit
from core.fields import Frozen

GuessKind = Literal["choice", "number", "order", "curve", "band"]
# choice: the option · number: the number · order: labels, best first · curve: a number per contestant · band: lowest, highest
GuessValue = str | float | tuple[str, ...] | tuple[float, ...]


class GuessForm(Frozen):
    """What a visitor is asked before the experiment begins. Numbers stand in the unit that is shown."""

    kind: GuessKind
    ask: str = Field(max_length=200)
    options: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = Field(None, gt=0)
    unit: Unit | None = None
    decimals: int | None = Field(None, ge=0, le=3)
    log: bool = False
    x_title: str = ""

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.kind == "choice" and (len(self.options) < 2 or len(set(self.options)) < len(self.options)):
            raise ValueError("options: a choice has two or more, all different")
        if self.kind != "choice" and self.options:
            raise ValueError(f"options: only a choice has them, not a guess of kind {self.kind!r}")
        if self.kind in ("number", "curve", "band"):
            if self.low is None or self.high is None or self.step is None or self.low >= self.high:
                raise ValueError(f"low, high, step: a guess of kind {self.kind!r} has all three, and low is below high")
            if self.log and self.low <= 0:
                raise ValueError(f"low is {self.low:g}, allowed with log = true is more than 0")
        if self.kind == "curve" and not self.x_title:
            raise ValueError("x_title: a curve names its x axis")
        return self

    def checked(self, value: object, labels: Sequence[str]) -> GuessValue:
        """A visitor's guess as it is kept. labels: of the contestants. Raises ConfigError for what is not asked."""
        if self.kind == "choice":
            if value not in self.options:
                raise ConfigError(f"The guess has to be one of: {', '.join(self.options)}", ("guess",))
            return str(value)
        if self.kind == "number":
            return self._number(value)
        values = tuple(value) if isinstance(value, (list, tuple)) else ()
        if self.kind == "order":
            if len(values) != len(labels) or set(map(str, values)) != set(labels):
                raise ConfigError(f"The guess has to name each once: {', '.join(labels)}", ("guess",))
            return tuple(map(str, values))
        n_values = 2 if self.kind == "band" else len(labels)
        if len(values) != n_values:
            raise ConfigError(f"The guess has {len(values)} numbers, needed are {n_values}", ("guess",))
        numbers = tuple(map(self._number, values))
        return tuple(sorted(numbers)) if self.kind == "band" else numbers

    def _number(self, value: object) -> float:
        low, high = self.low or 0.0, self.high or 0.0
        if isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        raise ConfigError(f"The guess has to be a number from {low:,.12g} to {high:,.12g}", ("guess",))


N_TIMINGS = (
    8  # of what is not equal each time, such as a speed: two are told apart though a slow moment hits one of them
)


class Experiment(Frozen):
    """kind: "train" trains in the background, "shipped" reads runs that came with the program, "count" trains nothing"""

    kind: Literal["train", "shipped", "count"]
    measure: Asked
    seeds: tuple[int, ...] = ()
    settings: Mapping[str, Any] = Field(default_factory=dict)

    @field_validator("measure", mode="before")
    @classmethod
    def _by_id(cls, value: object) -> object:
        return {"id": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _seeds_where_it_trains(self) -> Self:
        if (self.kind == "train") != bool(self.seeds) or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(
                f"seeds are {list(self.seeds)}, allowed is one or more different ones for 'train', else none"
            )
        return self


class Contestant(Frozen):
    """One side of an experiment. measure: where it is not the experiment's own · x: where it stands below a curve

    architecture: of the registry, or a baseline such as "knn", whose settings are those of data
    run: name of a run that came with the program, in place of architecture and settings
    """

    label: str = Field(min_length=1, max_length=30, pattern=r"^[^{}.\n]+$")
    architecture: str = ""
    settings: Mapping[str, Any] = Field(default_factory=dict)
    run: str = ""
    x: float | None = None
    measure: Asked | None = None

    @field_validator("measure", mode="before")
    @classmethod
    def _by_id(cls, value: object) -> object:
        return {"id": value} if isinstance(value, str) else value


class Answer(Frozen):
    """How the result becomes right or wrong; ``core.experiments.results`` says by which rules.

    of, minus, over: labels of contestants: whose mean over seeds, minus that of another or divided by it
    bounds, tolerance: in the unit that is shown; the tolerance of a guess with ``log`` is a factor
    """

    kind: Literal["best", "bracket", "value", "order", "curve", "band"]
    of: str = ""
    minus: str = ""
    over: str = ""
    bounds: tuple[float, ...] = ()
    tolerance: float = Field(0.0, ge=0)


ANSWERS_OF: Mapping[GuessKind, tuple[str, ...]] = MappingProxyType(
    {"choice": ("best", "bracket"), "number": ("value",), "order": ("order",), "curve": ("curve",), "band": ("band",)}
)


class Look(Frozen):
    """A link to exactly the right place. query: its values may hold ``{run:LABEL}``, that contestant's run of the first seed,
    and ``{runs}``, those of all · point: key of the control that a note points at there, tip: the note"""

    page: str
    label: str = Field(max_length=80)
    query: Mapping[str, str] = Field(default_factory=dict)
    point: str = ""
    tip: str = Field("", max_length=200)
