//! What is there, and whether it is whole. Reads only.

use super::unreadable;
use crate::{Failure, Out};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tracker_edge::spool::{
    Kind,
    inspect::{Looked, look, segments, set_aside},
    scan::{Damage, Wrong},
};

/// A spool, as it is told.
#[derive(Serialize)]
struct Told {
    path: PathBuf,
    messages: usize,
    bytes: u64,
    segments: Vec<Segment>,
    aside: Vec<Aside>,
}

#[derive(Serialize)]
struct Segment {
    kind: &'static str,
    file: PathBuf,
    bytes: u64,
    messages: usize,
    /// When the oldest message was received.
    oldest_at: Option<String>,
    damage: Vec<Damage>,
}

#[derive(Serialize)]
struct Aside {
    file: PathBuf,
    bytes: u64,
}

/// How long a write that was seen half may take to be whole.
const HALF: Duration = Duration::from_millis(200);

/// Lists the segments.
pub(super) fn list(path: &Path, json: bool, out: &mut Out) -> Result<(), Failure> {
    let told = Told::of(path, &looked(path)?)?;
    if json {
        return out.json(&told);
    }
    for segment in &told.segments {
        let Segment { kind, bytes, messages, .. } = segment;
        let (file, oldest) = (segment.file.display(), segment.oldest_at.as_deref().unwrap_or("-"));
        let damaged = if segment.damage.is_empty() { "" } else { "  damaged: see `tracker spool verify`" };
        out.push(format_args!(
            "{kind:<8}  {messages:>8} messages  {bytes:>11} bytes  oldest {oldest}  {file}{damaged}"
        ))?;
    }
    for aside in &told.aside {
        let file = aside.file.display();
        out.push(format_args!("aside     {:>17}  {:>11} bytes  {file}", "", aside.bytes))?;
    }
    let (messages, bytes) = (told.messages, told.bytes);
    out.line(format_args!("{messages} messages in {bytes} bytes at {}", told.path.display()))
}

/// Checks every checksum.
pub(super) async fn verify(path: &Path, json: bool, out: &mut Out) -> Result<(), Failure> {
    let mut all = looked(path)?;
    for one in all.iter_mut().filter(|one| ends_torn(one)) {
        // An edge may be writing it just now. What is damage stays as it is.
        tokio::time::sleep(HALF).await;
        if let Some(again) = look(path, one.kind, one.number).map_err(unreadable(path))?
            && again.summary.damage != one.summary.damage
        {
            *one = again;
        }
    }
    let told = Told::of(path, &all)?;
    let damaged = told.segments.iter().any(|segment| !segment.damage.is_empty());
    if json {
        out.json(&told)?;
    } else {
        for segment in &told.segments {
            for Damage { offset, bytes, what } in &segment.damage {
                let (file, what) = (segment.file.display(), what.words());
                out.push(format_args!("{file}: {bytes} bytes at {offset}: {what}"))?;
            }
        }
        let (segments, messages) = (told.segments.len(), told.messages);
        let how = if damaged { "`tracker spool repair` moves what is damaged aside" } else { "all whole" };
        out.line(format_args!("{segments} segments, {messages} whole messages; {how}"))?;
    }
    if damaged { Err(Failure::Told) } else { Ok(()) }
}

fn ends_torn(segment: &Looked) -> bool {
    segment.summary.damage.last().is_some_and(|damage| damage.what == Wrong::Tail)
}

/// Every segment, in the order in which they are drained. One that an edge removes meanwhile is not there.
pub(super) fn looked(path: &Path) -> Result<Vec<Looked>, Failure> {
    let mut all = Vec::new();
    for kind in Kind::ALL {
        for number in segments(path, kind).map_err(unreadable(path))? {
            all.extend(look(path, kind, number).map_err(unreadable(path))?);
        }
    }
    Ok(all)
}

impl Told {
    fn of(path: &Path, looked: &[Looked]) -> Result<Self, Failure> {
        let aside = set_aside(path).map_err(unreadable(path))?;
        Ok(Self {
            path: path.to_owned(),
            messages: looked.iter().map(|segment| segment.summary.messages).sum(),
            bytes: looked.iter().map(|segment| segment.bytes).sum(),
            segments: looked.iter().map(Segment::of).collect(),
            aside: aside.into_iter().map(|(file, bytes)| Aside { file, bytes }).collect(),
        })
    }
}

impl Segment {
    fn of(looked: &Looked) -> Self {
        Self {
            kind: looked.kind.name(),
            file: looked.file.clone(),
            bytes: looked.bytes,
            messages: looked.summary.messages,
            oldest_at: looked.summary.oldest_at_ms.and_then(written),
            damage: looked.summary.damage.clone(),
        }
    }
}

fn written(ms: i64) -> Option<String> {
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000).ok()?;
    at.format(&Rfc3339).ok()
}
