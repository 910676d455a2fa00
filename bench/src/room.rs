//! What the settings let a program hold: the bound of its memory that is stated, from the very settings that it is given.

use crate::cpu::mib;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use tracker_cli::{Failure, chaos::part::Part};
use tracker_processors::{config::ProcessConfig, enrich::EnrichConfig};
use tracker_stream::config::{Settings, Size};

#[derive(Deserialize)]
struct Edge {
    inflight_limit: Size,
    produce_buffer: Size,
    geoip_city: Vec<PathBuf>,
}

#[derive(Deserialize)]
struct Topics {
    partitions: usize,
}

/// An id of the window of duplicates takes so many bytes at most.
const WINDOW_ID: usize = 19;
/// A User-Agent that is remembered: its first 512 bytes, and what they say.
const AGENT: usize = 1_024;
/// Producers of an edge that have a buffer each: of events, and of payments.
const PRODUCERS: usize = 2;
/// Bytes that a loader holds for each of its `fetch_buffer`: messages, the rows of them, and what is being sent.
const LOADED: usize = 6;

/// MiB that wait in a program at once, or are kept by it, at most; over what it holds when it has nothing to do.
///
/// # Errors
/// Settings that the program would not take.
pub fn of(settings: &Settings, part: Part) -> Result<f64, Failure> {
    let loader = |section| -> Result<usize, Failure> {
        let ProcessConfig { fetch_buffer, .. } = settings.section(section)?;
        Ok(fetch_buffer.0 * LOADED)
    };
    let bytes = match part {
        Part::Edge => {
            let Edge { inflight_limit, produce_buffer, geoip_city } = settings.section("edge")?;
            inflight_limit.0 + produce_buffer.0 * PRODUCERS + mapped(&geoip_city)
        }
        Part::Enrich => enrich(&EnrichConfig::read(settings)?, settings.section("topics")?),
        Part::Load => loader("load")?,
        Part::Payments => loader("payments")?,
        Part::Broker | Part::Clickhouse => 0, // their memory is not ours to state
    };
    Ok(mib(bytes as u64))
}

/// What is read ahead and half as much in the client, what a transaction writes, ids, User-Agents, and the files it maps.
fn enrich(config: &EnrichConfig, topics: Topics) -> usize {
    const OUTGOING: usize = 4;
    config.fetch_buffer.0 * 3 / 2
        + config.batch_bytes.0 * OUTGOING
        + config.duplicate_window * WINDOW_ID * topics.partitions
        + config.agent_cache * AGENT
        + mapped(&config.geoip_city)
        + mapped(&config.geoip_asn)
}

/// Bytes of files that are mapped: the pages that were looked at count as resident.
fn mapped(files: &[PathBuf]) -> usize {
    let length = |file: &PathBuf| Path::metadata(file).map_or(0, |file| file.len() as usize);
    files.iter().map(length).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(text: &str, part: Part) -> f64 {
        of(&Settings::merge(text, "test", std::iter::empty()).unwrap(), part).unwrap()
    }

    #[test]
    fn the_bound_is_that_of_the_settings() {
        let no_files = "[edge]\ngeoip_city = []\ninflight_limit = \"128MiB\"\nproduce_buffer = \"10MiB\"\n";
        assert_eq!(room(no_files, Part::Edge), 148.0);
        assert_eq!(room("[load]\nfetch_buffer = \"50MiB\"", Part::Load), 300.0);
        assert_eq!(room("[payments]\nfetch_buffer = \"2MiB\"", Part::Payments), 12.0);
    }

    #[test]
    fn enrich_holds_the_ids_of_each_partition() {
        let held = |window: usize| {
            let text = format!(
                "[enrich]\ngeoip_city = []\ngeoip_asn = []\nduplicate_window = {window}\n[topics]\npartitions = 4\n"
            );
            room(&text, Part::Enrich)
        };
        let (few, many) = (held(1 << 20), held(2 << 20));
        assert_eq!(many - few, 4.0 * 19.0);
    }
}
