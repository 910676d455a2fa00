//! The life of a replay: block after block, each planned on disk before it goes in.

use super::{
    About, Block, Erased, Key, Live, Outlet, Pace, Records, State,
    order::Where,
    state::{BlockPlan, Counts, Held},
};
use std::{collections::HashSet, time::Duration};
use tokio::time::sleep;
use tracker_schemas::Timestamp;
use tracker_stream::{
    clock,
    envelope::{Message, PlannedRange},
    fault::Fault,
    kafka::{KafkaConfig, Offsets, Reader},
    retry::Backoff,
};

/// Whether a message is wanted.
pub type Filter = Box<dyn Fn(&Message) -> bool>;

/// What a replay says of itself.
#[derive(Debug)]
pub enum Telling<'a> {
    /// A block more is done.
    Block(&'a State),
    /// It waits, for this.
    Waiting(String),
}

/// Whether anything is written.
#[derive(Debug)]
pub enum Mode {
    /// Into the state that is held.
    Real(Held),
    /// Nothing is.
    Dry,
}

/// A replay that can run.
pub struct Replay {
    /// How far it has come.
    pub state: State,
    /// Whether anything is written.
    pub mode: Mode,
    /// Where messages come from.
    pub kafka: KafkaConfig,
    /// Reads them.
    pub records: Records,
    /// Which of them are wanted.
    pub filter: Filter,
    /// Of whom none are.
    pub erased: Erased,
    /// Where they go.
    pub outlet: Outlet,
    /// How fast.
    pub pace: Pace,
    /// Who goes first.
    pub live: Live,
}

/// Longest wait for a world that is away.
const PATIENCE: Duration = Duration::from_secs(10);

