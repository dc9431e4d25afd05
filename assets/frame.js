// Beside what is told below, a number and its percent sign stay on one line, whoever wrote the words.
//
// One step back is one page back, and an address has the parameters of its own page.
//
// Streamlit notes every change of an address in the browser's history, so that whoever chose a run on a page, or only opened a
// page that chose one, would have to go back several times to leave it. And the parameters of a new page can arrive a moment
// before its address does: then they belong to what comes, not to the page that is left.

// The drawing pad of streamlit-drawable-canvas brings a tool bar that shows above it where a mouse is, with a second Clear. It
// stands in a tree of its own, which no style sheet of the page reaches; nor can the keyboard reach the part that scrolls there.

const EARLY_MS = 1000; // by which parameters can be ahead of their page's address, after the click that asked for it

const LOOK_MS = 200; // between two looks for a new pad
const bare = new CSSStyleSheet();
bare.replaceSync(".dc-toolbar { display: none !important } .dc-scroll { overflow: visible !important }");

function hideToolBars() {
  for (const host of document.querySelectorAll(".st-key-draw_pad_place div")) {
    const sheets = host.shadowRoot?.adoptedStyleSheets;
    if (sheets && !sheets.includes(bare)) host.shadowRoot.adoptedStyleSheets = [...sheets, bare];
  }
}

const PERCENT = /(\d) (?=%)/g;
const OTHERS_WORDS = "pre, code, textarea, svg"; // to be copied as they are, or without lines

function joinPercents(node) {
  const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT); // of a text: itself
  for (let text = node.nodeType === Node.TEXT_NODE ? node : texts.nextNode(); text; text = texts.nextNode()) {
    const joined = text.data.replace(PERCENT, "$1\u00a0");
    if (joined !== text.data && !text.parentElement?.closest(OTHERS_WORDS)) text.data = joined;
  }
}

function joinChanged(changes) {
  for (const { type, target, addedNodes } of changes) {
    for (const node of type === "characterData" ? [target] : addedNodes) joinPercents(node);
  }
}

export default function () {
  if (window.digitLabHistory) return; // it is called again whenever a page is drawn
  window.digitLabHistory = true;
  setInterval(hideToolBars, LOOK_MS);
  joinPercents(document.body);
  new MutationObserver(joinChanged).observe(document.body, { subtree: true, childList: true, characterData: true });
  const push = history.pushState.bind(history);
  let clickedAt = 0;
  let changedAt = -EARLY_MS;
  let before; // the address before its parameters changed
  document.addEventListener("click", () => { clickedAt = performance.now(); }, { capture: true });
  history.pushState = (state, title, address) => {
    const now = performance.now();
    const isEarly = changedAt >= clickedAt && now - changedAt < EARLY_MS;
    if (new URL(address, location.href).pathname === location.pathname) {
      if (!isEarly) before = location.href;
      changedAt = now;
      history.replaceState(state, title, address);
      return;
    }
    if (isEarly) history.replaceState(state, title, before);
    changedAt = -EARLY_MS;
    push(state, title, address);
  };
}
