"""What the parts of a script are, and how a setting, a number or a function is written into it."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from core.config import RunConfig, all_settings
from core.fields import Setting

LINE_CHARACTERS = 100
MAX_PLAIN_CHARACTERS = 80  # of a text that this program did not write itself


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the script: a heading, a paragraph for people, and code. In a notebook it is two cells."""

    title: str
    words: str
    code: str


def comment(text: str, indent: str = "") -> str:
    """The text as lines that begin with ``#``; no line break at the end."""
    return textwrap.fill(
        text, LINE_CHARACTERS, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ", break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip


def plain(text: object) -> str:
    """A text from a file that may be somebody else's, such as the name of a processor, fit to stand within the script: letters,
    digits and a few marks, none of which ends a text or begins a command."""
    return re.sub(r"[^A-Za-z0-9 .,()+@/_-]", "", str(text))[:MAX_PLAIN_CHARACTERS].strip()


class Settings:
    """The settings of a run as the script writes them: each with its title and its sentence of help."""

    def __init__(self, config: RunConfig) -> None:
        self._values = config.flat()
        self._settings: Mapping[str, Setting] = {one.name: one for one in all_settings(config.architecture)}

    def constants(self, names: Iterable[str]) -> str:
        """``NAME = value`` for each setting, under its sentence of help."""
        return "\n".join(f"{self._help(name)}\n{name.upper()} = {self._values[name]!r}" for name in names)

    def choices(self, names: Iterable[str]) -> str:
        """What was chosen, a comment each; nothing about what is switched off."""
        return "\n".join(self.choice(name) for name in names if self._values[name])

    def choice(self, name: str, indent: str = "") -> str:
        """A comment that says what was chosen: title, choice and help."""
        setting = self._settings[name]
        return comment(f"{setting.title}: {setting.label(self._values[name])}. {setting.help}", indent)

    def _help(self, name: str) -> str:
        setting = self._settings[name]
        unit = f" ({setting.unit})" if setting.unit and setting.unit != setting.title.lower() else ""
        return comment(f"{setting.title}{unit}: {setting.help}")


def source(function: Callable[..., Any], replaced: Mapping[str, str] | None = None) -> str:
    """A function of this program as it stands, without its decorators and with the types of arrays by their common names.

    replaced: texts in it, and what the script says instead; each has to be there
    """
    text = textwrap.dedent(inspect.getsource(function))
    text = text[text.index("def ") :]
    for before, after in (replaced or {}).items():
        if before not in text:
            raise ValueError(f"{function.__name__} no longer holds {before!r}")
        text = text.replace(before, after)
    text = re.sub(r"\bNDArray\[[\w.]+\]|\b(Labels|Indices|Images)\b", "np.ndarray", text)
    return _without_marks(text)


def functions(module: ModuleType) -> str:
    """A file of this program without its docstring and imports: constants and functions in their order."""
    text = inspect.getsource(module)
    first = next(node for node in ast.parse(text).body[1:] if not isinstance(node, (ast.Import, ast.ImportFrom)))
    return _without_marks("\n".join(text.splitlines()[first.lineno - 1 :]))


def _without_marks(text: str) -> str:
    """Without what is said to this program's own tools."""
    return re.sub(r" *# (fmt|type|noqa)\b:.*", "", text).rstrip()
