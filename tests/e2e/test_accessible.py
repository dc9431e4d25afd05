"""What axe, a checker of the Web Content Accessibility Guidelines, finds on the pages: nothing serious that is ours."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Literal

import pytest
from dashboard import ROOT, Server, ready
from playwright.sync_api import Browser, Page

from bench.moments import stroke
from core.config import run_config
from core.data import load
from core.experiments import lessons
from core.runs import challenges, guesses, shipped
from core.runs.store import Store
from core.runs.worker import drive

pytestmark = [pytest.mark.browser, pytest.mark.looking, pytest.mark.slow, pytest.mark.timeout(1200)]

SHIPPED = ROOT / "assets" / "reference_runs"
AXE = importlib.util.find_spec("axe_playwright_python")
PAGES = (
    "", "lessons", "lessons?lesson=same-weights", "data", "architectures", "words", "train", "race", "mistakes",
    "mistakes?view=sure", "mistakes?view=suspects", "draw", "compare?view=board", "compare?view=curves",
    "compare?view=cost", "compare?view=images", "compare?view=learned", "inside", "inside?view=unit", "inside?view=why",
    "inside?view=mind", "inside?view=step", "inside?view=rewind&run={kept}", "inside?view=map&run={kept}&picked=digits:1,2",
    "robustness", "robustness?view=one_digit", "robustness?view=corruptions", "robustness?view=after_training",
    "teachers?challenge={challenge}", "teachers?view=guesses&lesson=same-weights&class=7b",
    "teachers?view=links", "train?architecture=mlp&lock=epochs&hide=lr",
)  # fmt: skip
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
FINDINGS = """async () => (await axe.run()).violations
  .filter(({impact}) => impact === 'serious' || impact === 'critical')
  .flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.html.slice(0, 120)} (${node.failureSummary})`))"""
# Streamlit's own: the sidebar's menu is a list whose items are in groups.
STREAMLITS = ("list: ", "listitem: ")


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGIT_LAB_REFERENCE_RUNS", str(SHIPPED))


@pytest.mark.skipif(AXE is None, reason="axe-playwright-python is not installed")
def test_axe_finds_nothing_serious_of_ours_on_any_page_in_light_and_dark(browser: Browser, server: Server) -> None:
    assert AXE is not None
    assert AXE.origin is not None
    code = (Path(AXE.origin).parent / "axe.min.js").read_text("utf-8")
    store, lesson = Store(server.runs), lessons.get("same-weights")
    for name in ("mlp", "softmax"):
        drive(store, store.create(run_config(name, {"epochs": 2, "n_train": 300}), request="pause"), load_dataset=load)
    base = run_config("softmax", {"epochs": 1, "n_train": 300})
    challenge = challenges.make(store, "", "Two points more", "8b", base, challenges.Terms())
    drive(store, challenges.get(store, challenge).base_run_id, load_dataset=load)
    for number, option in enumerate(8 * lesson.guess.options):
        guesses.save(store, f"{number:032x}", lesson, option, "a reason", class_code="7b")
    kept = [shipped.read(SHIPPED, name).run_id for name in ("digits-cnn", "digits-mlp")]  # carry weights of their way
    serious: dict[str, list[str]] = {}
    visitors = {  # on a high screen: axe passes over words that would have to be scrolled to
        scheme: browser.new_page(viewport={"width": 1280, "height": 3000}, color_scheme=scheme) for scheme in SCHEMES
    }
    for path in PAGES:
        for page in visitors.values():  # one comes while the other is looked at
            address = f"{server.url}/{path.format(kept=','.join(kept), challenge=challenge)}"
            page.goto(address, wait_until="commit")
        for scheme, page in visitors.items():
            page.get_by_role("heading", level=1).first.wait_for()
            ready(page)
            settled(page)
            if path == "draw":
                stroke(page, [(0.5, 0.2), (0.5, 0.8)])
                page.get_by_test_id("stMetricValue").first.wait_for()
                ready(page)
            page.add_script_tag(content=code)
            ours = [finding for finding in page.evaluate(FINDINGS) if not finding.startswith(STREAMLITS)]
            if ours:
                serious[f"{path}, {scheme}"] = ours
    for page in visitors.values():
        page.close()
    assert not serious


def settled(page: Page) -> None:
    """Wait until nothing on the page is still to come: what is faded while it is drawn anew has less contrast."""
    page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton], [data-testid=stSpinner]')")
    page.wait_for_function("() => !document.querySelector('[data-stale=true]')")
    page.wait_for_timeout(500)  # of a transition of colours
