// What moves while a network trains: every part of the page that shows a run gets a snapshot of what the server knows of it,
// once a second. A snapshot is plain data; no script of Streamlit runs for it.

// ---- asking: one question for all parts of the page that want the same

const SOON = 1 / 6; // of the usual pause, where something that was just asked for is about to happen
const CLICK_MS = 1500; // after a click in which it may
const FOLD_MS = 800; // in which what stands above a new run folds away
const RERUN_MS = 2000; // until the page is asked once more to draw itself anew
const BACK_OFF_MS = 8000; // longest pause while the server fails
const SAID_MS = 10000; // for which a word that was said at once stays at most, and after the scripts behind it have ended
const SETTLED_MS = 500;
const NARROW_PX = 500; // below which charts are lower, by so much
const SAVED_PX = 60;

// Shared by all parts, however often this file was fetched. questions: address -> {every, parts that wait for the answer,
// timer, failures in a row}; quietUntil: nothing is asked before, for the server said that this browser asks too often;
// scrolledTo: runs that were brought into view; starts: selector of buttons -> what a click on one
// of them starts, in words
const shared = (window.digitLab ??= begin());
const { questions } = shared;

function begin() {
  const state = { questions: new Map(), scrolledTo: new Set(), starts: new Map(), clickedAt: -CLICK_MS, quietUntil: 0 };
  document.addEventListener("click", ({ target }) => {
    state.clickedAt = performance.now();
    for (const [buttons, words] of state.starts) if (target.closest?.(buttons)) sayAtOnce(words);
    for (const [address, { every }] of state.questions) schedule(address, every * SOON);
  }, { capture: true });
  document.addEventListener("keydown", ({ key, ctrlKey, metaKey }) => {
    if (key !== "Enter" || !(ctrlKey || metaKey)) return;
    for (const [buttons, words] of state.starts) { // a button that can be pressed this way says so
      if ([...document.querySelectorAll(buttons)].some((button) => button.textContent.includes("Enter"))) sayAtOnce(words);
    }
  }, { capture: true });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) for (const address of state.questions.keys()) schedule(address, 0);
  });
  return state;
}

function subscribe(address, every, part, soon) {
  const isNew = !questions.has(address);
  if (isNew) questions.set(address, { every, parts: new Set(), failures: 0 });
  if (isNew || soon) schedule(address, soon ? 0 : every * SOON);
  questions.get(address).parts.add(part);
  return () => questions.get(address)?.parts.delete(part);
}

function schedule(address, pause) {
  const question = questions.get(address);
  if (!question) return; // nobody wants it any more; this was the answer to a second question
  clearTimeout(question.timer);
  question.timer = setTimeout(() => ask(address), Math.max(pause, shared.quietUntil - performance.now()));
}

async function ask(address) {
  const began = performance.now();
  const question = questions.get(address);
  const { every, parts } = question;
  if (!parts.size) {
    questions.delete(address);
    return;
  }
  if (document.hidden) return; // asked at once when the tab is seen again
  if (began < shared.quietUntil) return schedule(address, 0);
  let soon = false;
  try {
    const answer = await fetch(fromRoot(address), { cache: "no-store" });
    if (answer.status === 429) { // of all parts together: none of them asks again before that time
      const seconds = Number(answer.headers.get("Retry-After")) || BACK_OFF_MS / 1000;
      shared.quietUntil = performance.now() + 1000 * seconds;
    }
    if (!answer.ok && answer.status !== 404) throw new Error(`the server answers ${answer.status}`);
    const snapshot = answer.ok ? await answer.json() : null; // 404: somebody has deleted one of the runs
    question.failures = 0;
    soon = snapshot?.soon || began - shared.clickedAt < CLICK_MS;
    for (const part of parts) part(snapshot);
  } catch {
    // The server is away for a moment, and Streamlit says so. It is asked less and less often, so that a class that waits for
    // it does not keep it down.
    question.failures += 1;
  }
  const pause = soon ? every * SOON : Math.min(every * 2 ** question.failures, Math.max(every, BACK_OFF_MS));
  schedule(address, Math.max(0, pause - (performance.now() - began)));
}

