//! ClickHouse: does it answer, are its tables as the files say, does its clock agree with ours?

use super::Finding;
use serde::Deserialize;
use tracker_processors::clickhouse::{Client, schema};
use tracker_stream::{clock, config::Settings, fault::Fault};

/// Clocks may differ by so much: retention, sessions and `created_at` are compared between machines.
const CLOCK_MS: i64 = 2000;

pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let Ok(client) = crate::schema::client(settings) else { return Vec::new() }; // told among the settings
    let version = match client.version().await {
        Ok(version) => version,
        Err(fault) => return vec![away(&fault)],
    };
    let mut findings = vec![Finding::good("clickhouse", format_args!("answers: version {version}"))];
    match schema::check(&client).await {
        Ok(differences) if differences.is_empty() => {
            findings.push(Finding::good("schema", "all tables and views are as they should be"));
        }
        Ok(differences) => findings.extend(differences.into_iter().map(|each| {
            let dot = if each.part.is_empty() { "" } else { ", " };
            Finding::wrong(
                "schema",
                format_args!("{}{dot}{}: {}", each.table, each.part, each.problem),
                each.mend,
            )
        })),
        Err(fault) => {
            findings.push(Finding::wrong("schema", fault.detail, "let this user create and drop databases"))
        }
    }
    findings.extend(time(&client).await);
    findings
}

fn away(fault: &Fault) -> Finding {
    let mend = match fault.tag {
        "clickhouse_access" => "set clickhouse.user and clickhouse.password",
        _ => "`tracker up` starts one here; or set clickhouse.url",
    };
    Finding::wrong("clickhouse", &fault.detail, mend)
}

/// Compares the clocks; where the database is missing there is nothing to ask yet.
async fn time(client: &Client) -> Option<Finding> {
    #[derive(Deserialize)]
    struct Answer {
        ms: i64,
    }
    let before = clock::now_ms();
    let rows: Vec<Answer> = client.rows("SELECT toUnixTimestamp64Milli(now64(3)) AS ms", &[]).await.ok()?;
    let after = clock::now_ms();
    Some(clocks(rows.first()?.ms, before, after))
}

/// `there` was read between `before` and `after` of the clock here.
fn clocks(there: i64, before: i64, after: i64) -> Finding {
    let apart = if there < before { before - there } else { (there - after).max(0) };
    if apart <= CLOCK_MS {
        return Finding::good("clock", "agrees with ClickHouse's");
    }
    let what = format!("differs from ClickHouse's by {:.1} s", apart as f64 / 1000.0);
    Finding::wrong("clock", what, "let both machines set their clocks by NTP: `timedatectl set-ntp true`")
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};
    use rstest::rstest;

    #[rstest]
    #[case(1_000, Verdict::Good)]
    #[case(1_050, Verdict::Good)]
    #[case(3_100, Verdict::Good)]
    #[case(3_200, Verdict::Wrong)]
    #[case(-900, Verdict::Good)]
    #[case(-1_100, Verdict::Wrong)]
    fn clocks_may_differ_by_two_seconds(#[case] there: i64, #[case] verdict: Verdict) {
        assert_eq!(clocks(there, 1_000, 1_100).verdict, verdict);
    }

    #[test]
    fn a_refused_password_and_no_answer_are_mended_differently() {
        assert!(away(&Fault::new("clickhouse_access", "x")).mend.contains("clickhouse.password"));
        assert!(away(&Fault::new("clickhouse_network", "x")).mend.contains("clickhouse.url"));
    }
}
