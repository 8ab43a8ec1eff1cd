// One net: the graph that goes up, the graph that comes down, and what the way down needs of the way up.
import { fetched } from "./download.js";
import { corners, covered } from "./square.js";

const CHANNELS = 3;

export function softmax(logits) {
  const highest = Math.max(...logits);
  const powers = Array.from(logits, (value) => Math.exp(value - highest));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

export class Net {
  static async load(ort, facts, folder, count) {
    const [up, down, weights] = await Promise.all(
      ["up.onnx", "down.onnx", "weights.bin"].map((name) => fetched(`${folder}/${name}`, facts.files[name], count)),
    );
    const options = { executionProviders: ["wasm"], externalData: [{ path: "weights.bin", data: weights }] };
    const made = new Net();
    made.ort = ort;
    made.facts = facts;
    made.up = await ort.InferenceSession.create(up, options);
    made.down = await ort.InferenceSession.create(down, options);
    made.ascent = null;
    made.signals = Object.fromEntries(Object.entries(facts.layers).map(([name, shape]) => [name, made.zeros(shape)]));
    return made;
  }

  zeros(shape) {
    return new this.ort.Tensor("float32", new Float32Array(shape.reduce((size, side) => size * side, 1)), [1, ...shape]);
  }

  images(data, n) {
    return new this.ort.Tensor("float32", data, [n, CHANNELS, this.facts.size, this.facts.size]);
  }

  // What the net makes of a picture (3, size, size): probabilities, and the values of each layer. The ascent stays for the way down.
  async look(pixels) {
    this.ascent = await this.up.run({ images: this.images(pixels, 1) });
    const layers = Object.keys(this.facts.layers).map((name) => [name, this.ascent[name].data]);
    return { probabilities: softmax(this.ascent.logits.data), layers: Object.fromEntries(layers) };
  }

  // One unit of the last picture, brought down by each of some rules; place is a flat position in its map, -1 the first of its maxima.
  async project(layer, unit, place, rules) {
    if (!this.ascent) throw new Error("no picture has been looked at");
    const [, ...sides] = this.facts.layers[layer];
    const size = sides.reduce((product, side) => product * side, 1);
    const map = this.ascent[layer].data.subarray(unit * size, (unit + 1) * size);
    const at = place >= 0 ? place : map.reduce((best, value, index) => (value > map[best] ? index : best), 0);
    const activation = Math.max(0, map[at]);
    const signal = this.signals[layer].data;
    const kept = Object.fromEntries(this.facts.kept.map((name) => [name, this.ascent[name]]));
    const signals = Object.fromEntries(Object.entries(this.signals).map(([name, tensor]) => [`${name}.signal`, tensor]));
    signal[unit * size + at] = activation;
    try {
      const pixels = {};
      for (const [name, flags] of Object.entries(rules)) {
        const found = await this.down.run({ ...kept, ...signals, ...this.flags(flags) });
        pixels[name] = found.pixels.data;
      }
      return { pixels, activation, at: sides.length ? [Math.floor(at / sides[1]), at % sides[1]] : [] };
    } finally {
      signal[unit * size + at] = 0;
    }
  }

  flags(rule) {
    return Object.fromEntries(Object.entries(rule).map(([name, on]) => [name, new this.ort.Tensor("bool", Uint8Array.of(on ? 1 : 0), [])]));
  }

  // Probabilities of all classes, first of the picture as it is, then with the square at each place: one batch a row of the map.
  async *sweep(pixels, square, step) {
    const { size } = this.facts;
    const places = corners(size, square, step);
    const { logits: plain } = await this.up.run({ images: this.images(pixels, 1) }, ["logits"]);
    yield { base: softmax(plain.data) };
    for (const [row, top] of places.entries()) {
      const batch = new Float32Array(places.length * pixels.length);
      places.forEach((left, n) => batch.set(covered(pixels, size, { top, left, side: square }), n * pixels.length));
      const { logits } = await this.up.run({ images: this.images(batch, places.length) }, ["logits"]);
      const classes = logits.data.length / places.length;
      const probabilities = places.map((_, n) => softmax(logits.data.subarray(n * classes, (n + 1) * classes)));
      yield { row, of: places.length, probabilities };
    }
  }

  async release() {
    await this.up.release();
    await this.down.release();
  }
}
