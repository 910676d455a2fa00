use super::*;
use crate::send::access_log;
use std::collections::{BTreeMap, BTreeSet};

fn plan() -> Plan {
    let until = Timestamp::parse_rfc3339("2026-11-24T08:00:00Z").unwrap();
    Plan {
        lines: 20_000,
        seed: 7,
        visitors: 500,
        sites: 4,
        broken: 500,
        from: Timestamp(until.0 - 86_400_000),
        until,
    }
}

#[test]
fn the_same_seed_is_the_same_log_and_another_is_another() {
    let log = |seed| lines(&Plan { seed, lines: 2000, ..plan() }).collect::<Vec<_>>();
    assert_eq!(log(1), log(1));
    assert_ne!(log(1), log(2));
}

#[test]
fn the_first_lines_stay_as_they_are() {
    let first: Vec<_> = lines(&Plan { lines: 4, seed: 1, ..plan() }).collect();
    assert_eq!(first, FIRST, "a change here changes what every seed gives");
}

const FIRST: [&str; 4] = [
    r#"docs.example.net:443 80.56.249.42 - - [23/Nov/2026:14:00:00 +0000] "GET / HTTP/2.0" 200 42546 "https://runners-weekly.example/reviews?page=2" "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0""#,
    r#"shop.example.com:443 49.36.7.39 - - [23/Nov/2026:20:00:00 +0000] "GET / HTTP/2.0" 200 20193 "-" "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1""#,
    r#"app.example.io:443 85.4.82.247 - - [24/Nov/2026:02:00:00 +0000] "GET /login HTTP/2.0" 404 53790 "https://www.bing.com/search?q=trail+running+shoes" "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36""#,
    r#"app.example.io:443 126.25.7.107 - - [24/Nov/2026:08:00:00 +0000] "GET /login?utm_source=chatgpt.com HTTP/2.0" 200 6749 "https://chatgpt.com/" "Mozilla/5.0 (Linux; Android 16; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36""#,
];

#[test]
fn the_log_has_what_a_real_one_has() {
    let (mut broken, mut sites, mut people, mut reasons) =
        (0, BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    let (mut robots, mut times) = (0, Vec::new());
    for line in lines(&plan()) {
        match access_log::parse(&line) {
            Ok(visit) => {
                *sites.entry(visit.vhost.unwrap().to_owned()).or_insert(0) += 1;
                people.insert(visit.ip.unwrap());
                robots += u32::from(
                    visit
                        .user_agent
                        .is_none_or(|agent| !agent.contains(" Gecko") && !agent.contains("like Gecko)")),
                );
                times.push(visit.at);
            }
            Err((reason, _)) => {
                broken += 1;
                reasons.insert(reason);
            }
        }
    }
    assert!((50..200).contains(&broken), "{broken} of 20,000 lines are broken, 100 were wanted");
    assert!(reasons.len() >= 3, "{reasons:?}");
    assert_eq!(sites.len(), 4, "{sites:?}");
    assert!(people.len() > 400, "{} of 500 visitors came", people.len());
    assert!((800..2400).contains(&robots), "{robots}");
    assert!(times.is_sorted());
    assert_eq!(times.last(), Some(&plan().until));
}

#[test]
fn one_site_is_the_plain_combined_format() {
    for line in lines(&Plan { sites: 1, broken: 0, lines: 500, ..plan() }) {
        let visit = access_log::parse(&line).unwrap();
        assert_eq!(visit.vhost, None, "{line}");
        assert!(
            visit.url(Some("shop.example.com")).unwrap().starts_with("https://shop.example.com/"),
            "{line}"
        );
    }
}

#[test]
fn a_log_without_visitors_has_robots_only() {
    assert_eq!(lines(&Plan { visitors: 0, broken: 0, lines: 10, ..plan() }).count(), 10);
}
