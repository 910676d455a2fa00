//! Short links on real edges: made on one and followed on another, known before an edge is ready, kept in their tables.

use super::{CONSENT, Mark};
use crate::rig::{Answer, Program, Site, post, run, shared, until};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tracker_stream::kafka::Admin;

const HOST: &str = "sho.example";

/// Another edge of the site, which needs no disk of its own.
const NO_SPOOL: &[(&str, &str)] = &[("EDGE__SPOOL__ENABLED", "false")];

async fn follow(site: &Site, edge: &str, slug: &str) -> Answer {
    let request = site.request_at(Method::GET, &format!("{edge}/{slug}"));
    post(request.header("host", HOST).header("cookie", format!("CookieConsent={CONSENT}"))).await
}

/// The same until it is answered so; says how long that took.
async fn follow_until(site: &Site, edge: &str, slug: &str, status: u16) -> (Answer, Duration) {
    let asked_at = Instant::now();
    let answer = until(&format!("{edge}/{slug} is answered {status}"), async || {
        let answer = follow(site, edge, slug).await;
        (answer.status == status).then_some(answer)
    })
    .await;
    (answer, asked_at.elapsed())
}

async fn make(site: &Site, slug: &str, urlto: &str) -> Answer {
    let body = json!({ "urlfrom": format!("https://{HOST}/{slug}"), "urlto": urlto });
    site.post_secret("/tr/v1/rpi/redirect", body.to_string()).await
}

#[test]
fn a_link_made_on_one_edge_leads_on_another_within_a_second_whatever_its_capitals() {
    run(async {
        let site = shared().await;
        let (own, mark) = (site.address(Program::Edge), Mark::on(site));
        let (_process, other) = site.another(Program::Edge, NO_SPOOL);
        site.ready_at(&other, "another edge is ready").await;
        let urlto = format!("https://shop.example.com/{}?season=spring", mark.name);
        let mut soonest = Duration::MAX;
        // The machine may stand still for a moment, and not for each of three.
        for slug in ["one", "two", ""].map(|end| format!("{}{end}", mark.name)) {
            let answer = make(site, &slug.to_uppercase(), &urlto).await;
            assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, ""));
            soonest = soonest.min(follow_until(site, &other, &slug, 302).await.1);
        }
        assert!(soonest < Duration::from_secs(1), "it took {soonest:?}");
        let (led, _) = follow_until(site, &other, &mark.name, 302).await;
        assert_eq!((led.header("location"), led.header("cache-control")), (urlto.as_str(), "no-store"));
        let here = follow(site, &own, &mark.name.to_uppercase()).await;
        assert_eq!(here.header("location"), urlto, "where it was made it is known at once");

        let vid = led.header("set-cookie").strip_prefix("vid=").and_then(|rest| rest.get(..36)).unwrap();
        let row = site.row(&format!("SELECT * FROM events FINAL WHERE vid = '{vid}'")).await;
        assert_eq!(
            (&row["ename"], &row["etyp"], &row["url"]),
            (&json!("short_rdr"), &json!("redirect"), &json!(urlto))
        );
    });
}

#[test]
fn an_edge_knows_all_links_before_it_is_ready() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        assert_eq!(make(site, &mark.name, "https://shop.example.com/").await.status, 200);
        let (_process, later) = site.another(Program::Edge, NO_SPOOL);
        site.ready_at(&later, "a later edge is ready").await;
        assert_eq!(follow(site, &later, &mark.name).await.status, 302, "the first that it is asked");
    });
}

#[test]
fn an_edge_that_is_killed_right_after_its_200_leads_there_again_before_it_is_ready() {
    run(async {
        let mut site = Site::edge("links_killed", &[]).await;
        let own = site.address(Program::Edge);
        assert_eq!(make(&site, "stays", "https://a.example/").await.status, 200);
        assert_eq!(make(&site, "changes", "https://a.example/").await.status, 200);
        for round in 1..=2 {
            let urlto = format!("https://b.example/{round}");
            assert_eq!(make(&site, "changes", &urlto).await.status, 200);
            site.kill(Program::Edge);
            site.launch(Program::Edge);
            site.ready(Program::Edge).await;
            // The first that it is asked.
            assert_eq!(follow(&site, &own, "changes").await.header("location"), urlto);
            assert_eq!(follow(&site, &own, "Stays").await.header("location"), "https://a.example/");
            assert_eq!(follow(&site, &own, "other").await.status, 404);
        }
    });
}

