import assert from 'node:assert/strict';
import test from 'node:test';

/** As much of a browser as cookies need: one that takes a domain from two labels on, but not a public suffix. */
const jar = new Map();
let blocked = false;
const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
define('location', { hostname: 'www.shop.co.uk', protocol: 'https:' });
define('navigator', {});
define('document', {
  get cookie() {
    return Array.from(jar, ([name, { value }]) => `${name}=${value}`).join('; ');
  },
  set cookie(text) {
    const [pair, ...attributes] = text.split('; ');
    const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
    const said = Object.fromEntries(attributes.map((attribute) => attribute.split('=')));
    if (blocked || said.Domain === 'co.uk') return;
    if (said['Max-Age'] === '0') jar.delete(name);
    else jar.set(name, { value, ...said });
  },
});
const { allow, arrive, identify } = await import('../src/visitor.js');

test('without a signal nothing is written', () => {
  arrive('?utm_source=news&gclid=g');
  assert.deepEqual(identify(), { source: 'news', gclid: 'g', vid: undefined, sid: undefined });
  assert.equal(jar.size, 0);
});

test('with statistics the ids are kept, for the registrable domain, and without marketing no click id', () => {
  allow(1025);
  const { vid, sid, first, ...rest } = identify();
  assert.deepEqual(rest, { source: 'news', cflags: 1025 });
  assert.equal(first, true);
  assert.equal(jar.get('attribution').value, 'source=news');
  const kept = { value: vid, Path: '/', 'Max-Age': '34560000', SameSite: 'Lax', Secure: undefined, Domain: 'shop.co.uk' };
  assert.deepEqual(jar.get('vid'), kept);
  assert.deepEqual([jar.get('sid').value, jar.get('sid')['Max-Age']], [sid, '1800']);
  assert.deepEqual([...jar.keys()].sort(), ['attribution', 'sid', 'vid']);
});

test('what is taken back is forgotten, also by the page', () => {
  const before = identify().vid;
  allow(1);
  assert.equal(jar.size, 0);
  assert.deepEqual(identify(), { source: 'news', cflags: 1 });
  allow(1025);
  assert.notEqual(identify().vid, before);
});

test('where no cookie is kept, a page is one visitor, and a session ends after half an hour', (context) => {
  let now = Date.now();
  context.mock.method(Date, 'now', () => now);
  jar.clear();
  blocked = true;
  const { vid, sid } = identify();
  now += 29 * 60000;
  assert.deepEqual([identify().vid, identify().sid], [vid, sid]);
  now += 31 * 60000;
  assert.equal(identify().vid, vid);
  assert.notEqual(identify().sid, sid);
});
