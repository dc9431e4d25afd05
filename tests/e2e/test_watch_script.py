"""``assets/watch.js`` by itself: in a real browser, with a server, a Plotly and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from dashboard import ROOT
from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.looking, pytest.mark.timeout(300)]

SCRIPT = (ROOT / "assets" / "watch.js").read_text(encoding="utf-8")
SITE = "http://dashboard.test/"
ADDRESS, LIBRARY = "lab/snapshot?view=runs&runs=a", "lab/plotly.js?6"
PACE_MS = 600  # between two questions
SOON_MS = PACE_MS / 6  # where something is about to happen
CLICK_MS = 1500  # in which a click counts as something that is about to happen
RERUN_MS = 2000  # until the page is asked again to draw itself anew
BACK_OFF_MS = 8000  # longest pause while the server fails
SETTLED_MS = 500  # until a script that has ended counts as the last one
BLANK = """<!doctype html><script type="module" src="/class/static/js/index.js"></script><body></body>"""

# What stands around the script: Streamlit's loader (a module from a blob, called anew whenever the page's script has run), the
# server's answers (the last one stays) and what Plotly is asked to draw.
STAGE = """
window.asked = []; window.answers = []; window.drawn = []; window.reruns = {};
window.fetch = async (url, { cache }) => {
  asked.push({ url: String(url), cache, at: performance.now() });
  const { error, status, snapshot, takes, headers } = answers.length > 1 ? answers.shift() : answers[0];
  if (takes) await new Promise((resolve) => setTimeout(resolve, takes));
  if (error) throw new TypeError(error);
  return { ok: status === 200, status, headers: new Headers(headers), json: async () => structuredClone(snapshot) };
};
window.makePlotly = () => ({
  Plots: { resize() {} },
  react: async (place, data, layout, config) => {
    drawn.push({ place: place.className, data, layout, config });
    place.data = data;
  },
});
const parts = {}, ends = {};
window.load = async (name, data) => {
  if (!parts[name]) document.body.append(parts[name] = document.createElement("div"));
  reruns[name] ??= 0;
  const setTriggerValue = (event, value) => { if (event === "changed" && value) reruns[name] += 1; };
  const module = await import(moduleUrl);
  return module.default({ name: "watch", key: name, data, parentElement: parts[name], setTriggerValue });
};
window.mount = async (name, data) => { ends[name] = await load(name, data); };
window.unmount = (name) => { parts[name].remove(); delete parts[name]; ends[name](); };
window.part = (name) => parts[name];
window.asModule = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
"""


class Screen:
    """A page on which nothing moves but the script, and no time passes but by ``wait``."""

    def __init__(self, page: Page, errors: list[str]) -> None:
        self.page = page
        self.errors = errors  # that nothing has caught
        self.began: float = page.evaluate("performance.now()")

    def answer(self, *answers: dict[str, Any]) -> None:
        """What the server says from now on, one answer a question; the last one again and again."""
        self.page.evaluate("answers => { window.answers = answers }", list(answers))

    def handed(self, snapshot: dict[str, Any], **data: Any) -> dict[str, Any]:
        """What the page's script hands a part."""
        return {
            "snapshot": snapshot, "live": True, "address": ADDRESS, "every": PACE_MS, "library": LIBRARY,
            "config": {"displaylogo": False}, **data,
        }  # fmt: skip

    def mount(self, snapshot: dict[str, Any], part: str = "charts", **data: Any) -> None:
        """Show a part as the page's script does; for a part that is there, as when that script has run again."""
        self.page.evaluate("([part, data]) => mount(part, data)", [part, self.handed(snapshot, **data)])

    def wait(self, milliseconds: float) -> None:
        self.page.clock.run_for(round(milliseconds))

    def turn_away(self, *, hidden: bool) -> None:
        """Let the visitor look at another tab, or come back."""
        self.page.evaluate(
            "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
            " document.dispatchEvent(new Event('visibilitychange')) }",
            hidden,
        )

    @property
    def asked_at(self) -> list[float]:
        """When the server was asked, in ms since the page stands."""
        return [round(request["at"] - self.began) for request in self.page.evaluate("asked")]

    @property
    def drawn(self) -> list[dict[str, Any]]:
        """What Plotly was asked to draw so far."""
        calls: list[dict[str, Any]] = self.page.evaluate("drawn")
        return calls

    def reruns(self, part: str = "charts") -> int:
        """How often that part has asked the page to draw itself anew."""
        return int(self.page.evaluate("part => reruns[part]", part))


