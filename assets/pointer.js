// An outline around one control of a page, with what to do there in words: a lesson has led here.

const LOOK_MS = 200; // between two looks for a control that is drawn late or anew

const classOf = (key) => `st-key-${key.trim().replace(/[^a-zA-Z0-9_-]/g, "-")}`;

function unmark() {
  for (const place of document.querySelectorAll(".pointed")) {
    place.classList.remove("pointed");
    delete place.dataset.pointer;
  }
}

export default function ({ data }) {
  let hasScrolled = false;
  const look = () => {
    const place = document.querySelector(`.${classOf(data.key)}`);
    if (!place) return;
    place.classList.add("pointed");
    place.dataset.pointer = data.text;
    if (hasScrolled || document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running") return;
    hasScrolled = true;
    const { top, bottom } = place.getBoundingClientRect();
    if (top < 0 || bottom > window.innerHeight) place.scrollIntoView({ block: "center" });
  };
  unmark();
  look();
  const timer = setInterval(look, LOOK_MS);
  return () => {
    clearInterval(timer);
    unmark();
  };
}
