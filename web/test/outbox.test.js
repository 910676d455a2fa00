import assert from 'node:assert/strict';
import test from 'node:test';
import { BYTES, Outbox } from '../src/outbox.js';

/** An outbox, its clock, and what was sent through it; each batch is answered by the next of `answers`, else it arrives. */
function rig(context, answers = []) {
  const clock = { now: 0, timers: [] };
  context.mock.method(Date, 'now', () => clock.now);
  context.mock.method(Math, 'random', () => 1);
  context.mock.method(globalThis, 'setTimeout', (run, delay) => clock.timers.push({ run, at: clock.now + delay }));
  context.mock.method(globalThis, 'clearTimeout', (id) => delete clock.timers[id - 1]);
  const sent = [];
  const state = { online: true };
  const outbox = new Outbox(
    async (batch) => {
      sent.push({ at: clock.now, batch });
      return answers.shift() || { again: [] };
    },
    () => state.online,
  );
  const settled = async () => {
    for (let turn = 0; turn < 10; turn++) await null;
  };
  const wait = async (span) => {
    for (const until = clock.now + span; ; ) {
      await settled();
      const next = clock.timers.filter((timer) => timer && timer.at <= until).sort((a, b) => a.at - b.at)[0];
      clock.now = next ? Math.max(clock.now, next.at) : until;
      if (!next) return;
      delete clock.timers[clock.timers.indexOf(next)];
      next.run();
    }
  };
  return { outbox, sent, state, wait };
}

test('events that come together go together', async (context) => {
  const { outbox, sent, wait } = rig(context);
  ['a', 'b'].forEach((text) => outbox.add(text));
  await wait(1000);
  outbox.add('c');
  await wait(1000);
  assert.deepEqual(sent.map(({ batch }) => batch), [['a', 'b'], ['c']]);
});

test('what did not arrive is sent again, the same, later and later, and before what came after', async (context) => {
  const { outbox, sent, wait } = rig(context, [{ again: [0] }, { again: [0, 1] }, { again: [0, 1] }]);
  outbox.add('a');
  await wait(500);
  outbox.add('b');
  await wait(20000);
  assert.deepEqual(sent.map(({ batch }) => batch), [['a'], ['a', 'b'], ['a', 'b'], ['a', 'b']]);
  const pauses = sent.slice(1).map(({ at }, index) => at - sent[index].at);
  assert.deepEqual(pauses, [1000, 2000, 4000]);
});

test('of a batch only that is sent again which the edge could not keep', async (context) => {
  const { outbox, sent, wait } = rig(context, [{ again: [1] }]);
  ['a', 'b', 'c'].forEach((text) => outbox.add(text));
  await wait(5000);
  assert.deepEqual(sent.map(({ batch }) => batch), [['a', 'b', 'c'], ['b']]);
});

test('the edge is left alone for as long as it asks, whatever happens', async (context) => {
  const { outbox, sent, wait } = rig(context, [{ again: [0], wait: 9000 }]);
  outbox.add('a');
  await wait(300);
  outbox.add('b');
  outbox.hurry();
  await wait(8800);
  assert.equal(sent.length, 1);
  await wait(1000);
  assert.deepEqual(sent[1].batch, ['a', 'b']);
  assert.ok(sent[1].at - sent[0].at >= 9000);
});

test('off line nothing is tried, on line all goes at once', async (context) => {
  const { outbox, sent, state, wait } = rig(context);
  state.online = false;
  outbox.add('a');
  await wait(600000);
  assert.equal(sent.length, 0);
  state.online = true;
  outbox.hurry();
  await wait(0);
  assert.deepEqual(sent.map(({ batch }) => batch), [['a']]);
});

test('a batch is bounded by its bytes, but for one event that is longer alone', async (context) => {
  const { outbox, sent, wait } = rig(context);
  const long = 'é'.repeat(BYTES);
  [long, 'x'.repeat(BYTES / 2), 'y'.repeat(BYTES / 2), 'z'].forEach((text) => outbox.add(text));
  await wait(1000);
  assert.deepEqual(sent.map(({ batch }) => batch.map((text) => text[0])), [['é'], ['x'], ['y', 'z']]);
});

test('the oldest go when too many wait', async (context) => {
  const { outbox, sent, state, wait } = rig(context);
  state.online = false;
  for (let n = 0; n < 1100; n++) outbox.add(String(n));
  state.online = true;
  outbox.hurry();
  await wait(1000);
  const arrived = sent.flatMap(({ batch }) => batch);
  assert.equal(arrived.length, 1000);
  assert.equal(arrived[0], '100');
});

test('long events have a bound of their own', (context) => {
  const { outbox, state } = rig(context);
  state.online = false;
  for (let n = 0; n < 9; n++) outbox.add(String(n).repeat(1 << 20));
  assert.deepEqual(outbox.waiting.map(({ text }) => text[0]), ['6', '7', '8']);
});

test('a page that ends gives away what waits, and what would end with it', async (context) => {
  const { outbox, wait } = rig(context, [new Promise(() => {})]);
  outbox.add('a');
  await wait(1000);
  outbox.add('b');
  const given = [];
  const beacon = (batch) => given.push(...batch) > 0;
  outbox.leave(beacon, false);
  assert.deepEqual(given, ['b']);
  outbox.leave(beacon, true);
  assert.deepEqual(given, ['b', 'a']);
  outbox.leave(beacon, true);
  assert.deepEqual(given, ['b', 'a']);
});

test('what no beacon takes stays', async (context) => {
  const { outbox } = rig(context);
  outbox.add('a');
  outbox.leave(() => false, true);
  assert.equal(outbox.waiting.length, 1);
});
