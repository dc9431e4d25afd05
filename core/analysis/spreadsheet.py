"""A frame as CSV for people: what opens it may be a spreadsheet, which computes every text that begins like a formula."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet computes begins with one of these


def csv_bytes(frame: pd.DataFrame, *, index: bool = False) -> bytes:
    """The frame as CSV (UTF-8 with a mark, as spreadsheets want it), no text of which is computed by a spreadsheet.

    index: whether its index is saved, too
    """
    whole = (frame.reset_index() if index else frame).astype(object)
    whole = whole.where(whole.notna(), "")
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_cell(name) for name in whole.columns])
    writer.writerows([_cell(value) for value in row] for row in whole.itertuples(index=False, name=None))
    return text.getvalue().encode("utf-8-sig")


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
