//! The tools of the `tracker` command, on a running site: `tap`, `send`, `keys`, `config`, `topics`.

use crate::rig::{Site, binary, post, run, shared, until};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
};
use tokio::process::Command;
use tracker_schemas::{Timestamp, Topic};
use tracker_stack::free_ports;
use tracker_stream::clock;
use uuid::Uuid;

/// A word that only one test knows.
fn word() -> String {
    Uuid::new_v4().simple().to_string()
}

impl Site {
    /// Events of an application, each with a name, until all are in the table.
    async fn visit(&self, app: &str, names: &[&str]) {
        let events: Vec<_> = names
            .iter()
            .map(|name| {
                json!({ "app": app, "ename": name, "url": format!("https://shop.example/{name}"),
                    "cflags": 5377, "params": { "first": name.get(..1) } })
            })
            .collect();
        let answer = self.post("/tr/v1/tr/", json!(events).to_string()).await;
        assert_eq!(answer.json()["accepted"], names.len(), "{}", answer.text());
        let all = format!("hasAll(groupArray(ename), {names:?})").replace('"', "'");
        self.row(&format!("SELECT 1 FROM events WHERE app = '{app}' HAVING {all}")).await;
    }

    /// What `tracker tap` prints of a topic from its beginning to its end.
    fn tap(&self, arguments: &[&str]) -> Vec<Value> {
        let said = self.tracker(&[&["tap"], arguments, &["--until-end"]].concat());
        said.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    /// Runs `tracker` with something on its standard input.
    fn tracker_reading(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        process.wait_with_output().unwrap()
    }
}

fn names(lines: &[Value]) -> BTreeSet<&str> {
    lines.iter().filter_map(|line| line["ename"].as_str()).collect()
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn tap_shows_what_is_wanted_of_a_topic() {
    run(async {
        let (site, app) = (shared().await, word());
        site.visit(&app, &["ant", "bee", "boar"]).await;
        let mine = format!("app={app}");
        let tap =
            |more: &[&str]| site.tap(&[&["enriched", "--from", "start", "--where", &mine], more].concat());

        let all = tap(&[]);
        assert_eq!(names(&all), BTreeSet::from(["ant", "bee", "boar"]));
        assert!(all.iter().all(|line| line["channel"] == "direct" && line.get("uid").is_none()), "{all:?}");
        assert_eq!(names(&tap(&["--where", "ename=bee"])), BTreeSet::from(["bee"]));
        assert_eq!(
            names(&tap(&["--where", "ename!=bee", "--where", "params.first=b"])),
            BTreeSet::from(["boar"])
        );
        assert_eq!(names(&tap(&["--where", "url~/b"])), BTreeSet::from(["bee", "boar"]));
        assert_eq!(tap(&["--limit", "1"]).len(), 1);
        let fields = tap(&["--where", "ename=ant", "--fields", "ename,uid,url"]);
        assert_eq!(fields, [json!({ "ename": "ant", "uid": null, "url": "https://shop.example/ant" })]);
        let meta = &tap(&["--where", "ename=ant", "--meta"])[0];
        assert!(meta["_partition"].is_number() && meta["_offset"].is_number(), "{meta}");

        let raw = site.tap(&["events", "--from", "10m", "--where", &mine]);
        assert_eq!(names(&raw), names(&all));
        assert!(raw.iter().all(|line| line["ip"] == "127.0.0.1"), "the raw topic has the address: {raw:?}");
    });
}

#[test]
fn tap_begins_at_a_time() {
    run(async {
        let (site, app) = (shared().await, word());
        site.visit(&app, &["early"]).await;
        let from = Timestamp(clock::now_ms());
        until("the clock has moved on", async || (clock::now_ms() > from.0).then_some(())).await;
        site.visit(&app, &["late"]).await;
        let (mine, from) = (format!("app={app}"), from.to_string());
        let lines = site.tap(&["enriched", "--from", &from, "--where", &mine]);
        assert_eq!(names(&lines), BTreeSet::from(["late"]));
    });
}

#[test]
fn tap_shows_events_as_they_come() {
    run(async {
        let (site, app) = (shared().await, word());
        let arguments = ["tap", "enriched", "--limit", "1", "--where", &format!("app={app}")];
        let mut command = Command::from(site.command(&arguments));
        let process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().unwrap();
        let mut waiting = tokio::spawn(process.wait_with_output());
        // It begins at the end, and nobody is told when it has found it: so the event comes again.
        let event = json!({ "app": app, "ename": "now" }).to_string();
        let output = until("a line", async || {
            assert_eq!(site.post("/tr/v1/tr/", event.clone()).await.status, 200);
            waiting.is_finished().then_some(())
        });
        output.await;
        let output = (&mut waiting).await.unwrap().unwrap();
        let line: Value = serde_json::from_slice(&output.stdout).expect("one line");
        assert_eq!((line["ename"].as_str(), output.status.code()), (Some("now"), Some(0)));
    });
}

#[test]
fn tap_shows_payments_to_the_last_digit() {
    run(async {
        let (site, id) = (shared().await, Uuid::new_v4().to_string());
        let body = json!({ "id": id, "uid": Uuid::new_v4(), "revenue": "1234567890.1200" }).to_string();
        assert_eq!(site.post_secret("/tr/v1/ltv/", body).await.status, 200);
        let lines = site.tap(&["payments", "--from", "start", "--where", &format!("id={id}")]);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["revenue"].to_string().trim_matches('"').trim_end_matches('0'), "1234567890.12");
    });
}

#[test]
fn tap_of_no_topic_says_what_to_do() {
    run(async {
        let site = shared().await;
        let mut command = site.command(&["tap", "enriched", "--from", "start", "--until-end"]);
        let output = command.env("TRACKER_KAFKA__PREFIX", "nobody.").output().unwrap();
        let said = error_of(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("nobody.enriched") && said.contains("tracker topics apply"), "{said}");
        let unknown = site.tracker_output(&["tap", "clicks"]);
        assert_eq!(unknown.status.code(), Some(2));
        assert!(error_of(&unknown).contains("enriched"), "the topics are named: {}", error_of(&unknown));
    });
}

#[test]
fn send_makes_an_event_of_its_arguments() {
    run(async {
        let (site, app) = (shared().await, word());
        let app_is = format!("app={app}");
        let url = "url=https://shop.example/join?a=b";
        let fields = [&app_is, "ename=Signup", url, "w:=1280", "params.plan=pro", "params.seats:=3"];
        let said = site.tracker(&[&["send"], &fields[..]].concat());
        assert!(said.starts_with("1 read, 1 sent, 1 accepted in "), "{said}");
        let row = site.row(&format!("SELECT ename, url, w, params FROM events WHERE app = '{app}'")).await;
        let params = r#"{"plan":"pro","seats":3}"#;
        let wanted =
            json!({ "ename": "signup", "url": "https://shop.example/join?a=b", "w": 1280, "params": params });
        assert_eq!(row, wanted);
    });
}

#[test]
fn send_reads_files_and_standard_input_and_tells_of_every_line_that_was_not_taken() {
    run(async {
        let (site, app) = (shared().await, word());
        let text = format!(
            "{{\"app\":\"{app}\",\"ename\":\"one\"}}\n\n\
             {{\"app\":\"{app}\",\"ename\":\"two\",\"oid\":\"no uuid\"}}\n\
             {{\"app\":\"{app}\"\n\
             {{\"app\":\"{app}\",\"ename\":\"three\"}}\n"
        );
        let file = site.folder.join(format!("{app}.ndjson"));
        fs::write(&file, &text).unwrap();
        let rejects = site.folder.join(format!("{app}.rejects"));
        let [path, rejected] = [&file, &rejects].map(|path| path.to_str().unwrap());
        let said = site.tracker(&["send", "--file", path, "--json", "--rejects", rejected]);
        let books: Value = serde_json::from_str(&said).unwrap();
        assert_eq!([&books["read"], &books["sent"], &books["accepted"]], [4, 3, 2]);
        assert_eq!(books["rejected"], json!({ "invalid_uuid": 1 }));
        assert_eq!(books["broken"], json!({ "malformed": 1 }));
        let rejects = fs::read_to_string(rejects).unwrap();
        let rejects: BTreeSet<_> = rejects
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|reject| (reject["line"].as_u64().unwrap(), reject["reason"].as_str().unwrap().to_owned()))
            .collect();
        assert_eq!(rejects, BTreeSet::from([(3, "invalid_uuid".to_owned()), (4, "malformed".to_owned())]));

        let array =
            format!("[{{\"app\":\"{app}\",\"ename\":\"four\"}}, {{\"app\":\"{app}\",\"ename\":\"five\"}}]");
        let output = site.tracker_reading(&["send", "--file", "-"], &array);
        assert_eq!(output.status.code(), Some(0), "{}", error_of(&output));
        site.row(&format!("SELECT 1 FROM events WHERE app = '{app}' HAVING uniqExact(ename) = 4")).await;
    });
}

