//! Structured logs, to standard error.

use crate::config::{Mistake, Mistakes};
use serde::Deserialize;
use tracing_subscriber::{EnvFilter, filter::LevelFilter};

/// Section `[log]`.
#[derive(Debug, Clone, Deserialize)]
pub struct LogConfig {
    /// A level, or a filter such as `info,tracker_edge=debug`.
    pub level: String,
    /// How a line looks.
    pub format: LogFormat,
}

impl LogConfig {
    /// Refuses what would silence the logs: a lone word that is no level is the name of a target to `tracing`.
    pub(crate) fn check(&self) -> Result<(), Mistakes> {
        let is_level =
            |part: &str| part.contains(['=', '[', ':']) || part.trim().parse::<LevelFilter>().is_ok();
        if self.level.split(',').all(is_level) && EnvFilter::try_new(&self.level).is_ok() {
            return Ok(());
        }
        let wanted =
            "must be error, warn, info, debug, trace or off, or a filter such as info,tracker_edge=debug";
        Err(Mistake::new("log.level", format!("{wanted}, not `{}`", self.level)).into())
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Starts the logs of this process. librdkafka's own lines arrive under the target `librdkafka`.
pub fn logs(config: &LogConfig) {
    let filter = EnvFilter::try_new(&config.level).unwrap_or_else(|_| EnvFilter::new("info"));
    // A line that cannot be written is lost. By default the subscriber complains on standard error, and panics when
    // that is what has gone: a process would not end on SIGTERM because whoever read its log has died.
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .log_internal_errors(false);
    // A second start in one process (tests) keeps the first one's logs.
    let _started = match config.format {
        LogFormat::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
