"""The script that repeats a run, in the cells of a notebook.

The form is nbformat 4.5 (https://nbformat.readthedocs.io/en/latest/format_description.html), written without its package.
Jupyter, Colab and Kaggle open it.
"""

from __future__ import annotations

import json
from typing import Any

from core.export.script import SAME, Script, warning, written
from core.export.source import Exported, File, Source

KAGGLE = "/kaggle/input/digit-recognizer/train.csv"


def make(source: Source) -> Exported:
    """One notebook, and beside it the embedded digits where the run learned from those. Raises as ``core.export.script``."""
    from_kaggle = source.run.config["data"]["dataset"] == "kaggle"
    hint = f"# On Kaggle, with the data of its competition added: {KAGGLE}\n" if from_kaggle else ""
    script = written(source, hint + 'DATA = "{}"')
    content = (json.dumps(notebook(script), indent=1, ensure_ascii=False) + "\n").encode()
    name = f"run-{source.run.run_id[:12]}.ipynb"
    files = (File(name, content, "application/x-ipynb+json"), *script.files)
    beside = f" It reads {script.files[0].name}, which lies beside it." if script.files else ""
    sentence = f"{len(script.parts)} steps, each with a sentence and its code.{beside}"
    return Exported(files, sentence, warning(source.run), figures={"bytes": len(content)})


def notebook(script: Script) -> dict[str, Any]:
    """As nbformat 4.5 has it: no outputs, and an id for each cell."""
    begin = f"# {script.title}\n\n{script.about}\n\n{SAME}"
    if script.files:
        begin += f"\n\nOn Colab or Kaggle, upload {script.files[0].name} first, and say in `DATA` where it is."
    cells = [_cell("markdown", "begin", begin)]
    for number, part in enumerate(script.parts, 1):
        cells.append(_cell("markdown", f"words-{number}", f"## {part.title}\n\n{part.words}"))
        cells.append(_cell("code", f"code-{number}", part.code.strip()))
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _cell(kind: str, name: str, text: str) -> dict[str, Any]:
    cell: dict[str, Any] = {"cell_type": kind, "id": name, "metadata": {}, "source": text.splitlines(keepends=True)}
    return {**cell, "execution_count": None, "outputs": []} if kind == "code" else cell
