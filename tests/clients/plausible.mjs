// Plausible's library for browsers, in a page as small as it can be. Arguments: edge, domain, mark.
import { pathToFileURL } from "node:url";

const [edge, domain, mark] = process.argv.slice(2);
const node = { addEventListener() {}, scrollHeight: 1000, visibilityState: "visible", referrer: "https://www.google.com/", hasFocus: () => true };
const location = new URL(`https://shop.example/boots?mark=${mark}&utm_source=newsletter`);
const page = {
  document: { ...node, body: node, documentElement: node },
  location,
  history: { pushState() {} },
  ResizeObserver: class {
    observe() {}
  },
  innerHeight: 800,
  scrollY: 0,
  addEventListener() {},
  localStorage: {},
};
Object.assign(globalThis, page, { window: globalThis });

const { init, track } = await import(pathToFileURL(`${process.env.NODE_PATH}/@plausible-analytics/tracker/plausible.js`).href);
init({ domain, endpoint: `${edge}/api/event`, captureOnLocalhost: true });
const answer = await new Promise((callback) =>
  track(mark, { props: { plan: "pro", seats: 3 }, revenue: { currency: "EUR", amount: 19.9 }, callback }),
);
if (answer.status !== 202) {
  throw new Error(JSON.stringify(answer));
}
