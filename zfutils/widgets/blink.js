// Two pictures in one place: both lie there from the start, so that nothing but what differs between them moves.
function render({ model, el }) {
  const box = document.createElement("div");
  box.className = "zf-blink";
  const play = document.createElement("button");
  const swap = document.createElement("button");
  swap.textContent = "swap";
  for (const button of [play, swap]) Object.assign(button.style, { marginRight: "6px", padding: "3px 10px" });
  const stage = document.createElement("div");
  Object.assign(stage.style, { position: "relative", marginTop: "6px", lineHeight: "0", maxWidth: "100%" });
  const images = ["first", "second"].map(() => document.createElement("img"));
  for (const image of images) Object.assign(image.style, { width: "100%", height: "auto" });
  Object.assign(images[1].style, { position: "absolute", left: "0", top: "0" });
  const caption = document.createElement("div");
  Object.assign(caption.style, { fontSize: "90%", lineHeight: "1.4" });
  stage.append(...images);
  box.append(play, swap, stage, caption);
  el.append(box);
  let timer = null;
  let shown = 0;
  let urls = [];

  function show() {
    images.forEach((image, number) => { image.style.visibility = number === shown ? "visible" : "hidden"; });
    caption.textContent = model.get("captions")[shown] ?? "";
  }

  function load() {
    urls.forEach((url) => URL.revokeObjectURL(url));
    const data = ["first", "second"].map((name) => model.get(name));
    stage.hidden = !data[0].byteLength;
    urls = data.map((bytes) => URL.createObjectURL(new Blob([bytes])));
    images.forEach((image, number) => { image.src = urls[number]; image.alt = model.get("captions")[number] ?? ""; });
    stage.style.width = `${model.get("width")}px`;
    shown = 0;
    show();
  }

  function turn() {
    shown = 1 - shown;
    show();
  }

  function run(on) {
    clearInterval(timer);
    timer = on ? setInterval(turn, 1000 * model.get("seconds")) : null;
    play.textContent = on ? "stop" : "blink";
    play.setAttribute("aria-pressed", String(on));
  }

  play.addEventListener("click", () => run(timer === null));
  swap.addEventListener("click", () => { run(false); turn(); });
  model.on("change:first", load);
  model.on("change:second", load);
  load();
  run(false);
  return () => { run(false); urls.forEach((url) => URL.revokeObjectURL(url)); };
}

export default { render };
