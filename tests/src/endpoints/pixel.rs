//! `/tr/v1/img/`: where only an image can be loaded.

use super::Mark;
use crate::rig::{Program, Site, run, shared};
use uuid::Uuid;

const PIXEL: [u8; 35] = [
    0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x01, 0x00, 0x01, 0x00, 0x80, 0x00, 0x00, 0xff, 0xff, 0xff, 0x00,
    0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0x00, 0x02, 0x02, 0x44, 0x01, 0x00,
    0x3b,
];

/// Asks for the image, and gets the image.
pub async fn is_the_image(site: &Site, path: &str) {
    let answer = site.get(path).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, "image/gif"), "{path}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.body, PIXEL, "{path}");
}

#[test]
fn an_opened_mail_is_an_event_and_an_image() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let eids = [(); 3].map(|()| Uuid::now_v7());
        is_the_image(site, &format!("/tr/v1/img/ename/{}/eid/{}?utm_source=mail", mark.name, eids[0])).await;
        is_the_image(site, &format!("/tr/v1/img/?ename={}&eid={}", mark.name, eids[1])).await;
        is_the_image(site, &format!("/tr/v1/img?ename={}&eid={}", mark.name, eids[2])).await;
        mark.recorded_only(&eids).await;
        assert_eq!(site.event(&eids[0].to_string()).await["source"], "mail");
    });
}

#[test]
fn a_refused_event_is_still_an_image_and_the_refusal_is_counted() {
    run(async {
        let site = shared().await;
        let mark = Mark::on(site);
        let before = refused(site).await;
        is_the_image(site, &format!("/tr/v1/img/ename/{}/rid/nonsense", mark.name)).await;
        is_the_image(site, &format!("/tr/v1/img/app/{}", mark.name)).await;
        is_the_image(site, "/tr/v1/img/").await;
        let good = Uuid::now_v7();
        is_the_image(site, &format!("/tr/v1/img/ename/{}/eid/{good}", mark.name)).await;
        mark.recorded_only(&[good]).await;
        assert_eq!(refused(site).await - before, 3.0, "only this test sends broken pixels");
    });
}

async fn refused(site: &Site) -> f64 {
    let metrics = site.metrics(Program::Edge).await;
    let of_pixels =
        |name: &str| name.starts_with("tracker_edge_refused_total") && name.contains("route=\"img\"");
    metrics.iter().filter(|(name, _)| of_pixels(name)).map(|(_, value)| value).sum()
}
