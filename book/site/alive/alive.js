// The page Alive: its controls, what they ask of the worker, and where the answers are shown.
import { Asker } from "./asker.js";
import { Camera } from "./camera.js";
import { drawInput } from "./display.js";
import { Heatmap } from "./heatmap.js";
import { fetchPicture, input, moved, read } from "./picture.js";
import { percent, sentence, showBars } from "./bars.js";
import { showProjections } from "./projections.js";
import { Stage } from "./stage.js";
import { covered } from "./square.js";
import { layerName, maxima, Strips } from "./strips.js";

const folder = new URL(".", import.meta.url).href.replace(/\/$/, "");
const part = (name) => document.querySelector(`#alive-${name}`);
const QUIET = 500; // ms without a change, after which it is said in words

export class Alive {
  constructor(index) {
    this.index = index;
    this.asker = new Asker(new URL("worker.js", import.meta.url));
    this.stage = new Stage(part("stage"), part("mark"), () => this.look());
    this.strips = new Strips(part("strips"), (layer, unit) => this.choose(layer, unit));
    this.heatmap = new Heatmap(part("heatmap"), (row, column) => this.stage.put({ left: column * this.facts.step, top: row * this.facts.step }));
    this.camera = new Camera(part("camera"), part("video"), (blob) => this.own(blob, "the camera's picture"), (words) => this.say(words));
    this.seconds = {}; // of the last answer, by kind: what the page measured
    this.offer();
    this.listen();
  }

  offer() {
    part("net").replaceChildren(...this.index.nets.map(({ name }) => new Option(name, name)));
    part("pictures").append(...this.index.pictures.map((picture) => this.thumbnail(picture)));
  }

  thumbnail({ name, kind }) {
    const [label, choice, image] = ["label", "input", "img"].map((tag) => document.createElement(tag));
    Object.assign(choice, { type: "radio", name: "alive-picture", value: name, className: "visually-hidden" });
    Object.assign(image, { src: `${folder}/pictures/${name}.png`, alt: `${kind === "toy" ? "toy " : ""}${name}`, loading: "lazy", width: 64, height: 64 });
    choice.addEventListener("change", () => this.take(name));
    label.append(choice, image);
    return label;
  }

  listen() {
    part("net").addEventListener("change", ({ target }) => this.load(target.value));
    part("file").addEventListener("change", ({ target }) => target.files[0] && this.own(target.files[0], target.files[0].name));
    for (const name of ["turn", "right", "down"]) part(name).addEventListener("input", () => this.move());
    part("side").addEventListener("input", ({ target }) => this.resize(Number(target.value)));
    part("cover").addEventListener("change", ({ target }) => (target.checked ? this.stage.put(this.stage.square) : this.stage.remove()));
    part("reset").addEventListener("click", () => this.reset());
    part("sweep").addEventListener("click", () => this.sweep());
    part("cancel").addEventListener("click", () => this.asker.cancel());
    part("layer").addEventListener("change", ({ target }) => this.choose(target.value, this.strongest(target.value)));
    part("unit").addEventListener("change", ({ target }) => this.choose(part("layer").value, Number(target.value)));
    const box = part("stage");
    box.addEventListener("dragover", (event) => event.preventDefault());
    box.addEventListener("drop", (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer.files;
      if (file) this.own(file, file.name);
    });
  }

