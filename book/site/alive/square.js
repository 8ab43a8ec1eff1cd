// The square that hides a part of a net's input (3, size, size): where it may stand, and the input with it.
export function corners(size, side, step) {
  const found = [];
  for (let corner = 0; corner + side <= size; corner += step) found.push(corner);
  return found;
}

export function covered(pixels, size, { top, left, side }) {
  const hidden = pixels.slice();
  for (let channel = 0; channel < pixels.length; channel += size * size) {
    for (let row = Math.max(0, top); row < Math.min(size, top + side); row++) {
      hidden.fill(0, channel + row * size + Math.max(0, left), channel + row * size + Math.min(size, left + side)); // 0: the mean picture
    }
  }
  return hidden;
}