#[test]
fn without_the_topic_of_links_an_edge_is_not_ready_and_says_what_to_do() {
    run(async {
        let mut site = Site::prepare("links_topic", &[]).await;
        site.tracker(&["topics", "apply"]);
        let topic = "links_topic.redirects".to_owned();
        Admin::connect(&site.kafka()).unwrap().delete(&[topic]).await.unwrap();
        site.launch(Program::Edge);
        until("/ready names the links", async || {
            let url = format!("{}/ready", site.address(Program::Edge));
            let answer = site.request_at(Method::GET, &url).send().await.ok()?;
            let (status, text) = (answer.status(), answer.text().await.ok()?);
            let named = text.contains("links: ") && text.contains("`tracker topics apply`");
            (status == 503 && named).then_some(())
        })
        .await;
        site.tracker(&["topics", "apply"]);
        site.ready(Program::Edge).await;
    });
}

#[test]
fn every_change_of_a_link_is_kept_and_a_removed_one_leads_nowhere() {
    run(async {
        let site = shared().await;
        let (own, mark) = (site.address(Program::Edge), Mark::on(site));
        assert_eq!(make(site, &mark.name, "https://a.example/").await.status, 200);
        assert_eq!(make(site, &mark.name, "https://b.example/").await.status, 200);
        assert_eq!(follow(site, &own, &mark.name).await.header("location"), "https://b.example/");
        let listed = site.tracker(&["links", "ls", HOST, "--json"]);
        let found = listed.lines().filter(|line| line.contains(&mark.name)).collect::<Vec<_>>();
        assert!(found.len() == 1 && found[0].contains("https://b.example/"), "{listed}");
        site.tracker(&["links", "rm", &format!("https://{HOST}/{}", mark.name)]);
        follow_until(site, &own, &mark.name, 404).await;

        let address = format!("{HOST}/{}", mark.name);
        let asked = format!(
            "SELECT urlto, updater, deleted FROM redirect_history FINAL WHERE address = '{address}' ORDER BY updated_at"
        );
        let rows = until("each change is a row", async || {
            let rows = site.rows(&asked).await;
            (rows.len() == 3).then_some(rows)
        })
        .await;
        let told =
            |row: &Value| (row["urlto"].as_str().unwrap().to_owned(), row["deleted"].as_bool().unwrap());
        let wanted = [("https://a.example/", false), ("https://b.example/", false), ("", true)];
        assert_eq!(
            rows.iter().map(told).collect::<Vec<_>>(),
            wanted.map(|(urlto, gone)| (urlto.to_owned(), gone))
        );
        assert_eq!((&rows[0]["updater"], &rows[2]["updater"]), (&json!("test"), &json!("tracker links")));
        // A view of it, which has the last row a moment later.
        let now = format!("SELECT deleted FROM redirects FINAL WHERE address = '{address}'");
        until("the link is gone from the table", async || {
            (site.rows(&now).await == [json!({ "deleted": true })]).then_some(())
        })
        .await;
    });
}

#[test]
fn an_account_lists_the_links_of_a_host() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        assert_eq!(make(site, &mark.name, "https://a.example/").await.status, 200);
        let password = site.tracker(&["keys", "account", "--uid", &mark.name]).trim().to_owned();
        let path = format!("/tr/v1/rpi/redirects/{}/{password}/{HOST}", mark.name);
        let listed = until("the account is known", async || {
            let answer = site.get(&path).await;
            (answer.status == 200).then_some(answer)
        })
        .await;
        let basic = site.request(Method::GET, &format!("/tr/v1/rpi/redirects/{HOST}"));
        let same = post(basic.basic_auth(&mark.name, Some(&password))).await;
        for answer in [listed, same] {
            let results = answer.json()["results"].as_array().unwrap().clone();
            assert!(
                results.iter().any(|link| link["urlfrom"] == format!("https://{HOST}/{}", mark.name)),
                "{results:?}"
            );
        }
        let wrong = post(
            site.request(Method::GET, &format!("/tr/v1/rpi/redirects/{HOST}"))
                .basic_auth(&mark.name, Some("no")),
        )
        .await;
        assert_eq!(wrong.refusal(), (403, "unknown_account".to_owned()));
    });
}

#[test]
fn a_redirect_leads_elsewhere_only_with_a_signature() {
    run(async {
        let site = shared().await;
        let url = "https://partner.example/offer?a=b";
        let base = site.address(Program::Edge);
        let signed = site.tracker(&["links", "sign", url, "--base", &base]);
        let answer = post(site.request_at(Method::GET, signed.trim())).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (302, url));
        let unsigned = format!("{base}/tr/v1/rdr/?url=https%3A%2F%2Fpartner.example%2Foffer");
        let answer = post(site.request_at(Method::GET, &unsigned)).await;
        assert_eq!((answer.status.as_u16(), answer.header("location")), (302, "/"));
    });
}
