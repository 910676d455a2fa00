//! Rows of `ledger`.

use super::{
    Column, Packed, Place, RowOf, TableRow,
    cell::{Id, Instant, Text, pack},
};
use tracker_schemas::{LedgerPage, LedgerPageView};
use tracker_stream::fault::Refusal;

/// A page as the table `ledger` takes it: its counts as four columns of one length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow(Packed);

impl TableRow for LedgerRow {
    const TABLE: &'static str = "ledger";

    const COLUMNS: &'static [Column] = &[
        Column::of::<Id>("id"),
        Column::of::<Text>("process"),
        Column::of::<Text>("lane"),
        Column::of::<Instant>("written_at"),
        Column::of::<Text>("topic"),
        Column::of::<Option<i32>>("partition"),
        Column::of::<Option<i64>>("first"),
        Column::of::<Option<i64>>("last"),
        Column::of::<Text>("token"),
        Column::of::<Vec<Instant>>("minutes"),
        Column::of::<Vec<Text>>("fates"),
        Column::of::<Vec<Text>>("reasons"),
        Column::of::<Vec<i64>>("counts"),
    ];

    fn packed(&self) -> &Packed {
        &self.0
    }
}

impl RowOf<LedgerPage> for LedgerRow {
    fn of(page: LedgerPageView<'_>, _place: &Place) -> Result<Self, Refusal> {
        let mut row = Vec::with_capacity(Packed::ROOM);
        pack::<_, Id>("id", page.id, &mut row)?;
        pack::<_, Text>("process", page.process, &mut row)?;
        pack::<_, Text>("lane", page.lane, &mut row)?;
        pack::<_, Instant>("written_at", page.written_at, &mut row)?;
        pack::<_, Text>("topic", page.topic, &mut row)?;
        pack::<_, Option<i32>>("partition", page.partition, &mut row)?;
        pack::<_, Option<i64>>("first", page.first, &mut row)?;
        pack::<_, Option<i64>>("last", page.last, &mut row)?;
        pack::<_, Text>("token", page.token, &mut row)?;
        let counts = || page.counts.clone();
        pack::<_, Vec<Instant>>("minutes", counts().map(|count| count.minute), &mut row)?;
        pack::<_, Vec<Text>>("fates", counts().map(|count| count.fate), &mut row)?;
        pack::<_, Vec<Text>>("reasons", counts().map(|count| count.reason), &mut row)?;
        pack::<_, Vec<i64>>("counts", counts().map(|count| count.count), &mut row)?;
        Ok(Self(Packed::of(&row)))
    }
}
