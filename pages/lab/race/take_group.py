"""A comparison to take along, when all its runs have ended."""

from __future__ import annotations

from functools import partial

import streamlit as st

from core.export.source import Exported, GroupSource, of_group
from core.export.targets import GROUP_TARGETS, Target, export_group
from pages.shared.markdown import escape_markdown
from pages.shared.services import get_ready, store
from pages.shared.taking import make_it, pick_form


def choose_form(group_id: str) -> None:
    """What stands in the dialog."""
    source = of_group(store(), group_id)
    st.markdown(f"**{escape_markdown(source.group.name)}**")
    target = pick_form(GROUP_TARGETS, "take_group_form")
    versions = tuple((run.run_id, run.version) for run in source.runs)
    made_of = (group_id, source.group.name, versions, target.name)
    make_it(made_of, partial(_make, target, source), f"race-{source.group.number}-{target.name}")


def _make(target: Target, source: GroupSource) -> Exported:
    get_ready()
    return export_group(target.name, source)
