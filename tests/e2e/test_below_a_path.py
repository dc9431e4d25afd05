"""Behind a proxy, below a path and under a name of its own, as a class room or a JupyterHub serves it: everything works."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from dashboard import PATIENCE_MS, ROOT, Server, open_page, ready, start_server
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from proxy import proxy

from bench.moments import stroke

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NAME = "hub.localhost"  # every browser looks for such a name on this machine, and to the server it is a foreign one


@pytest.fixture(params=["/lab", "/user/ada/proxy/absolute/8501"], ids=["classroom", "jupyterhub"])
def base_path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def below(base_path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(ROOT / "assets" / "reference_runs"))
    log = tmp_path / "server.log"
    running = start_server(
        tmp_path / "runs", tmp_path / "data", log, f"--server.allowedHosts={NAME}", "--server.allowedHosts=localhost",
        base_path=base_path,
    )  # fmt: skip
    yield running
    assert running.stop() == 0
    assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture
def visitor(browser: Browser, below: Server, base_path: str) -> Iterator[Page]:
    """In front of the proxy. At the end: no request left the path or failed, no error on the console."""
    refused: list[str] = []
    wrong: list[str] = []
    with proxy(urlsplit(below.url).port or 0, base_path, refused) as port:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "response", lambda answer: wrong.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None
        )
        page.goto(f"http://{NAME}:{port}{base_path}/")
        ready(page)
        yield page
        context.close()
    assert not refused
    assert not [
        text for text in wrong if "/_stcore/" not in text
    ]  # Streamlit looks for its base path after a deep link


def test_pages_training_uploads_and_the_pad_work_below_a_path(visitor: Page, base_path: str) -> None:
    asked: list[str] = []
    visitor.on("response", lambda answer: asked.append(f"{answer.status} {urlsplit(answer.url).path}"))

    open_page(visitor, "Train")
    expect(visitor.get_by_role("heading", level=1, name="Train")).to_be_visible()
    assert urlsplit(visitor.url).path == f"{base_path}/train"
    visitor.locator(".st-key-train button").click()
    visitor.wait_for_url(
        re.compile(r"run=(?!000000)\w+$")
    )  # the new one alone; those that are shipped were shown before
    expect(visitor.get_by_text(re.compile(r"Finished after \d+ epoch"))).to_have_count(1)
    visitor.wait_for_selector(".js-plotly-plot")
    assert f"200 {base_path}/lab/snapshot" in asked
    assert f"200 {base_path}/lab/plotly.js" in asked

    visitor.reload()  # a deep link
    ready(visitor)
    expect(visitor.get_by_role("heading", level=1, name="Train")).to_be_visible()
    cookies = {cookie["name"]: cookie["path"] for cookie in visitor.context.cookies()}
    assert cookies["digit_lab_visitor"] == base_path

    open_page(visitor, "Draw")
    stroke(visitor, [(0.52, 0.15), (0.5, 0.85)])
    expect(visitor.get_by_test_id("stMetricValue").first).to_be_visible()

    picture = np.full((56, 56), 255, dtype=np.uint8)
    picture[8:48, 26:31] = 0
    png = io.BytesIO()
    Image.fromarray(picture).save(png, "PNG")
    visitor.get_by_text("Upload a picture").first.click()
    expect(visitor.get_by_test_id("stMetricValue")).to_have_count(0)
    visitor.locator("input[type=file]").first.set_input_files(
        [{"name": "one.png", "mimeType": "image/png", "buffer": png.getvalue()}]
    )
    expect(visitor.get_by_test_id("stMetricValue").first).to_be_visible()
    uploads = [line for line in asked if f"{base_path}/_stcore/upload_file/" in line]
    assert uploads
    assert all(line.startswith("2") for line in uploads)
