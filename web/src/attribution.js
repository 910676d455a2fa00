/** Where a visitor came from: campaign and click ids, out of an address. */

const UTM = ['source', 'medium', 'campaign', 'term', 'content'];
/** Only with the marketing bit. */
const CLICKS = ['gclid', 'fbclid', 'msclkid', 'ttclid', 'li_fat_id', 'twclid', 'aff'];

/** Characters of one value, so that a cookie can hold all. */
const LONGEST = 250;

/**
 * What an address says of it; empty when it says nothing.
 * @param {string} query
 * @returns {Record<string, string>}
 */
export function attribution(query) {
  const pairs = new URLSearchParams(query);
  const found = {};
  for (const [key, field] of [...UTM.map((field) => [`utm_${field}`, field]), ...CLICKS.map((id) => [id, id])]) {
    const value = pairs.get(key);
    if (value) found[field] = value.slice(0, LONGEST);
  }
  return found;
}

/**
 * The same without what only marketing may know.
 * @param {Record<string, string>} fields
 */
export function withoutClicks(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([field]) => !CLICKS.includes(field)));
}
