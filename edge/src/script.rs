//! track.js, the browser script, as it was built from `web/`: its bytes, its names, and what a page says to load it.
//! Pure; serving it is `http::script`'s.
//!
//! A page names a version and its hash, and stays as it is when the edge is upgraded: so an edge carries every version
//! that was released, under its own name.

mod released;

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha384};
use std::sync::LazyLock;

/// The script of this edge. It is committed as built, so that no edge needs npm; `make web` builds it anew.
pub static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::of(include_str!("../../web/dist/track.js")));

/// Every version that was released; the present one is one of them.
pub static VERSIONS: LazyLock<Vec<Script>> =
    LazyLock::new(|| released::RELEASED.iter().map(|text| Script::of(text)).collect());

/// What a page runs before the script has arrived, so that `track` can be called at once.
const STUB: &str = "var track=window.track||function(event){track.q.push(event)};\
    track.q=track.q||[];track.consent=track.consent||track";

/// A script and the names that its bytes give it.
#[derive(Debug, PartialEq, Eq)]
pub struct Script {
    /// The text.
    pub text: &'static str,
    /// Of its hash, what makes its address unique: other bytes have another one.
    pub version: String,
    /// For the attribute of that name: a browser runs these bytes and no others.
    pub integrity: String,
}

impl Script {
    fn of(text: &'static str) -> Self {
        let hash = Sha384::digest(text);
        let version: String = hex::encode(hash).chars().take(16).collect();
        Self { text, version, integrity: format!("sha384-{}", BASE64_STANDARD.encode(hash)) }
    }

    /// The path under which it never changes.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/track.{}.js", self.version)
    }

    /// What a page says, to load it from the edge at this address.
    #[must_use]
    pub fn snippet(&self, edge: &str) -> String {
        let Self { integrity, .. } = self;
        let path = self.path();
        format!(
            "<script>{STUB}</script>\n<script async src=\"{edge}{path}\"\n  integrity=\"{integrity}\"\n  \
             crossorigin=\"anonymous\"></script>"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_bytes_have_other_names() {
        let (one, other) = (Script::of("a"), Script::of("b"));
        assert_ne!((&one.version, &one.integrity), (&other.version, &other.integrity));
        // By `openssl dgst -sha384 -binary | base64`.
        assert_eq!(one.integrity, "sha384-VKWbnyKwuAiA2EJ+VIt8I6vYc0huHwNdzpzWl+hRdQM8qojm1XvDXvrgta/TFF8x");
        assert_eq!(one.path(), "/track.54a59b9f22b0b808.js");
    }

    #[test]
    fn every_version_of_the_folder_is_carried_under_the_name_of_its_file_and_the_present_one_too() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/dist/released");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<_> =
            files.map(|file| format!("/{}", file.file_name().to_str().unwrap())).collect();
        let mut carried: Vec<_> = VERSIONS.iter().map(Script::path).collect();
        files.sort();
        carried.sort();
        assert_eq!(carried, files, "`make web` writes both");
        assert!(VERSIONS.contains(&SCRIPT), "`make web` adds what it built");
    }

    #[test]
    fn every_version_that_was_ever_released_is_carried_with_the_bytes_that_pages_ask_for() {
        let ever: Vec<&str> = include_str!("../../web/dist/released.txt").lines().collect();
        let named = |script: &Script| format!("{} {}", script.path(), script.integrity);
        let carried: Vec<String> = VERSIONS.iter().map(named).collect();
        for version in &ever {
            assert!(carried.iter().any(|one| one == version), "pages may still ask for {version}");
        }
        assert_eq!(ever.len(), carried.len(), "`make web` adds a line for each");
    }

    #[test]
    fn the_readme_shows_the_script_of_this_edge() {
        let readme = include_str!("../../README.md");
        let snippet = SCRIPT.snippet("https://tr.example.com");
        assert!(readme.contains(&snippet), "README.md should show:\n{snippet}");
    }
}
