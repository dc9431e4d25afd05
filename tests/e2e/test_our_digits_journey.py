"""A digit is drawn, kept with its label, saved as a file, deleted, loaded again, and read by two networks."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from dashboard import ROOT, Server, ready
from playwright.sync_api import Page, expect

from bench.moments import stroke
from core.data.class_set_files import read_files
from core.runs import class_set, shipped
from core.runs.store import Store

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ASSETS = ROOT / "assets" / "reference_runs"
SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ASSETS))


def test_a_drawn_digit_is_kept_saved_loaded_and_scored(page: Page, server: Server, tmp_path: Path) -> None:
    run_ids = [shipped.read(ASSETS, name).run_id for name in ("cnn", "mlp")]
    page.goto(f"{server.url}/draw?run={','.join(run_ids)}")
    ready(page)
    stroke(page, SEVEN)
    expect(page.get_by_test_id("stMetricValue")).to_have_text(["7", "7"])
    keep = page.get_by_role("button", name="Keep", exact=True)
    expect(keep).to_be_disabled()
    page.get_by_role("radiogroup", name="Keep this digit as a").get_by_role("radio", name="7").press("Space")
    expect(keep).to_be_enabled()
    keep.press("Enter")
    expect(page.get_by_text("Kept as a 7. 1 digit kept.")).to_be_visible()
    ready(page)
    page.get_by_text("Our digits", exact=True).click()
    expect(page.get_by_text("1 digit is few:")).to_be_visible()
    expect(page.get_by_text(re.compile(r"read exactly the same 1 of 1 kept digit"))).to_be_visible()

    page.get_by_role("radio", name="Save and load").click()
    page.get_by_role("button", name="Take it with you").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("combobox").click()
    page.get_by_role("option", name="Pictures (ZIP)").click()
    expect(dialog.get_by_text("in a folder per label")).to_be_visible()
    dialog.get_by_role("button", name="Make it").click()
    expect(dialog.get_by_text("1 digit with its label.")).to_be_visible()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Save class-set.zip").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    with closing(Store(server.runs)) as store:
        kept = class_set.class_set(store).digits
    saved = read_files([(file.name, file.read_bytes())])
    np.testing.assert_array_equal(saved.images, kept.images)
    assert list(saved.labels) == [7]
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    page.get_by_role("radio", name="See and delete").click()
    page.get_by_role("button", name="Delete all").click()
    expect(page.get_by_text("Deleted 1 digit.")).to_be_visible()
    expect(page.get_by_text("Nothing is kept yet.")).to_be_visible()
    page.get_by_role("radio", name="Save and load").click()
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Add them").click()
    expect(page.get_by_text("Added 1 digit.")).to_be_visible()
    page.get_by_role("radio", name="How networks read them").click()
    expect(page.get_by_text("1 digit is few:")).to_be_visible()
    page.get_by_role("link", name="Fine-tune its weights on our digits").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    expect(page).to_have_url(re.compile(f"start_from={run_ids[0]}"))
