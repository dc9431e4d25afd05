"""What the browser fetches while the visitor reads, so that the first chart does not wait for five megabytes of Plotly.

One of the two places that hand HTML to the browser: it is made of the names of Streamlit's own files alone.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import streamlit as st

from pages.parts.watch import library

PIECES = (
    "PlotlyChart",
    "DataFrame",
    "BidiComponent",
)  # of Streamlit's own page code, which loads them with the first chart and table


def fetch_ahead() -> None:
    """Draws nothing. Where a piece is not found under its name, it comes when it is needed, as without this."""
    if names := _files():
        load = (
            f"for (const name of {json.dumps(names)}) import(new URL(`static/js/${{name}}`, document.baseURI));"
            f"fetch(new URL({json.dumps(library())}, document.baseURI));"
        )
        st.html(
            f"<script>(window.requestIdleCallback || setTimeout)(() => {{ {load} }});</script>",
            unsafe_allow_javascript=True,
        )


@cache
def _files() -> tuple[str, ...]:
    """The pieces' names with the hash of this release, such as "PlotlyChart.D9Z0_fxz.js"."""
    folder = Path(st.__file__).parent / "static" / "static" / "js"
    return tuple(found[0].name for piece in PIECES if (found := sorted(folder.glob(f"{piece}.*.js"))))
