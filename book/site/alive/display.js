// Numbers as pictures. Each scaling is a step of its own, as in the library.
const ANCHORS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]]; // dark to light, even in brightness

function draw(canvas, width, height, colour) {
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  for (let at = 0; at < width * height; at++) {
    image.data.set(colour(at), at * 4);
    image.data[at * 4 + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

// A net's input with the mean added again; what leaves [0, 255] is cut off.
export function drawInput(canvas, pixels, size, mean) {
  const plane = size * size;
  draw(canvas, size, size, (at) => [0, 1, 2].map((channel) => Math.round(pixels[channel * plane + at] + mean[at * 3 + channel])));
}

// Signed pixels (3, size, size): zero is grey, the scale black or white.
export function drawSigned(canvas, pixels, size, scale) {
  const plane = size * size;
  const shade = (value) => Math.round(Math.min(1, Math.max(-1, value / scale)) * 127 + 128);
  draw(canvas, size, size, (at) => [0, 1, 2].map((channel) => shade(pixels[channel * plane + at])));
}

// One map: zero is black, the scale white.
export function drawMap(canvas, values, width, height, scale) {
  draw(canvas, width, height, (at) => Array(3).fill(Math.round((255 * Math.min(scale, Math.max(0, values[at]))) / scale)));
}

// Shares in [0, 1] as colours from dark to light; NaN, which is not known yet, is grey.
export function drawShares(canvas, shares, side) {
  draw(canvas, side, side, (at) => (Number.isNaN(shares[at]) ? [160, 160, 160] : colour(shares[at])));
}

function colour(share) {
  const along = Math.min(1, Math.max(0, share)) * (ANCHORS.length - 1);
  const step = Math.min(ANCHORS.length - 2, Math.floor(along));
  return ANCHORS[step].map((low, channel) => Math.round(low + (along - step) * (ANCHORS[step + 1][channel] - low)));
}

export const largest = (values) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
