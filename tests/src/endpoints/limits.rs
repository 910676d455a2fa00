//! How much one address may send.

use super::{Mark, pixel::is_the_image, strict};
use crate::rig::{Answer, Program, Site, post, run};
use reqwest::Method;
use serde_json::json;

async fn send(site: &Site, address: &str, body: String) -> Answer {
    post(site.request(Method::POST, "/tr/v1/tr/").header("x-forwarded-for", address).body(body)).await
}

#[test]
fn who_sends_too_much_is_told_when_to_come_back() {
    run(async {
        let site = strict().await;
        let mark = Mark::on(site);
        let event = json!({ "ename": mark.name });
        let address = "198.51.100.1";
        for _ in 0..3 {
            assert_eq!(send(site, address, event.to_string()).await.status, 200);
        }
        let answer = send(site, address, event.to_string()).await;
        assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
        // 1440 a day are one a minute; some of it may have passed.
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(answer.header("ratelimit-limit"), "3");
        assert_eq!(answer.header("ratelimit-remaining"), "0");
        assert_eq!(answer.header("ratelimit-reset"), answer.header("retry-after"));
        assert_eq!(answer.header("ratelimit-policy"), "1440;w=86400;burst=3");
        assert_eq!(mark.recorded().await, 3, "what was limited is no event");
    });
}

#[test]
fn every_public_way_in_is_limited_and_the_pixel_stays_an_image() {
    run(async {
        let site = strict().await;
        let mark = Mark::on(site);
        let address = "198.51.100.2";
        assert_eq!(
            send(site, address, json!([{ "ename": mark.name }, { "ename": mark.name }, {}]).to_string())
                .await
                .status,
            200
        );
        let limited = || async {
            let metrics = site.metrics(Program::Edge).await;
            metrics.get("tracker_edge_limited_total{route=\"img\"}").copied().unwrap_or_default()
        };
        let before = limited().await;
        let path = format!("/tr/v1/tr/ename/{}", mark.name);
        let answer = post(site.request(Method::GET, &path).header("x-forwarded-for", address)).await;
        assert_eq!(answer.refusal(), (429, "rate_limited".to_owned()));
        let image = site.request(Method::GET, &format!("/tr/v1/img/ename/{}", mark.name));
        let image = post(image.header("x-forwarded-for", address)).await;
        assert_eq!((image.status.as_u16(), image.body.len()), (200, 35));
        assert_eq!(mark.recorded().await, 2);
        assert_eq!(limited().await - before, 1.0, "it is counted");
        is_the_image(site, &format!("/tr/v1/img/ename/{}", mark.name)).await;
        assert_eq!(mark.recorded().await, 3, "another address is not limited");
    });
}

#[test]
fn an_address_is_a_visitor_or_a_network_of_64_bits() {
    run(async {
        let site = strict().await;
        let mark = Mark::on(site);
        let burst =
            json!([{ "ename": mark.name }, { "ename": mark.name }, { "ename": mark.name }]).to_string();
        let sent = [
            ("198.51.100.3", 200),
            ("198.51.100.4", 200),
            ("198.51.100.3", 429),
            ("6.6.6.6, 198.51.100.3", 429), // said by the client itself
            ("2001:db8:0:1::1", 200),
            ("2001:db8:0:1:ffff::2", 429),
            ("2001:db8:0:2::1", 200),
        ];
        for (address, status) in sent {
            assert_eq!(send(site, address, burst.clone()).await.status, status, "{address}");
        }
        assert_eq!(mark.recorded().await, 4 * 3);
    });
}

#[test]
fn a_server_with_a_key_and_whoever_looks_are_not_limited() {
    run(async {
        let site = strict().await;
        let mark = Mark::on(site);
        for _ in 0..5 {
            let request = site.request(Method::POST, "/tr/v1/str/").bearer_auth(&site.secret);
            let request = request
                .header("x-forwarded-for", "198.51.100.5")
                .body(json!({ "ename": mark.name }).to_string());
            assert_eq!(post(request).await.status, 200);
            let looking = site.request(Method::GET, "/ping").header("x-forwarded-for", "198.51.100.5");
            assert_eq!(post(looking).await.status, 200);
        }
        assert_eq!(mark.recorded().await, 5);
    });
}
