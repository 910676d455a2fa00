//! Gives what was gathered its fate, range by range.
//!
//! Each range is planned, sifted, written, buried where it was refused, booked, and only then settled; the next plan
//! commits it. A range that the sink refuses for its content is not stored, nothing of it: its halves are ranges of their
//! own, planned and named like any other, down to the one row that is to blame. Whatever dies in between, the plan at the
//! broker says which range may have been written, and no other can have been.

use super::{
    Bury as _, Sift as _, Sink as _,
    gathered::Gathered,
    partition::{LeftOpen, Out, Partition},
    roles::Roles,
};
use crate::{
    books::{Books as _, Page, Tally},
    envelope::{Message, PlannedRange},
    fault::{Refusal, WriteError},
    metrics,
    strategy::Pressure,
};
use std::{ops::Range, time::Duration};
use tokio::time::Instant;

/// What storing a batch told of the store.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lesson {
    /// How long the last write took that succeeded.
    pub(super) took: Duration,
    pub(super) pressure: Pressure,
}

impl Lesson {
    fn felt(&mut self, pressure: Pressure) {
        self.pressure = self.pressure.max(pressure);
    }
}

/// What became of a range.
enum Carried {
    /// Everything in it has its fate.
    Settled,
    /// Its content was refused and nothing of it is stored: these are to be carried instead.
    Halves([Range<usize>; 2]),
}

impl<R: Roles> Partition<R> {
    /// Gives everything that was gathered its fate; leaves open what it could not.
    pub(super) async fn store(&self, mut gathered: Gathered<Out<R>>) -> Result<Lesson, LeftOpen> {
        let mut lesson = Lesson::default();
        let mut outcome = Ok(());
        let mut ranges: Vec<Range<usize>> = std::iter::once(0..gathered.len()).collect();
        while let Some(places) = ranges.pop() {
            match self.carry_range(&places, &mut gathered, &mut lesson).await {
                Ok(Carried::Settled) => {}
                Ok(Carried::Halves([first, second])) => ranges.extend([second, first]),
                Err(left_open) => {
                    outcome = Err(left_open);
                    break;
                }
            }
        }
        gathered.leave_open();
        outcome.map(|()| lesson)
    }

    async fn carry_range(
        &self,
        places: &Range<usize>,
        gathered: &mut Gathered<Out<R>>,
        lesson: &mut Lesson,
    ) -> Result<Carried, LeftOpen> {
        let Some(range) = gathered.range(places) else { return Ok(Carried::Settled) };
        self.plan(&range).await?;
        let turn = tokio::select! {
            turn = self.shared.sift.turn() => turn,
            () = self.ending.forced.cancelled() => return Err(LeftOpen),
        };
        self.sift(&range, places, gathered).await?;
        if let Err(refusal) = self.write(&range, gathered.items(places), lesson).await? {
            match gathered.halves(places) {
                Some(halves) => return Ok(Carried::Halves(halves)),
                None => gathered.refuse(places, &refusal),
            }
        }
        self.bury(&gathered.refused(places)).await?;
        self.book(range, gathered.tally(places)).await?;
        gathered.settle(places);
        drop(turn);
        Ok(Carried::Settled)
    }

    /// Drops what is not to be stored after all.
    async fn sift(
        &self,
        range: &PlannedRange,
        places: &Range<usize>,
        gathered: &mut Gathered<Out<R>>,
    ) -> Result<(), LeftOpen> {
        let items = gathered.items(places);
        if items.is_empty() {
            return Ok(());
        }
        let reasons = self.patiently(|| self.shared.sift.sift(range, items)).await?;
        if reasons.iter().any(Option::is_some) {
            gathered.sift(places, &reasons);
        }
        Ok(())
    }

    /// Writes one range, as often as the world makes it necessary. `Ok(Err(_))`: refused for its content.
    async fn write(
        &self,
        range: &PlannedRange,
        items: &[Out<R>],
        lesson: &mut Lesson,
    ) -> Result<Result<(), Refusal>, LeftOpen> {
        if items.is_empty() {
            return Ok(Ok(()));
        }
        let sink = &self.shared.sink;
        let attempt = || async {
            self.shared.door.pass().await;
            let began_at = Instant::now();
            let written = match sink.write(range, items).await {
                Err(WriteError::Fault(fault)) => {
                    self.shared.door.failed(&fault);
                    return Err(fault);
                }
                Err(WriteError::Content(refusal)) => Err(refusal),
                Ok(()) => Ok(began_at.elapsed()),
            };
            self.shared.door.succeeded();
            Ok(written)
        };
        let written =
            self.patiently_telling(attempt, |fault| lesson.felt(sink.pressure(Some(fault)))).await?;
        Ok(written.map(|took| {
            lesson.took = took;
            lesson.felt(sink.pressure(None));
            metrics::stored(self.shared.name, items.len(), took);
        }))
    }

    async fn bury(&self, refused: &[(&Message, &Refusal)]) -> Result<(), LeftOpen> {
        if refused.is_empty() {
            return Ok(());
        }
        for (Message { topic, partition, offset, .. }, refusal) in refused {
            tracing::warn!(lane = self.shared.name, %topic, partition, offset, reason = refusal.reason,
                detail = refusal.detail, "refused a message: it goes to the dead letters");
        }
        self.patiently(|| self.shared.dead.bury(refused)).await
    }

    async fn book(&self, range: PlannedRange, tally: Tally) -> Result<(), LeftOpen> {
        let page = Page { lane: self.shared.name, range, tally };
        self.patiently(|| self.shared.books.note(&page)).await
    }
}
