import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { gzipSync } from 'node:zlib';
import { attribution, withoutClicks } from '../src/attribution.js';
import { heard, poster, waiting } from '../src/network.js';
import { uuid } from '../src/uuid.js';

test('ids are UUIDv7, in order, and none twice', () => {
  const ids = Array.from({ length: 1000 }, (_, at) => uuid(Date.UTC(2026, 0, 1) + Math.floor(at / 300)));
  for (const id of ids) assert.match(id, /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  assert.deepEqual([...ids].sort(), ids);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(parseInt(ids[0].replace('-', '').slice(0, 12), 16), Date.UTC(2026, 0, 1));
});

test('an address says where its visitor came from', () => {
  const found = attribution('?utm_source=news&utm_campaign=a%20b&gclid=g-1&x=1&utm_medium=');
  assert.deepEqual(found, { source: 'news', campaign: 'a b', gclid: 'g-1' });
  assert.deepEqual(withoutClicks(found), { source: 'news', campaign: 'a b' });
  assert.deepEqual(attribution(''), {});
});

test('Retry-After is seconds or a date', (context) => {
  context.mock.method(Date, 'now', () => Date.parse('2026-01-01T00:00:00Z'));
  assert.equal(waiting('3'), 3000);
  assert.equal(waiting('Thu, 01 Jan 2026 00:00:07 GMT'), 7000);
  assert.equal(waiting('Wed, 31 Dec 2025 00:00:00 GMT'), 0);
  for (const header of [null, 'soon', '']) assert.equal(waiting(header), 0);
});

test('an answer says what is to be sent again', async (context) => {
  context.mock.method(console, 'warn', () => {});
  const rejected = [{ index: 0, reason: 'missing_name' }, { index: 1, reason: 'queue_full', retry: true }];
  const cases = [
    [Response.json({ accepted: 2, rejected: [] }), { again: [] }],
    [Response.json({ accepted: 0, rejected }), { again: [1] }],
    [Response.json({ error: 'rate_limited' }, { status: 429, headers: { 'Retry-After': '4' } }), { again: [0, 1], wait: 4000 }],
    [new Response('', { status: 503 }), { again: [0, 1], wait: 0 }],
    [Response.json({ error: 'unknown_key' }, { status: 403 }), { again: [] }],
    [new Response('<h1>Not here</h1>', { status: 404 }), { again: [] }],
    [new Response('<h1>Log in to the hotel</h1>'), { again: [0, 1] }],
    [Promise.reject(new TypeError('Failed to fetch')), { again: [0, 1] }],
  ];
  for (const [answer, wanted] of cases) {
    context.mock.method(globalThis, 'fetch', async () => answer);
    assert.deepEqual(await poster('https://edge.example/tr/v1/tr/', 'omit')(['{}', '{}']), wanted);
  }
});

test('what a socket says is understood as an answer is', (context) => {
  context.mock.method(console, 'warn', () => {});
  const batch = ['{}', '{}'];
  assert.deepEqual(heard('{"ack":1}', batch), { again: [] });
  assert.deepEqual(heard('{"ack":2,"rejected":[{"index":1,"retry":true},{"index":0}]}', batch), { again: [1] });
  assert.deepEqual(heard('{"error":"rate_limited","retry_after":4}', batch), { again: [0, 1], wait: 4000 });
  assert.equal(heard('{"error":"malformed"}', batch), undefined);
});

test('the script is under 6 kB, compressed', () => {
  const script = readFileSync(new URL('../dist/track.js', import.meta.url));
  const size = gzipSync(script, { level: 9 }).length;
  assert.ok(size < 6000, `${size} bytes`);
});
