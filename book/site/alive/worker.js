// The worker: holds one net, and answers what the page asks. Of each kind of question only the newest waits; older ones are told to be stale.
import * as ort from "./runtime/ort.wasm.bundle.min.mjs";
import { Net } from "./net.js";
import { fetched, unpacked } from "./download.js";

const ORDER = ["load", "look", "project", "sweep"]; // what is quick and seen at once goes first
const waiting = new Map();
let net = null;
let sweep = null;
let working = false;
let started = null;

async function start(folder, runtime, count) {
  const [[name, bytes]] = Object.entries(runtime);
  ort.env.wasm.wasmBinary = await unpacked(await fetched(`${folder}/runtime/${name}`, bytes, count));
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = "error";
}

const handlers = {
  async load({ id, folder, runtime, facts }) {
    sweep = null;
    const all = { ...(started ? {} : runtime), ...facts.files };
    const total = Object.values(all).reduce((sum, size) => sum + size, 0);
    let loaded = 0;
    const count = (size) => { loaded += size; postMessage({ id, progress: Math.min(1, loaded / total) }); };
    started ??= start(folder, runtime, count);
    await started.catch((error) => { started = null; throw error; });
    await net?.release();
    net = await Net.load(ort, facts, `${folder}/nets/${facts.name}`, count);
    return {};
  },
  look: ({ pixels }) => net.look(pixels),
  project: ({ layer, unit, place, rules }) => net.project(layer, unit, place, rules),
  async sweep({ id, pixels, square, step }) {
    if (sweep) postMessage({ id: sweep.id, stale: true });
    sweep = { id, rows: net.sweep(pixels, square, step) };
    return null; // answered row by row
  },
};

async function advance() {
  const current = sweep;
  const { value, done } = await current.rows.next();
  if (sweep !== current) return;
  if (done) sweep = null;
  postMessage(done ? { id: current.id, answer: { done: true } } : { id: current.id, found: value });
}

async function answer(kind) {
  const message = waiting.get(kind);
  waiting.delete(kind);
  try {
    const found = await handlers[kind](message);
    if (found) postMessage({ id: message.id, answer: found });
  } catch (error) {
    postMessage({ id: message.id, error: String(error?.message ?? error) });
  }
}

async function work() {
  if (working) return;
  working = true;
  while (waiting.size || sweep) {
    const kind = ORDER.find((one) => waiting.has(one));
    if (kind) await answer(kind);
    else {
      const { id } = sweep;
      await advance().catch((error) => { sweep = null; postMessage({ id, error: String(error?.message ?? error) }); });
    }
    await new Promise((next) => setTimeout(next)); // what came in meanwhile is heard
  }
  working = false;
}

onmessage = ({ data }) => {
  if (data.kind === "cancel") {
    if (sweep) postMessage({ id: sweep.id, stale: true });
    sweep = null;
    return;
  }
  if (waiting.has(data.kind)) postMessage({ id: waiting.get(data.kind).id, stale: true });
  waiting.set(data.kind, data);
  work();
};
