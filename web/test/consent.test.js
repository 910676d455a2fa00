import assert from 'node:assert/strict';
import test from 'node:test';
import { inForce, objects, parseConsent } from '../src/consent.js';

test('the cookie is read as the edge reads it', () => {
  const cases = [
    [undefined, undefined],
    ['', undefined],
    ['5377', 5377],
    ['1', 1],
    ['0', 1],
    ['-1', 5377],
    ['-2', undefined],
    ['yes', undefined],
    ['%zz', undefined],
    ["{stamp:'x',necessary:true,preferences:false,statistics:true,marketing:false,method:'explicit'}", 1025],
    [encodeURIComponent('{"necessary":true,"marketing":true}'), 4097],
    ['{necessary:false}', 0],
    ['{stamp:1}', undefined],
    ['{necessary:true,iab:{marketing:true}}', 1],
  ];
  for (const [cookie, bits] of cases) assert.equal(parseConsent(cookie), bits, cookie);
});

test('what the site says beats the cookie, and an objection beats both', () => {
  assert.equal(inForce(undefined, undefined, false), undefined);
  assert.equal(inForce(undefined, '5377', false), 5377);
  assert.equal(inForce(1, '5377', false), 1);
  assert.equal(inForce(5377, undefined, true), 1281);
  assert.equal(inForce(undefined, undefined, true), undefined);
});

test('both signals of a browser are an objection', () => {
  assert.equal(objects({ globalPrivacyControl: true }), true);
  assert.equal(objects({ doNotTrack: '1' }), true);
  assert.equal(objects({ globalPrivacyControl: false, doNotTrack: null }), false);
});
