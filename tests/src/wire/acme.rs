//! Certificates that are ordered, from Pebble: the authority that Let's Encrypt made for tests of clients.

use crate::rig::{Authority, Program, Site, hush, run, scratch, until};
use reqwest::{Certificate, Client};
use serde_json::json;
use std::{os::unix::fs::PermissionsExt, path::Path, process::Command};
use tracker_stack::{free_ports, leash};

/// The name that is ordered; the authority's own DNS says that it is here.
const NAME: &str = "tracker.test";

/// Pebble and its DNS, in a folder of their own.
struct Pebble {
    authority: Authority,
    directory: String,
    roots: String,
    processes: [leash::Leashed; 2],
}

/// Where Pebble is; it is fetched and built at the first use.
fn fetched() -> std::path::PathBuf {
    let script = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../stack/setup.sh"));
    let output = Command::new(script).arg("pebble").output().expect("the script runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "Pebble cannot be had: {said}");
    String::from_utf8_lossy(&output.stdout).trim().into()
}

impl Pebble {
    /// It looks for its answers on port `tls` of whatever name.
    fn start(folder: &Path, tls: &str) -> Self {
        let tools = fetched();
        let [port, management, dns, dns_management] = *free_ports(4).unwrap() else { panic!("four ports") };
        let authority = Authority::new();
        let issued = authority.issue(&["localhost"]);
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": "pebble.pem", "privateKey": "pebble-key.pem",
            "httpPort": 5002, "tlsPort": tls.parse::<u16>().unwrap(),
        }});
        let files = [
            ("pebble.json", config.to_string()),
            ("pebble.pem", issued.cert),
            ("pebble-key.pem", issued.key),
        ];
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let start = |program: &str, arguments: &[&str]| {
            let log = std::fs::File::create(folder.join(format!("{program}.log"))).unwrap();
            let started = leash::spawn(&tools.join(program), |command| {
                // It would wait up to 15 s before each look otherwise, to show that clients are patient.
                command.args(arguments).current_dir(folder).env("PEBBLE_VA_NOSLEEP", "1");
                command.stdout(log.try_clone().unwrap()).stderr(log);
            });
            started.expect("it starts")
        };
        let (dns, manage) = (format!("127.0.0.1:{dns}"), format!("127.0.0.1:{dns_management}"));
        let none = ["-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", ""];
        let dns_arguments = [&["-dns01", &dns, "-management", &manage][..], &none].concat();
        Self {
            authority,
            directory: format!("https://localhost:{port}/dir"),
            roots: format!("https://localhost:{management}/roots/0"),
            processes: [
                start("pebble-challtestsrv", &dns_arguments),
                start("pebble", &["-config", "pebble.json", "-dnsserver", &dns]),
            ],
        }
    }

    /// Who signs what it issues; made anew at each start.
    async fn root(&self) -> Certificate {
        let own = Certificate::from_pem(self.authority.cert().as_bytes()).unwrap();
        let client = Client::builder().add_root_certificate(own).build().unwrap();
        let pem =
            until("Pebble answers", async || client.get(&self.roots).send().await.ok()?.bytes().await.ok())
                .await;
        Certificate::from_pem(&pem).unwrap()
    }
}

#[test]
fn a_certificate_is_ordered_shown_and_kept_over_a_restart() {
    run(async {
        let folder = scratch("pebble");
        let mut site = Site::prepare("acme", &[("EDGE__ACME__DOMAINS", NAME)]).await;
        let address = site.address(Program::Edge).trim_start_matches("http://").to_owned();
        let port = address.rsplit(':').next().unwrap();
        let mut pebble = Pebble::start(folder.path(), port);
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, pebble.authority.cert()).unwrap();
        let kept = site.folder.join("acme/kept");
        for (key, value) in [
            ("CACHE", kept.to_str().unwrap()),
            ("CONTACT", "admin@tracker.test"),
            ("DIRECTORY", &pebble.directory),
            ("DIRECTORY_CA", ca.to_str().unwrap()),
        ] {
            site.environment.insert(format!("TRACKER_EDGE__ACME__{key}"), value.to_owned());
        }
        let builder = Client::builder().add_root_certificate(pebble.root().await);
        let client = builder.resolve(NAME, address.parse().unwrap()).build().unwrap();
        let answers = async || {
            let url = format!("https://{NAME}:{port}/ping");
            until("the ordered certificate is shown", async || {
                client.get(&url).send().await.ok()?.text().await.ok()
            })
            .await
        };

        site.tracker(&["topics", "apply"]);
        site.launch(Program::Edge);
        assert_eq!(answers().await, "pong");
        let metrics =
            client.get(format!("https://{NAME}:{port}/metrics")).send().await.unwrap().text().await.unwrap();
        let counted = |name| super::metric(&metrics, name);
        assert_eq!(counted("tracker_edge_certificates_total{outcome=\"ordered\"}"), 1.0);
        assert!(counted("tracker_edge_tls_handshakes_total{outcome=\"challenge\"}") >= 1.0);
        let mode = std::fs::metadata(&kept).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "private keys are kept here");

        // With no authority to ask.
        pebble.processes.iter_mut().for_each(leash::Leashed::kill);
        site.stop(Program::Edge).await;
        site.launch(Program::Edge);
        assert_eq!(answers().await, "pong");

        // What it was given is told in no log, nor in one of the authority, which is gone with this test.
        for file in std::fs::read_dir(&kept).unwrap() {
            hush::keep_keys(&String::from_utf8_lossy(&std::fs::read(file.unwrap().path()).unwrap()));
        }
        hush::listen(folder.path());
        hush::check();
    });
}
