"""A comparison as a bundle, which another Digit Lab imports with its plan."""

from __future__ import annotations

from core.export.source import Exported, File, GroupSource
from core.runs.group_bundles import pack_group


def make(source: GroupSource) -> Exported:
    """Raises RunError when none of its runs can be taken along, or when one is damaged."""
    packed = pack_group(source.store, source.group)
    sentence = (
        f"Its plan and {packed.n_runs:,} runs with their settings, everything they told, their weights and answers."
    )
    warning = ""
    if packed.left_out:
        warning = f"Without weights, and so not in it: {', '.join(packed.left_out)}."
    figures = {"runs": packed.n_runs, "bytes": len(packed.content)}
    name = f"race-{source.group.group_id}.zip"
    return Exported((File(name, packed.content, "application/zip"),), sentence, warning, figures)
