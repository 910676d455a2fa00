//! The types that play the roles of one lane, under one name.

use super::{Bury, Commits, Sift, Sink, Step};
use crate::books::Books;
use std::marker::PhantomData;

/// Who steps, sifts, stores, buries, keeps the books and commits.
pub(super) trait Roles: Send + Sync + 'static {
    type Step: Step;
    type Sift: Sift<<Self::Step as Step>::Out>;
    type Sink: Sink<<Self::Step as Step>::Out>;
    type Bury: Bury;
    type Books: Books;
    type Commits: Commits;
}

/// The roles as played by these.
pub(super) struct PlayedBy<St, Sf, Si, B, Bk, C>(PhantomData<(St, Sf, Si, B, Bk, C)>);

impl<St, Sf, Si, B, Bk, C> Roles for PlayedBy<St, Sf, Si, B, Bk, C>
where
    St: Step,
    Sf: Sift<St::Out>,
    Si: Sink<St::Out>,
    B: Bury,
    Bk: Books,
    C: Commits,
{
    type Step = St;
    type Sift = Sf;
    type Sink = Si;
    type Bury = B;
    type Books = Bk;
    type Commits = C;
}
