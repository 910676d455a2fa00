// Segment's library for Node, as its documents show it. Arguments: edge, key, mark.
const { Analytics } = require("@segment/analytics-node");

const [edge, writeKey, mark] = process.argv.slice(2);
const analytics = new Analytics({ writeKey, host: edge, maxRetries: 1 });
analytics.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});

const context = {
  ip: "8.8.8.8",
  userAgent:
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
  locale: "de-DE",
  page: { url: "https://shop.example/boots?token=hush", referrer: "https://www.google.com/", title: "Boots" },
  campaign: { name: "spring", source: "newsletter", medium: "email" },
  screen: { width: 390, height: 844 },
};
const userId = `user-${mark}`;
const anonymousId = `anonymous-${mark}`;
analytics.identify({ userId, anonymousId, traits: { email: "ann@example.com", plan: "pro" } });
analytics.track({ userId, anonymousId, event: mark, context, properties: { revenue: 19.9, currency: "EUR", items: [{ sku: "b-1" }] } });
analytics.track({ userId, event: "", properties: { mark } });
analytics.page({ anonymousId, name: "Home", category: "Docs", properties: { url: "https://shop.example/" } });
analytics.group({ userId, groupId: "acme", traits: { employees: 7 } });
analytics.alias({ userId, previousId: anonymousId });
analytics.closeAndFlush();
