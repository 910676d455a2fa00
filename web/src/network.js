/** The ways to the edge. None of them ever rejects: what is not known to have arrived is to be sent again. */

import { frame } from './lz4.js';
import { BYTES } from './outbox.js';

/** @typedef {import('./outbox.js').Verdict} Verdict */

const PATIENCE = 30000;
const SOCKET_PATIENCE = 10000;

const all = (batch) => Array.from(batch.keys());

/** Text: then a browser asks no permission first. @param {string[]} batch */
const body = (batch) => `[${batch.join()}]`;

/** Seconds, or a date. @param {string | null} header */
export function waiting(header) {
  const seconds = Number(header);
  return Math.max(0, (Number.isNaN(seconds) ? Date.parse(header) - Date.now() : seconds * 1000) || 0);
}

/**
 * What is to be sent again of those that were not kept. What was refused once is refused again: the console says why.
 * @param {{ index?: number, retry?: boolean }[]} rejected
 * @returns {Verdict}
 */
function judge(rejected) {
  if (rejected.length) console.warn('track:', rejected);
  return { again: rejected.filter((one) => one.retry).map((one) => one.index) };
}

/**
 * What an answer says of a batch.
 * @param {Response} response
 * @param {string[]} batch
 */
async function verdict(response, batch) {
  const { status } = response;
  if (status === 408 || status === 429 || status >= 500) {
    return { again: all(batch), wait: waiting(response.headers.get('Retry-After')) };
  }
  // What is no edge may say 404 in any words. But what says 200 in other words than an edge's has not kept anything.
  if (response.ok) return judge((await response.json()).rejected);
  return judge([await response.json().catch(() => ({ status }))]);
}

/** @param {string} url @param {RequestCredentials} credentials */
export function poster(url, credentials) {
  /** @param {string[]} batch @returns {Promise<Verdict>} */
  return async (batch) => {
    const text = body(batch);
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), PATIENCE);
    try {
      const response = await fetch(url, {
        method: 'POST',
        body: text,
        credentials,
        keepalive: new Blob([text]).size <= BYTES, // more is refused, for good
        referrerPolicy: 'strict-origin',
        signal: stop.signal,
      });
      return await verdict(response, batch);
    } catch {
      return { again: all(batch) };
    } finally {
      clearTimeout(timer);
    }
  };
}

/** @param {string} url */
export function beacon(url) {
  /** @param {string[]} batch */
  return (batch) => navigator.sendBeacon(url, body(batch));
}

/**
 * What an edge says on a socket of a batch; nothing: that cannot be told.
 * @param {string} text
 * @param {string[]} batch
 * @returns {Verdict | undefined}
 */
export function heard(text, batch) {
  const said = JSON.parse(text);
  if ('ack' in said) return judge(said.rejected || []);
  return said.retry_after ? { again: all(batch), wait: said.retry_after * 1000 } : undefined;
}

/**
 * Batches as LZ4 frames over one WebSocket that acknowledges each; once that fails, by `post`, for good.
 * @param {string} url
 * @param {(batch: string[]) => Promise<Verdict>} post
 */
export function socket(url, post) {
  /** @type {WebSocket | undefined} */
  let open;
  let failed = false;

  /** @param {string[]} batch @returns {Promise<Verdict | undefined>} */
  const send = (batch) =>
    new Promise((resolve, reject) => {
      setTimeout(resolve, SOCKET_PATIENCE);
      const line = open || (open = new WebSocket(url));
      line.onmessage = ({ data }) => {
        try {
          resolve(heard(data, batch));
        } catch (error) {
          reject(error);
        }
      };
      line.onclose = () => {
        open = undefined; // closed while nothing was under way: the next batch opens another one
        resolve();
      };
      const speak = () => line.send(frame(body(batch)));
      if (line.readyState === WebSocket.OPEN) speak();
      else line.onopen = speak;
    });

  /** @param {string[]} batch @returns {Promise<Verdict>} */
  return async (batch) => {
    const said = failed ? undefined : await send(batch).catch(() => undefined);
    if (said) return said;
    failed = true;
    if (open) open.close();
    return post(batch);
  };
}
