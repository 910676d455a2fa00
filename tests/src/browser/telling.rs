//! What is told of a page: views, clicks, what the site itself says. And what is not.

use super::{ALL, Stage, column, inside};
use crate::rig::run;
use serde_json::json;

#[test]
fn pages_are_told_of_as_the_history_goes() {
    run(async {
        let stage = Stage::open().await;
        stage.put("/a", "", "");
        let arrived = "/a?utm_source=news&utm_campaign=winter&access_token=s3cret&size=4#s3cret";
        stage.goto(arrived).await;
        stage.browser.run("history.pushState({}, '', '/b?page=2&password=s3cret')").await;
        stage
            .browser
            .run("history.replaceState({}, '', '/c'); history.replaceState({}, '', '/c#part')")
            .await;
        stage.browser.run("history.back()").await;
        stage.browser.comes("location.pathname === '/a'").await;
        let rows = stage.end().await;

        let views: Vec<_> = rows.iter().filter(|row| row["ename"] == "view").cloned().collect();
        let at = |path: &str| stage.at(path);
        assert_eq!(column(&views, "url"), [at("/a?size=4"), at("/b?page=2"), at("/c"), at("/a?size=4")]);
        assert_eq!(column(&views, "last"), ["", &at("/a?size=4"), &at("/b?page=2"), &at("/c")]);
        assert_eq!(column(&views, "etyp"), ["page"; 4]);
        assert_eq!(
            column(&views, "source"),
            ["news"; 4],
            "how the page was reached is known while it is open"
        );
        assert_eq!(column(&views, "campaign"), ["winter"; 4]);
        let first = &views[0];
        assert!(first["w"].as_i64() > Some(0) && first["h"].as_i64() > Some(0), "{first}");
        assert_eq!(
            first["tz"],
            stage.browser.run("return Intl.DateTimeFormat().resolvedOptions().timeZone").await
        );
        assert_eq!(first["culture"], stage.browser.run("return navigator.language").await);
        assert_eq!(first["browser"], "HeadlessChrome", "{first}");
        assert!(rows.iter().all(|row| !row.to_string().contains("s3cret")), "{rows:?}");
        stage.close().await;
    });
}

#[test]
fn fragments_are_pages_where_the_site_says_so() {
    run(async {
        let stage = Stage::open().await;
        stage.put("/", "data-hash=on", "");
        stage.goto("/#/cart?token=s3cret&step=1").await;
        stage.browser.run("location.hash = '#!/pay'").await;
        stage.browser.comes("location.hash === '#!/pay'").await;
        stage.browser.run("location.hash = '#access_token=s3cret'").await;
        stage.browser.comes("sent.length").await;
        let rows = stage.end().await;
        let views = rows.iter().filter(|row| row["ename"] == "view");
        let hashes: Vec<_> = views.map(|row| inside(row, "params")["hash"].clone()).collect();
        assert_eq!(hashes, [json!("/cart?step=1"), json!("!/pay"), json!(null)]);
        assert!(rows.iter().all(|row| !row.to_string().contains("s3cret")), "{rows:?}");
        stage.close().await;
    });
}

#[test]
fn clicks_tell_of_links_and_buttons_and_never_of_what_is_typed() {
    run(async {
        let stage = Stage::open().await;
        let long = "😀".repeat(60);
        let body = format!(
            r#"<button id=buy><b>{long}</b></button>
            <a id=link href="/next?password=s3cret&x=1" onclick="return false"> To the
                next <i>page</i> </a>
            <a id=mail href="mailto:ann@shop.test" onclick="return false" aria-label="Write to us"><img alt=""></a>
            <form onsubmit="return false"><input id=user value="s3cret"><input id=pass type=password>
            <input id=go type=submit value="s3cret"><a href="/x" onclick="return false"><input id=inner></a></form>
            <button id=quiet data-notrack>s3cret</button><p id=text>s3cret</p>"#
        );
        stage.put("/", "", &body);
        stage.goto("/").await;
        stage.browser.write("#pass", "s3cret").await;
        for css in ["#buy", "#link", "#user", "#pass", "#inner", "#go", "#quiet", "#text"] {
            stage.browser.click(css).await;
        }
        stage.browser.run("document.querySelector('#mail').click()").await;
        let rows = stage.end().await;
        let clicks: Vec<_> = rows.iter().filter(|row| row["ename"] == "click").cloned().collect();
        let touched: Vec<_> = clicks.iter().map(|row| inside(row, "targets")).collect();
        let next = stage.at("/next?x=1");
        assert_eq!(
            touched,
            [
                json!([{ "tag": "button", "id": "buy", "text": "😀".repeat(50) }]),
                json!([{ "tag": "a", "id": "link", "text": "To the next page", "href": next }]),
                json!([{ "tag": "a", "id": "mail", "text": "Write to us", "href": "mailto:" }]),
            ]
        );
        assert!(clicks.iter().all(|row| row["etyp"] == "ui" && row["url"] == stage.at("/")));
        assert!(rows.iter().all(|row| !row.to_string().contains("s3cret")), "{rows:?}");
        stage.close().await;
    });
}

#[test]
fn a_site_says_what_it_likes_before_the_script_is_there_and_after() {
    run(async {
        let stage = Stage::open().await;
        let early = format!(
            "track.consent({ALL});
             track({{ ename: 'Early', etyp: 'Test', jwt: 's3cret', params: {{ n: 1, list: [true, null], apiKey: 's3cret' }} }})"
        );
        let options = "data-field-ptyp=product data-field-mcid=mc-1 data-field-arm_id=arm-1 data-clicks=off";
        stage.pages.put("/", stage.page(options, &early, "<button>Buy</button>"));
        stage.goto("/").await;
        stage.browser.click("button").await;
        stage.browser.run("track.set({ uid: 'ann', ver: 7 })").await;
        let given = "track({ ename: 'given', xid: 'x-1', aff: 'partner', url: 'https://a.test/?key=s3cret', extra: [1] })";
        stage.browser.run(given).await;
        stage
            .browser
            .run("const circle = {}; circle.circle = circle; track({ ename: 'lost', circle })")
            .await;
        let rows = stage.end().await;
        assert_eq!(column(&rows, "ename"), ["view", "early", "given", "end"]);
        assert_eq!(column(&rows, "ptyp"), ["product"; 4]);
        assert_eq!(column(&rows, "mcid"), ["mc-1"; 4]);
        assert_eq!(column(&rows, "arm_id"), ["arm-1"; 4]);
        let (early, given) = (&rows[1], &rows[2]);
        assert_eq!(early["etyp"], "test");
        assert_eq!(inside(early, "params")["n"], 1, "{early}");
        assert_eq!(inside(early, "params")["list"], json!([true, null]));
        assert_eq!(
            (&given["xid"], &given["aff"], &given["ver"]),
            (&json!("x-1"), &json!("partner"), &json!(7))
        );
        assert_eq!(given["url"], "https://a.test/");
        assert_eq!(inside(given, "params")["extra"], json!([1]));
        assert_eq!(inside(given, "params")["uid"], "ann");
        assert!(rows.iter().all(|row| !row.to_string().contains("s3cret")), "{rows:?}");
        stage.close().await;
    });
}
