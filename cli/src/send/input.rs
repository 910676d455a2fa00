//! From a file or standard input to events, in chunks. A broken line harms only itself; no line takes more memory than
//! [`LONGEST`].

use super::{access_log, fields::Pair};
use crate::Failure;
use serde_json::{Map, Value, value::RawValue};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};
use uuid::Uuid;

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Told by the first letters.
    Auto,
    /// One object, or an array of them; read as a whole.
    Json,
    /// One object a line.
    Ndjson,
    /// An access log in the Combined format.
    Combined,
    /// An access log in the Common format.
    Common,
}

/// One event, ready to be sent: it has its id.
#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    /// Line of the input, from 1.
    pub line: u64,
    /// The event as a JSON object.
    pub json: String,
}

/// A line that is no event.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken {
    /// Line of the input, from 1.
    pub line: u64,
    /// Tag, snake_case.
    pub reason: &'static str,
    /// What is wrong.
    pub detail: String,
    /// The line, or its beginning.
    pub text: String,
}

/// Some of the input.
#[derive(Debug, Default)]
pub struct Chunk {
    /// Events.
    pub items: Vec<Item>,
    /// What is none.
    pub broken: Vec<Broken>,
    /// Bytes of the input that these were.
    pub bytes: u64,
}

/// Longest line; the rest of a longer one is passed over.
const LONGEST: u64 = 1 << 20;
/// Largest file that is read as a whole.
const WHOLE: u64 = 64 << 20;
/// Most bytes of events in a chunk: half of what the edge takes in one body.
const CHUNK: usize = 4 << 20;
/// Most broken lines in a chunk.
const BROKEN: usize = 5000;

/// Where events come from.
pub struct Source {
    from: Box<dyn BufRead + Send>,
    format: Format,
    site: Option<String>,
    set: Vec<Pair>,
    bytes: Option<u64>,
}

