// Files of this site: fetched with a count of what has come, and unpacked.
export async function fetched(address, bytes, count) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status} ${response.statusText}`);
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const reader = response.body.getReader(); ;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (at + value.length > bytes) throw new Error(`${address} is longer than expected`);
    whole.set(value, at);
    at += value.length;
    count(value.length);
  }
  if (at !== bytes) throw new Error(`${address} ended early`);
  return whole;
}

export async function unpacked(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
