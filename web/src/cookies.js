/** First-party cookies. Never called before the visitor allowed it, but to read. */

/** All of them; none in a sandbox, which may not even ask. */
function jar() {
  try {
    return document.cookie.split('; ');
  } catch {
    return [];
  }
}

/**
 * @param {string} name
 * @returns {string | undefined}
 */
export function read(name) {
  const found = jar().find((cookie) => cookie.startsWith(`${name}=`));
  return found && found.slice(name.length + 1);
}

/** @type {string | undefined} */
let domain;

/**
 * The attribute of the registrable domain, so that subdomains share visitors: the shortest that the browser takes, which
 * knows the public suffixes. None for an IP address or a bare host.
 */
function ofSite() {
  const labels = location.hostname.split('.');
  for (let count = 2; count <= labels.length; count++) {
    const attribute = `; Domain=${labels.slice(-count).join('.')}`;
    put('tr_probe', '1', 9, attribute);
    if (read('tr_probe')) {
      put('tr_probe', '', 0, attribute);
      return attribute;
    }
  }
  return '';
}

function put(name, value, seconds, attribute) {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  try {
    document.cookie = `${name}=${value}; Path=/; Max-Age=${seconds}; SameSite=Lax${secure}${attribute}`;
  } catch {
    // As if there were none: ids then live as long as the page.
  }
}

/**
 * @param {string} name
 * @param {string} value
 * @param {number} seconds
 */
export function write(name, value, seconds) {
  if (domain === undefined) domain = ofSite();
  put(name, value, seconds, domain);
}

/** @param {string} name */
export function remove(name) {
  if (read(name) !== undefined) write(name, '', 0);
  if (read(name) !== undefined) put(name, '', 0, ''); // of this host alone
}
