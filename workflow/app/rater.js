// A batch of galaxies to rate, by keyboard or mouse. Names are set as text, never as HTML.
//
// Each press is kept here, and sent again with every update, until the server confirms that it is on
// disk. A press names the galaxy that was shown when it was made, so fast users rate what they saw and
// lose nothing. The server processes each press once: presses are numbered, and an answer is only
// accepted for a galaxy that waits for one.

const SAVING = "saving";
const views = new Map();

function make(kind, properties, ...children) {
  const element = Object.assign(document.createElement(kind), properties);
  element.append(...children);
  return element;
}

function picture(card) {
  return card.picture
    ? make("img", { src: `data:image/jpeg;base64,${card.picture}`, alt: `Picture of ${card.name}` })
    : make("span", { textContent: "no picture" });
}

function link([textContent, href]) {
  return make("a", { textContent, href, target: "_blank", rel: "noopener" });
}

// The answers: those that the server knows, and the presses since.
function answered({ data, presses }) {
  const answers = new Map(data.cards.filter((card) => card.answer).map((card) => [card.name, card.answer]));
  const order = [...data.answered];
  for (const { action, galaxy } of presses) {
    if (action === "undo") {
      answers.delete(galaxy);
      order.pop();
    } else {
      answers.set(galaxy, SAVING);
      order.push(galaxy);
    }
  }
  return { answers, last: order.at(-1) };
}

function current(view) {
  const { answers } = answered(view);
  const waiting = view.data.cards.filter((card) => !answers.has(card.name));
  return waiting.find((card) => card.name === view.chosen) ?? waiting[0];
}

function press(view, action) {
  const galaxy = action === "undo" ? answered(view).last : current(view)?.name;
  if (galaxy === undefined) return;
  view.number = Math.max(view.number, view.data.done) + 1;
  view.presses.push({ number: view.number, action, galaxy });
  view.chosen = action === "undo" ? galaxy : undefined;
  view.send("presses", view.presses);
  draw(view);
}

function choose(view, name) {
  view.chosen = name;
  draw(view);
}

function item(view, card) {
  return make(
    "li",
    {},
    make(
      "button",
      { onclick: () => choose(view, card.name) },
      make("span", { className: "frame" }, picture(card)),
      make("span", { className: "answer" }),
    ),
  );
}

function draw(view) {
  const { root, data } = view;
  const { answers, last } = answered(view);
  const now = current(view);
  const names = data.cards.map((card) => card.name);
  const list = root.querySelector("ol");
  // Only elements that change are recreated, so that the keyboard focus is kept.
  if (JSON.stringify(names) !== view.names) {
    list.replaceChildren(...data.cards.map((card) => item(view, card)));
    view.names = JSON.stringify(names);
  }
  data.cards.forEach((card, place) => {
    const button = list.children[place].firstChild;
    const text = answers.get(card.name) ?? "";
    button.ariaLabel = `${card.name} ${text || "not rated"}`;
    button.ariaCurrent = String(card === now);
    button.disabled = Boolean(text);
    button.lastChild.textContent = text;
    button.lastChild.classList.toggle(SAVING, text === SAVING);
  });
  if (view.shown !== (now?.name ?? null)) {
    root.querySelector(".frame").replaceChildren(...(now ? [picture(now)] : []));
    root.querySelector(".name").textContent = now?.name ?? "";
    root.querySelector(".facts").textContent = now?.facts ?? "";
    root.querySelector(".links").replaceChildren(...Object.entries(now?.links ?? {}).map(link));
    view.shown = now?.name ?? null;
  }
  for (const button of root.querySelectorAll("[data-action]")) {
    button.disabled = button.dataset.action === "undo" ? last === undefined : !now;
  }
  root.classList.toggle("by-keys", data.keys);
  root.querySelector(".status").textContent = now
    ? `Galaxy ${names.indexOf(now.name) + 1} of ${names.length}`
    : data.status;
}

const KEYS = { s: "skip", u: "undo" };

function listen(view) {
  const field = "input:not([type=checkbox]), textarea, [contenteditable=true]";
  const handle = (event) => {
    const key = event.key.toLowerCase();
    const action = /^[0-5]$/.test(key) ? key : KEYS[key];
    // In a dialog, keys are meant for the galaxy that it shows.
    const dialog = document.querySelector("[role=dialog]");
    const other = dialog || event.ctrlKey || event.metaKey || event.altKey || event.repeat;
    if (!action || other || !view.data.keys || event.composedPath()[0].closest?.(field)) return;
    event.preventDefault();
    press(view, action);
  };
  document.addEventListener("keydown", handle);
  return () => document.removeEventListener("keydown", handle);
}

function mount(view, root) {
  view.leave?.();
  for (const button of root.querySelectorAll("[data-action]")) {
    button.onclick = () => press(view, button.dataset.action);
  }
  Object.assign(view, { root, names: undefined, shown: undefined, leave: listen(view) });
}

export default function ({ data, parentElement, setStateValue }) {
  if (!views.has(data.hunt)) views.set(data.hunt, { presses: [], number: 0 });
  const view = views.get(data.hunt);
  const root = parentElement.querySelector(".rater");
  view.data = data;
  view.send = setStateValue;
  if (view.root !== root) mount(view, root);
  view.presses = view.presses.filter((press) => press.number > data.done);
  // The server may have restarted since they were sent.
  if (view.presses.length) view.send("presses", view.presses);
  clearTimeout(view.timer);
  // Streamlit's own timers (run_every) send requests even while an answer is pending, and with more
  // than one pending it loses parts of the page. This timer waits for the answer to the last request.
  if (data.poll) view.timer = setTimeout(() => setStateValue("polls", data.polls + 1), data.poll * 1000);
  draw(view);
  return () => {
    if (view.root !== root) return;
    clearTimeout(view.timer);
    view.leave();
    view.root = undefined;
  };
}