  async load(name) {
    const facts = this.index.nets.find((net) => net.name === name);
    const bar = part("loading");
    const focused = document.activeElement === part("net");
    part("controls").disabled = true; // until the worker holds the net that the page speaks of
    bar.hidden = false;
    bar.value = 0;
    this.forgetMap();
    this.say(`Loading ${name} …`);
    const told = ({ progress }) => { bar.value = progress; };
    try {
      const [answer, mean] = await Promise.all([
        this.asker.ask("load", { folder, runtime: this.index.runtime, facts }, told),
        fetch(`${folder}/nets/${name}/mean.bin`).then((response) => response.arrayBuffer()),
      ]);
      if (!answer) return; // another net was chosen meanwhile
      Object.assign(this, { facts, mean: new Float32Array(mean), unit: null });
    } catch (error) {
      return this.say(`${name} could not be loaded: ${error.message}; reload the page.`);
    } finally {
      bar.hidden = true;
    }
    part("about").textContent = `${facts.says}; trained on ${facts.data}, of which it gets ${percent(facts.wrong / facts.of)} wrong.`;
    part("layer").replaceChildren(...Object.keys(facts.layers).map((layer) => new Option(layerName(layer), layer)));
    part("controls").disabled = false;
    if (focused) part("net").focus();
    this.stage.size = facts.size;
    const fit = this.index.pictures.find(({ name, kind }) => kind === facts.kind && name !== this.picture) ?? this.index.pictures[0];
    const shown = this.index.pictures.find(({ name }) => name === this.picture);
    await (this.square && (!shown || shown.kind === facts.kind) ? this.fresh() : this.take(fit.name));
  }

  async take(name) {
    const choice = part("pictures").querySelector(`input[value="${name}"]`);
    choice.checked = true;
    part("pictures").scrollLeft = choice.parentElement.offsetLeft - part("pictures").offsetLeft - part("pictures").clientWidth / 2;
    part("file").value = "";
    await this.show(() => fetchPicture(`${folder}/pictures/${name}.png`, this.facts.side), name);
  }

  async own(file, name) {
    for (const choice of part("pictures").querySelectorAll("input")) choice.checked = false;
    await this.show(() => read(file, name, this.facts.side), name);
  }

  async show(reading, name) {
    try {
      this.square = await reading();
    } catch (error) {
      return this.say(`${error.message}.`);
    }
    this.picture = name;
    await this.fresh();
  }

  // A new picture or net: what was known of the old one is forgotten.
  async fresh() {
    const { side, size } = this.facts;
    this.pixels = input(this.square, side, size, this.mean);
    this.before = null;
    clearTimeout(this.quiet); // it would speak of the old one
    if (this.unit) this.unit = { layer: this.unit.layer }; // another may be the strongest here
    this.forgetMap();
    this.put({ turn: 0, right: 0, down: 0 });
    this.stage.on = false;
    this.stage.show();
    await this.look();
  }

  put(values) {
    for (const [name, value] of Object.entries(values)) part(name).value = value;
  }

  reset() {
    this.put({ turn: 0, right: 0, down: 0 });
    this.forgetMap();
    this.stage.remove();
  }

  resize(side) {
    this.stage.resize(side);
    part("side-now").value = `${side} px`;
  }

  // What the net is shown: the picture, turned and shifted, then covered.
  changed() {
    const [turn, right, down] = ["turn", "right", "down"].map((name) => Number(part(name).value));
    part("turn-now").value = `${turn}°`;
    part("right-now").value = `${right} px`;
    part("down-now").value = `${down} px`;
    part("cover").checked = this.stage.on;
    const found = moved(this.pixels, this.facts.size, { turn, right, down });
    this.uncovered = found;
    return this.stage.on ? covered(found, this.facts.size, this.stage.square) : found;
  }

  move() {
    this.forgetMap();
    this.look();
  }

  // A map is of one picture only.
  forgetMap() {
    this.asker.cancel();
    part("map").hidden = true;
  }

  async look() {
    if (!this.pixels) return;
    const pixels = this.changed();
    drawInput(part("input"), pixels, this.facts.size, this.mean);
    const seen = await this.timed("forward", this.asker.ask("look", { pixels }));
    if (!seen) return;
    if (!this.before) {
      this.before = seen.probabilities;
      this.values = seen.layers;
      this.strips.lay(this.facts.layers, seen.layers, this.facts.classes);
    } else {
      this.values = seen.layers;
      this.strips.show(seen.layers);
    }
    this.seen = seen;
    showBars(part("bars"), seen.probabilities, this.before, this.facts.classes);
    clearTimeout(this.quiet);
    const { before, facts } = this; // of now: another net may be there when it is said
    this.quiet = setTimeout(() => this.say(sentence(seen.probabilities, before, facts.classes)), QUIET);
    const { layer, unit } = this.unit ?? { layer: "relu5" in this.facts.layers ? "relu5" : Object.keys(this.facts.layers)[0] };
    await this.choose(layer, unit ?? this.strongest(layer));
  }

