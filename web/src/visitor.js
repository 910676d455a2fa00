/** Who it is, as far as they allowed: ids and attribution, in first-party cookies once they did. */

import { attribution, withoutClicks } from './attribution.js';
import { inForce, MARKETING, objects, STATISTICS } from './consent.js';
import { read, remove, write } from './cookies.js';
import { uuid } from './uuid.js';

const SESSION = 30 * 60;
const VISITOR = 400 * 86400;
const CAMPAIGN = 30 * 86400;
const COOKIES = ['vid', 'sid', 'attribution'];

/** What the site said with `track.consent`. @type {number | undefined} */
let said;
/** How this page was reached. @type {Record<string, string>} */
let touch = {};
/** The visitor whose first page this is. */
let newcomer = '';
/** Where the browser keeps no cookies, a page at least is one visitor and one session. */
let session = { id: '', at: 0 };

/** @param {number} bits */
export function allow(bits) {
  said = bits;
  identify(); // at once: what is no longer allowed goes, and how the page was reached is kept
}

/** Looks at the address of a new page. @param {string} query */
export function arrive(query) {
  const found = attribution(query);
  if (Object.keys(found).length) touch = found;
}

/** The fields that say who it is. @returns {Record<string, unknown>} */
export function identify() {
  const objected = objects(navigator);
  const bits = inForce(said, read('CookieConsent'), objected);
  const marketing = bits === undefined ? !objected : bits & MARKETING;
  const reached = marketing ? touch : withoutClicks(touch);
  // No signal: nothing is written; the edge knows what holds in the visitor's country, and may have set these.
  if (bits === undefined) return { ...reached, vid: read('vid'), sid: read('sid') };
  if (!(bits & STATISTICS)) {
    COOKIES.forEach(remove);
    newcomer = '';
    session = { id: '', at: 0 };
    return { ...reached, cflags: bits };
  }
  const now = Date.now();
  const vid = read('vid') || newcomer || (newcomer = uuid());
  const sid = read('sid') || (now - session.at < SESSION * 1000 ? session.id : uuid());
  session = { id: sid, at: now };
  write('vid', vid, VISITOR);
  write('sid', sid, SESSION);
  const kept = Object.keys(reached).length
    ? reached
    : Object.fromEntries(new URLSearchParams(read('attribution') || ''));
  const fields = marketing ? kept : withoutClicks(kept);
  const text = new URLSearchParams(fields).toString();
  if (text) write('attribution', text, CAMPAIGN);
  else remove('attribution');
  return { ...fields, vid, sid, first: vid === newcomer, cflags: bits };
}
