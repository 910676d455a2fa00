//! No secret is in a log line, whichever test made it. After each test what was logged since the last look is searched for every
//! secret that this run has made or shown so far, and for whatever looks like a key of ours: each byte once, on sites that are
//! shared, that are still running, and that have ended.
//!
//! At the end of a test, and not when a site is dropped: a panic there would hide the one that ended the test, and a shared
//! site is never dropped. So a line may be found by another test than the one that caused it; the name of the file says
//! whose it is.

use aho_corasick::AhoCorasick;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{LazyLock, Mutex},
};

/// What is shorter may stand in a line that tells no secret.
const SHORTEST: usize = 12;

/// Of this run.
static HUSH: LazyLock<Mutex<Hush>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Hush {
    secrets: BTreeSet<String>,
    /// Finds any of them; made anew when there are more.
    finder: Option<AhoCorasick>,
    folders: BTreeSet<PathBuf>,
    /// How far each log was read.
    read: HashMap<PathBuf, Place>,
}

/// A place in a log, at the beginning of a line.
#[derive(Default, Clone, Copy)]
struct Place {
    bytes: u64,
    lines: usize,
}

/// From now on nothing may tell this.
#[track_caller]
pub fn keep(secret: &str) {
    assert!(secret.len() >= SHORTEST, "a secret of {} letters is found everywhere", secret.len());
    HUSH.lock().unwrap().keep(secret);
}

/// The same of a password, and of an account with it as `Authorization: Basic` has them.
pub fn keep_account(uid: &str, password: &str) {
    keep(password);
    keep(&openssl::base64::encode_block(format!("{uid}:{password}").as_bytes()));
}

/// The same of the lines of private keys in a text of PEM.
pub fn keep_keys(pem: &str) {
    let mut is_key = false;
    for line in pem.lines() {
        if line.starts_with("-----") {
            is_key = line.contains("BEGIN") && line.contains("PRIVATE KEY");
        } else if is_key && line.len() >= SHORTEST {
            keep(line);
        }
    }
}

/// Logs are the files `*.log` of this folder, whenever they come to be there.
pub fn listen(folder: &Path) {
    HUSH.lock().unwrap().folders.insert(folder.to_path_buf());
}

/// Fails if a secret was logged since the last look.
#[track_caller]
pub fn check() {
    let found = HUSH.lock().unwrap().look();
    assert!(found.is_empty(), "secrets in logs:\n{}", found.join("\n"));
}

/// Fails if this text, of which `what` is the name, has a secret in it.
#[track_caller]
pub fn check_text(what: &str, text: &str) {
    let found = HUSH.lock().unwrap().find(what, Place::default(), text.as_bytes());
    assert!(found.is_empty(), "secrets are told:\n{}", found.join("\n"));
}

impl Hush {
    fn keep(&mut self, secret: &str) {
        if self.secrets.insert(secret.to_owned()) {
            self.finder = None;
        }
    }

    /// What is found in all that is new.
    fn look(&mut self) -> Vec<String> {
        let logs: Vec<PathBuf> = self.folders.iter().flat_map(|folder| logs_of(folder)).collect();
        let mut found = Vec::new();
        for log in logs {
            let from = self.read.get(&log).copied().unwrap_or_default();
            let Some((from, new)) = read_from(&log, from) else { continue };
            found.extend(self.find(&log.display().to_string(), from, &new));
            // The rest of a line may come yet: it is read again with that.
            let whole = new.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            let lines = from.lines + count_lines(&new[..whole]);
            self.read.insert(log, Place { bytes: from.bytes + whole as u64, lines });
        }
        found
    }

    /// Where secrets are in a piece of a text, and how each begins: the whole of it is in the log, and nowhere else.
    fn find(&mut self, what: &str, from: Place, piece: &[u8]) -> Vec<String> {
        let secrets = &self.secrets;
        let finder = self.finder.get_or_insert_with(|| AhoCorasick::new(secrets).unwrap());
        let known = finder.find_iter(piece).map(|hit| (hit.start(), hit.len()));
        let found: BTreeMap<usize, usize> = known.chain(keys_in(piece)).collect();
        let told = found.into_iter().map(|(at, length)| {
            let line = from.lines + count_lines(&piece[..at]) + 1;
            let begins = String::from_utf8_lossy(&piece[at..at + SHORTEST / 3]);
            format!("{what}:{line}: {begins}…, {length} letters")
        });
        told.collect()
    }
}

/// Where keys of ours begin in a piece, and how long they are, as `tracker keys new` makes them: some are made by who tells nobody.
fn keys_in(piece: &[u8]) -> impl Iterator<Item = (usize, usize)> {
    let begins = |window: &[u8]| matches!(window, b"tk_" | b"tw_");
    let starts = piece.windows(3).enumerate().filter(move |(_, window)| begins(window));
    starts.filter_map(|(at, _)| {
        let digits = piece[at + 3..].iter().take_while(|digit| digit.is_ascii_hexdigit()).count();
        (digits >= 32).then_some((at, digits + 3))
    })
}

fn logs_of(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|kind| kind == "log")).collect()
}

/// What a log has after a place; from its beginning, where it was begun anew.
fn read_from(log: &Path, place: Place) -> Option<(Place, Vec<u8>)> {
    let mut file = File::open(log).ok()?;
    let place = if file.metadata().ok()?.len() < place.bytes { Place::default() } else { place };
    file.seek(SeekFrom::Start(place.bytes)).ok()?;
    let mut new = Vec::new();
    file.read_to_end(&mut new).ok()?;
    Some((place, new))
}

fn count_lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn a_secret_in_a_log_is_found_once_with_file_and_line_and_is_not_told_again() {
    let folder = tempfile::tempdir().unwrap();
    let (log, other) = (folder.path().join("edge.log"), folder.path().join("edge.txt"));
    let mut hush = Hush::default();
    hush.folders.insert(folder.path().to_path_buf());
    hush.keep("tk_nobodys-business");
    std::fs::write(&other, "tk_nobodys-business\n").unwrap();
    let mut text = "well\nGET /tr/v1/tr/k/tk_nobodys-business/ename/a\nhalf a line with tk_nobod".to_owned();
    std::fs::write(&log, &text).unwrap();
    let told = |line: usize| vec![format!("{}:{line}: tk_n…, 19 letters", log.display())];
    assert_eq!(hush.look(), told(2));
    assert_eq!(hush.look(), Vec::<String>::new());
    text.push_str("ys-business and a password\n");
    std::fs::write(&log, &text).unwrap();
    assert_eq!(hush.look(), told(3));
    hush.keep("correct horse");
    std::fs::write(&log, text.clone() + "correct horse\n").unwrap();
    assert_eq!(hush.look(), [format!("{}:4: corr…, 13 letters", log.display())]);
    std::fs::write(&log, "begun anew: tk_nobodys-business").unwrap();
    assert_eq!(hush.look(), told(1), "a last line without its end counts too");
    std::fs::write(&log, format!("a key tw_{} of nobody's\n", "0a".repeat(16))).unwrap();
    assert_eq!(hush.look(), [format!("{}:1: tw_0…, 35 letters", log.display())]);
}

#[test]
fn of_a_key_in_pem_each_line_is_a_secret_and_of_a_certificate_none() {
    let issued = super::Authority::new().issue(&["localhost"]);
    let line = issued.key.lines().nth(1).unwrap();
    let said = format!("cannot read {line}");
    let find = |text: &str| HUSH.lock().unwrap().find("a log", Place::default(), text.as_bytes());
    assert_eq!(find(&said).len(), 1);
    assert_eq!(find(&issued.cert), Vec::<String>::new());
}