// An address of this server, wherever below it the dashboard lives and whatever page is open.
function fromRoot(address) {
  const code = document.querySelector('script[src*="static/js/"]');
  return new URL(address, code ? new URL("../../", code.src) : document.baseURI);
}

// ---- a word at once, said by the browser: the server, which has a network to load, is heard of a moment later

function sayAtOnce(words) {
  const line = document.createElement("div");
  line.setAttribute("role", "status");
  line.className = "watch-said";
  line.textContent = words;
  // Written here, for it outlives the page and its style sheet; white on blue in the light and in the dark.
  line.style.cssText = "position: fixed; z-index: 999999; left: 50%; bottom: 2rem; transform: translateX(-50%); "
    + "padding: 0.75rem 1.25rem; border-radius: 0.5rem; background: #0054a8; color: #fff;";
  document.body.append(line);
  // Taken back when the page's script has said what became of it; a script that leads to another page ends, and the next begins.
  const app = document.querySelector("[data-testid=stApp]");
  if (app) line.style.fontFamily = getComputedStyle(app).fontFamily;
  const end = () => { script.disconnect(); line.remove(); };
  const runs = () => app?.dataset.testScriptState === "running";
  let hasRun = runs(); // already, for what was typed last: the script that it began is cut short by the one of the click
  let timer = setTimeout(end, SAID_MS);
  const script = new MutationObserver(() => {
    const isRunning = runs();
    hasRun ||= isRunning;
    clearTimeout(timer);
    timer = setTimeout(end, hasRun && !isRunning ? SETTLED_MS : SAID_MS);
  });
  if (app) script.observe(app, { attributes: true, attributeFilter: ["data-test-script-state"] });
}

// ---- showing

function element(parent, name) {
  let child = parent.querySelector(`:scope > .${name}`);
  if (!child) {
    child = document.createElement("div");
    child.className = name;
    parent.append(child);
  }
  return child;
}

function setText(parent, name, text) {
  const line = element(parent, name);
  if (line.textContent !== text) line.textContent = text;
}

function drawCard(parent, card) {
  setText(parent, "watch-status", card.status);
  const track = element(parent, "watch-track");
  track.setAttribute("role", "progressbar");
  track.setAttribute("aria-label", card.name);
  track.setAttribute("aria-valuemin", "0");
  track.setAttribute("aria-valuemax", "100");
  track.setAttribute("aria-valuenow", String(Math.round(100 * card.share)));
  element(track, "watch-share").style.width = `${100 * card.share}%`;
  for (const name of ["facts", "best"]) if (name in card) setText(parent, `watch-${name}`, card[name]);
}

function scrollTo(run, key) {
  if (shared.scrolledTo.has(run)) return;
  shared.scrolledTo.add(run);
  const until = performance.now() + FOLD_MS;
  const step = () => {
    const place = document.querySelector(`.st-key-${key}`);
    place?.classList.add("watch-here");
    place?.scrollIntoView({ block: "start" });
    if (performance.now() < until) requestAnimationFrame(step);
  };
  step();
}

let plotly; // a promise of the library

function loadPlotly(address) {
  plotly ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const script = document.createElement("script");
    script.src = fromRoot(address);
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { plotly = undefined; reject(new Error("the chart library could not be fetched")); };
    document.head.append(script);
  });
  return plotly;
}