@pytest.fixture
def screen(browser: Browser) -> Iterator[Screen]:
    """A blank page below a base path, with the script at hand. At the end: no uncaught error."""
    context = browser.new_context()
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))

    def serve(route: Route) -> None:
        is_document = route.request.resource_type == "document"
        route.fulfill(body=BLANK if is_document else "", content_type="text/html" if is_document else "text/javascript")

    page.route("**/*", serve)
    page.clock.install(time=0)
    page.goto(f"{SITE}class/lab/train?run=a")
    page.clock.pause_at(60_000)
    page.evaluate(STAGE)
    page.evaluate("text => { window.moduleUrl = asModule(text); window.Plotly = makePlotly() }", SCRIPT)
    yield Screen(page, errors)
    context.close()
    assert not errors


def snapshot(height: int = 1, status: str = "running", **values: Any) -> dict[str, Any]:
    """What the server knows of a run; height: of its curve, so that two snapshots differ."""
    figure = {
        "data": [{"type": "scatter", "x": [0, 1], "y": [0, height]}],
        "layout": {"height": 320, "template": {"layout": {"colorway": ["#000000"]}}},
    }
    return {
        "begun": True, "soon": False, "statuses": {"a": status}, "advice": [],
        "cards": {"a": {"name": "a", "share": 0.5, "status": "Epoch 2"}},
        "charts": {"loss": {"figure": figure, "alt": f"Loss of a: {height}"}}, **values,
    }  # fmt: skip


def good(snapshot: dict[str, Any], *, takes: int = 0) -> dict[str, Any]:
    """An answer with that snapshot, after so many ms."""
    return {"status": 200, "snapshot": snapshot, "takes": takes}


GONE = {"status": 404}
FAILURES = {"no network": {"error": "Failed to fetch"}, "500": {"status": 500}, "503": {"status": 503}}


def test_an_answer_is_drawn_as_the_server_sent_it_and_the_next_question_keeps_the_pace(screen: Screen) -> None:
    screen.answer(good(snapshot(2)), good(snapshot(2)), good(snapshot(3)))
    screen.mount(snapshot(1))
    assert [call["data"] for call in screen.drawn] == [snapshot(1)["charts"]["loss"]["figure"]["data"]]
    screen.wait(SOON_MS + 2 * PACE_MS)
    assert screen.asked_at == [SOON_MS, SOON_MS + PACE_MS, SOON_MS + 2 * PACE_MS]
    heights = [call["data"][0]["y"][1] for call in screen.drawn]
    assert heights == [1, 2, 3], "an answer that says nothing new is not drawn again"
    figure = snapshot(3)["charts"]["loss"]["figure"]
    last = screen.drawn[-1]
    assert last["data"] == figure["data"]
    assert last["config"] == {"displaylogo": False}
    assert last["layout"]["height"] == figure["layout"]["height"]
    assert last["layout"]["template"]["layout"]["colorway"] == ["#000000"]
    assert screen.page.get_by_role("figure").get_attribute("aria-label") == "Loss of a: 3"


def test_the_server_is_asked_at_its_root_and_past_the_browsers_cache(screen: Screen) -> None:
    screen.answer(good(snapshot()))
    screen.mount(snapshot())
    screen.wait(SOON_MS)
    (request,) = screen.page.evaluate("asked")
    assert request["url"] == f"{SITE}class/{ADDRESS}"
    assert request["cache"] == "no-store"


def test_the_pace_counts_from_question_to_question_and_a_slow_answer_is_waited_for(screen: Screen) -> None:
    screen.answer(good(snapshot(), takes=400), good(snapshot(), takes=900), good(snapshot()))
    screen.mount(snapshot())
    screen.wait(SOON_MS + 3 * PACE_MS)
    first = SOON_MS
    second = first + PACE_MS
    third = second + 900
    assert screen.asked_at == pytest.approx([first, second, third], abs=1)  # a timer waits for 1 ms at least