impl Source {
    /// A file, or `-` for standard input.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn open(path: &Path, format: Format, site: Option<&str>, set: &[Pair]) -> Result<Self, Failure> {
        let (from, bytes): (Box<dyn BufRead + Send>, _) = if path.as_os_str() == "-" {
            (Box::new(BufReader::with_capacity(1 << 16, io::stdin())), None)
        } else {
            let file = File::open(path).map_err(Failure::io(path.display()))?;
            let bytes = file.metadata().map_err(Failure::io(path.display()))?.len();
            (Box::new(BufReader::with_capacity(1 << 16, file)), Some(bytes))
        };
        let mut source = Self { from, format, site: site.map(str::to_owned), set: set.to_vec(), bytes };
        if format == Format::Auto {
            source.format = detect(source.from.fill_buf().map_err(Failure::io(path.display()))?);
        }
        Ok(source)
    }

    /// One event.
    pub fn one(event: Map<String, Value>) -> Self {
        let text = Value::Object(event).to_string();
        Self {
            from: Box::new(io::Cursor::new(text)),
            format: Format::Json,
            site: None,
            set: Vec::new(),
            bytes: None,
        }
    }

    /// How long it is, where that is known.
    pub const fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// Whether it is an access log.
    pub const fn is_log(&self) -> bool {
        matches!(self.format, Format::Combined | Format::Common)
    }

    /// Reads to the end, giving chunks of at most `size` events to `take`, until it does not want any more.
    ///
    /// # Errors
    /// What cannot be read; a file of the format `json` that is none.
    pub fn read(mut self, size: usize, mut take: impl FnMut(Chunk) -> bool) -> Result<(), Failure> {
        let events = if self.format == Format::Json { Some(self.whole()?) } else { None };
        let mut chunk = Chunk::default();
        let (mut line, mut weight, mut texts) = (0, 0, events.into_iter().flatten());
        loop {
            let text = match self.format {
                Format::Json => texts.next().map(|text| (text.len() as u64, Ok(text))),
                _ => next_line(&mut self.from).map_err(Failure::io("the input"))?,
            };
            let Some((bytes, text)) = text else { break };
            line += 1;
            chunk.bytes += bytes;
            match text.and_then(|text| self.event(&text, line).map_err(|broken| (broken, text))) {
                Ok(None) => {}
                Ok(Some(json)) => {
                    weight += json.len();
                    chunk.items.push(Item { line, json });
                }
                Err(((reason, detail), text)) => {
                    let text = text.chars().take(2000).collect();
                    chunk.broken.push(Broken { line, reason, detail, text });
                }
            }
            if chunk.items.len() >= size || weight >= CHUNK || chunk.broken.len() >= BROKEN {
                weight = 0;
                if !take(std::mem::take(&mut chunk)) {
                    return Ok(());
                }
            }
        }
        take(chunk);
        Ok(())
    }

    /// Every event of a JSON document.
    fn whole(&mut self) -> Result<Vec<String>, Failure> {
        let mut text = String::new();
        let read =
            (&mut self.from).take(WHOLE + 1).read_to_string(&mut text).map_err(Failure::io("the input"))?;
        if read as u64 > WHOLE {
            return Err(Failure::Usage(
                "the JSON is longer than 64 MiB: write it as NDJSON, one object a line".to_owned(),
            ));
        }
        let wrong = |error: serde_json::Error| Failure::Usage(format!("the input is no JSON: {error}"));
        let events: Vec<&RawValue> = if text.trim_start().starts_with('[') {
            serde_json::from_str(&text).map_err(wrong)?
        } else {
            vec![serde_json::from_str(&text).map_err(wrong)?]
        };
        Ok(events.into_iter().map(|event| event.get().to_owned()).collect())
    }

    /// The event of a line; nothing for an empty one.
    fn event(&self, text: &str, number: u64) -> Result<Option<String>, (&'static str, String)> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        let event = if self.is_log() {
            let site = self.site.as_deref();
            let visit = access_log::parse(text).and_then(|visit| visit.event(text, number, site));
            let mut event = visit.map_err(|(reason, detail)| (reason, detail.to_owned()))?;
            self.set
                .iter()
                .try_for_each(|pair| pair.set(&mut event))
                .map_err(|detail| ("malformed", detail))?;
            serde_json::to_string(&event)
        } else {
            // Values stay as they are written: no number is rounded on its way.
            let event = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text);
            let mut event = event.map_err(|error| ("malformed", format!("is no JSON object: {error}")))?;
            let mut set = Map::new();
            self.set
                .iter()
                .try_for_each(|pair| pair.set(&mut set))
                .map_err(|detail| ("malformed", detail))?;
            if !event.keys().any(|key| key.eq_ignore_ascii_case("eid")) && !set.contains_key("eid") {
                set.insert("eid".to_owned(), Uuid::now_v7().to_string().into());
            }
            for (key, value) in set {
                let raw = serde_json::value::to_raw_value(&value);
                event.insert(key, raw.map_err(|error| ("malformed", error.to_string()))?);
            }
            serde_json::to_string(&event)
        };
        event.map(Some).map_err(|error| ("malformed", error.to_string()))
    }
}

/// Told by the first letters: `[` a JSON array, `{` a JSON object (the only one, unless it ends with its line), else an
/// access log.
fn detect(start: &[u8]) -> Format {
    let start = start.trim_ascii_start();
    let line = start.split(|letter| *letter == b'\n').next().unwrap_or_default();
    match start.first() {
        Some(b'[') => Format::Json,
        Some(b'{') if line.len() == start.len() || line.trim_ascii_end().ends_with(b"}") => Format::Ndjson,
        Some(b'{') => Format::Json,
        _ => Format::Combined,
    }
}

/// A line with its length in bytes; a line that is too long is given as broken.
type Line = (u64, Result<String, ((&'static str, String), String)>);

/// The next line, without its end; bytes that are no UTF-8 become `U+FFFD`.
fn next_line(from: &mut impl BufRead) -> io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut bytes = from.by_ref().take(LONGEST).read_until(b'\n', &mut line)? as u64;
    if bytes == 0 {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
    if bytes < LONGEST || line.ends_with(b"\n") {
        return Ok(Some((bytes, Ok(text))));
    }
    loop {
        line.clear();
        let more = from.by_ref().take(LONGEST).read_until(b'\n', &mut line)? as u64;
        bytes += more;
        if more == 0 || line.ends_with(b"\n") {
            break;
        }
    }
    if bytes == LONGEST {
        return Ok(Some((bytes, Ok(text)))); // the last line, of just that length
    }
    Ok(Some((bytes, Err((("too_long", format!("the line has {bytes} bytes")), text)))))
}

#[cfg(test)]
mod tests;
