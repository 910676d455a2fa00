import assert from 'node:assert/strict';
import test from 'node:test';
import { cleanUrl, scrub, shorten } from '../src/clean.js';

test('an address loses user, fragment and secrets, and keeps the rest letter for letter', () => {
  const cases = {
    'https://a.example/p?x=1&token=t&y=%20#frag': 'https://a.example/p?x=1&y=%20',
    'https://a.example/p?access_token=t': 'https://a.example/p',
    'https://a.example/?promo_code=X&code=secret&email=a%40b': 'https://a.example/?promo_code=X',
    'https://a.example/?api%5Fkey=1&keyword=shoes&author=ann': 'https://a.example/?keyword=shoes&author=ann',
    'https://a.example/?new_password=1&PassWord=2&pwd=3&sig=4&otp=5&sessionid=6': 'https://a.example/',
    'https://ann:secret@a.example/p': 'https://a.example/p',
    'app://ann:secret@a/p?jwt=1': 'app://a/p',
    '/p?q=a?b&key=1': '/p?q=a?b',
    'localhost:3000/p': 'localhost:3000/p',
    'https://a.example/p?%zz=1': 'https://a.example/p?%zz=1',
    'mailto:ann@a.example?subject=x': 'mailto:',
    'data:text/html,hello': 'data:',
    '': '',
  };
  for (const [sent, wanted] of Object.entries(cases)) assert.equal(cleanUrl(sent), wanted, sent);
});

test('secrets are left out of an event, whatever object they are in', () => {
  const event = {
    ename: 'x',
    jwt: 'a',
    params: { key: 'Enter', new_password: 'p', list: [{ apiKey: 1, n: 2 }], id: 'eyJhbGciOiJI.eyJzdWIi.c2ln' },
  };
  const sent = JSON.parse(JSON.stringify(event, scrub));
  assert.deepEqual(sent, { ename: 'x', params: { key: 'Enter', list: [{ n: 2 }] } });
});

test('a text is cut between characters', () => {
  assert.equal(shorten('  Add\n to   basket ', 50), 'Add to basket');
  assert.equal(shorten('😀'.repeat(60), 50), '😀'.repeat(50));
});
