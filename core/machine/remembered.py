"""What trials on this machine have shown, kept beside the runs so that another process does not try again.

One small JSON file, text -> text. It saves time and nothing else: a file that is damaged, or that can not be read or written,
is as good as none.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import torch

from core.data.paths import runs_root, write_atomic
from core.errors import DataError
from core.machine.processor import cpu_model

FILE_NAME = "this_machine.json"
MAX_ANSWERS = 500  # the oldest go first


def recall(question: str) -> str | None:
    """The answer that some process on this machine has found; None without one."""
    return _answers().get(_on_this_machine(question))


def remember(question: str, answer: str) -> None:
    """Keep an answer for later processes. Where two write at once, one answer is lost, and found again."""
    answers = _answers()
    answers.pop(_on_this_machine(question), None)
    answers[_on_this_machine(question)] = answer
    kept = dict(list(answers.items())[-MAX_ANSWERS:])
    with contextlib.suppress(DataError):  # a folder that can not be written to: the next process tries for itself
        write_atomic(_path(), json.dumps(kept, indent=1).encode())


def _path() -> Path:
    return runs_root() / FILE_NAME


def _answers() -> dict[str, str]:
    try:
        kept = json.loads(_path().read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(kept, dict):
        return {}
    return {question: answer for question, answer in kept.items() if isinstance(answer, str)}


def _on_this_machine(question: str) -> str:
    """The question with all that the answer depends on besides: processor, what torch makes of it, and torch's version."""
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{cpu_model()} | {capability} | torch {torch.__version__} | {question}"
