/** The edge's binary WebSocket frame: the length as 4 bytes, little-endian, then one raw LZ4 block. */

const SHORTEST = 4;
/** The format wants the last 5 bytes literal, and no match to begin in the last 12. */
const LITERAL_END = 5;
const NO_MATCH_END = 12;

/**
 * @param {string} text
 * @returns {Uint8Array}
 */
export function frame(text) {
  const from = new TextEncoder().encode(text);
  const size = from.length;
  const out = [size & 255, (size >> 8) & 255, (size >> 16) & 255, size >>> 24];
  const seen = new Int32Array(4096); // where four bytes were seen last, from 1
  let at = 0;
  let anchor = 0;

  const extend = (value) => {
    for (; value >= 255; value -= 255) out.push(255);
    out.push(value);
  };
  const sequence = (end, match) => {
    const literals = end - anchor;
    out.push((Math.min(literals, 15) << 4) | Math.min(match, 15));
    if (literals >= 15) extend(literals - 15);
    while (anchor < end) out.push(from[anchor++]);
  };

  while (at < size - NO_MATCH_END) {
    const word = from[at] | (from[at + 1] << 8) | (from[at + 2] << 16) | (from[at + 3] << 24);
    const slot = Math.imul(word, 0x9e3779b1) >>> 20;
    const earlier = seen[slot] - 1;
    seen[slot] = at + 1;
    let match = 0;
    if (earlier >= 0 && at - earlier < 65536) {
      while (at + match < size - LITERAL_END && from[earlier + match] === from[at + match]) match++;
    }
    if (match < SHORTEST) {
      at++;
      continue;
    }
    sequence(at, match - SHORTEST);
    out.push((at - earlier) & 255, (at - earlier) >> 8);
    if (match - SHORTEST >= 15) extend(match - SHORTEST - 15);
    anchor = at += match;
  }
  sequence(size, 0);
  return new Uint8Array(out);
}
