"""Leads from an address to the dashboard's entry file.

Until somebody has opened the dashboard, Streamlit takes a folder named ``pages`` for its older kind of app and looks for
``/train`` in ``pages/train.py``; without that file the first visitor who follows a link is told that there is no such
page. So every address has a file of its own there, which hands over to ``streamlit_app.py``.
"""

from __future__ import annotations

import runpy
from pathlib import Path


def enter() -> None:
    """Run the entry file; it finds the page that the address asks for."""
    runpy.run_path(str(Path(__file__).parents[2] / "streamlit_app.py"), run_name="__main__")
