// PostHog's library for Node. Arguments: edge, key, mark.
const { PostHog } = require("posthog-node");

const [host, key, mark] = process.argv.slice(2);
const client = new PostHog(key, { host, fetchRetryCount: 1 });
client.on("error", (error) => {
  console.error(error);
  process.exitCode = 1;
});

const distinctId = `user-${mark}`;
client.capture({
  distinctId,
  event: mark,
  properties: {
    $current_url: "https://shop.example/boots?utm_source=newsletter&token=hush",
    $referrer: "https://www.google.com/",
    $ip: "8.8.8.8",
    revenue: 19.9,
  },
});
client.capture({ distinctId, event: " ", properties: { mark } });
client.identify({ distinctId, properties: { email: "ann@example.com", plan: "pro" } });
client.alias({ distinctId, alias: `anonymous-${mark}` });
client.shutdown();