  strongest(layer) {
    const found = maxima(this.values[layer], this.facts.layers[layer]);
    return found.indexOf(Math.max(...found));
  }

  async choose(layer, unit) {
    const [maps] = this.facts.layers[layer];
    const chosen = Math.min(maps - 1, Math.max(0, Math.round(unit) || 0));
    this.unit = { layer, unit: chosen };
    part("layer").value = layer;
    Object.assign(part("unit"), { value: chosen, max: maps - 1 });
    this.strips.mark(layer, chosen);
    const found = await this.timed("projections", this.asker.ask("project", { layer, unit: chosen, place: -1, rules: this.index.rules }));
    if (!found) return;
    this.found = found;
    showProjections(part("projections"), found, this.facts.size);
    const where = found.at.length ? ` at row ${found.at[0]}, column ${found.at[1]} of its map` : "";
    part("unit-said").textContent = found.activation
      ? `${layerName(layer)}, unit ${chosen}: activation ${found.activation.toPrecision(3)}${where}.`
      : `${layerName(layer)}, unit ${chosen} is not active here, so its projection is zero; choose another.`;
    const at = found.at.length ? `, at=(${found.at.join(", ")})` : "";
    part("python").textContent = `zf.deconv.project(zf.load("${this.facts.name}"), image, unit=zf.Unit("${layer}", ${chosen})${at})`;
  }

  // Move the square over the picture as it is now, without the square that stands on it.
  async sweep() {
    const { side } = this.stage.square;
    const bar = part("sweeping");
    this.heatmap.clear();
    part("map").hidden = part("cancel").hidden = bar.hidden = false;
    bar.value = 0;
    part("map-said").textContent = "Covering every place …";
    const told = ({ found }) => {
      bar.value = this.heatmap.add(found);
    };
    const ended = await this.timed("sweep", this.asker.ask("sweep", { pixels: this.uncovered, square: side, step: this.facts.step }, told));
    part("cancel").hidden = bar.hidden = true;
    part("map-said").textContent = ended ? this.mapInWords() : "Stopped.";
  }

  mapInWords() {
    const { share, row, column, label, base } = this.heatmap.lowest();
    const { step, classes } = this.facts;
    const words = `${classes[label]}: ${percent(base)} uncovered, lowest ${percent(share)} with the square at row ${row * step}, column ${column * step}.`;
    part("heatmap").setAttribute("aria-label", `Probability of ${words}`);
    return `${words} Dark: covering this place hides the class. Press a place to put the square there.`;
  }

  async timed(kind, question) {
    const start = performance.now();
    try {
      const answer = await question;
      if (answer) this.seconds[kind] = (performance.now() - start) / 1000;
      return answer;
    } catch (error) {
      this.say(`${error.message}.`);
      return null;
    }
  }

  say(words) {
    part("said").textContent = words;
  }
}

async function begin() {
  if (typeof WebAssembly === "undefined" || typeof DecompressionStream === "undefined") {
    part("said").textContent = "";
    return void (part("missing").hidden = false);
  }
  const response = await fetch(`${folder}/index.json`);
  if (!response.ok) throw new Error(`index.json: ${response.status} ${response.statusText}; reload the page`);
  const alive = new Alive(await response.json());
  window.alive = alive; // for the console
  await alive.load(alive.index.nets[0].name);
}

begin().catch((error) => { part("said").textContent = `${error.message}.`; });
