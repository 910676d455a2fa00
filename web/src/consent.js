/** What the visitor allowed, as bits. */

export const STATISTICS = 1024;
export const MARKETING = 4096;

const BITS = { necessary: 1, preferences: 256, statistics: STATISTICS, marketing: MARKETING };
const ALL = 5377;

/**
 * The bits of a `CookieConsent` cookie: a number, or as Cookiebot writes them, `{stamp:'…',necessary:true,…}`. Its `-1`
 * means that this visitor needs not be asked, its `0` that all but the necessary was declined.
 * @param {string | undefined} value
 * @returns {number | undefined} nothing: no signal
 */
export function parseConsent(value) {
  let text = value || '';
  try {
    text = decodeURIComponent(text).trim();
  } catch {
    return undefined;
  }
  if (/^-?\d+$/.test(text)) {
    const bits = Number(text);
    return bits > 0 ? bits : bits === 0 ? BITS.necessary : bits === -1 ? ALL : undefined;
  }
  if (text[0] !== '{') return undefined;
  let bits;
  // Newer versions nest objects that repeat the names: only what stands before them counts.
  for (const member of text.slice(1).split(/[{}]/)[0].split(',')) {
    const [name, answer] = member.split(':').map((part) => part.trim().replace(/"/g, ''));
    if (name in BITS) bits = (bits || 0) | (answer === 'true' ? BITS[name] : 0);
  }
  return bits;
}

/**
 * Whether the browser objects to marketing for its owner.
 * @param {{ globalPrivacyControl?: boolean, doNotTrack?: string | null }} browser
 */
export function objects(browser) {
  return browser.globalPrivacyControl === true || browser.doNotTrack === '1';
}

/**
 * The bits in force: what the site said, else the cookie; an objection takes marketing away from either.
 * @param {number | undefined} said
 * @param {string | undefined} cookie
 * @param {boolean} objected
 * @returns {number | undefined} nothing: no signal
 */
export function inForce(said, cookie, objected) {
  const bits = said === undefined ? parseConsent(cookie) : said;
  return bits !== undefined && objected ? bits & ~MARKETING : bits;
}
