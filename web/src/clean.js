/** What must not leave the page: secrets in addresses and in fields. The edge cleans again; it should have nothing to do. */

/** Keys of a query whose value lets somebody in, or names a person: as the edge knows them. */
const SECRET_PAIR =
  /token|passw|secret|session|sessid|credential|jwt|apikey|signature|(^|[^a-z\d])(key|auth|authorization|pass|pwd|otp|sig)([^a-z\d]|$)|^(code|email)$/i;
/** Names of fields that are never sent, at any depth. Narrower: a site chose them, and `key` may be one of a keyboard. */
const SECRET_FIELD = /token|passw|pwd|secret|jwt|credential|api_?key|authorization/i;
const JWT = /^eyJ[\w-]+\.[\w-]+\.[\w-]*$/;

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text.replace(/\+/g, ' '));
  } catch {
    return text;
  }
}

/** What follows these is a mailbox, a number, a document. */
const NO_PAGE = /^(mailto|tel|sms|data|blob|javascript|file):/i;

/**
 * An address without user, fragment and secret query values; host and path stay letter for letter.
 * @param {string} text
 * @returns {string}
 */
export function cleanUrl(text) {
  const other = NO_PAGE.exec(text);
  if (other) return other[0];
  const [address, ...rest] = text.replace(/#.*/s, '').split('?');
  const page = address.replace(/^([a-z][a-z\d+.-]*:)?\/\/[^/]*@/i, '$1//');
  const pairs = rest.join('?').split('&');
  const kept = pairs.filter((pair) => pair && !SECRET_PAIR.test(decoded(pair.split('=')[0])));
  return kept.length ? `${page}?${kept.join('&')}` : page;
}

/**
 * For `JSON.stringify`: leaves out secrets, whatever object they are in.
 * @param {string} key
 * @param {unknown} value
 */
export function scrub(key, value) {
  return SECRET_FIELD.test(key) || (typeof value === 'string' && JWT.test(value)) ? undefined : value;
}

/**
 * Spaces as one, and at most so many characters: whole ones, for half of one is no text.
 * @param {string} text
 * @param {number} most
 */
export function shorten(text, most) {
  return Array.from(text.replace(/\s+/g, ' ').trim()).slice(0, most).join('');
}