#[test]
fn the_same_log_sent_twice_is_stored_once() {
    run(async {
        let site = shared().await;
        let log =
            site.tracker(&["sample-log", "--lines", "300", "--seed", "11", "--broken", "0", "--sites", "1"]);
        let key = site.folder.join("sent-twice.secret");
        fs::write(&key, &site.secret).unwrap();
        let host = format!("{}.example", word());
        let arguments =
            ["send", "--file", "-", "--site", &host, "--key-file", key.to_str().unwrap(), "--json"];
        for _ in 0..2 {
            let output = site.tracker_reading(&arguments, &log);
            let books: Value = serde_json::from_slice(&output.stdout).expect("a summary");
            assert_eq!(books["accepted"], 300, "{books}");
        }
        let site_is = format!("url LIKE 'https://{host}/%'");
        until("all of it, and no more", async || {
            let rows = site.count(&format!("SELECT count() AS n FROM events FINAL WHERE {site_is}")).await;
            assert!(rows <= 300, "{rows} rows of 300 lines");
            (rows == 300).then_some(())
        })
        .await;
    });
}

#[test]
fn send_says_why_it_could_not() {
    run(async {
        let site = shared().await;
        let away = format!("http://127.0.0.1:{}", free_ports(1).unwrap()[0]);
        let output = site.tracker_output(&["send", "ename=a", "--to", &away, "--patience", "1s"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error_of(&output).contains(&away), "{}", error_of(&output));

        let key = site.folder.join("wrong.secret");
        fs::write(&key, "tk_0000").unwrap();
        let output = site.tracker_output(&["send", "ename=a", "--key-file", key.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error_of(&output).contains("does not take the key"), "{}", error_of(&output));

        let output = site.tracker_output(&["send", "url=https://shop.example/"]);
        assert_eq!(output.status.code(), Some(1), "nothing was accepted");
        assert!(String::from_utf8_lossy(&output.stdout).contains("0 accepted"), "{output:?}");

        let output = site.tracker_output(&["send"]);
        assert_eq!(output.status.code(), Some(2));
    });
}

#[test]
fn a_new_key_is_shown_once_and_taken_without_a_restart() {
    run(async {
        let site = shared().await;
        let (id, tenant) = (word(), Uuid::new_v4().to_string());
        let secret = site.tracker(&["keys", "new", "--id", &id, "--tenant", &tenant]);
        let secret = secret.trim();
        assert!(secret.starts_with("tk_") && !secret.contains('\n'), "{secret}");
        let path = &site.environment["TRACKER_KEYS__FILE"];
        let file = fs::read_to_string(path).unwrap();
        assert!(file.contains(&id) && file.contains(&tenant) && !file.contains(secret), "{file}");
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        let event = json!({ "ename": "by_key", "oid": tenant }).to_string();
        until("the edge takes the new key", async || {
            let request = site.request(Method::POST, "/tr/v1/str/").bearer_auth(secret);
            (post(request.body(event.clone())).await.status == 200).then_some(())
        })
        .await;
        let output = site.tracker_output(&["keys", "new", "--id", &id]);
        assert_eq!(output.status.code(), Some(2), "{}", error_of(&output));
        let file = fs::read_to_string(path).unwrap(); // other tests make keys too
        assert_eq!(file.matches(&format!("\"{id}\"")).count(), 1, "the first one stays: {file}");
    });
}

#[test]
fn config_prints_every_setting_and_no_secret() {
    run(async {
        let site = shared().await;
        let secrets = [
            ("CLICKHOUSE__PASSWORD", "hush-1"),
            ("SCHEMA_REGISTRY__PASSWORD", "hush-2"),
            ("KAFKA__PROPERTIES__SASL_PASSWORD", "hush-3"),
            ("KAFKA__PROPERTIES__SSL_KEY_PASSWORD", "hush-4"),
        ];
        let secrets = secrets.map(|(key, value)| (format!("TRACKER_{key}"), value));
        let output = site.command(&["config"]).envs(secrets).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{}", error_of(&output));
        assert!(!said.contains("hush") && !error_of(&output).contains("hush"), "{said}");
        assert_eq!(said.matches("\"***\"").count(), 4, "{said}");
        assert!(said.contains(&site.prefix) && said.contains(&site.database), "{said}");
        assert!(site.tracker(&["config", "--check"]).contains("good"));
    });
}

#[test]
fn topics_are_made_once_and_a_difference_is_an_exit_code() {
    run(async {
        let site = Site::prepare("tools_topics", &[]).await;
        let missing = site.tracker_output(&["topics", "check"]);
        let said = String::from_utf8_lossy(&missing.stdout).into_owned();
        assert_eq!((missing.status.code(), said.lines().count()), (Some(1), Topic::ALL.len()), "{said}");
        assert!(said.contains("tools_topics.dead_letters is missing: `tracker topics apply`"), "{said}");
        assert_eq!(site.tracker(&["topics", "apply"]).lines().count(), Topic::ALL.len());
        let well = "all topics are as they should be\n";
        assert_eq!([site.tracker(&["topics", "apply"]), site.tracker(&["topics", "check"])], [well, well]);
        let json: Value = serde_json::from_str(&site.tracker(&["topics", "check", "--json"])).unwrap();
        assert_eq!(json, json!({ "differences": [] }));
    });
}

#[test]
fn the_help_of_every_command_has_an_example() {
    run(async {
        let site = shared().await;
        let (mut open, mut seen) = (vec![Vec::<String>::new()], 0);
        while let Some(words) = open.pop() {
            let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
            arguments.push("--help");
            let help = site.tracker(&arguments);
            assert!(help.contains("\nExample"), "tracker {arguments:?} has no example: {help}");
            seen += 1;
            let commands = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
            let commands = commands.lines().take_while(|line| !line.is_empty());
            let names = commands.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
            let names =
                names.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
            open.extend(names.map(|name| [&words[..], &[name.to_owned()]].concat()));
        }
        assert!(seen >= 15, "{seen} commands");
    });
}

#[test]
fn the_command_that_sends_tells_no_key_however_much_it_tells() {
    run(async {
        let site = shared().await;
        let key = site.folder.join("told.secret");
        fs::write(&key, &site.secret).unwrap();
        let output = site.tracker_output(&["-v", "send", "ename=a", "--key-file", key.to_str().unwrap()]);
        assert!(!error_of(&output).contains(&site.secret), "{}", error_of(&output));
    });
}

#[test]
fn each_program_checks_its_own_sections_without_starting() {
    let wrong = [("EDGE", "edge"), ("ENRICH", "enrich"), ("LOAD", "load"), ("PAYMENTS", "payments")];
    for (section, name) in wrong {
        let mut command = std::process::Command::new(binary(&format!("tracker-{name}")));
        command.arg("--check-config").env(format!("TRACKER_{section}__LISTEN"), "here");
        let output = command.env("TRACKER_LOG__LEVEL", "loud").output().unwrap();
        let told = error_of(&output);
        assert_eq!(output.status.code(), Some(2), "tracker-{name}: {told}");
        assert!(told.contains(&format!("{name}.listen ")) && told.contains("log.level "), "{told}");
    }
}
