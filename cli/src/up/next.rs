//! What to type next: an event, its row, a payment, its sum.

use super::plan::Plan;

/// A visitor for the example: a telephone that comes from a search engine. The address is a public resolver's.
const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                     Version/18.1 Mobile/15E148 Safari/604.1";

/// Commands that work as they stand, with these settings.
pub(super) fn steps(plan: &Plan) -> String {
    let (edge, secret) = (plan.edge(), plan.secret.display());
    // Its certificate names the site, not this machine.
    let curl = if edge.starts_with("https:") { "curl -k" } else { "curl" };
    let bearer = if plan.secret.is_file() { format!("$(cat {secret})") } else { "YOUR_SECRET".to_owned() };
    let (database, url) = (&plan.clickhouse.database, plan.clickhouse.url());
    format!(
        "Send an event:
  {curl} {edge}/tr/v1/tr/ -H 'X-Forwarded-For: 8.8.8.8' -A '{PHONE}' \\
    -d '{{\"ename\":\"hello\",\"url\":\"https://example.com/\",\"last\":\"https://www.google.com/\"}}'
See its row:
  curl {url} -d 'SELECT * FROM {database}.events ORDER BY received_at DESC LIMIT 1 FORMAT Vertical'
Send a payment:
  {curl} {edge}/tr/v1/ltv/ -H \"Authorization: Bearer {bearer}\" \\
    -d '{{\"uid\":\"6ba7b810-9dad-11d1-80b4-00c04fd430c8\",\"revenue\":\"19.90\",\"currency\":\"EUR\"}}'
See its sum:
  curl {url} -d 'SELECT * FROM {database}.ltvu FORMAT Vertical'

Ctrl-C stops everything; a second start finds the data again."
    )
}