impl Replay {
    /// Carries on until all is done.
    ///
    /// # Errors
    /// What waiting does not mend. The state is as it was before the last block: the same replay goes on from there.
    pub async fn run(mut self, mut told: impl FnMut(Telling<'_>)) -> Result<State, Fault> {
        if self.state.order.into != Where::Shadow && matches!(self.mode, Mode::Real(_)) {
            self.live.settled(self.state.order.topic, |why| told(Telling::Waiting(why))).await?;
        }
        self.repeat(&mut told).await?;
        for index in 0..self.state.ranges.len() {
            self.range(index, &mut told).await?;
        }
        self.state.finished_at = Some(Timestamp(clock::now_ms()));
        self.save()?;
        Ok(self.state)
    }

    async fn range(&mut self, index: usize, told: &mut impl FnMut(Telling<'_>)) -> Result<(), Fault> {
        let Some(range) = self.state.ranges.get(index) else { return Ok(()) };
        let (partition, first, end) = (range.partition, range.next, range.end);
        if first >= end {
            return Ok(());
        }
        let mut reader = Reader::range(&self.kafka, &self.state.topic, Offsets { partition, first, end })?;
        loop {
            let block = Block::read(&mut reader, Some(self.state.bounds)).await?;
            let counts = self.carry(&block, told).await?;
            let last = block.messages.last().map(|message| message.offset + 1);
            let next = if block.is_last { Some(end) } else { last };
            self.advance(partition, next.unwrap_or(end), counts)?;
            told(Telling::Block(&self.state));
            if block.is_last {
                return Ok(());
            }
        }
    }

    /// Takes out what is not wanted and what is there already, and carries on the rest.
    async fn carry(&mut self, block: &Block, told: &mut impl FnMut(Telling<'_>)) -> Result<Counts, Fault> {
        let (mut counts, wanted) = self.judge(block);
        self.pace.turn(block.messages.len()).await;
        let (live, mut waiting) = (&mut self.live, |why| told(Telling::Waiting(why)));
        let Some(store) = self.outlet.store() else {
            counts.written = wanted.len() as u64;
            return Ok(counts);
        };
        if wanted.is_empty() {
            return Ok(counts);
        }
        patiently(&mut waiting, async |waiting| live.give_way(store, waiting).await).await?;
        let abouts: Vec<About> = wanted.iter().map(|(_, about)| *about).collect();
        let stored = patiently(&mut waiting, async |_| store.stored(&abouts).await).await?;
        let missing = missing(&wanted, stored);
        counts.present = (wanted.len() - missing.len()) as u64;
        counts.written = missing.len() as u64;
        if let Some(plan) = block.plan(&missing).filter(|plan| !plan.offsets.is_empty()) {
            self.state.plan = Some(plan.clone());
            self.save()?;
            self.write(&plan, block, &mut counts, told).await?;
        }
        Ok(counts)
    }

    /// What is to be carried on, and what became of the others. Pure but for the counting.
    fn judge(&self, block: &Block) -> (Counts, Vec<(i64, About)>) {
        let mut counts = Counts { read: block.messages.len() as u64, ..Counts::default() };
        let mut wanted = Vec::with_capacity(block.messages.len());
        for message in &block.messages {
            match self.records.about(message) {
                None => counts.unreadable += 1,
                Some(_) if !(self.filter)(message) => counts.filtered += 1,
                Some(about) if self.erased.has(&about) => counts.erased += 1,
                Some(about) => wanted.push((message.offset, about)),
            }
        }
        (counts, wanted)
    }

    /// Repeats to the letter what was going in when the replay was killed: it may be stored, whole or not at all.
    /// What goes into a topic is asked about again instead: by now it is stored, as far as it was sent.
    async fn repeat(&mut self, told: &mut impl FnMut(Telling<'_>)) -> Result<(), Fault> {
        let Some(mut plan) = self.state.plan.take() else { return Ok(()) };
        if !matches!(self.outlet, Outlet::Table(_)) {
            return Ok(());
        }
        let BlockPlan { partition, first, last, .. } = plan;
        let offsets = Offsets { partition, first, end: last + 1 };
        let block = Block::read(&mut Reader::range(&self.kafka, &self.state.topic, offsets)?, None).await?;
        if !plan.is_of(&block) {
            let detail = format!("{partition}: {first}-{last} of {} is not what it was", self.state.topic);
            return Err(Fault::new("topic_changed", detail));
        }
        let (mut counts, mut wanted) = self.judge(&block);
        let of_all = wanted.len();
        wanted.retain(|(offset, _)| plan.has(*offset)); // but for who was erased meanwhile
        counts.present = (of_all - wanted.len()) as u64;
        counts.written = wanted.len() as u64;
        let offsets: Vec<i64> = wanted.iter().map(|(offset, _)| *offset).collect();
        plan.offsets = block.plan(&offsets).map(|plan| plan.offsets).unwrap_or_default();
        self.write(&plan, &block, &mut counts, told).await?;
        self.advance(partition, last + 1, counts)?;
        told(Telling::Block(&self.state));
        Ok(())
    }

    async fn write(
        &self,
        plan: &BlockPlan,
        block: &Block,
        counts: &mut Counts,
        told: &mut impl FnMut(Telling<'_>),
    ) -> Result<(), Fault> {
        let range = PlannedRange {
            topic: format!("replay-{}:{}", self.state.id, self.state.topic).into(),
            partition: plan.partition,
            first: plan.first,
            last: plan.last,
            first_at_ms: plan.first_at_ms,
        };
        let mut messages: Vec<&Message> =
            block.messages.iter().filter(|message| plan.has(message.offset)).collect();
        let mut waiting = |why| told(Telling::Waiting(why));
        let refused =
            patiently(&mut waiting, async |_| self.outlet.write(&range, &mut messages).await).await?;
        counts.written -= refused;
        counts.refused += refused;
        Ok(())
    }

    fn advance(&mut self, partition: i32, next: i64, counts: Counts) -> Result<(), Fault> {
        if let Some(range) = self.state.ranges.iter_mut().find(|range| range.partition == partition) {
            range.next = next;
            range.counts += counts;
        }
        self.state.plan = None;
        self.save()
    }

    fn save(&self) -> Result<(), Fault> {
        match &self.mode {
            Mode::Real(held) => held.save(&self.state),
            Mode::Dry => Ok(()),
        }
    }
}

/// The offsets of what is not stored, each key once.
pub(super) fn missing(wanted: &[(i64, About)], mut stored: HashSet<Key>) -> Vec<i64> {
    wanted.iter().filter(|(_, about)| stored.insert(about.key)).map(|(offset, _)| *offset).collect()
}

/// Tries again while the world is only away.
async fn patiently<T>(
    told: &mut impl FnMut(String),
    mut attempt: impl AsyncFnMut(&mut dyn FnMut(String)) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let mut backoff = Backoff::new(PATIENCE);
    loop {
        match attempt(told).await {
            Err(fault) if passes(&fault) => {
                told(fault.to_string());
                sleep(backoff.next(clock::now_ms().unsigned_abs())).await;
            }
            ended => return ended,
        }
    }
}

/// Whether it may mend by itself.
fn passes(fault: &Fault) -> bool {
    const AWAY: [&str; 10] = [
        "clickhouse_network",
        "clickhouse_timeout",
        "clickhouse_busy",
        "clickhouse_memory",
        "clickhouse_parts",
        "broker_unreachable",
        "unacknowledged",
        "queue_full",
        "not_enough_replicas",
        "produce",
    ];
    AWAY.contains(&fault.tag)
}
