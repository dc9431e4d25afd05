"""How much a visitor may upload, and what becomes of it: Streamlit keeps every uploaded file in memory until a visit ends."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

import streamlit as st

from core.runs.quota import limits

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

MEGABYTE = 2**20
MAX_VISITS = 10_000  # of which it is known how much was uploaded


def visit_mb() -> int:
    """Megabytes (2**20 bytes) that one visit may upload."""
    return limits().max_upload_mb


class Uploads:
    """The bytes of every file that Streamlit holds, by visit and file. Streamlit forgets them when the visit ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: OrderedDict[str, dict[str, int]] = OrderedDict()

    def add(self, visit: str, file_id: str, n_bytes: int) -> str:
        """Count a file that is about to come. Returns why it may not, "" if it may."""
        with self._lock:
            files = self._visits.get(visit, {})
            if file_id in files:
                return "This file was uploaded already."
            held = sum(files.values())
            if held + n_bytes > visit_mb() * MEGABYTE:
                return (
                    f"This file has {n_bytes / MEGABYTE:,.1f} MB, and {held / MEGABYTE:,.1f} MB were uploaded in this visit "
                    f"before: together more than the {visit_mb():,} MB that one visit may upload. What was uploaded before is "
                    "still there; remove some of it, or reload the page."
                )
            self._visits[visit] = {**files, file_id: n_bytes}
            self._visits.move_to_end(visit)
            if len(self._visits) > MAX_VISITS:
                self._visits.popitem(last=False)
            return ""

    def remove(self, visit: str, file_id: str) -> None:
        """It did not come, or it is gone."""
        with self._lock:
            files = self._visits.get(visit, {})
            files.pop(file_id, None)
            if not files:
                self._visits.pop(visit, None)


@st.cache_resource(show_spinner=False)
def uploads() -> Uploads:
    """One for all visitors."""
    return Uploads()


@st.cache_resource(show_spinner=False)
def one_at_a_time() -> threading.Lock:
    """Held by the one visitor whose file is being unpacked: a picture takes up to 200 MB meanwhile, a table about the same."""
    return threading.Lock()


def forget(file: UploadedFile) -> None:
    """Let go of a file that was read: an emptied field does not, and a visit would hold each until it ends."""
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
        uploads().remove(context.session_id, file.file_id)
