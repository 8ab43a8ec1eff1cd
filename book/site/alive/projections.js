// One unit brought down by each rule, side by side.
import { drawSigned, largest } from "./display.js";

export function showProjections(box, { pixels }, size) {
  for (const [rule, values] of Object.entries(pixels)) {
    const figure = box.querySelector(`[data-rule="${rule}"]`) ?? added(box, rule);
    const most = largest(values);
    drawSigned(figure.querySelector("canvas"), values, size, most || 1);
    figure.querySelector("canvas").setAttribute("aria-label", `${rule}: the unit brought down to pixels, at most ${most.toPrecision(2)}`);
    figure.querySelector(".most").textContent = `±${most.toPrecision(2)}`;
  }
}

function added(box, rule) {
  const [figure, canvas, caption, most] = ["figure", "canvas", "figcaption", "span"].map((kind) => document.createElement(kind));
  figure.dataset.rule = rule;
  canvas.setAttribute("role", "img");
  most.className = "most";
  caption.append(`${rule} `, most);
  figure.append(canvas, caption);
  box.append(figure);
  return figure;
}
