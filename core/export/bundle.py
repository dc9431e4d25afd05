"""A run as a bundle, which another Digit Lab imports."""

from __future__ import annotations

from core.export.source import Exported, File, Source
from core.runs.bundles import pack


def make(source: Source) -> Exported:
    """Raises RunError when the run came with the program, has no weights, or is damaged."""
    content = pack(source.store, source.run.run_id)
    sentence = "Its settings, everything it told, its best weights and its answers, with checksums."
    name = f"run-{source.run.run_id}.zip"
    return Exported((File(name, content, "application/zip"),), sentence, figures={"bytes": len(content)})
