import assert from 'node:assert/strict';
import test from 'node:test';
import { frame } from '../src/lz4.js';

/** By the description of the block format. */
function decode(bytes) {
  const size = new DataView(bytes.buffer).getUint32(0, true);
  const out = [];
  let at = 4;
  const length = (nibble) => {
    if (nibble < 15) return nibble;
    let sum = 15;
    for (let more = 255; more === 255; sum += more) more = bytes[at++];
    return sum;
  };
  for (;;) {
    const token = bytes[at++];
    for (let literals = length(token >> 4); literals > 0; literals--) out.push(bytes[at++]);
    if (at >= bytes.length) break;
    const offset = bytes[at] | (bytes[at + 1] << 8);
    at += 2;
    assert.ok(offset > 0 && offset <= out.length);
    for (let match = length(token & 15) + 4; match > 0; match--) out.push(out[out.length - offset]);
  }
  assert.equal(out.length, size);
  return new TextDecoder().decode(new Uint8Array(out));
}

test('what is framed is decoded to itself', () => {
  const words = ['"ename":"view"', 'é', '😀', '{', ',', 'https://a.example/'];
  const texts = ['', 'a', 'aaaaaaaaaaaa', 'a'.repeat(70000), 'abc'.repeat(500), 'x'.repeat(15) + 'y'.repeat(300)];
  for (let size = 0; size < 400; size++) {
    texts.push(Array.from({ length: size }, (_, at) => words[(at * at + size) % words.length] + (at % 7)).join(''));
  }
  for (const text of texts) assert.equal(decode(frame(text)), text);
});

test('events of one page are framed in a third of their length', () => {
  const event = { ename: 'view', etyp: 'page', url: 'https://shop.example/a', tz: 'Europe/Zurich', culture: 'de-CH' };
  const text = JSON.stringify(Array.from({ length: 20 }, (_, n) => ({ ...event, eid: `00000000-0000-7000-8000-${n}` })));
  assert.ok(frame(text).length * 3 < text.length);
});
