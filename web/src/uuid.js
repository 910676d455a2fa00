let latest = 0;
let count = 0;

/**
 * A new UUIDv7: ids that a page makes later sort later, also within a millisecond, of which 4,096 are counted.
 * `crypto.randomUUID` is not used: pages on plain http have none.
 * @param {number} [now] epoch milliseconds
 * @returns {string}
 */
export function uuid(now = Date.now()) {
  count = now > latest ? 0 : count + 1;
  latest = now;
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  for (let at = 5; at >= 0; at--) {
    bytes[at] = now % 256;
    now = Math.floor(now / 256);
  }
  bytes[6] = ((count >> 8) & 15) | 112;
  bytes[7] = count & 255;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = Array.from(bytes, (byte) => (byte + 256).toString(16).slice(1)).join('');
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
