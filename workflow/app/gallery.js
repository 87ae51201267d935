// A grid of galaxies, each a button if it can be clicked. Names are set as text, never as HTML.

function make(kind, properties, ...children) {
  const element = Object.assign(document.createElement(kind), properties);
  element.append(...children);
  return element;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const send = (action, name) => () => setTriggerValue("event", { action, name });

  const picture = (card) =>
    card.picture
      ? make("img", { src: `data:image/jpeg;base64,${card.picture}`, alt: `Picture of ${card.name}` })
      : make("div", { className: "lost", textContent: "no picture" });

  const card = (card) =>
    make(
      "li",
      {},
      make(
        data.choice ? "button" : "div",
        {
          className: "galaxy",
          ...(data.choice && {
            ariaLabel: `${card.name} ${card.caption}`,
            onclick: send("choose", card.name),
          }),
        },
        make("span", { className: "frame" }, picture(card)),
        make("span", { className: "name", textContent: card.name }),
        make("span", { className: "caption", textContent: card.caption }),
      ),
      ...data.actions.map((action) =>
        make("button", {
          textContent: action,
          ariaLabel: `${action} ${card.name}`,
          onclick: send(action, card.name),
        }),
      ),
      ...Object.entries(card.links).map(([textContent, href]) =>
        make("a", { textContent, href, ariaLabel: `${textContent} ${card.name}`, target: "_blank", rel: "noopener" }),
      ),
    );

  const list = parentElement.querySelector("ul");
  list.className = data.mark;
  list.ariaLabel = data.label;
  list.replaceChildren(...data.cards.map(card));
}