def test_what_is_about_to_happen_is_looked_for_sooner(screen: Screen) -> None:
    screen.answer(good(snapshot(0, soon=True, begun=False)), good(snapshot(2, soon=True)), good(snapshot(2)))
    screen.mount(snapshot(1))
    screen.wait(3 * SOON_MS)
    assert screen.asked_at == [SOON_MS, 2 * SOON_MS, 3 * SOON_MS]
    assert [call["data"][0]["y"][1] for call in screen.drawn] == [1, 2], "no empty axes for a moment"
    screen.wait(PACE_MS - 1)
    assert len(screen.asked_at) == 3
    screen.wait(1)
    assert len(screen.asked_at) == 4


def test_after_a_click_it_looks_sooner_for_a_moment(screen: Screen) -> None:
    screen.answer(good(snapshot()))
    screen.mount(snapshot())
    screen.wait(SOON_MS)
    screen.page.evaluate("document.body.click()")
    screen.wait(CLICK_MS + 3 * PACE_MS)
    clicked = SOON_MS
    pauses = [after - before for before, after in zip(screen.asked_at[:-1], screen.asked_at[1:], strict=True)]
    n_soon = int(CLICK_MS / SOON_MS)
    assert pauses == [SOON_MS] * n_soon + [PACE_MS] * (len(pauses) - n_soon)
    assert screen.asked_at[n_soon] == clicked + CLICK_MS
    assert len(pauses) > n_soon


@pytest.mark.parametrize("failure", FAILURES)
def test_a_server_that_fails_is_asked_less_and_less_often_and_what_was_drawn_stays(
    screen: Screen, failure: str
) -> None:
    screen.answer(good(snapshot(2, soon=True)), FAILURES[failure])
    screen.mount(snapshot(1))
    screen.wait(2 * SOON_MS + (2 + 4 + 8) * PACE_MS + 2 * BACK_OFF_MS)
    # The good answer said that something is about to happen; a failing one ends that haste.
    pauses = [after - before for before, after in zip(screen.asked_at[:-1], screen.asked_at[1:], strict=True)]
    assert pauses == [SOON_MS, 2 * PACE_MS, 4 * PACE_MS, 8 * PACE_MS, BACK_OFF_MS, BACK_OFF_MS]
    assert len(screen.drawn) == 2
    assert screen.page.get_by_role("figure").get_attribute("aria-label") == "Loss of a: 2"
    assert screen.reruns() == 0

    screen.answer(good(snapshot(3)))
    screen.wait(BACK_OFF_MS + 2 * PACE_MS)
    assert screen.drawn[-1]["data"][0]["y"][1] == 3
    last = screen.asked_at[-3:]
    assert [last[1] - last[0], last[2] - last[1]] == [PACE_MS, PACE_MS], "the server is back, and so is the pace"


def test_a_browser_that_asks_too_often_asks_nothing_for_as_long_as_the_server_says(screen: Screen) -> None:
    often = {"status": 429, "headers": {"Retry-After": "5"}}
    other = "lab/snapshot?view=epochs"
    screen.answer(good(snapshot(2)), often, good(snapshot(3)))
    screen.mount(snapshot(1))
    screen.wait(SOON_MS + PACE_MS)
    screen.mount({"statuses": {}}, "table", address=other)
    screen.page.evaluate("document.body.click()")  # what would make it ask sooner
    screen.turn_away(hidden=True)
    screen.turn_away(hidden=False)
    screen.wait(4_999)
    assert screen.asked_at == [SOON_MS, SOON_MS + PACE_MS], "nor do the other parts of the page"
    assert screen.page.get_by_role("figure").get_attribute("aria-label") == "Loss of a: 2", "what was drawn stays"
    screen.wait(2)
    urls = [request["url"].removeprefix(f"{SITE}class/") for request in screen.page.evaluate("asked")]
    assert sorted(urls[2:]) == sorted([ADDRESS, other])
    assert screen.drawn[-1]["data"][0]["y"][1] == 3
    screen.wait(2 * PACE_MS)
    assert len(screen.asked_at) > 4, "and then on at the usual pace"


def test_a_deleted_run_is_an_answer_and_no_failure(screen: Screen) -> None:
    screen.answer(FAILURES["500"], GONE)
    screen.mount(snapshot(1))
    screen.wait(SOON_MS + 4 * PACE_MS)
    assert screen.asked_at == [SOON_MS + n * PACE_MS for n in (0, 2, 3, 4)]
    assert screen.reruns() == 1


