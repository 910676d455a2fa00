use super::*;
use rstest::rstest;
use std::io::Cursor;

const LOG: &str = r#"1.2.3.4 - - [02/Nov/2026:09:15:00 +0000] "GET / HTTP/1.1" 200 1"#;

fn source(text: impl Into<Vec<u8>>) -> Source {
    let text = text.into();
    let format = detect(&text);
    Source {
        from: Box::new(Cursor::new(text)),
        format,
        site: Some("x.example".to_owned()),
        set: vec![],
        bytes: None,
    }
}

fn chunks(source: Source, size: usize) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    source
        .read(size, |chunk| {
            chunks.push(chunk);
            true
        })
        .unwrap();
    chunks
}

fn all(source: Source) -> Chunk {
    chunks(source, usize::MAX).remove(0)
}

#[rstest]
#[case("[{}]", Format::Json)]
#[case("  \n[", Format::Json)]
#[case("{\"a\":1}\n{\"a\":2}\n", Format::Ndjson)]
#[case("{\"a\":1}", Format::Ndjson)]
#[case("{\n  \"a\": 1\n}", Format::Json)]
#[case(LOG, Format::Combined)]
#[case("", Format::Combined)]
fn the_format_is_told_by_the_first_letters(#[case] text: &str, #[case] format: Format) {
    assert_eq!(detect(text.as_bytes()), format);
}

#[test]
fn a_broken_line_harms_only_itself() {
    let chunk = all(source("{\"ename\":\"a\",\"eid\":\"1\"}\nnonsense\n\n[1]\n{\"EID\":\"2\"}\n"));
    let lines: Vec<_> = chunk.items.iter().map(|item| (item.line, item.json.as_str())).collect();
    assert_eq!(lines, [(1, r#"{"eid":"1","ename":"a"}"#), (5, r#"{"EID":"2"}"#)]);
    let broken: Vec<_> =
        chunk.broken.iter().map(|broken| (broken.line, broken.reason, broken.text.as_str())).collect();
    assert_eq!(broken, [(2, "malformed", "nonsense"), (4, "malformed", "[1]")]);
}

#[test]
fn an_event_gets_an_id_and_keeps_its_numbers() {
    let chunk = all(source(r#"{"params":{"n":12345678901234567890123.10}}"#));
    let event: BTreeMap<String, Box<RawValue>> = serde_json::from_str(&chunk.items[0].json).unwrap();
    assert_eq!(event["params"].get(), r#"{"n":12345678901234567890123.10}"#);
    assert!(Uuid::parse_str(event["eid"].get().trim_matches('"')).is_ok());
}

#[test]
fn set_lays_its_fields_over_each_event() {
    for text in [LOG, r#"{"ename":"request","cflags":1}"#] {
        let set = ["cflags:=5377", "ename=view"].map(|pair| pair.parse().unwrap()).to_vec();
        let chunk = all(Source { set, ..source(text) });
        let event: Value = serde_json::from_str(&chunk.items[0].json).unwrap();
        assert_eq!((&event["cflags"], &event["ename"]), (&5377.into(), &"view".into()));
    }
}

#[test]
fn a_document_is_one_event_or_many() {
    assert_eq!(all(source("[{\"eid\":\"1\"},\n{\"eid\":\"2\"}, 3]")).items.len(), 2);
    assert_eq!(all(source("{\n\"eid\":\"1\"\n}")).items[0].json, r#"{"eid":"1"}"#);
    assert!(matches!(source("[{]").read(1, |_| true), Err(Failure::Usage(_))));
}

#[test]
fn chunks_are_as_large_as_asked_and_none_is_lost() {
    let text = (0..25).map(|_| format!("{LOG}\n")).collect::<String>();
    let bytes = text.len() as u64;
    let chunks = chunks(source(text), 10);
    let sizes: Vec<_> = chunks.iter().map(|chunk| chunk.items.len()).collect();
    assert_eq!(sizes, [10, 10, 5]);
    assert_eq!(chunks.iter().map(|chunk| chunk.bytes).sum::<u64>(), bytes);
}

#[test]
fn reading_ends_when_nobody_takes_any_more() {
    let mut taken = 0;
    let text = (0..25).map(|_| format!("{LOG}\n")).collect::<String>();
    source(text)
        .read(10, |_| {
            taken += 1;
            false
        })
        .unwrap();
    assert_eq!(taken, 1);
}

#[test]
fn a_line_beyond_all_bounds_is_passed_over() {
    let mut text = vec![b'x'; 3 << 20];
    text.extend_from_slice(format!("\n{LOG}\n").as_bytes());
    let chunk = all(source(text));
    assert_eq!((chunk.broken[0].reason, chunk.broken[0].text.len()), ("too_long", 2000));
    assert_eq!(chunk.items[0].line, 2);
}

#[test]
fn bytes_that_are_no_text_are_broken_or_replaced() {
    let chunk =
        all(source([b"\xff\xfe\n".as_slice(), LOG.replace("GET /", "GET /\u{fc}").as_bytes()].concat()));
    assert_eq!((chunk.broken.len(), chunk.items.len()), (1, 1));
}
