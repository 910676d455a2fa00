// Umami's library for Node. Arguments: edge, key, mark.
const umami = require("@umami/node").default;

const [hostUrl, websiteId, mark] = process.argv.slice(2);
umami.init({ hostUrl, websiteId });

const view = { url: `/boots?mark=${mark}`, hostname: "shop.example", title: "Boots", language: "de-DE", referrer: "https://www.google.com/", screen: "1920x1080" };
const send = async () => {
  for (const response of [await umami.track(view), await umami.track(mark, { plan: "pro", n: 1.5 }), await umami.identify({ id: mark, email: "ann@example.com" })]) {
    const { sessionId } = await response.json();
    if (response.status !== 200 || !sessionId) {
      throw new Error(`${response.status}`);
    }
  }
};
send();