@pytest.mark.parametrize("states", [("notRunning", "running", "notRunning"), ("running", "notRunning")])
def test_what_is_said_at_once_goes_when_the_script_behind_it_has_ended(screen: Screen, states: tuple[str, ...]) -> None:
    show_state = "state => { document.querySelector('main').dataset.testScriptState = state }"
    screen.page.evaluate("document.body.innerHTML = '<main data-testid=stApp><button>Go</button></main>'")
    screen.page.evaluate(show_state, states[0])  # running already: for what was typed just before the click
    screen.page.evaluate("load('said', { starts: { button: 'It begins …' } })")
    line = screen.page.get_by_text("It begins …")
    screen.page.evaluate("document.querySelector('button').click()")
    for state in states[1:]:
        assert line.is_visible()
        screen.page.evaluate(show_state, state)
    screen.wait(SETTLED_MS - 1)
    assert line.is_visible()
    screen.wait(1)
    assert line.count() == 0


def test_a_hidden_tab_asks_nothing_and_asks_at_once_when_it_is_seen_again(screen: Screen) -> None:
    screen.answer(good(snapshot(1)), good(snapshot(2)))
    screen.mount(snapshot(1))
    screen.wait(SOON_MS)
    screen.turn_away(hidden=True)
    screen.wait(60_000)
    assert screen.asked_at == [SOON_MS]
    screen.turn_away(hidden=False)
    screen.wait(1)
    assert screen.asked_at == [SOON_MS, pytest.approx(SOON_MS + 60_000, abs=1)]
    assert screen.drawn[-1]["data"][0]["y"][1] == 2
    screen.wait(2 * PACE_MS)
    assert len(screen.asked_at) == 4, "and on at the normal pace"


def test_a_part_without_a_picture_only_lets_the_page_draw_itself_anew(screen: Screen) -> None:
    screen.answer(good({"statuses": {"a": "running 2"}}), good({"statuses": {"a": "running 4"}}))
    screen.mount({"statuses": {"a": "running 2"}}, "table")
    screen.wait(SOON_MS)
    assert screen.reruns("table") == 0
    screen.wait(PACE_MS)
    assert screen.reruns("table") == 1
    assert not screen.drawn
    assert screen.page.evaluate("part('table').childElementCount") == 0


def test_charts_may_come_and_a_note_stands_below_them(screen: Screen) -> None:
    more = snapshot(2, note="Below the accuracies: the gap")
    more["charts"]["gap"] = more["charts"]["loss"] | {"alt": "Gap of a"}
    screen.answer(good(more))
    screen.mount(snapshot(1))
    screen.wait(SOON_MS)
    assert [chart.get_attribute("aria-label") for chart in screen.page.get_by_role("figure").all()] == [
        "Loss of a: 2",
        "Gap of a",
    ]
    assert screen.page.get_by_text("Below the accuracies: the gap").is_visible()


def test_a_deleted_run_lets_the_page_draw_itself_anew_and_nothing_else(screen: Screen) -> None:
    screen.answer(GONE)
    screen.mount(snapshot(1))
    screen.mount({"cards": snapshot()["cards"]}, "card", run="a")
    screen.wait(SOON_MS + PACE_MS)
    assert screen.reruns() == 1
    assert screen.reruns("card") == 0, "the charts beside it do that"
    assert len(screen.drawn) == 1, "what was drawn stays until the page has drawn itself"
    assert screen.page.get_by_text("Epoch 2").is_visible()
    assert screen.asked_at == [SOON_MS, SOON_MS + PACE_MS]


def test_a_changed_status_lets_the_page_draw_itself_anew_once(screen: Screen) -> None:
    screen.answer(good(snapshot(status="running")))
    screen.mount(snapshot(status="running"))
    screen.mount({"cards": snapshot()["cards"]}, "card", run="a")
    screen.wait(5 * PACE_MS)
    assert screen.reruns() == 0, "nothing has changed"

    screen.answer(good(snapshot(status="finished")))
    screen.wait(3 * PACE_MS)
    assert screen.reruns() == 1
    assert screen.reruns("card") == 0, "the charts beside it do that"

    screen.mount(snapshot(status="finished"))  # the page has drawn itself anew
    screen.wait(2 * RERUN_MS)
    assert screen.reruns() == 1


