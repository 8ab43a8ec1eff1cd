// The most probable classes as bars, with a mark where each was before the picture was changed.
const SHOWN = 5;
export const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;

export function showBars(list, probabilities, before, classes) {
  const order = probabilities.map((_, label) => label).sort((one, other) => probabilities[other] - probabilities[one]).slice(0, SHOWN);
  const own = before.indexOf(Math.max(...before));
  if (!order.includes(own)) order[SHOWN - 1] = own; // what it was taken for stays in sight
  list.replaceChildren(...order.map((label) => bar(classes[label], probabilities[label], before[label], label === own)));
}

function bar(name, share, before, own) {
  const item = document.createElement("li");
  const [label, value, track, fill, mark] = ["span", "span", "span", "span", "span"].map((kind) => document.createElement(kind));
  item.className = own ? "own" : "";
  label.textContent = name;
  value.textContent = percent(share);
  track.className = "track";
  track.setAttribute("aria-hidden", "true");
  fill.className = "fill";
  mark.className = "tick";
  fill.style.width = `${100 * share}%`;
  mark.style.left = `${100 * before}%`;
  track.append(fill, mark);
  item.append(label, value, track);
  return item;
}

export function sentence(probabilities, before, classes) {
  const [best, own] = [probabilities, before].map((shares) => shares.indexOf(Math.max(...shares)));
  const now = `${classes[best]}, ${percent(probabilities[best])}`;
  if (probabilities === before) return `The net says: ${now}.`;
  return `The net says: ${now}. Before: ${classes[own]}, ${percent(before[own])}, now ${percent(probabilities[own])}.`;
}
