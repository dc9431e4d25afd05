"""How much a visitor may upload, and what becomes of it: Streamlit keeps every uploaded file in memory until a visit ends."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar

import streamlit as st

from core.runs.quota import limits

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

MEGABYTE = 10**6  # as the browser's field counts the files that it names
MAX_VISITS = 10_000  # of which it is known how much was uploaded, and what was refused
Entry = TypeVar("Entry")


def visit_mb() -> int:
    """Megabytes that one visit may upload."""
    return limits().max_upload_mb


class Uploads:
    """The bytes of every file that Streamlit holds, by visit and file, and of each visit the last file that was refused.
    Streamlit forgets them when the visit ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._visits: OrderedDict[str, dict[str, int]] = OrderedDict()
        self._refused: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def add(self, visit: str, file_id: str, n_bytes: int) -> str:
        """Count a file that is about to come. Returns why it may not, "" if it may."""
        with self._lock:
            files = self._visits.get(visit, {})
            held = sum(files.values())
            if file_id in files:
                reason = "This file was uploaded already."
            elif held + n_bytes > visit_mb() * MEGABYTE:
                reason = _too_much(n_bytes, held)
            else:
                _keep(self._visits, visit, {**files, file_id: n_bytes})
                return ""
            _keep(self._refused, visit, (file_id, reason))
            return reason

    def refusal(self, visit: str, file_id: str) -> str:
        """Why this file was refused, "" if it was not or another one was refused since."""
        refused, reason = self._refused.get(visit, ("", ""))
        return reason if refused == file_id else ""

    def remove(self, visit: str, file_id: str) -> None:
        """It did not come, or it is gone."""
        with self._lock:
            files = self._visits.get(visit, {})
            files.pop(file_id, None)
            if not files:
                self._visits.pop(visit, None)


def _keep(by_visit: OrderedDict[str, Entry], visit: str, entry: Entry) -> None:
    by_visit[visit] = entry
    by_visit.move_to_end(visit)
    if len(by_visit) > MAX_VISITS:
        by_visit.popitem(last=False)


def _too_much(n_bytes: int, held: int) -> str:
    size, limit = f"{n_bytes / MEGABYTE:,.1f} MB", f"the {visit_mb():,} MB that one visit may upload"
    if not held:
        return f"This file was not kept: it has {size}, more than {limit}."
    return (
        f"This file was not kept: it has {size}, and {held / MEGABYTE:,.1f} MB were uploaded in this visit before, together "
        f"more than {limit}. Reload the page to begin a new visit."
    )


@st.cache_resource(show_spinner=False)
def uploads() -> Uploads:
    """One for all visitors."""
    return Uploads()


@st.cache_resource(show_spinner=False)
def one_at_a_time() -> threading.Lock:
    """Held by the one visitor whose file is being unpacked: a picture takes up to 200 MB meanwhile, a table about the same."""
    return threading.Lock()


def refusal(field: str) -> str:
    """Why the file that a field names is not here, "" where it names none. field: key of an ``st.file_uploader``

    The browser was told that it had come (see ``pages.shared.guard``), so that the page is drawn and can say this.
    """
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context, file_id = get_script_run_ctx(), getattr(st.session_state.get(field), "file_id", "")
    return uploads().refusal(context.session_id, file_id) if context and file_id else ""


def forget(file: UploadedFile) -> None:
    """Let go of a file that was read: an emptied field does not, and a visit would hold each until it ends."""
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)
        uploads().remove(context.session_id, file.file_id)
