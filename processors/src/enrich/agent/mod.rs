//! Device, browser and operating system, and whether it is a program: from the User-Agent.
//!
//! A text is taken apart once and then remembered. Taking it apart costs 2 to 11 µs (uap-core's 1,100 patterns behind a
//! prefilter; 26 MB), so a flood of texts that were never seen before slows the stream little and cannot stop it.

mod bot;
mod form;
#[cfg(test)]
mod tests;

pub use bot::Program;
pub use form::Form;

use crate::metrics;
use quick_cache::sync::Cache;
use std::sync::Arc;
use tracker_schemas::Kind;
use ua_parser::{Extractor, Regexes};

/// Longest part of a User-Agent that is looked at: real ones are shorter, and the cache holds this many bytes an entry.
const LONGEST: usize = 512;

/// What a User-Agent says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Device family.
    pub device: Option<Box<str>>,
    /// Operating system family.
    pub os: Option<Box<str>>,
    /// Browser family.
    pub browser: Option<Box<str>>,
    /// What kind of device it is.
    pub form: Option<Form>,
    /// What kind of program it is, if it is one.
    pub program: Option<Program>,
}

impl Agent {
    /// Which rule says that a program sent the event, if one does.
    ///
    /// Behind a server key a program is what one expects: there only a program that calls itself a crawler or a
    /// headless browser (a forwarded User-Agent) is a bot.
    #[must_use]
    pub fn verdict(&self, kind: Kind) -> Option<&'static str> {
        match (self.program?, kind) {
            (Program::Library | Program::Fetcher | Program::Nameless, Kind::Server) => None,
            (program, _) => Some(program.tag()),
        }
    }
}

/// Takes User-Agents apart, and remembers them.
pub struct Agents {
    extractor: Extractor<'static>,
    remembered: Cache<Box<str>, Arc<Agent>>,
}

impl Agents {
    /// Reads the patterns; remembers up to `capacity` texts.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the patterns are part of the program, and every test here reads them"
    )]
    pub fn new(capacity: usize) -> Self {
        let patterns: Regexes<'static> =
            serde_yaml_ng::from_str(include_str!("../../../data/uap-core/regexes.yaml"))
                .expect("the vendored patterns are a regexes.yaml");
        let extractor = Extractor::try_from(patterns).expect("the vendored patterns compile");
        Self { extractor, remembered: Cache::new(capacity.max(1)) }
    }

    /// What this User-Agent says. An absent one is an empty one.
    #[must_use]
    pub fn identify(&self, user_agent: Option<&str>) -> Arc<Agent> {
        let text = shortened(user_agent.unwrap_or_default().trim());
        if let Some(known) = self.remembered.get(text) {
            return known;
        }
        let agent = Arc::new(self.take_apart(text));
        metrics::agent_parsed();
        self.remembered.insert(text.into(), Arc::clone(&agent));
        agent
    }

    fn take_apart(&self, text: &str) -> Agent {
        let (browser, os, device) = self.extractor.extract(text);
        let family = |family: &str| {
            Some(family.trim()).filter(|family| !matches!(*family, "" | "Other")).map(Box::from)
        };
        let os: Option<Box<str>> = os.and_then(|value| family(&value.os));
        let device: Option<Box<str>> = device.and_then(|value| family(&value.device));
        let program = Program::of(text, device.as_deref());
        let form = if program.is_some_and(Program::has_no_device) {
            Some(Form::Bot)
        } else {
            Form::of(text, os.as_deref())
        };
        // The patterns name no device for most desktops.
        let device = device.or_else(|| (form == Some(Form::Desktop)).then(|| "Desktop".into()));
        Agent { device, os, browser: browser.and_then(|value| family(&value.family)), form, program }
    }
}

/// The first [`LONGEST`] bytes, cut between letters.
fn shortened(text: &str) -> &str {
    if text.len() <= LONGEST {
        return text;
    }
    let end = (0..=LONGEST).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.split_at(end).0
}
