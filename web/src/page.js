/** What the page and the browser say of themselves, and what was clicked in it. */

import { cleanUrl, shorten } from './clean.js';

/** What can be clicked and is told of. What people type into is not among it. */
const CLICKABLE = 'a[href],area[href],button,summary,[role=button],[role=link],[role=menuitem],[role=tab]';
const PRIVATE = 'input,textarea,select,[contenteditable]:not([contenteditable=false]),[data-notrack]';
const TEXT = 50;

/** Fields that every event has. */
export function surroundings() {
  return {
    tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
    culture: navigator.language,
    w: innerWidth,
    h: innerHeight,
    ...device(),
  };
}

/**
 * Only where the script knows more than the User-Agent tells: an iPad calls itself a Mac. For all others the edge's list of
 * devices is better than what could be guessed here.
 */
function device() {
  const disguised = /Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1;
  return disguised ? { device: 'iPad', os: 'iOS' } : {};
}

/**
 * The event of a click, if it was one on a link or a button.
 * @param {MouseEvent} event
 */
export function clicked(event) {
  const target = event.composedPath()[0];
  if (event.button > 1 || !(target instanceof Element) || target.closest(PRIVATE)) return undefined;
  const element = target.closest(CLICKABLE);
  if (!element) return undefined;
  const label = element.textContent.trim() || element.getAttribute('aria-label') || element.title || '';
  const touched = {
    tag: element.tagName.toLowerCase(),
    id: element.id || undefined,
    text: shorten(label, TEXT) || undefined,
    href: typeof element.href === 'string' ? cleanUrl(element.href) : undefined,
  };
  return { ename: 'click', etyp: 'ui', targets: [touched] };
}
