//! The broker's `server.properties`.

use super::BrokerOptions;
use std::{collections::BTreeMap, path::Path};

/// The usual properties with those of the options over them, as Java reads them.
pub(super) fn server(options: &BrokerOptions, data: &Path) -> String {
    let (port, controller) = (options.port, options.controller_port);
    let usual = [
        ("process.roles", "broker,controller".to_owned()),
        ("node.id", "1".to_owned()),
        ("controller.quorum.voters", format!("1@127.0.0.1:{controller}")),
        ("controller.listener.names", "CONTROLLER".to_owned()),
        ("listeners", format!("PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}")),
        ("advertised.listeners", format!("PLAINTEXT://127.0.0.1:{port}")),
        ("log.dirs", data.join("logs").display().to_string()),
        // A misspelt topic is an error, not a topic.
        ("auto.create.topics.enable", "false".to_owned()),
        // One machine: everything once, and few partitions of the internal topics, which are files to open at start.
        ("default.replication.factor", "1".to_owned()),
        ("offsets.topic.replication.factor", "1".to_owned()),
        ("offsets.topic.num.partitions", "4".to_owned()),
        ("transaction.state.log.replication.factor", "1".to_owned()),
        ("transaction.state.log.min.isr", "1".to_owned()),
        ("transaction.state.log.num.partitions", "4".to_owned()),
        ("share.coordinator.state.topic.replication.factor", "1".to_owned()),
        ("share.coordinator.state.topic.min.isr", "1".to_owned()),
        // A group of one need not wait for others.
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        // After `kill -9` the controller waits this long before it believes that the old process is gone (9 s by default).
        ("broker.session.timeout.ms", "3000".to_owned()),
        ("broker.heartbeat.interval.ms", "500".to_owned()),
        // Else 128 MB of the heap.
        ("log.cleaner.dedupe.buffer.size", "2000000".to_owned()),
        ("num.recovery.threads.per.data.dir", "2".to_owned()),
    ];
    let mut all: BTreeMap<&str, &str> = usual.iter().map(|(key, value)| (*key, value.as_str())).collect();
    all.extend(options.properties.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    all.iter().map(|(key, value)| format!("{key}={}\n", escape(value))).collect()
}

/// A properties file takes a backslash for an escape.
fn escape(value: &str) -> String {
    value.replace('\\', "\\\\")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cache;

    #[test]
    fn given_properties_win_over_the_usual_ones() {
        let mut options = BrokerOptions::new(Cache::at("cache"), "data", 19092, 19093);
        options.properties.push(("group.initial.rebalance.delay.ms".to_owned(), "7".to_owned()));
        let text = server(&options, Path::new("/d"));
        assert!(
            text.contains("listeners=PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093\n"),
            "{text}"
        );
        assert!(text.contains("group.initial.rebalance.delay.ms=7\n"));
        assert_eq!(text.matches("group.initial.rebalance.delay.ms").count(), 1);
    }
}
