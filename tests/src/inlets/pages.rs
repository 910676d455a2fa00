//! The libraries of other products for browsers, unchanged, in one: a page of one origin loads a file of their package, and is
//! told of nothing but the edge on another.

use super::{has, id, params, site};
use crate::{
    browser::Stage,
    rig::{Page, Program, cache, run},
};
use serde_json::{Value, json};
use tracker_stack::{Network, Piece, Proxy, free_ports};

/// Notes what is sent, and as what.
const LISTEN: &str = r"
    const real = window.fetch;
    window.sent = [];
    window.fetch = (url, options) => {
        sent.push([new URL(url).pathname, options?.body?.constructor.name]);
        return real(url, options);
    };";

const POSTHOG: &str = "posthog-js/dist/array.js";
/// It sends nothing from a browser that a program drives, unless it is told to.
const POSTHOG_STARTS: &str =
    "posthog.init('a-public-key', { api_host: 'EDGE', opt_out_useragent_filter: true })";

const SEGMENT: &str = "@segment/analytics-next/dist/umd/index.js";
const SEGMENT_STARTS: &str =
    "window.analytics = AnalyticsNext.AnalyticsBrowser.load({ writeKey: 'a-public-key', cdnURL: 'EDGE' })";

/// A page that has loaded a file of a package, and has started it.
async fn open(file: &str, start: &str) -> Stage {
    open_facing(&site().await.address(Program::Edge), file, start).await
}

