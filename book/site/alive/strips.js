// The strongest maps of each layer: a strip of buttons a layer, in the order of the unchanged picture.
import { drawMap } from "./display.js";

const SHOWN = 8;

export function layerName(layer) {
  return `layer ${layer.replace(/\D+/, "")}`;
}

// Maximum of each map of a layer.
export function maxima(values, [maps, ...sides]) {
  const size = sides.reduce((product, side) => product * side, 1);
  return Array.from({ length: maps }, (_, n) => {
    let most = -Infinity;
    for (let at = n * size; at < (n + 1) * size; at++) most = Math.max(most, values[at]);
    return most;
  });
}

export class Strips {
  constructor(box, chose) {
    Object.assign(this, { box, chose, buttons: [], scales: {} });
  }

  // Choose which maps are shown, and lay out their buttons.
  lay(layers, values, classes) {
    this.classes = classes; // the units of the last layer
    this.last = Object.keys(layers).at(-1);
    this.buttons = [];
    this.box.replaceChildren(...Object.entries(layers).map(([layer, shape]) => this.strip(layer, shape, values[layer])));
    this.show(values);
  }

  strip(layer, shape, values) {
    const [maps, ...sides] = shape;
    const found = maxima(values, shape);
    this.scales[layer] = Math.max(1e-6, ...found);
    const strongest = found.map((_, n) => n).sort((one, other) => found[other] - found[one]).slice(0, SHOWN);
    const row = document.createElement("div");
    const title = document.createElement("h4");
    const strip = document.createElement("div");
    title.textContent = `${layerName(layer)[0].toUpperCase()}${layerName(layer).slice(1)}`;
    const about = document.createElement("span");
    about.textContent = sides.length ? `${maps} maps of ${sides.join(" × ")}` : `${maps} units`;
    title.append(" ", about);
    strip.className = "strip";
    strip.append(...strongest.map((unit) => this.button(layer, unit, sides)));
    row.append(title, strip);
    return row;
  }

  button(layer, unit, sides) {
    const [button, canvas, value] = ["button", "canvas", "span"].map((kind) => document.createElement(kind));
    button.type = "button";
    const name = layer === this.last ? this.classes[unit] : "";
    button.setAttribute("aria-label", `${layerName(layer)}, ${sides.length ? "map" : "unit"} ${unit}${name && `, ${name}`}`);
    canvas.setAttribute("aria-hidden", "true");
    value.textContent = name || unit;
    canvas.className = sides.length ? "" : "single";
    button.append(canvas, value);
    button.addEventListener("click", () => this.chose(layer, unit));
    this.buttons.push({ button, canvas, layer, unit, sides });
    return button;
  }

  // Draw other values into the same maps, on the same scale.
  show(values) {
    for (const { canvas, layer, unit, sides } of this.buttons) {
      const size = sides.reduce((product, side) => product * side, 1);
      const [height, width] = sides.length ? sides : [1, 1];
      drawMap(canvas, values[layer].subarray(unit * size, (unit + 1) * size), width, height, this.scales[layer]);
    }
  }

  mark(layer, unit) {
    for (const one of this.buttons) one.button.setAttribute("aria-pressed", String(one.layer === layer && one.unit === unit));
  }
}