// The page's own words and lines, in light and in dark: what carries meaning is in the figure and stays.
function themed(layout, place) {
  const style = getComputedStyle(place);
  const colour = style.getPropertyValue("--st-text-color").trim() || style.color;
  const font = { color: colour, family: style.fontFamily, size: 12 };
  const ground = style.getPropertyValue("--st-background-color").trim(); // also what Plotly draws behind its hover line
  return {
    ...layout,
    font,
    paper_bgcolor: ground,
    plot_bgcolor: ground,
    template: { ...layout.template, layout: { ...layout.template?.layout, font } },
    hoverlabel: { bgcolor: ground, bordercolor: style.getPropertyValue("--st-border-color").trim(), font },
  };
}

const onResize = new ResizeObserver((entries) => {
  for (const { target } of entries) if (target.data && target.offsetWidth) window.Plotly.Plots.resize(target);
});

// The places of the charts, as high as they will be: nothing below them moves when they are drawn. On a phone they are lower,
// so that two fit.
function reserve(parent, charts) {
  const row = element(parent, "watch-charts");
  const saved = row.offsetWidth < NARROW_PX ? SAVED_PX : 0;
  return Object.entries(charts).map(([name, { figure, alt }]) => {
    const place = element(row, `watch-${name}`);
    place.setAttribute("role", "figure"); // no "img": a chart has buttons of its own
    place.setAttribute("aria-label", alt);
    const height = figure.layout.height - saved;
    place.style.minHeight = `${height}px`;
    return [place, { ...figure, layout: { ...figure.layout, height } }];
  });
}

async function drawCharts(parent, charts, config, library) {
  const drawings = reserve(parent, charts);
  for (const [place] of drawings) onResize.observe(place);
  const Plotly = await loadPlotly(library);
  for (const [place, figure] of drawings) {
    await Plotly.react(place, figure.data, themed(figure.layout, place), config);
  }
}

function drawAdvice(parent, advice) {
  const list = element(parent, "watch-advice");
  list.replaceChildren(...advice.map(([name, text]) => {
    const paragraph = document.createElement("p");
    const run = document.createElement("strong");
    run.textContent = `${name}: `;
    paragraph.append(run, text);
    return paragraph;
  }));
}

export default function ({ parentElement, data, setTriggerValue }) {
  if (data.starts) {
    for (const [buttons, words] of Object.entries(data.starts)) shared.starts.set(buttons, words);
    return;
  }
  parentElement.classList.add("watch");
  parentElement.unsubscribe?.(); // it is called again whenever the page's script has run
  let drawn = "";
  let askedAt = -RERUN_MS;
  const show = async (snapshot) => {
    const before = data.snapshot.statuses; // those that the page's script saw; not every part is to call for it
    const differ = before && JSON.stringify(snapshot?.statuses) !== JSON.stringify(before);
    if (data.live && differ && performance.now() - askedAt >= RERUN_MS) {
      askedAt = performance.now();
      setTriggerValue("changed", true);
    }
    if (!snapshot) return;
    if (data.run) return drawCard(parentElement, snapshot.cards[data.run]);
    if (!snapshot.charts) return; // a part that shows nothing: the page draws a table for it
    reserve(parentElement, snapshot.charts);
    const news = JSON.stringify([snapshot.charts, snapshot.note, snapshot.advice]);
    if (news === drawn || (snapshot.soon && window.Plotly && !snapshot.begun)) return; // empty axes for a moment only
    drawn = news;
    try {
      await drawCharts(parentElement, snapshot.charts, data.config, data.library);
    } catch (error) {
      drawn = ""; // it was not; the next snapshot tries again
      throw error;
    }
    if (snapshot.note) setText(parentElement, "watch-note", snapshot.note);
    drawAdvice(parentElement, snapshot.advice);
  };
  show(data.snapshot);
  if (data.scroll_to) scrollTo(...data.scroll_to);
  parentElement.unsubscribe = data.live ? subscribe(data.address, data.every, show, data.snapshot.soon) : undefined;
  // Streamlit ends a part that goes away, but also a call that a newer one overtook while this file was fetched, and that in
  // either order: then the part still stands, and goes on.
  return () => { if (!parentElement.isConnected) parentElement.unsubscribe?.(); };
}
