// The picture with the square on it: pointer and arrow keys move the square.
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Stage {
  constructor(box, mark, changed) {
    Object.assign(this, { box, mark, changed, size: 112, square: { top: 0, left: 0, side: 25 }, on: false });
    box.addEventListener("pointerdown", (event) => { box.setPointerCapture(event.pointerId); this.point(event); });
    box.addEventListener("pointermove", (event) => { if (box.hasPointerCapture(event.pointerId)) this.point(event); });
    box.addEventListener("keydown", (event) => this.press(event));
  }

  point(event) {
    const { left, top, width } = this.box.getBoundingClientRect();
    const at = (position, start) => Math.round(((position - start) / width) * this.size - this.square.side / 2);
    this.put({ left: at(event.clientX, left), top: at(event.clientY, top) });
  }

  press(event) {
    if (event.key === "Escape" && this.on) return this.remove();
    const [right, down] = KEYS[event.key] ?? [];
    if (right === undefined) return;
    event.preventDefault();
    const step = event.shiftKey ? 1 : 4;
    const { left, top } = this.square;
    this.put(this.on ? { left: left + step * right, top: top + step * down } : { left, top });
  }

  // The square stays on the picture.
  put({ left, top, side = this.square.side }) {
    const within = (value) => Math.min(this.size - side, Math.max(0, value));
    this.square = { left: within(left), top: within(top), side };
    this.on = true;
    this.show();
    this.changed();
  }

  remove() {
    this.on = false;
    this.show();
    this.changed();
  }

  resize(side) {
    if (this.on) return this.put({ ...this.square, side });
    Object.assign(this.square, { side, left: (this.size - side) >> 1, top: (this.size - side) >> 1 });
  }

  show() {
    this.mark.hidden = !this.on;
    const share = (value) => `${(100 * value) / this.size}%`;
    const { top, left, side } = this.square;
    Object.assign(this.mark.style, { top: share(top), left: share(left), width: share(side), height: share(side) });
  }
}
