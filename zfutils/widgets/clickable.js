// A picture with a cursor: pointer and arrow keys set `position`, as fractions of the picture.
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const within = (value) => Math.min(0.9999, Math.max(0, value));

function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "zf-clickable";
  box.tabIndex = 0;
  box.dataset.lmSuppressShortcuts = "true"; // the notebook's own keys rest while the picture has the focus
  Object.assign(box.style, { position: "relative", display: "inline-block", maxWidth: "100%", margin: "2px", touchAction: "none", cursor: "crosshair", lineHeight: "0" });
  const image = document.createElement("img");
  image.draggable = false;
  Object.assign(image.style, { width: "100%", height: "auto", imageRendering: "auto" });
  const mark = document.createElement("div");
  Object.assign(mark.style, { position: "absolute", boxSizing: "border-box", pointerEvents: "none", border: "2px solid #fff", outline: "2px solid #111" });
  box.append(image, mark);
  el.append(box);
  let url = "";

  function show() {
    const bytes = model.get("data");
    image.hidden = !bytes.byteLength; // else the browser shows a broken picture
    URL.revokeObjectURL(url);
    url = URL.createObjectURL(new Blob([bytes]));
    image.src = url;
    image.alt = model.get("label");
    box.setAttribute("aria-label", model.get("label"));
    box.setAttribute("role", "img");
    box.style.width = `${model.get("width")}px`;
  }

  function place() {
    const position = model.get("position");
    mark.hidden = position.length !== 2;
    if (mark.hidden) return;
    const side = model.get("square") || 0.04;
    mark.style.borderRadius = model.get("square") ? "0" : "50%";
    Object.assign(mark.style, { left: `${100 * (position[0] - side / 2)}%`, top: `${100 * (position[1] - side / 2)}%`, width: `${100 * side}%`, height: `${100 * side}%` });
  }

  function snap(share) {
    const cells = model.get("cells");
    return cells ? (Math.floor(share * cells) + 0.5) / cells : share;
  }

  function move(position) {
    model.set("position", position.map(snap));
    model.save_changes();
  }

  let pending = null; // at most one change a frame, however fast the pointer is
  function point(event) {
    const frame = image.getBoundingClientRect();
    const position = [within((event.clientX - frame.left) / frame.width), within((event.clientY - frame.top) / frame.height)];
    if (pending === null) requestAnimationFrame(() => { move(pending); pending = null; });
    pending = position;
  }

  box.addEventListener("pointerdown", (event) => { box.setPointerCapture(event.pointerId); point(event); });
  box.addEventListener("pointermove", (event) => { if (event.buttons & 1 || model.get("hover")) point(event); });
  box.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (!step && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (!step) return move([]);
    const [x, y] = model.get("position").length === 2 ? model.get("position") : [0.5, 0.5];
    move([within(x + step[0] * model.get("step")), within(y + step[1] * model.get("step"))]);
  });

  for (const name of ["data", "label", "width"]) model.on(`change:${name}`, show);
  for (const name of ["position", "square"]) model.on(`change:${name}`, place);
  show();
  place();
  return () => URL.revokeObjectURL(url);
}

export default { render };
