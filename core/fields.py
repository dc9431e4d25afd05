"""One declaration per setting.

A setting is declared once, as a field of a ``Config``: default, bounds, step, scale, choices, unit, title, one sentence
of help. The widget, the server's check, the command-line flag, the link parameter and the docs row are all derived from
what ``settings`` reads back. Nothing outside the declaration types a bound or a label again.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo

from core.errors import ConfigError

Kind = Literal["bool", "int", "float", "choice", "ints", "run"]

# Of a run its id or the beginning of it, as ``core.runs.rows.check_prefix`` has it, "" for none.
RunId = Annotated[str, Field(pattern=r"^([0-9a-f]{6,32})?$")]

RUN_ID_SHOWN = 12  # digits of a run's id where somebody reads it: those that say when it was made

SplitName = Literal["train", "val", "test"]
# The words for them on screen and on the command line.
SPLIT_WORDS: Mapping[SplitName, str] = {"train": "training", "val": "validation", "test": "test"}


class Frozen(BaseModel):
    """Frozen, validated values. Unknown and non-finite ones never become one."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class Config(Frozen):
    """Settings: each field declared by ``setting``. Values out of range never become one."""

    @model_validator(mode="before")
    @classmethod
    def _present_values(cls, values: Any) -> Any:
        return present_values(cls, values) if isinstance(values, Mapping) else values


Conditions = Mapping[str, Container[Any]]  # a setting -> its values under which another one acts


class _Some:
    __slots__ = ()

    def __contains__(self, value: object) -> bool:
        return bool(value)


SOME: Container[Any] = _Some()  # every value of a list of numbers but the empty one, for ``applies_when``


def setting(
    default: Any,
    title: str,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    scale: Literal["linear", "log"] = "linear",
    unit: str = "",
    basic: bool = False,
    labels: Mapping[Any, str] | None = None,
    old_names: Iterable[str] = (),
    applies_when: Conditions | None = None,
    is_dropout: bool = False,
    zero: str = "",
) -> Any:
    """Declare a field of a ``Config``.

    low, high: inclusive bounds of a number · step, scale: how a slider moves · unit: of the number, in words
    basic: shown at once; the others are folded away · labels: what a choice is called on screen
    old_names: what stored runs, links and flags of earlier versions call it; they keep working
    applies_when: another setting of the same config -> its values under which this one acts; else it does nothing
    is_dropout: at 0 it draws no random number, above 0 one a value and step; what measures speed sets it to 0
    zero: what 0, or no run, means, in a word that forms and tables show and that flags and links may say: "all"; stores keep 0
    """
    extra: dict[str, Any] = {
        "step": step, "scale": scale, "unit": unit, "basic": basic, "labels": dict(labels or {}),
        "old_names": tuple(old_names), "applies_when": dict(applies_when or {}), "is_dropout": is_dropout, "zero": zero,
    }  # fmt: skip
    return Field(default, ge=low, le=high, title=title, description=help, json_schema_extra=extra)


def split_numbers(value: object) -> object:
    """``"128, 64"`` (a flag, a link, a text box) as ``["128", "64"]``; anything else unchanged."""
    return [part for part in value.replace(",", " ").split() if part] if isinstance(value, str) else value


