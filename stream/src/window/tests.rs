use super::*;
use crate::envelope::Headers;
use proptest::prelude::*;
use std::collections::VecDeque;

fn seen(window: &mut Window, prints: &[u64]) -> Vec<Seen> {
    prints.iter().map(|print| window.note(Fingerprint(*print))).collect()
}

fn message(key: Option<&str>, redrive: Option<&str>) -> Message {
    let headers = redrive.iter().fold(Headers::new(), |all, value| all.with(REDRIVE, *value));
    let key = key.map(|key| key.as_bytes().to_vec());
    Message { topic: "t".into(), partition: 0, offset: 0, timestamp_ms: 0, key, payload: vec![], headers }
}

#[test]
fn a_repeat_is_known_as_long_as_its_first_copy_is_in_the_window() {
    use Seen::{Again, First};
    assert_eq!(seen(&mut Window::new(3), &[1, 2, 1]), [First, First, Again]);
    assert_eq!(seen(&mut Window::new(3), &[1, 2, 3, 1]), [First, First, First, Again]);
    assert_eq!(seen(&mut Window::new(3), &[1, 2, 3, 4, 1]), [First, First, First, First, First]);
}

#[test]
fn a_repeat_keeps_its_key_in_the_window() {
    use Seen::{Again, First};
    assert_eq!(seen(&mut Window::new(2), &[1, 2, 1, 3, 1]), [First, First, Again, First, Again]);
}

#[test]
fn what_is_sent_again_from_the_dead_letters_passes_once_for_each_letter() {
    let prints = Fingerprints::default();
    let mut window = Window::new(10);
    let mut pass = |redrive| window.note(prints.of(&message(Some("k"), redrive)).unwrap()) == Seen::First;
    assert_eq!(
        [pass(None), pass(Some("a")), pass(None), pass(Some("a")), pass(Some("b")), pass(Some("b"))],
        [true, true, false, false, true, false]
    );
}

#[test]
fn a_message_without_a_key_is_like_no_other() {
    assert_eq!(Fingerprints::default().of(&message(None, None)), None);
}

#[test]
fn two_keyrings_make_different_fingerprints_of_one_key() {
    let key = Some(b"018f".as_slice());
    assert_ne!(Fingerprints::default().of_key(key, None), Fingerprints::default().of_key(key, None));
}

#[test]
fn a_window_of_nothing_knows_nothing() {
    assert_eq!(seen(&mut Window::new(0), &[1, 1]), [Seen::First, Seen::First]);
}

proptest! {
    #[test]
    fn it_knows_the_last_keys_and_no_others(
        limit in 1_usize..40,
        prints in proptest::collection::vec(0_u64..60, 0..400),
    ) {
        let mut window = Window::new(limit);
        let mut last: VecDeque<u64> = VecDeque::new();
        for print in prints {
            let wanted = if last.contains(&print) { Seen::Again } else { Seen::First };
            prop_assert_eq!(window.note(Fingerprint(print)), wanted);
            last.push_back(print);
            if last.len() > limit { last.pop_front(); }
            prop_assert_eq!(window.len(), last.len());
        }
    }

    #[test]
    fn a_window_built_again_from_the_last_keys_is_the_one_that_was_lost(
        limit in 1_usize..40,
        prints in proptest::collection::vec(0_u64..60, 0..300),
        more in proptest::collection::vec(0_u64..60, 0..100),
    ) {
        let mut lived = Window::new(limit);
        seen(&mut lived, &prints);
        let mut rebuilt = Window::new(limit);
        seen(&mut rebuilt, &prints[prints.len().saturating_sub(limit)..]);
        prop_assert_eq!(seen(&mut lived, &more), seen(&mut rebuilt, &more));
    }
}

/// `cargo test -p tracker-stream window_costs -- --nocapture` prints the figures of the README.
#[test]
fn window_costs_at_most_26_bytes_a_key_however_often_it_turns_over() {
    const LIMIT: usize = 1_000_000;
    let prints = Fingerprints::default();
    let mut window = Window::new(LIMIT);
    for key in 0..3 * LIMIT {
        let print = prints.of_key(Some(&key.to_be_bytes()), None).unwrap();
        assert_eq!(window.note(print), Seen::First);
        if key + 1 == LIMIT || key + 1 == 3 * LIMIT {
            println!("{} keys came: {} bytes for {}", key + 1, window.bytes(), window.len());
        }
    }
    assert_eq!(window.len(), LIMIT);
    assert!(window.bytes() <= 26 * LIMIT, "{} bytes", window.bytes());
}
