//! What a fuzzer calls that is guided by coverage (`fuzz/`, `make fuzz-guided`): the checks of the properties, with bytes that it makes
//! up. What the bytes themselves do not say, the first of them chooses.

use super::{
    TestCaseError, bodies, encodings, heads, inlets, sockets, urls,
    whole::{Asked, UNLIMITED},
};
use crate::http::testing::{Tested, edge};
use std::sync::LazyLock;
use tokio::runtime::Runtime;
use tracker_schemas::{Decoder, Event};

/// Fails as a property does.
fn hold(verdict: Result<(), TestCaseError>) {
    if let Err(error) = verdict {
        panic!("{error}");
    }
}

/// One of these, as a byte has it.
fn chosen<T: Copy>(from: &[T], by: u8) -> T {
    from[usize::from(by) % from.len()]
}

/// JSON and NDJSON: as events, and as payments.
pub fn bodies(bytes: &[u8]) {
    static DECODER: LazyLock<Decoder<Event>> = LazyLock::new(Decoder::new);
    hold(bodies::ends_well(bytes));
    hold(bodies::payments_end_well(bytes));
    hold(bodies::is_read_back(&DECODER, bytes));
}

/// Bodies that are encoded, or say so: gzip, deflate, brotli, zstd, LZ4. How long the pieces are in which they arrive, the second
/// byte chooses.
pub fn encodings(bytes: &[u8]) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(encodings::runtime);
    let [codec, piece, body @ ..] = bytes else { return };
    let codec = chosen(&encodings::CODECS, *codec);
    hold(encodings::ends_well(&RUNTIME, codec, body, usize::from(*piece)));
}

/// The frames of a WebSocket in pieces, and a block of LZ4 in one.
pub fn sockets(bytes: &[u8]) {
    let [piece, bytes @ ..] = bytes else { return };
    hold(sockets::ends_well(bytes, usize::from(*piece)));
    hold(sockets::block_ends_well(bytes));
}

/// Paths, queries, cookies, and the URLs in events.
pub fn urls(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    hold(urls::address_ends_well(path, query));
    hold(urls::cookies_are_few(text));
    hold(urls::page_is_cleaned(text));
    hold(urls::page_is_cleaned(&format!("https://u:p@a.example/{text}")));
}

/// Headers of proxies, a line each.
pub fn heads(bytes: &[u8]) {
    let [header, lines @ ..] = bytes else { return };
    let header = chosen(&heads::HEADERS, *header);
    let lines: Vec<Vec<u8>> = lines.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    hold(heads::stranger_stays(header, &lines));
    hold(heads::proxy_names_one(header, &lines));
}

/// What clients of other products send, through everything: a query, and behind its line the body.
pub fn inlets(bytes: &[u8]) {
    static EDGE: LazyLock<(Runtime, Tested)> = LazyLock::new(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        (runtime, edge(UNLIMITED))
    });
    let [post, asked @ ..] = bytes else { return };
    let line = asked.iter().position(|byte| *byte == b'\n').unwrap_or(asked.len());
    let (query, body) = asked.split_at(line);
    let (path, _) = chosen(&inlets::POSTS, *post);
    let asked = Asked {
        method: "POST",
        target: format!("{path}?{}", String::from_utf8_lossy(query)),
        headers: Vec::new(),
        body: body.to_vec(),
    };
    let (runtime, tested) = &*EDGE;
    hold(inlets::ends_well(runtime, tested, &asked));
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    type Target = fn(&[u8]);

    /// From these a fuzzer sets out; among them stands what once was found.
    #[test]
    fn every_seed_ends_well() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds");
        let targets: [(&str, Target); 6] = [
            ("bodies", super::bodies),
            ("encodings", super::encodings),
            ("sockets", super::sockets),
            ("urls", super::urls),
            ("heads", super::heads),
            ("inlets", super::inlets),
        ];
        for (name, target) in targets {
            let files: Vec<_> = fs::read_dir(seeds.join(name)).unwrap().map(|file| file.unwrap()).collect();
            assert!(!files.is_empty(), "{name} has no seed");
            files.into_iter().for_each(|file| target(&fs::read(file.path()).unwrap()));
        }
    }
}
