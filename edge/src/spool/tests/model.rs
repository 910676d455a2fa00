//! The log against a model, on a disk that fails and a machine that dies at any call: what was answered is never
//! lost, and comes in order.

use super::{KIND, message, number, read};
use crate::spool::{
    disk::Disk,
    log::{Aside, Bounds, Log},
    queue::Marks,
};
use proptest::{collection::vec, prelude::*};
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex},
};

/// A disk in memory.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: BTreeMap<u64, Content>,
    aside: Vec<Vec<u8>>,
    /// A segment on a bad sector.
    lost: Option<u64>,
    trouble: Option<Trouble>,
    /// Nothing works any more until the machine is started again.
    dead: bool,
}

#[derive(Default)]
struct Content {
    bytes: Vec<u8>,
    /// So many of them stay when the power goes.
    safe: usize,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy)]
struct Trouble {
    /// So many calls from now.
    after: usize,
    /// So much of a write that fails was written, and of what was not safe stays when the power goes: 0 to 255.
    part: u8,
    /// The power goes.
    kills: bool,
}

impl Memory {
    /// What happens at a call: whether it fails.
    fn call(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if state.dead {
            return Err(io::Error::other("the machine is dead"));
        }
        match state.trouble {
            Some(Trouble { after: 0, kills, part }) => {
                (state.dead, state.trouble) = (kills, None);
                let part = usize::from(part);
                if state.dead {
                    state.files.values_mut().for_each(|file| file.cut(part));
                }
                Err(io::Error::from(io::ErrorKind::StorageFull))
            }
            Some(trouble) => {
                state.trouble = Some(Trouble { after: trouble.after - 1, ..trouble });
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn with<T>(&self, number: u64, act: impl FnOnce(&mut Content) -> T) -> T {
        act(self.0.lock().unwrap().files.get_mut(&number).unwrap())
    }

    fn part(&self) -> usize {
        self.0.lock().unwrap().trouble.map_or(0, |trouble| usize::from(trouble.part))
    }
}

impl Content {
    fn cut(&mut self, part: usize) {
        let unsafe_bytes = self.bytes.len().saturating_sub(self.safe);
        self.bytes.truncate(self.safe + part * unsafe_bytes / 255);
    }
}

impl Disk for Memory {
    type File = u64;

    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(self.0.lock().unwrap().files.keys().copied().collect())
    }

    fn read(&self, number: u64) -> io::Result<Vec<u8>> {
        let lost = self.0.lock().unwrap().lost;
        match lost {
            Some(lost) if lost == number => Err(io::Error::from_raw_os_error(5)), // EIO
            _ => {
                let state = self.0.lock().unwrap();
                let file = state.files.get(&number).ok_or(io::ErrorKind::NotFound)?;
                Ok(file.bytes.clone())
            }
        }
    }

    fn create(&self, number: u64) -> io::Result<u64> {
        self.call()?;
        assert!(
            self.0.lock().unwrap().files.insert(number, Content::default()).is_none(),
            "no number comes twice"
        );
        Ok(number)
    }

    fn write(&self, file: &mut u64, at: u64, bytes: &[u8]) -> io::Result<()> {
        let (part, at) = (self.part() * bytes.len() / 255, usize::try_from(at).unwrap());
        let put = |bytes: &[u8]| {
            self.with(*file, |content| {
                content.bytes.truncate(at);
                content.bytes.extend(bytes);
            });
        };
        if self.0.lock().unwrap().dead {
            return self.call();
        }
        put(&bytes[..part]);
        self.call()?;
        put(bytes);
        Ok(())
    }

    fn sync(&self, file: &mut u64) -> io::Result<()> {
        self.call()?;
        self.with(*file, |content| content.safe = content.bytes.len());
        Ok(())
    }

    fn truncate(&self, file: &mut u64, bytes: u64) -> io::Result<()> {
        self.call()?;
        self.with(*file, |content| content.bytes.truncate(usize::try_from(bytes).unwrap()));
        Ok(())
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.call()?;
        self.0.lock().unwrap().files.remove(&number);
        Ok(())
    }

    fn move_aside(&self, number: u64) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let lost = state.files.remove(&number).ok_or(io::ErrorKind::NotFound)?;
        state.aside.push(lost.bytes);
        Ok(())
    }

    fn set_aside(&self, _: u64, _: usize, bytes: &[u8]) -> io::Result<()> {
        self.call()?;
        self.0.lock().unwrap().aside.push(bytes.to_vec());
        Ok(())
    }
}

/// What happens.
#[derive(Debug, Clone)]
enum Step {
    /// Requests come, each with so many messages.
    Append(Vec<u8>),
    /// The broker takes the oldest segment.
    Drain,
    /// Something will go wrong.
    Trouble(Trouble),
    /// `kill -9`, and a new start.
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let trouble = (0..6_usize, any::<u8>(), any::<bool>());
    prop_oneof![
        4 => vec(1..5_u8, 1..4).prop_map(Step::Append),
        2 => Just(Step::Drain),
        2 => trouble.prop_map(|(after, part, kills)| Step::Trouble(Trouble { after, part, kills })),
        1 => Just(Step::Restart),
    ]
}

struct Machine {
    disk: Memory,
    log: Log<Memory>,
    next: u32,
    now_ms: i64,
    /// What was answered with success.
    kept: BTreeSet<u32>,
    /// What the broker got, in order.
    sent: Vec<u32>,
}

const BOUNDS: Bounds = Bounds { marks: Marks { high: 4_000, low: 3_000 }, segment: 500 };

impl Machine {
    fn new() -> Self {
        let disk = Memory::default();
        let (log, _) = Log::open(KIND, disk.clone(), BOUNDS).unwrap();
        Self { disk, log, next: 0, now_ms: 0, kept: BTreeSet::new(), sent: Vec::new() }
    }

