//! How events get to the edge: through outages, ends of pages, lost answers and refusals, each of them once.

use super::{LISTEN, Stage, column};
use crate::rig::{Browser, Program, run, shared, until};
use serde_json::{Value, json};
use tracker_stack::{Network, Proxy, free_ports, leash::Leashed};

/// How many rows each event has, however often it came: without FINAL.
async fn once(stage: &Stage, names: &[&str]) {
    let rows = stage.end().await;
    let named: Vec<_> = column(&rows, "ename").into_iter().filter(|name| *name != "end").collect();
    assert_eq!(named, names);
}

/// What the page's script sent, as `LISTEN` noted it.
async fn sent(browser: &Browser) -> Vec<Value> {
    browser.run("return sent").await.as_array().expect("a list").clone()
}

#[test]
fn what_happens_off_line_arrives_on_line_with_its_own_time() {
    run(async {
        let stage = Stage::open().await;
        stage.put("/", "", "");
        stage.goto("/").await;
        stage.browser.comes("sent.some((one) => one.status === 200)").await;
        stage.browser.on_line(false).await;
        stage.browser.comes("!navigator.onLine").await;
        stage.browser.run("track('one'); track('two')").await;
        stage.browser.comes("Date.now() - sent[0].at > 1500").await;
        stage.browser.run("track('three'); window.back = Date.now()").await;
        assert_eq!(sent(&stage.browser).await.len(), 1, "nothing is tried while there is no network");
        stage.browser.on_line(true).await;
        stage.browser.comes("sent.length > 1 && sent[1].status === 200").await;
        let back = stage.browser.run("return back").await.as_i64().unwrap();
        let sql = format!(
            "SELECT ename, toUnixTimestamp64Milli(created_at) AS at, toUnixTimestamp64Milli(received_at) AS got
             FROM events WHERE app = '{}' AND ename IN ('one', 'two', 'three') ORDER BY created_at, toString(eid)",
            stage.mark
        );
        let rows = until("the rows of what happened off line", async || {
            Some(stage.site.rows(&sql).await).filter(|rows| rows.len() == 3)
        })
        .await;
        assert_eq!(column(&rows, "ename"), ["one", "two", "three"]);
        assert!(rows.iter().all(|row| row["at"].as_i64() <= Some(back) && row["got"].as_i64() >= Some(back)));
        once(&stage, &["view", "one", "two", "three"]).await;
        stage.close().await;
    });
}

#[test]
fn an_edge_that_cannot_be_reached_gets_everything_later() {
    run(async {
        let site = shared().await;
        let [port] = *free_ports(1).unwrap() else { panic!("one port") };
        let edge = site.address(Program::Edge).replace("http://", "").parse().unwrap();
        let network = Proxy::start(port, edge).await.unwrap();
        let stage = Stage::facing(site, &format!("http://{}", network.address())).await;
        stage.put("/", "", "");
        stage.goto("/").await;
        stage.browser.comes("sent.some((one) => one.status === 200)").await;
        network.set(Network::Cut);
        stage.browser.run("track('one')").await;
        stage.browser.comes("sent.length > 2").await;
        stage.browser.run("track('two')").await;
        network.set(Network::Open);
        once(&stage, &["view", "one", "two"]).await;
        let sent = sent(&stage.browser).await;
        assert!(
            sent[1..].iter().all(|one| one["ids"][0] == sent[1]["ids"][0] || one["status"] == 200),
            "{sent:?}"
        );
        stage.close().await;
    });
}

#[test]
fn what_is_sent_again_after_a_lost_answer_is_stored_once() {
    run(async {
        let stage = Stage::open().await;
        let lose = r"
            const real = window.fetch;
            window.bodies = [];
            window.fetch = async (url, options) => {
                bodies.push(options.body);
                const response = await real(url, options);
                if (bodies.length < 3) throw new TypeError('the answer is lost');
                return response;
            }";
        stage.pages.put("/", stage.page("", lose, ""));
        stage.goto("/").await;
        stage.browser.comes("bodies.length > 2").await;
        let bodies = stage.browser.run("return bodies").await;
        assert!(bodies[0] == bodies[1] && bodies[1] == bodies[2], "{bodies}");
        once(&stage, &["view"]).await;
        stage.close().await;
    });
}

#[test]
fn what_waits_when_a_page_or_a_tab_is_closed_arrives() {
    run(async {
        let stage = Stage::open().await;
        // Here nothing gets through while the page is open: what arrives was handed over at its end.
        let silent = "window.fetch = () => new Promise(() => {})";
        stage.pages.put("/silent", stage.page("data-views=off", silent, ""));
        stage.put("/", "data-views=off", "");
        stage.goto("/silent").await;
        stage.browser.run("track('left'); location.href = '/'").await;
        stage.browser.comes("location.pathname === '/' && window.track && track.set").await;

        stage.browser.run("window.tab = window.open('/')").await;
        stage.browser.comes("tab.track && tab.track.set").await;
        stage.browser.run("tab.track('closed'); tab.close()").await;
        stage.browser.comes("tab.closed").await;
        for name in ["left", "closed"] {
            until(name, async || stage.sent().await.values().any(|sent| sent == name).then_some(())).await;
        }
        let rows = stage.end().await;
        let mut names = column(&rows, "ename");
        names.sort_unstable();
        assert_eq!(names, ["closed", "end", "left"]);
        stage.close().await;
    });
}

