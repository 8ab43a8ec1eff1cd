// The centre square of a picture at another size: an antialiasing triangle filter in the fixed-point numbers of the library's own reader,
// first along rows, then along columns, so that the same picture gives the same bytes.
const BITS = 22;

function filters(from, length, size, limit) {
  const scale = length / size;
  const wide = Math.max(scale, 1);
  return Array.from({ length: size }, (_, n) => {
    const centre = from + (n + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - wide + 0.5));
    const last = Math.min(limit, Math.trunc(centre + wide + 0.5));
    const shares = Array.from({ length: last - first }, (_, k) => Math.max(0, 1 - Math.abs((k + first - centre + 0.5) / wide)));
    const sum = shares.reduce((total, share) => total + share, 0);
    return { first, shares: shares.map((share) => Math.floor((share / sum) * 2 ** BITS + 0.5)) };
  });
}

const byte = (sum) => Math.min(255, Math.max(0, Math.floor((sum + 2 ** (BITS - 1)) / 2 ** BITS)));

// data: RGBA bytes of a picture of width x height; gives RGB bytes (size, size, 3).
export function centreSquare(data, width, height, size) {
  const side = Math.min(width, height);
  const across = filters((width - side) / 2, side, size, width);
  const down = filters((height - side) / 2, side, size, height);
  const top = down[0].first;
  const rows = down[size - 1].first + down[size - 1].shares.length - top;
  const narrow = new Uint8Array(rows * size * 3);
  for (let row = 0; row < rows; row++) {
    for (let n = 0; n < size; n++) {
      const { first, shares } = across[n];
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0;
        for (let k = 0; k < shares.length; k++) sum += shares[k] * data[((row + top) * width + first + k) * 4 + channel];
        narrow[(row * size + n) * 3 + channel] = byte(sum);
      }
    }
  }
  const square = new Uint8Array(size * size * 3);
  down.forEach(({ first, shares }, row) => {
    for (let n = 0; n < size * 3; n++) {
      let sum = 0;
      for (let k = 0; k < shares.length; k++) sum += shares[k] * narrow[(first - top + k) * size * 3 + n];
      square[row * size * 3 + n] = byte(sum);
    }
  });
  return square;
}
