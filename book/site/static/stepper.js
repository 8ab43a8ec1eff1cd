// A row of states, one picture, becomes a stepper that shows one state at a time. Without it the row stands as it is.
for (const told of document.querySelectorAll("script.states")) {
  const image = [...(told.closest(".cell_output") ?? document).querySelectorAll("img")].findLast(
    (one) => one.compareDocumentPosition(told) & Node.DOCUMENT_POSITION_FOLLOWING,
  );
  const states = JSON.parse(told.textContent);
  if (image && states.length > 1) whenLoaded(image, () => step(image, states));
}

function whenLoaded(image, then) {
  image.loading = "eager"; // its size is needed before it is seen
  if (image.complete && image.naturalWidth) then();
  else image.addEventListener("load", then, { once: true });
}

function made(name, properties, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

function step(image, states) {
  const pane = made("div", { className: "pane" });
  const label = made("div", { className: "label", ariaLive: "polite" });
  const range = made("input", { className: "step", type: "range", min: 0, max: states.length - 1, value: 0, ariaLabel: "state" });
  const before = made("button", { className: "step", type: "button", textContent: "‹", ariaLabel: "previous state" });
  const after = made("button", { className: "step", type: "button", textContent: "›", ariaLabel: "next state" });
  const all = made("button", { type: "button", textContent: "all states" });
  const row = made("div", { className: "row" });
  const controls = made("div", { className: "controls" }, before, range, after, all);
  const stepper = made("div", { className: "stepper" }, pane, row, label, controls);
  stepper.dataset.all = "no";
  image.replaceWith(stepper);
  row.append(image);

  function show() {
    const number = Number(range.value);
    const state = states[number];
    pane.replaceChildren(...state.boxes.map((box) => cut(image, box, state.label)));
    label.textContent = `${number + 1} of ${states.length}: ${state.label}`;
    range.ariaValueText = label.textContent;
    before.disabled = number === 0;
    after.disabled = number === states.length - 1;
  }

  const move = (by) => {
    range.value = Number(range.value) + by;
    show();
  };
  before.addEventListener("click", () => move(-1));
  after.addEventListener("click", () => move(1));
  range.addEventListener("input", show);
  all.addEventListener("click", () => {
    const open = stepper.dataset.all === "no";
    stepper.dataset.all = open ? "yes" : "no";
    all.textContent = open ? "one at a time" : "all states";
    label.hidden = open;
  });
  show();
}

// A part of the picture; the box is left, top, width and height as shares of it.
function cut(image, [left, top, width, height], label) {
  const part = made("div", { className: "cut", role: "img", ariaLabel: label });
  const wide = width * image.naturalWidth;
  part.style.width = `${wide}px`;
  part.style.aspectRatio = `${wide} / ${height * image.naturalHeight}`;
  part.style.backgroundImage = `url("${image.src}")`;
  part.style.backgroundSize = `${100 / width}% ${100 / height}%`;
  part.style.backgroundPosition = `${width < 1 ? (100 * left) / (1 - width) : 0}% ${height < 1 ? (100 * top) / (1 - height) : 0}%`;
  return part;
}