def test_a_page_that_did_not_draw_itself_anew_is_asked_once_more(screen: Screen) -> None:
    screen.answer(good(snapshot(status="finished")))
    screen.mount(snapshot(status="running"))
    screen.wait(SOON_MS)
    assert screen.reruns() == 1
    screen.wait(RERUN_MS - 1)
    assert screen.reruns() == 1
    screen.wait(PACE_MS)
    assert screen.reruns() == 2


def test_what_has_ended_is_drawn_once_and_asks_nothing(screen: Screen) -> None:
    screen.answer(good(snapshot(2, status="running")))
    screen.mount(snapshot(status="finished"), live=False)
    screen.wait(5 * PACE_MS)
    assert len(screen.drawn) == 1
    assert screen.asked_at == []
    assert screen.reruns() == 0


def test_parts_that_want_the_same_share_one_question_and_the_last_one_ends_it(screen: Screen) -> None:
    screen.answer(good(snapshot(2)))
    screen.mount(snapshot(1), "first")
    screen.mount(snapshot(1), "second")
    screen.wait(SOON_MS)
    assert screen.asked_at == [SOON_MS]
    assert len(screen.drawn) == 4, "both are told"

    screen.page.evaluate("unmount('first')")
    screen.answer(good(snapshot(3)))
    screen.wait(PACE_MS)
    assert len(screen.asked_at) == 2
    assert len(screen.drawn) == 5, "only the part that still stands is told"

    screen.page.evaluate("unmount('second')")
    screen.wait(5 * PACE_MS)
    assert len(screen.asked_at) == 2

    screen.mount(snapshot(4), "third")
    screen.wait(SOON_MS)
    assert len(screen.asked_at) == 3, "a part that comes later asks again"


def test_an_answer_under_way_to_a_part_that_is_gone_is_dropped(screen: Screen) -> None:
    screen.answer(good(snapshot(2, status="finished"), takes=200))
    screen.mount(snapshot(1))
    screen.wait(SOON_MS)
    screen.page.evaluate(
        "document.body.click(); unmount('charts')"
    )  # so a second question finds nobody before the answer
    screen.wait(5 * PACE_MS)
    assert screen.asked_at == [SOON_MS]
    assert len(screen.drawn) == 1
    assert screen.reruns() == 0


def test_a_part_shown_again_asks_no_second_time_and_compares_with_what_it_was_handed_last(screen: Screen) -> None:
    screen.answer(good(snapshot(2)))
    screen.mount(snapshot(1))
    screen.wait(SOON_MS)
    screen.mount(snapshot(2))
    screen.wait(2 * PACE_MS)
    assert screen.asked_at == [SOON_MS, SOON_MS + PACE_MS, SOON_MS + 2 * PACE_MS]
    assert [call["data"][0]["y"][1] for call in screen.drawn] == [1, 2, 2]


def test_what_people_wrote_is_text(screen: Screen) -> None:
    """A run's name comes from whoever named it; the sentences come with it."""
    markup = "<img src=x onerror='window.wasRun = true'><script>window.wasRun = true</script>"
    hostile = snapshot(2, advice=[[f"who {markup}", f"advice {markup}"]])
    hostile["cards"]["a"] = {name: f"{name} {markup}" for name in ("name", "status", "facts", "best")} | {"share": 0.25}
    hostile["charts"]["loss"]["alt"] = f"alt {markup}"
    screen.answer(good(hostile))
    screen.mount(snapshot(1))
    screen.mount(snapshot(1), "card", run="a")
    screen.wait(SOON_MS)
    card, charts = (screen.page.evaluate("name => part(name).innerText", part) for part in ("card", "charts"))
    assert [line for line in card.split("\n") if line] == [f"{name} {markup}" for name in ("status", "facts", "best")]
    assert charts.strip() == f"who {markup}: advice {markup}"
    bar = screen.page.get_by_role("progressbar")
    assert bar.get_attribute("aria-label") == f"name {markup}"
    assert bar.get_attribute("aria-valuenow") == "25"
    assert screen.page.get_by_role("figure").get_attribute("aria-label") == f"alt {markup}"
    assert screen.page.locator("body img, body script").count() == 0
    assert screen.page.evaluate("window.wasRun") is None


