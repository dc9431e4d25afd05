// What each network reads in a digit: one card each, with its answer and a bar of how sure it is. All of it is shown as text.

function add(parent, tag, className) {
  const child = document.createElement(tag);
  child.className = className;
  parent.append(child);
  return child;
}

function build(parent) {
  const root = add(parent, "div", "readers");
  const summary = add(root, "p", "readers-summary");
  summary.setAttribute("role", "status");
  const list = add(root, "ul", "readers-list");
  list.setAttribute("role", "list"); // without its dots, one browser takes it for no list
  const note = add(root, "p", "readers-note");
  return (parent.readers = { summary, list, note });
}

function buildCard(list) {
  const item = add(list, "li", "reader");
  const parts = { name: add(item, "div", "reader-name"), digits: add(item, "div", "reader-digits") };
  const track = add(item, "div", "reader-track");
  return (item.parts = { ...parts, bar: add(track, "div", "reader-bar"), mark: add(track, "div", "reader-mark"),
    words: add(item, "div", "reader-words") });
}

export default function ({ parentElement, data }) {
  const { summary, list, note } = parentElement.readers ?? build(parentElement);
  if (summary.textContent !== data.summary) summary.textContent = data.summary; // said aloud only where it has changed
  note.textContent = data.note;
  while (list.children.length > data.cards.length) list.lastChild.remove();
  data.cards.forEach(({ name, colour, state, digits, share, words }, place) => {
    const item = list.children[place] ?? (buildCard(list), list.children[place]);
    const { parts } = item;
    item.dataset.state = state;
    item.style.setProperty("--reader-colour", colour);
    item.style.setProperty("--reader-place", place);
    parts.name.textContent = name;
    if (parts.digits.textContent !== digits) {
      parts.digits.textContent = digits;
      parts.digits.getAnimations().forEach((animation) => { animation.cancel(); animation.play(); });
    }
    parts.bar.style.width = `${100 * share}%`;
    parts.mark.style.left = `${100 * data.mark}%`;
    parts.words.textContent = words;
  });
}