    fn restart(&mut self) {
        let mut state = self.disk.0.lock().unwrap();
        (state.dead, state.trouble) = (false, None);
        drop(state);
        self.log = Log::open(KIND, self.disk.clone(), BOUNDS).unwrap().0;
    }

    fn append(&mut self, groups: &[u8]) {
        let mut numbers = |group: &u8| {
            let first = self.next;
            self.next += u32::from(*group);
            first..self.next
        };
        let groups: Vec<_> = groups.iter().map(&mut numbers).collect();
        let messages: Vec<Vec<_>> = groups.iter().map(|group| group.clone().map(message).collect()).collect();
        self.now_ms += 1;
        let verdicts = self.log.append(&messages, self.now_ms);
        assert_eq!(verdicts.len(), groups.len());
        for (verdict, group) in verdicts.iter().zip(groups) {
            if verdict.is_ok() {
                self.kept.extend(group);
            }
        }
    }

    /// As a drain does it: read, send, remove. What dies in between is sent again.
    fn drain(&mut self) {
        let Some(oldest) = self.log.oldest() else { return };
        let (messages, damage) = read(KIND, oldest, &self.disk.read(oldest).unwrap());
        self.sent.extend(messages.iter().map(number));
        let aside: Vec<_> = damage.iter().map(|one| Aside { offset: one.offset, bytes: one.bytes }).collect();
        let _sent_again = self.log.remove(oldest, &aside);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Append(groups) => self.append(groups),
            Step::Drain => self.drain(),
            Step::Trouble(trouble) => self.disk.0.lock().unwrap().trouble = Some(*trouble),
            Step::Restart => self.restart(),
        }
        if self.disk.0.lock().unwrap().dead {
            self.restart();
        }
        assert!(self.log.depth().bytes <= BOUNDS.marks.high + 24, "a segment's head is all that goes over");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn what_was_answered_arrives_in_order_whatever_the_disk_does(steps in vec(step(), 1..40)) {
        let mut machine = Machine::new();
        steps.iter().for_each(|step| machine.step(step));
        machine.restart();
        let held = machine.log.depth();
        let mut held_messages = 0;
        while let Some(oldest) = machine.log.oldest() {
            held_messages += read(KIND, oldest, &machine.disk.read(oldest).unwrap()).0.len();
            machine.drain();
        }
        prop_assert_eq!(held.messages, held_messages, "its depth is what it holds");
        prop_assert_eq!(machine.log.depth().bytes, 0, "it is empty");
        let mut first = Vec::new();
        for number in &machine.sent {
            if !first.contains(number) {
                first.push(*number);
            }
        }
        prop_assert!(first.is_sorted(), "each came in its order: {:?}", first);
        let sent: BTreeSet<u32> = first.into_iter().collect();
        prop_assert!(machine.kept.is_subset(&sent), "lost: {:?}", machine.kept.difference(&sent));
    }
}

#[test]
fn a_disk_that_is_full_refuses_and_takes_again_when_it_has_room() {
    let mut machine = Machine::new();
    machine.append(&[2]);
    machine.disk.0.lock().unwrap().trouble = Some(Trouble { after: 0, part: 100, kills: false });
    let verdict = machine.log.append(&[vec![message(100)], vec![message(101)]], 9);
    assert!(verdict.iter().all(|verdict| verdict.as_ref().is_err_and(|fault| fault.tag == "spool_disk")));
    machine.append(&[1]);
    while machine.log.oldest().is_some() {
        machine.drain();
    }
    assert_eq!(machine.sent, [0, 1, 2], "what was refused is not sent after all");
}

#[test]
fn a_log_that_is_full_takes_again_when_it_was_drained_below_its_low_mark() {
    let mut machine = Machine::new();
    while machine.log.append(&[vec![message(39)]], machine.now_ms).iter().all(Result::is_ok) {
        machine.now_ms += 1;
    }
    assert!(machine.log.depth().full);
    assert_eq!(machine.log.append(&[vec![message(0)]], 99)[0].as_ref().unwrap_err().tag, "spool_full");
    while machine.log.depth().full {
        machine.drain();
    }
    assert!(machine.log.depth().bytes <= BOUNDS.marks.low);
    assert_eq!(machine.log.append(&[vec![message(39)]], 100), [Ok(())]);
}

#[test]
fn a_segment_that_the_disk_has_lost_is_moved_aside_and_the_others_are_there() {
    let mut machine = Machine::new();
    machine.append(&[2]);
    machine.restart();
    machine.append(&[2]);
    machine.disk.0.lock().unwrap().lost = machine.log.oldest();
    machine.restart();
    assert_eq!(machine.log.depth().messages, 2);
    machine.drain();
    assert_eq!(machine.sent, [2, 3]);
    assert_eq!(machine.disk.0.lock().unwrap().aside.len(), 1);
}

#[test]
fn a_segment_that_is_lost_after_it_was_read_holds_up_nothing() {
    let lose: [fn(&mut State, u64); 2] =
        [|state, number| state.lost = Some(number), |state, number| drop(state.files.remove(&number))];
    for lose in lose {
        let mut machine = Machine::new();
        machine.append(&[2]);
        machine.restart();
        machine.append(&[1]);
        let oldest = machine.log.oldest().unwrap();
        lose(&mut machine.disk.0.lock().unwrap(), oldest);
        machine.log.remove(oldest, &[Aside { offset: 0, bytes: 1 }]).unwrap();
        assert_eq!(machine.log.depth().messages, 1);
        machine.drain();
        assert_eq!(machine.sent, [2]);
    }
}
