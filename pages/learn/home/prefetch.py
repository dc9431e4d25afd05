"""What the browser fetches while the visitor reads, so that no page waits for the code of its first slider or chart.

One of the two places that hand HTML to the browser: it is made of the names of Streamlit's own files alone.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import streamlit as st

from pages.shared.watch import library

# Of Streamlit's own page code, which loads each with the first element that it draws: in the order of the pages' first need.
PIECES = (
    "ButtonGroup", "Metric", "Slider", "Checkbox", "NumberInput", "ImageList", "FileUploader", "BidiComponent", "Multiselect",
    "Table", "Selectbox", "TextInput", "Pagination", "DownloadButton", "GraphVizChart", "DataFrame", "PlotlyChart",
)  # fmt: skip


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
    return tuple(files[0].name for piece in PIECES if (files := sorted(folder.glob(f"{piece}.*.js"))))
