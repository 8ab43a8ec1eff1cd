// How probable a class stays while the square stands at each place of a grid: filled row by row.
import { drawShares } from "./display.js";

export class Heatmap {
  constructor(canvas, chose) {
    Object.assign(this, { canvas, shares: [], side: 0 });
    canvas.addEventListener("click", (event) => {
      const { left, top, width, height } = canvas.getBoundingClientRect();
      if (!this.side) return;
      chose(Math.floor(((event.clientY - top) / height) * this.side), Math.floor(((event.clientX - left) / width) * this.side));
    });
  }

  clear() {
    Object.assign(this, { shares: [], side: 0 });
  }

  // Take what a sweep found: first the base, whose most probable class is followed, then row after row. Returns the share that is done.
  add({ base, row, of, probabilities }) {
    if (base) {
      this.label = base.indexOf(Math.max(...base));
      this.base = base[this.label];
      return 0;
    }
    if (!this.side) this.shares = Array(of * of).fill(NaN);
    this.side = of;
    probabilities.forEach((found, column) => { this.shares[row * of + column] = found[this.label]; });
    const most = Math.max(this.base, ...this.shares.filter((share) => !Number.isNaN(share)));
    drawShares(this.canvas, this.shares.map((share) => share / most), of);
    return (row + 1) / of;
  }

  lowest() {
    const at = this.shares.indexOf(Math.min(...this.shares));
    return { label: this.label, base: this.base, share: this.shares[at], row: Math.floor(at / this.side), column: at % this.side };
  }
}
