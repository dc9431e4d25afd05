"""Numbers and titles of charts in the page's own text colour, as they stand on all pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages.shared.gallery import is_dark

if TYPE_CHECKING:  # Plotly takes half a second to load
    import plotly.graph_objects as go


def inked(figure: go.Figure) -> go.Figure:
    """A figure for this visitor: Streamlit's own grey has a contrast of 3.7 on a light page."""
    from core.charts.figure import with_ink

    return with_ink(figure, str(st.get_option(f"theme.{'dark' if is_dark() else 'light'}.textColor")))
