// A picture: from a file, an address or the camera to a square of bytes, and from that to what the net takes.
import { centreSquare } from "./resample.js";

const BEHIND = "rgb(124, 117, 104)"; // what shows through transparent pixels, as in the library
const LARGEST = 50e6; // pixels

// RGB bytes (side, side, 3) of the centre square of a file.
export async function read(file, name, side) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${name} is no picture that can be read; choose a PNG, JPEG or WebP file`);
  }
  const { width, height } = bitmap;
  if (width * height > LARGEST) throw new Error(`${name} has ${width} x ${height} pixels, more than ${LARGEST / 1e6} million; scale it down first`);
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = BEHIND;
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return centreSquare(context.getImageData(0, 0, width, height).data, width, height, side);
}

export async function fetchPicture(address, side) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status} ${response.statusText}; reload the page`);
  return read(await response.blob(), address, side);
}

// The centre of a square with the mean subtracted, float32 (3, size, size).
export function input(square, side, size, mean) {
  const start = (side - size) >> 1;
  const pixels = new Float32Array(3 * size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      for (let channel = 0; channel < 3; channel++) {
        const at = (row * size + column) * 3 + channel;
        pixels[channel * size * size + row * size + column] = square[((row + start) * side + column + start) * 3 + channel] - mean[at];
      }
    }
  }
  return pixels;
}

// An input turned counter-clockwise by degrees about its middle and then shifted by pixels to the right and down; mean grey comes in.
export function moved(pixels, size, { turn, right, down }) {
  if (!turn && !right && !down) return pixels;
  const [sine, cosine] = [Math.sin((turn * Math.PI) / 180), Math.cos((turn * Math.PI) / 180)];
  const found = new Float32Array(pixels.length);
  const middle = (size - 1) / 2;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const [x, y] = [column - middle - right, row - middle - down];
      blend(pixels, size, cosine * x - sine * y + middle, sine * x + cosine * y + middle, found, row * size + column);
    }
  }
  return found;
}

function blend(pixels, size, x, y, found, at) {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  for (const [row, share] of [[top, top + 1 - y], [top + 1, y - top]]) {
    for (const [column, part] of [[left, left + 1 - x], [left + 1, x - left]]) {
      if (row < 0 || column < 0 || row >= size || column >= size) continue;
      for (let channel = 0; channel < 3; channel++) {
        const plane = channel * size * size;
        found[plane + at] += share * part * pixels[plane + row * size + column];
      }
    }
  }
}