/// The same with another way to the edge.
async fn open_facing(edge: &str, file: &str, start: &str) -> Stage {
    let stage = Stage::facing(site().await, edge).await;
    let package = cache().piece(Piece::Clients).join("node_modules");
    let library =
        std::fs::read_to_string(package.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let html = format!(
        "<!doctype html><title>Boots</title><link rel=icon href=data:,><script>{LISTEN}</script>\
         <script src=/library></script><script>{}</script><button>Buy</button>",
        start.replace("EDGE", &stage.edge)
    );
    // A browser runs what a page calls a script, whatever kind of text it is.
    stage.pages.put("/library", Page { html: library, ..Page::default() });
    stage.pages.put("/", Page { html, ..Page::default() });
    stage.pages.put("/next", Page::default());
    stage.browser.goto(&stage.at("/?utm_source=newsletter")).await;
    stage
}

/// Waits for the row of an event.
async fn row(stage: &Stage, condition: &str) -> Value {
    let condition = condition.replace("MARK", &stage.mark);
    stage.site.row(&format!("SELECT *, toString(uid) AS user FROM events FINAL WHERE {condition}")).await
}

/// Does something in the page, and gives what it returns.
async fn act(stage: &Stage, script: &str) -> Value {
    stage.browser.run(&script.replace("MARK", &stage.mark)).await
}

/// A text that an expression of the page gives.
async fn text(stage: &Stage, expression: &str) -> String {
    act(stage, &format!("return {expression}")).await.as_str().expect(expression).to_owned()
}

/// What the page asked for in vain.
async fn refused(stage: &Stage) -> Value {
    let asked = "performance.getEntriesByType('resource').filter((one) => one.responseStatus >= 400)";
    act(stage, &format!("return {asked}.map((one) => [one.name, one.responseStatus])")).await
}

#[test]
fn posthogs_library_for_browsers_works_unchanged_and_gzipped() {
    run(async {
        let stage = open(POSTHOG, POSTHOG_STARTS).await;
        stage.browser.comes("window._POSTHOG_REMOTE_CONFIG").await;
        let visitor = text(&stage, "posthog.get_distinct_id()").await;
        act(&stage, "posthog.capture('MARK', { revenue: 19.9 })").await;
        stage.browser.click("button").await;
        act(&stage, "posthog.identify('user-MARK', { email: 'ann@example.com', plan: 'pro' })").await;
        let capture = row(&stage, "ename = 'MARK'").await;
        let here = stage.at("/");
        has(
            &capture,
            &json!({ "vid": visitor, "kind": "client", "url": here, "source": "newsletter", "last": "" }),
        );
        assert_eq!((&params(&capture)["revenue"], &params(&capture)["$lib"]), (&json!(19.9), &json!("web")));
        let own = |name: &str| format!("ename = '{name}' AND vid = '{visitor}'");
        has(&row(&stage, &own("page_view")).await, &json!({ "url": here, "source": "newsletter" }));
        has(&row(&stage, &own("autocapture")).await, &json!({ "url": here }));
        let user = id(&format!("user-{}", stage.mark));
        let identify = row(&stage, &own("identify")).await;
        has(&identify, &json!({ "user": user }));
        assert_eq!(identify["ehash"].as_str().map(str::len), Some(64));
        stage.browser.comes("sent.some(([path]) => path === '/flags/')").await;
        let sent = act(&stage, "return sent").await;
        let sent = sent.as_array().expect("a list");
        assert!(sent.iter().any(|one| one[0] == "/e/"), "{sent:?}");
        assert!(sent.iter().all(|one| one[1] == "ArrayBuffer"), "not gzipped: {sent:?}");
        assert_eq!(refused(&stage).await, json!([]));

        // What waits when the page is left is handed over.
        act(&stage, "posthog.capture('left-MARK'); location.href = '/next'").await;
        has(&row(&stage, "ename = 'left-MARK'").await, &json!({ "vid": visitor, "user": user }));
        has(&row(&stage, &own("page_leave")).await, &json!({ "user": user }));
        stage.close().await;
    });
}

#[test]
fn segments_library_for_browsers_works_unchanged() {
    run(async {
        let stage = open(SEGMENT, SEGMENT_STARTS).await;
        act(&stage, "analytics.page('Docs', 'Home')").await;
        act(&stage, "await analytics.track('MARK', { revenue: 19.9 })").await;
        let visitor = text(&stage, "analytics.instance.user().anonymousId()").await;
        act(&stage, "await analytics.identify('user-MARK', { email: 'ann@example.com', plan: 'pro' })").await;
        act(&stage, "await analytics.group('acme', { employees: 7 })").await;
        act(&stage, "await analytics.alias('other-MARK')").await;
        let (here, own) = (stage.at("/"), |name: &str| format!("ename = '{name}' AND vid = '{visitor}'"));
        let track = row(&stage, "ename = 'MARK'").await;
        has(
            &track,
            &json!({ "vid": visitor, "kind": "client", "etyp": "track", "url": here, "source": "newsletter" }),
        );
        assert_eq!(params(&track)["revenue"], json!(19.9));
        assert_eq!(params(&track)["context"]["library"]["name"], "analytics.js");
        has(&row(&stage, &own("page_view")).await, &json!({ "url": here, "ptyp": "Docs" }));
        let user = id(&format!("user-{}", stage.mark));
        let identify = row(&stage, &own("identify")).await;
        has(&identify, &json!({ "user": user, "etyp": "identify" }));
        assert_eq!(identify["ehash"].as_str().map(str::len), Some(64));
        has(&row(&stage, &own("group")).await, &json!({ "user": user }));
        // Of an alias it tells no second user, once it knows a first.
        has(&row(&stage, &own("alias")).await, &json!({ "user": user, "etyp": "alias" }));
        assert_eq!(refused(&stage).await, json!([]));
        stage.close().await;
    });
}

#[test]
fn segments_library_for_browsers_hands_a_batch_over_when_its_page_is_left() {
    run(async {
        let batches =
            "{ deliveryStrategy: { strategy: 'batching', config: { size: 100, timeout: 600000 } } }";
        let start = SEGMENT_STARTS
            .replace(" })", &format!(" }}, {{ integrations: {{ 'Segment.io': {batches} }} }})"));
        let stage = open(SEGMENT, &start).await;
        act(&stage, "await analytics.track('MARK', { n: 1 }); await analytics.track('MARK', { n: 2 })").await;
        let settings = json!([["/v1/projects/a-public-key/settings", null]]);
        assert_eq!(act(&stage, "return sent").await, settings, "they wait");
        act(&stage, "location.href = '/next'").await;
        for n in [1, 2] {
            let tracked = row(&stage, &format!("ename = 'MARK' AND JSONExtractInt(params, 'n') = {n}")).await;
            has(&tracked, &json!({ "url": stage.at("/"), "kind": "client" }));
        }
        stage.close().await;
    });
}

#[test]
fn segments_library_for_browsers_tries_again_until_the_edge_can_be_reached() {
    run(async {
        let [port] = *free_ports(1).unwrap() else { panic!("one port") };
        let edge = site().await.address(Program::Edge).replace("http://", "").parse().unwrap();
        let network = Proxy::start(port, edge).await.unwrap();
        let stage = open_facing(&format!("http://{}", network.address()), SEGMENT, SEGMENT_STARTS).await;
        stage.browser.comes("analytics.instance").await;
        network.set(Network::Cut);
        act(&stage, "analytics.track('MARK')").await;
        stage.browser.comes("sent.filter(([path]) => path === '/v1/t').length > 1").await;
        network.set(Network::Open);
        has(&row(&stage, "ename = 'MARK'").await, &json!({ "url": stage.at("/") }));
        stage.close().await;
    });
}
