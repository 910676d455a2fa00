/**
 * track.js: page views, clicks and events of a site's own, to a Tracker edge. Reads its options from its script element.
 * Stores nothing before the visitor allowed it, sends no secret, and never throws into the page it is a guest of.
 */

import { cleanUrl, scrub } from './clean.js';
import { beacon, poster, socket } from './network.js';
import { Outbox } from './outbox.js';
import { clicked, surroundings } from './page.js';
import { uuid } from './uuid.js';
import { allow, arrive, identify } from './visitor.js';

/** @param {HTMLScriptElement} script */
function start(script) {
  const options = { ...script.dataset };
  const edge = (options.edge || new URL(script.src).origin).replace(/\/$/, '');
  const key = options.key ? `k=${encodeURIComponent(options.key)}` : '';
  const url = `${edge}/tr/v1/tr/${key && `?${key}`}`;
  const post = poster(url, options.credentials || 'same-origin');
  const isSocket = options.ws === 'on';
  const send = isSocket ? socket(`${edge.replace(/^http/, 'ws')}/tr/v1/ws?ack=1${key && `&${key}`}`, post) : post;
  const outbox = new Outbox(send, () => navigator.onLine !== false);

  /** Fields of every event: `data-field-app="shop"`, and what `track.set` adds. */
  const common = {};
  for (const name in options) {
    if (/^field./.test(name)) common[name.slice(5).toLowerCase()] = options[name];
  }

  const isHash = options.hash === 'on';
  let here = '';
  let last = document.referrer;
  let acted = 0;

  /** The address, with its fragment where the site said that this names pages. */
  const address = () => location.href.replace(/#.*/s, isHash ? '$&' : '');

  /** Records an event. @param {Record<string, unknown> | string} event */
  function record(event) {
    try {
      const now = Date.now();
      const said = { ...common, ...(typeof event === 'string' ? { ename: event } : event) };
      const fields = {
        ...surroundings(),
        ...identify(),
        url: here || address(),
        last,
        duration: acted ? now - acted : undefined,
        eid: uuid(now),
        created_at: now,
        ...said,
      };
      acted = now;
      for (const page of ['url', 'last']) fields[page] = fields[page] ? cleanUrl(String(fields[page])) : undefined;
      outbox.add(JSON.stringify(fields, scrub));
    } catch (error) {
      console.warn('track:', error);
    }
  }

  /** Of a fragment, what is a path: others hold tokens. */
  const route = () => (isHash && /^#!?\//.test(location.hash) ? cleanUrl(location.hash.slice(1)) : undefined);

  /** Records a page, if it is another one. @param {boolean} [again] */
  function view(again) {
    if (address() === here && again !== true) return;
    if (here) last = here;
    here = address();
    arrive(location.search);
    record({ ename: 'view', etyp: 'page', hash: route() });
  }

  function watchPages() {
    for (const name of ['pushState', 'replaceState']) {
      const original = history[name];
      history[name] = function (...given) {
        const result = original.apply(this, given);
        view();
        return result;
      };
    }
    addEventListener('popstate', () => view());
    if (isHash) addEventListener('hashchange', () => view());
    addEventListener('pageshow', (event) => event.persisted && view(true)); // back from the browser's cache
    if (document.prerendering) document.addEventListener('prerenderingchange', () => view(), { once: true });
    else view();
  }

  function watchClicks() {
    const click = (event) => {
      try {
        const found = clicked(event);
        if (found) record(found);
      } catch (error) {
        console.warn('track:', error);
      }
    };
    for (const kind of ['click', 'auxclick']) document.addEventListener(kind, click, { capture: true, passive: true });
  }

  function watchEnds() {
    addEventListener('online', () => outbox.hurry());
    // Hidden, the page lives on, perhaps: a request whose answer can be heard. At its end, one that nobody hears.
    document.addEventListener('visibilitychange', () => document.visibilityState === 'hidden' && outbox.hurry());
    addEventListener('pagehide', () => outbox.leave(beacon(url), isSocket));
  }

  const stub = window.track;
  const track = (event) => record(event);
  track.consent = (bits) => allow(Number(bits));
  track.set = (fields) => void Object.assign(common, fields);
  window.track = track;

  here = options.views === 'off' ? address() : '';
  const queued = (stub && stub.q) || [];
  queued.filter((call) => typeof call === 'number').forEach(track.consent);
  watchEnds();
  if (options.views === 'off') arrive(location.search);
  else watchPages();
  if (options.clicks !== 'off') watchClicks();
  queued.filter((call) => typeof call !== 'number').forEach(record);
}

// Loaded twice, it counts once.
if (!(window.track && window.track.set)) {
  const script = document.currentScript || document.querySelector('script[src*="/track."]');
  if (script) start(script);
}
