//! Records looked at where they stand: texts and bytes are borrowed from the message, and nothing is allocated.

use crate::{
    datum::{Datum, read_block, read_branch, read_bytes, read_text},
    record::{Input, Read},
    value::{Bytes, Decimal, JsonText, Kind, SubjectKind, Timestamp},
};
use std::marker::PhantomData;
use uuid::Uuid;

/// A datum that can be seen in the bytes of its message.
pub trait Viewed: Datum {
    /// What is seen: the value itself where it is small, else what borrows it.
    type View<'a>;
    /// Takes one value from the front of `input`, and refuses what [`Datum::read`] refuses.
    fn view<'a>(input: &mut Input<'a>) -> Read<Self::View<'a>>;
}

/// Values that are as small as a view of them.
macro_rules! by_value {
    ($($type:ty),*) => {$(
        impl Viewed for $type {
            type View<'a> = Self;

            fn view(input: &mut Input<'_>) -> Read<Self> {
                Self::read(input)
            }
        }
    )*};
}
by_value!(bool, i32, i64, f64, Uuid, Timestamp, Decimal, Kind, SubjectKind);

impl Viewed for String {
    type View<'a> = &'a str;

    fn view<'a>(input: &mut Input<'a>) -> Read<&'a str> {
        read_text(input)
    }
}

impl Viewed for JsonText {
    type View<'a> = &'a str;

    fn view<'a>(input: &mut Input<'a>) -> Read<&'a str> {
        read_text(input)
    }
}

impl Viewed for Bytes {
    type View<'a> = &'a [u8];

    fn view<'a>(input: &mut Input<'a>) -> Read<&'a [u8]> {
        read_bytes(input)
    }
}

impl<T: Viewed> Viewed for Option<T> {
    type View<'a> = Option<T::View<'a>>;

    fn view<'a>(input: &mut Input<'a>) -> Read<Self::View<'a>> {
        if read_branch(input)? { T::view(input).map(Some) } else { Ok(None) }
    }
}

impl<T: Viewed> Viewed for Vec<T> {
    type View<'a> = Items<'a, T>;

    fn view<'a>(input: &mut Input<'a>) -> Read<Items<'a, T>> {
        let (rest, mut left) = (*input, 0);
        loop {
            let block = read_block(input)?;
            if block == 0 {
                return Ok(Items { rest, left, in_block: 0, item: PhantomData });
            }
            for _ in 0..block {
                T::view(input)?;
                left += 1;
            }
        }
    }
}

/// The items of an array, each seen when it is its turn.
#[derive(Debug)]
pub struct Items<'a, T> {
    rest: Input<'a>,
    left: usize,
    in_block: u64,
    item: PhantomData<fn() -> T>,
}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<'a, T: Viewed> Iterator for Items<'a, T> {
    type Item = T::View<'a>;

    /// All of them were seen once, or there would be no [`Items`]: none fails.
    fn next(&mut self) -> Option<T::View<'a>> {
        self.left = self.left.checked_sub(1)?;
        if self.in_block == 0 {
            self.in_block = read_block(&mut self.rest).ok()?;
        }
        self.in_block = self.in_block.checked_sub(1)?;
        T::view(&mut self.rest).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T: Viewed> ExactSizeIterator for Items<'_, T> {}
