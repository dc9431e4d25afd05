// The drawing pad: white ink on black, by mouse, pen, finger or keyboard. What is on it reaches the page as a PNG.

const PEN_STEPS = 28; // from one side of the pad to the other, with the arrow keys
const KEY_PAUSE_MS = 250; // after the last key, until what was drawn is sent
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const HOW = "Draw with the mouse, a finger, or the arrow keys: Space puts the pen down and lifts it.";

function add(parent, tag, values) {
  const child = Object.assign(document.createElement(tag), values);
  parent.append(child);
  return child;
}

export default function ({ parentElement, data, setStateValue }) {
  parentElement.send = (picture) => setStateValue("picture", picture);
  if (parentElement.querySelector("canvas")) return; // the page was drawn again; what is on the pad stays there
  parentElement.classList.add("pad");
  const { side } = data;
  const hint = add(parentElement, "p", { className: "pad-hint", id: "pad-hint", textContent: HOW });
  const sheet = add(parentElement, "div", { className: "pad-sheet" });
  sheet.style.maxWidth = `${side}px`;
  const canvas = add(sheet, "canvas", { width: side, height: side, tabIndex: 0 });
  canvas.setAttribute("role", "application"); // its arrow keys are its own
  canvas.setAttribute("aria-label", "Drawing pad");
  canvas.setAttribute("aria-describedby", hint.id);
  const pen = add(sheet, "div", { className: "pad-pen" });
  pen.style.width = `${(100 * data.brush) / side}%`;
  const status = add(parentElement, "div", { className: "pad-status" });
  status.setAttribute("role", "status");

  const ink = canvas.getContext("2d", { willReadFrequently: true });
  ink.fillRect(0, 0, side, side);
  Object.assign(ink, { fillStyle: "#fff", strokeStyle: "#fff", lineWidth: data.brush, lineCap: "round", lineJoin: "round" });
  if (data.picture) {
    const kept = new Image();
    kept.onload = () => ink.drawImage(kept, 0, 0);
    kept.src = data.picture;
  }

  // A stroke is drawn as one line, anew with each of its points, so that its edge is as smooth as if it had been one move.
  let before; // the pad without the stroke
  let points = [];

  function begin(point) {
    before = ink.getImageData(0, 0, side, side);
    points = [];
    extend(point);
  }

  function extend(...more) {
    points.push(...more);
    const [first, ...rest] = points;
    ink.putImageData(before, 0, 0);
    ink.beginPath();
    if (!rest.length) {
      ink.arc(...first, data.brush / 2, 0, 2 * Math.PI);
      ink.fill();
      return;
    }
    ink.moveTo(...first);
    rest.slice(0, -1).forEach((point, place) => {
      const next = rest[place + 1];
      ink.quadraticCurveTo(...point, (point[0] + next[0]) / 2, (point[1] + next[1]) / 2);
    });
    ink.lineTo(...rest.at(-1));
    ink.stroke();
  }

  const send = () => parentElement.send(canvas.toDataURL("image/png"));

  // ---- mouse, pen and finger

  let pointer; // the one that draws

  function place(event) {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * side) / box.width, ((event.clientY - box.top) * side) / box.height];
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button || pointer !== undefined) return;
    lift();
    pointer = event.pointerId;
    canvas.setPointerCapture(pointer);
    begin(place(event));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    extend(...(passed.length ? passed : [event]).map(place));
  });
  canvas.addEventListener("lostpointercapture", (event) => { // however the stroke ends
    if (event.pointerId !== pointer) return;
    pointer = undefined;
    send();
  });

  // ---- keyboard

  const held = new Set(); // two arrows at once move the pen along a diagonal
  let [across, down] = [side / 2, side / 2];
  let isDown = false;
  let isSent = true;
  let timer;

  function showPen() {
    pen.style.left = `${(100 * across) / side}%`;
    pen.style.top = `${(100 * down) / side}%`;
    pen.classList.toggle("pad-down", isDown);
  }

  function afterwards() {
    clearTimeout(timer);
    timer = setTimeout(() => {
      status.textContent = `Pen ${isDown ? "down" : "up"}, ${Math.round((100 * across) / side)} % from the left, ` +
        `${Math.round((100 * down) / side)} % from the top.`;
      if (isSent) return;
      isSent = true;
      send();
    }, KEY_PAUSE_MS);
  }

  function lift() {
    if (!isDown) return;
    isDown = false;
    showPen();
    afterwards();
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || pointer !== undefined) return;
    if (event.key === " ") {
      event.preventDefault(); // the page would scroll
      if (event.repeat) return;
      if (isDown) return lift();
      isDown = true;
      isSent = false;
      begin([across, down]);
      afterwards();
    } else if (event.key in ARROWS) {
      event.preventDefault();
      held.add(event.key);
      for (const [right, below] of [...held].map((key) => ARROWS[key])) {
        across = Math.min(side, Math.max(0, across + (right * side) / PEN_STEPS));
        down = Math.min(side, Math.max(0, down + (below * side) / PEN_STEPS));
      }
      if (isDown) {
        isSent = false;
        extend([across, down]);
      }
      afterwards();
    }
    showPen();
  });
  canvas.addEventListener("keyup", (event) => held.delete(event.key));
  canvas.addEventListener("blur", () => {
    held.clear();
    lift();
  });
  showPen();
}
