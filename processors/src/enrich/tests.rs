use super::{
    address::AddressHash,
    agent::Agents,
    hot::Hot,
    privacy::Privacy,
    referrer::Referrers,
    step::{Addresses, Lookups},
    *,
};
use tracker_schemas::{Fact, examples};
use tracker_stream::config::Settings;
use uuid::Uuid;

fn lane() -> Enrich {
    let settings = Settings::merge("", "", std::iter::empty()).unwrap();
    Enrich {
        lookups: Lookups {
            places: Places::new(Arc::new(Geo::open(&[]))),
            agents: Agents::new(10),
            referrers: Referrers::new(),
            privacy: Privacy::read(&settings).unwrap(),
            address_hash: AddressHash::new(&[7; 32]),
            addresses: Addresses::Truncated,
        },
        decoder: Decoder::new(),
        encoder: Encoder::single_object(),
        enriched: Arc::from("tracker.enriched"),
        messages: Arc::from("tracker.messages"),
        hot: Hot::new(1),
    }
}

fn message(payload: Vec<u8>, headers: Headers) -> Message {
    Message {
        topic: Arc::from("tracker.events"),
        partition: 3,
        offset: 40,
        timestamp_ms: 0,
        key: None,
        payload,
        headers,
    }
}

fn carried(cflags: i64, headers: Headers) -> Outgoing {
    let mut all = all_of(cflags, None, headers);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn all_of(cflags: i64, tid: Option<Uuid>, headers: Headers) -> Vec<Outgoing> {
    let fact = Fact {
        vid: Some(Uuid::from_u128(0xa)),
        tid,
        cflags: Some(cflags),
        ..examples::one::<Event>("minimal").fact
    };
    let event = Event { fact: Fact { eid: Uuid::from_u128(0xe), ..fact }, ..Event::default() };
    match lane().step(&message(Encoder::single_object().encode(&event), headers)) {
        Verdict::Keep(outgoing) => outgoing,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_goes_to_enriched_under_its_visitor_where_consent_left_one() {
    let outgoing = carried(1025, Headers::new());
    assert_eq!(&*outgoing.topic, "tracker.enriched");
    assert_eq!(outgoing.key, b"00000000-0000-0000-0000-00000000000a");
    let event = Decoder::<Enriched>::new().decode(&outgoing.payload).unwrap();
    assert_eq!(event.fact.vid, Some(Uuid::from_u128(0xa)));
    assert_eq!(carried(1, Headers::new()).key, b"00000000-0000-0000-0000-00000000000e");
}

#[test]
fn the_trace_goes_on_under_a_new_span() {
    let incoming = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let outgoing = carried(1, Headers::new().with(TRACEPARENT, incoming));
    let trace = String::from_utf8(outgoing.headers.get(TRACEPARENT).unwrap().to_vec()).unwrap();
    assert!(trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && trace != incoming, "{trace}");
    assert!(carried(1, Headers::new()).headers.get(TRACEPARENT).is_some());
}

#[test]
fn an_event_says_where_it_stood_on_the_raw_topic() {
    assert_eq!(carried(1, Headers::new()).headers.get(ORIGIN), Some(&b"3:40"[..]));
}

#[test]
fn an_event_of_a_thread_goes_to_messages_too_the_same_to_its_last_byte() {
    let all = all_of(1, Some(Uuid::from_u128(0x1d)), Headers::new());
    let [enriched, message] = &all[..] else { panic!("{all:?}") };
    assert_eq!((&*enriched.topic, &*message.topic), ("tracker.enriched", "tracker.messages"));
    assert_eq!(message.key, b"00000000-0000-0000-0000-00000000001d");
    assert_eq!((&message.payload, &message.headers), (&enriched.payload, &enriched.headers));
}

#[test]
fn the_events_of_a_hot_visitor_have_many_keys_and_say_so_and_those_of_a_thread_keep_theirs() {
    let (lane, encoder) = (lane(), Encoder::single_object());
    let step = |eid: u128, vid: u128| {
        let fact = Fact {
            eid: Uuid::from_u128(eid),
            vid: Some(Uuid::from_u128(vid)),
            tid: Some(Uuid::from_u128(0x1d)),
            cflags: Some(1025),
            ..examples::one::<Event>("minimal").fact
        };
        let event = Event { fact, ..Event::default() };
        match lane.step(&message(encoder.encode(&event), Headers::new())) {
            Verdict::Keep(outgoing) => outgoing,
            other => panic!("{other:?}"),
        }
    };
    let all: Vec<_> = (0..30).map(|eid| step(eid, 0xa)).collect();
    let is_hot = |outgoing: &Outgoing| outgoing.headers.get(HOT) == Some(b"1");
    let hot: Vec<_> = all.iter().filter(|outgoing| is_hot(&outgoing[0])).collect();
    assert_eq!(hot.len(), 20, "the first ten are as many as one has in ten seconds");
    assert_eq!(hot[3][0].key, b"00000000-0000-0000-0000-00000000000a#3");
    assert!(all.iter().all(|outgoing| outgoing[1].key == hot[0][1].key && !is_hot(&outgoing[1])));
    assert!(!is_hot(&step(99, 0xb)[0]), "another visitor");
}

#[test]
fn what_is_no_event_is_refused_as_malformed() {
    for payload in [&b""[..], b"{}", &[0xc3, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 1]] {
        match lane().step(&message(payload.to_vec(), Headers::new())) {
            Verdict::Refuse(refusal) => assert_eq!(refusal.reason, "malformed"),
            other => panic!("{other:?}"),
        }
    }
}