@pytest.mark.parametrize("overtaken", ["first", "last"])
def test_a_call_that_the_loader_ends_while_the_part_stands_stops_nothing(screen: Screen, overtaken: str) -> None:
    """The page's script may run again while the module is fetched: the loader then ends one of two calls, in any order."""
    screen.answer(good(snapshot(2)))
    screen.page.evaluate(
        "async ([data, overtaken]) => { const calls = [await load('charts', data), await load('charts', data)];"
        " calls.at(overtaken === 'first' ? 0 : -1)() }",
        [screen.handed(snapshot(1)), overtaken],
    )
    screen.wait(SOON_MS + PACE_MS)
    assert screen.asked_at == [SOON_MS, SOON_MS + PACE_MS]
    assert screen.drawn[-1]["data"][0]["y"][1] == 2


def test_a_chart_library_that_could_not_be_fetched_is_fetched_at_the_next_answer(screen: Screen) -> None:
    page = screen.page
    page.evaluate("delete window.Plotly")
    page.route(f"**/{LIBRARY}", lambda route: route.abort())
    screen.answer(good(snapshot(1)))
    with page.expect_event("pageerror"):
        screen.mount(snapshot(1))
    assert screen.errors == ["the chart library could not be fetched"]
    screen.errors.clear()

    fetched: list[str] = []

    def serve(route: Route) -> None:
        fetched.append(route.request.url)
        route.fulfill(body="window.Plotly = makePlotly()", content_type="text/javascript")

    page.route(f"**/{LIBRARY}", serve)
    screen.wait(SOON_MS)
    page.wait_for_function("drawn.length", timeout=5_000)
    screen.wait(PACE_MS)
    assert len(screen.drawn) == 1
    assert fetched == [f"{SITE}class/{LIBRARY}"]


def test_a_word_is_said_at_the_click_and_taken_back_when_the_scripts_behind_it_have_ended(screen: Screen) -> None:
    page = screen.page
    page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<div data-testid=stApp data-test-script-state=notRunning>"
        "<p class=st-key-train><button>Train</button></p><button id=other>Other</button></div>')"
    )
    page.evaluate("load('start', { starts: { '.st-key-train button:enabled': 'Waits to start …' } })")
    word = page.get_by_role("status")
    page.evaluate("document.querySelector('#other').click()")
    assert word.count() == 0
    page.evaluate("document.querySelector('.st-key-train button').click()")
    assert word.inner_text() == "Waits to start …", "no answer of the server is waited for"

    def state(name: str) -> None:
        page.evaluate("name => { document.querySelector('[data-testid=stApp]').dataset.testScriptState = name }", name)

    state("running")
    state("notRunning")  # it leads to another page, whose script begins a moment later
    screen.wait(400)
    state("running")
    screen.wait(2_000)
    assert word.count() == 1
    state("notRunning")
    screen.wait(500)
    assert word.count() == 0
    page.keyboard.press("Control+Enter")
    assert word.count() == 0, "this button has no shortcut"
    page.evaluate("document.querySelector('.st-key-train button').append('Ctrl + Enter')")
    page.keyboard.press("Control+Enter")
    assert word.count() == 1
    screen.wait(10_000)
    assert word.count() == 0, "a server that is away is not waited for for ever"
    page.evaluate("document.querySelector('.st-key-train button').disabled = true")
    page.evaluate("document.querySelector('.st-key-train button').click()")
    page.keyboard.press("Control+Enter")
    assert word.count() == 0


def test_the_places_of_the_charts_are_as_high_as_they_will_be_before_anything_is_drawn(screen: Screen) -> None:
    screen.answer(good(snapshot(1)))
    screen.mount(snapshot(0, soon=True, begun=False))
    place = screen.page.locator(".watch-loss")
    assert not screen.drawn, "no empty axes for a moment"
    assert place.evaluate("place => place.offsetHeight") == 320
    screen.page.set_viewport_size({"width": 400, "height": 800})
    screen.wait(SOON_MS)
    assert screen.drawn[-1]["layout"]["height"] == place.evaluate("place => place.offsetHeight") == 260, (
        "two fit on a phone"
    )
