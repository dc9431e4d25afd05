// What moves while a network trains: every part of the page that shows a run is told once a second what the server knows of
// it. A look is plain data; no script of Streamlit runs for it.

// ---- looking: one for all parts of the page that want the same

const SOON = 1 / 6; // of the usual pause, where something that was just asked for is about to happen
const PATIENCE = 1500; // ms after a click in which it may
const SETTLES = 800; // ms in which what stands above a new run folds away
const AGAIN = 2000; // ms until the page is asked once more to draw itself anew

// Shared by all parts, however often this file was fetched. looking: address -> {every, parts that are told, timer};
// brought: runs that were brought into view
const shared = (window.digitLab ??= begun());
const { looking } = shared;

function begun() {
  const here = { looking: new Map(), brought: new Set(), clicked: -PATIENCE };
  document.addEventListener("click", () => {
    here.clicked = performance.now();
    for (const [address, { every }] of here.looking) wait(address, every * SOON);
  }, { capture: true });
  return here;
}

function watch(address, every, part, soon) {
  const isNew = !looking.has(address);
  if (isNew) looking.set(address, { every, parts: new Set() });
  if (isNew || soon) wait(address, soon ? 0 : every * SOON);
  looking.get(address).parts.add(part);
  return () => looking.get(address)?.parts.delete(part);
}

function wait(address, pause) {
  const one = looking.get(address);
  if (!one) return; // nobody wants it any more; this was the answer to a second question
  clearTimeout(one.timer);
  one.timer = setTimeout(() => look(address), pause);
}

async function look(address) {
  const began = performance.now();
  const { every, parts } = looking.get(address);
  if (!parts.size) {
    looking.delete(address);
    return;
  }
  let soon = false;
  try {
    const answer = await fetch(here(address), { cache: "no-store" });
    if (answer.ok || answer.status === 404) { // 404: somebody has deleted one of the runs
      const told = answer.ok ? await answer.json() : null;
      soon = told?.soon || began - shared.clicked < PATIENCE;
      for (const part of parts) part(told);
    }
  } catch {
    // The server is away for a moment; Streamlit says so, and the next look tries again.
  }
  wait(address, Math.max(0, (soon ? every * SOON : every) - (performance.now() - began)));
}

// An address of this server, wherever below it the dashboard lives and whatever page is open.
function here(address) {
  const code = document.querySelector('script[src*="static/js/"]');
  return new URL(address, code ? new URL("../../", code.src) : document.baseURI);
}

// ---- showing

function element(parent, name) {
  let found = parent.querySelector(`:scope > .${name}`);
  if (!found) {
    found = document.createElement("div");
    found.className = name;
    parent.append(found);
  }
  return found;
}

function say(parent, name, text) {
  const line = element(parent, name);
  if (line.textContent !== text) line.textContent = text;
}

function card(parent, told) {
  say(parent, "watch-said", told.said);
  const track = element(parent, "watch-track");
  track.setAttribute("role", "progressbar");
  track.setAttribute("aria-label", told.name);
  track.setAttribute("aria-valuemin", "0");
  track.setAttribute("aria-valuemax", "100");
  track.setAttribute("aria-valuenow", String(Math.round(100 * told.share)));
  element(track, "watch-share").style.width = `${100 * told.share}%`;
  for (const name of ["facts", "best"]) if (name in told) say(parent, `watch-${name}`, told[name]);
}

function bring(run, key) {
  if (shared.brought.has(run)) return;
  shared.brought.add(run);
  const until = performance.now() + SETTLES;
  const step = () => {
    const place = document.querySelector(`.st-key-${key}`);
    place?.classList.add("watch-here");
    place?.scrollIntoView({ block: "start" });
    if (performance.now() < until) requestAnimationFrame(step);
  };
  step();
}

let plotly; // a promise of the library

function loaded(address) {
  plotly ??= new Promise((resolve, reject) => {
    if (window.Plotly) return resolve(window.Plotly);
    const script = document.createElement("script");
    script.src = here(address);
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

const wider = new ResizeObserver((found) => {
  for (const { target } of found) if (target.data && target.offsetWidth) window.Plotly.Plots.resize(target);
});

async function charts(parent, told, config, library) {
  const row = element(parent, "watch-charts");
  const places = Object.entries(told).map(([metric, { figure, alt }]) => {
    const place = element(row, `watch-${metric}`);
    place.setAttribute("role", "img");
    place.setAttribute("aria-label", alt);
    place.style.minHeight = `${figure.layout.height}px`;
    wider.observe(place);
    return [place, figure];
  });
  const Plotly = await loaded(library);
  for (const [place, figure] of places) {
    await Plotly.react(place, figure.data, themed(figure.layout, place), config);
  }
}

function advice(parent, told) {
  const list = element(parent, "watch-advice");
  list.replaceChildren(...told.map(([name, text]) => {
    const one = document.createElement("p");
    const who = document.createElement("strong");
    who.textContent = `${name}: `;
    one.append(who, text);
    return one;
  }));
}

export default function ({ parentElement, data, setTriggerValue }) {
  parentElement.classList.add("watch");
  parentElement.unwatch?.(); // it is called again whenever the page's script has run
  let shown = "";
  let asked = -AGAIN;
  const show = async (told) => {
    const drawn = data.look.statuses; // those that the page's script saw; not every part is to call for it
    const differ = drawn && JSON.stringify(told?.statuses) !== JSON.stringify(drawn);
    if (data.live && differ && performance.now() - asked >= AGAIN) {
      asked = performance.now();
      setTriggerValue("changed", true);
    }
    if (!told) return;
    if (data.run) return card(parentElement, told.cards[data.run]);
    const news = JSON.stringify([told.charts, told.advice]);
    if (news === shown || (told.soon && window.Plotly && !told.begun)) return; // empty axes for a moment only
    shown = news;
    try {
      await charts(parentElement, told.charts, data.config, data.library);
    } catch (error) {
      shown = ""; // it was not; the next look tries again
      throw error;
    }
    advice(parentElement, told.advice);
  };
  show(data.look);
  if (data.bring) bring(...data.bring);
  parentElement.unwatch = data.live ? watch(data.address, data.every, show, data.look.soon) : undefined;
  // Streamlit ends a part that goes away, but also a call that a newer one overtook while this file was fetched, and that in
  // either order: then the part still stands, and goes on.
  return () => { if (!parentElement.isConnected) parentElement.unwatch?.(); };
}