def _decimal(number: float | None) -> str:
    """0.00001 rather than 1e-05."""
    return f"{number:.10f}".rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a declaration says, read back. ``low`` and ``high`` of an ``ints`` setting bound each of its numbers."""

    name: str
    kind: Kind
    default: Any
    title: str
    help: str
    low: float | None
    high: float | None
    step: float | None
    scale: Literal["linear", "log"]
    unit: str
    basic: bool
    choices: tuple[Any, ...]
    labels: Mapping[Any, str]
    applies_when: Conditions
    old_names: tuple[str, ...] = ()
    is_dropout: bool = False
    zero: str = ""
    min_length: int | None = None
    max_length: int | None = None

    def applies(self, values: Mapping[str, Any]) -> bool:
        """Whether it acts beside these values; a condition on a setting that is not among them counts as met."""
        return all(name not in values or values[name] in allowed for name, allowed in self.applies_when.items())

    def typed(self, value: Any) -> Any:
        """What is written as text (a flag, a link, a run of an earlier version) as the value it stands for: a choice, a number
        with its thousands apart ("10,000"), or the word for 0."""
        if self.kind == "choice" and isinstance(value, str):
            return next((choice for choice in self.choices if str(choice) == value), value)
        if self.kind == "int" and isinstance(value, str) and re.fullmatch(r"\s*\d{1,3}(,\d{3})+\s*", value):
            return value.replace(",", "")
        if self.kind == "run" and isinstance(value, str):
            return "" if value.strip().lower() == self.zero else value.strip().lower()
        return 0 if self.zero and isinstance(value, str) and value.strip().lower() == self.zero else value

    def texts(self, line: str) -> list[str]:
        """Several values in one line, each once, as texts: "0, 0.3", or of lists of numbers "128,64; 64"."""
        parts = line.split(";") if self.kind == "ints" else line.replace(",", " ").replace(";", " ").split()
        return list(dict.fromkeys(part.strip() for part in parts if part.strip()))

    def text(self, value: Any) -> str:
        """The value as a flag or a link writes it: ``0.001``, ``true``, ``128,64``."""
        if self.kind == "bool":
            return "true" if value else "false"
        if self.kind == "ints":
            return ",".join(str(number) for number in value)
        return repr(float(value)).removesuffix(".0") if self.kind == "float" else str(value)

    def label(self, value: Any, *, unit: bool = True) -> str:
        """The value as a person reads it, with its unit or without."""
        if self.kind == "choice":
            return self.labels.get(value, str(value))
        if self.kind == "bool":
            return "on" if value else "off"
        if self.kind == "ints":
            return "-".join(str(number) for number in value) or "none"
        if self.zero and not value:
            return self.zero
        if self.kind == "run":
            return f"run {value[:RUN_ID_SHOWN]}"
        number = f"{value:,}" if isinstance(value, int) else f"{value:g}"
        if not unit:
            return number
        return f"{number} {self.unit.removesuffix('s') if value == 1 else self.unit}".strip()

    @property
    def allowed(self) -> str:
        """The allowed values in words: ``0.00001 to 10``, ``one of sgd, adam``."""
        if self.kind == "choice":
            return "one of " + ", ".join(map(str, self.choices))
        if self.kind == "bool":
            return "true or false"
        if self.kind == "run":
            return f"the id of a run that has ended, or {self.zero}"
        unit = f" {self.unit}" if self.unit else ""
        bounded = self.low is not None and self.high is not None
        bounds = f"{_decimal(self.low)} to {_decimal(self.high)}{unit}" if bounded else "a number"
        if self.kind == "ints":
            least = f"{self.min_length} to " if self.min_length else "at most "
            return f"{least}{self.max_length} whole numbers, each {bounds}"
        return ("whole number, " if self.kind == "int" else "") + bounds + (f", 0 is {self.zero}" if self.zero else "")


def _unwrap(annotation: Any) -> tuple[Any, list[Any]]:
    """The bare type under ``Annotated`` and everything that was attached to it."""
    attached: list[Any] = []
    while get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        attached += more
    return annotation, attached


def _constraints(attached: Iterable[Any]) -> dict[type, Any]:
    limits: dict[type, Any] = {}
    for item in attached:
        parts = item.metadata if isinstance(item, FieldInfo) else [item]
        for part in parts:
            for kind, attribute in ((Ge, "ge"), (Le, "le"), (MinLen, "min_length"), (MaxLen, "max_length")):
                if isinstance(part, kind):
                    limits[kind] = getattr(part, attribute)
    return limits


def _read(name: str, field: FieldInfo) -> Setting:
    bare, attached = _unwrap(field.annotation)
    limits = _constraints([*attached, *field.metadata])
    choices: tuple[Any, ...] = ()
    if bare is bool:
        kind: Kind = "bool"
    elif bare is int:
        kind = "int"
    elif bare is float:
        kind = "float"
    elif bare is str:
        kind = "run"
    elif get_origin(bare) is Literal:
        kind, choices = "choice", get_args(bare)
    elif get_origin(bare) is tuple:
        kind = "ints"
        limits |= _constraints(_unwrap(get_args(bare)[0])[1])
    else:
        raise TypeError(f"{name}: a setting can not be a {bare}")
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    declared: dict[str, Any] = {
        "step": None, "scale": "linear", "unit": "", "basic": False, "labels": {}, "applies_when": {}, **extra
    }  # fmt: skip
    return Setting(
        name=name, kind=kind, default=field.default, title=field.title or name, help=field.description or "",
        low=limits.get(Ge), high=limits.get(Le), choices=choices,
        min_length=limits.get(MinLen), max_length=limits.get(MaxLen), **declared,
    )  # fmt: skip


@cache
def settings(config_class: type[Config]) -> tuple[Setting, ...]:
    """Every setting of a config class, in the order of declaration."""
    return tuple(_read(name, field) for name, field in config_class.model_fields.items())


@cache
def _settings_by_name(config_class: type[Config]) -> Mapping[str, Setting]:
    """Every setting of a config class under its name and under each of its old names."""
    return {name: setting for setting in settings(config_class) for name in (setting.name, *setting.old_names)}


def present_values(config_class: type[Config], values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by setting name as this version writes them: each old name replaced by the one that the setting has now, each
    choice that is written as text by its value. What is no setting of the class stays as it is, and nothing is checked."""
    by_name = _settings_by_name(config_class)
    return {
        by_name[name].name if name in by_name else name: by_name[name].typed(value) if name in by_name else value
        for name, value in values.items()
    }


def config_error(error: ValidationError, declared: Iterable[Setting]) -> ConfigError:
    """Pydantic's findings as one readable sentence each, joined by a semicolon."""
    by_name = {setting.name: setting for setting in declared}
    sentences: dict[str, str] = {}
    for finding in error.errors():
        name = next((str(part) for part in finding["loc"] if part in by_name), ".".join(map(str, finding["loc"])))
        value = repr(finding.get("input"))
        value = value if len(value) <= 60 else value[:57] + "…"
        if finding["type"] == "extra_forbidden":
            sentences[name] = f"{name} is not a setting here"
        elif name in by_name:
            setting = by_name[name]
            sentences.setdefault(name, f"{setting.title} ({name}) is {value}, allowed is {setting.allowed}")
        else:
            message = str(finding["msg"]).removeprefix("Value error, ")
            sentences[name] = f"{name}: {message}" if name else message
    return ConfigError("; ".join(sentences.values()), tuple(name for name in sentences if name))