#[test]
fn a_socket_carries_what_it_can_and_a_request_the_rest() {
    run(async {
        let stage = Stage::open().await;
        let spoken = format!(
            "{LISTEN}; window.spoken = []; const send = WebSocket.prototype.send;
             WebSocket.prototype.send = function (data) {{ spoken.push(data); return send.call(this, data); }}"
        );
        stage.pages.put("/", stage.page("data-ws=on", &spoken, ""));
        stage.goto("/").await;
        stage.browser.comes("spoken.length >= 1").await;
        stage.browser.run("for (let n = 0; n < 20; n++) track({ ename: 'spoken', params: { n } })").await;
        stage.browser.comes("spoken.length >= 2").await;
        let rows = stage.end().await;
        assert_eq!(column(&rows, "ename").len(), 22);
        assert_eq!(stage.browser.run("return sent").await, json!([]));
        let length = "return [spoken[1].length * 2 < new DataView(spoken[1].buffer).getUint32(0, true), spoken.length]";
        assert_eq!(stage.browser.run(length).await, json!([true, 4]), "each frame is packed");

        stage.close().await;
    });
}

#[test]
fn where_no_socket_can_be_opened_events_are_posted() {
    run(async {
        let stage = Stage::open().await;
        let blocked = format!("{LISTEN}; window.WebSocket = function () {{ throw new Error('blocked'); }}");
        stage.pages.put("/", stage.page("data-ws=on", &blocked, ""));
        stage.goto("/").await;
        once(&stage, &["view"]).await;
        stage.close().await;
    });
}

/// An edge of the shared site with settings of its own.
async fn edge(settings: &[(&str, &str)]) -> (Leashed, Stage) {
    let site = shared().await;
    let (process, address) = site.another(Program::Edge, settings);
    let health = format!("{address}/health");
    until("the other edge runs", async || reqwest::get(&health).await.ok().map(drop)).await;
    (process, Stage::facing(site, &address).await)
}

/// After each answer that asked to wait, nothing was sent for so long.
fn waits(sent: &[Value]) -> usize {
    let number = |one: &Value, name: &str| one[name].as_i64().unwrap_or_default();
    let asked = sent.windows(2).filter(|pair| number(&pair[0], "wait") > 0);
    asked
        .inspect(|pair| {
            assert!(
                number(&pair[1], "at") >= number(&pair[0], "answered") + number(&pair[0], "wait"),
                "{pair:?}"
            )
        })
        .count()
}

#[test]
fn a_limited_page_waits_as_long_as_the_edge_asks_and_loses_nothing() {
    run(async {
        let slow = [
            ("EDGE__RATE_LIMIT_PER_DAY", "8640"), // one in ten seconds
            ("EDGE__RATE_LIMIT_BURST", "1"),
            ("EDGE__NODE", "limited"),
            ("EDGE__SPOOL__PATH", "limited/spool"),
        ];
        let (_process, stage) = edge(&slow).await;
        stage.put("/", "", "");
        stage.goto("/").await;
        stage.browser.comes("sent.some((one) => one.status === 200)").await;
        stage.browser.run("track('one')").await;
        stage.browser.comes("sent.length > 2 && sent.at(-1).status === 200").await;
        once(&stage, &["view", "one"]).await;
        let sent = sent(&stage.browser).await;
        assert!(sent.iter().any(|one| one["status"] == 429), "{sent:?}");
        assert!(waits(&sent) > 0, "{sent:?}");
        stage.close().await;
    });
}

#[test]
fn an_edge_that_can_keep_nothing_is_asked_again_when_it_says_with_the_same_event() {
    run(async {
        let helpless = [
            ("KAFKA__BROKERS", "127.0.0.1:1"),
            ("EDGE__PRODUCE_TIMEOUT", "2s"),
            ("EDGE__SPOOL__ENABLED", "false"),
            ("EDGE__NODE", "helpless"),
        ];
        let (_process, stage) = edge(&helpless).await;
        stage.put("/", "", "");
        stage.goto("/").await;
        stage.browser.comes("sent.length > 2").await;
        let sent = sent(&stage.browser).await;
        assert!(sent[..2].iter().all(|one| one["status"] == 503), "{sent:?}");
        assert!(sent.iter().all(|one| one["ids"] == sent[0]["ids"]), "{sent:?}");
        assert_eq!(waits(&sent), 2, "{sent:?}");
        stage.close().await;
    });
}
