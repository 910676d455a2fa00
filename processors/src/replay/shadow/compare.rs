//! How a shadow and the live database differ.

use super::{Pair, views};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};
use tracker_stream::fault::Fault;

/// One side of a partition.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Rows, unmerged ones too.
    pub rows: u64,
    /// Different ids.
    pub ids: u64,
    /// Sum of a hash of each row's content, merged; where the row travelled does not count.
    pub checksum: u64,
    /// Ids that the other side does not have.
    pub only: u64,
}

/// A partition of a table, or all of a view, on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Table, or what keeps a view.
    pub table: String,
    /// Id of the partition: a month, as `202611`; `all` where there are none.
    pub part: String,
    /// In the live database.
    pub live: Side,
    /// In the shadow.
    pub shadow: Side,
}

impl Compared {
    /// Whether both say the same. Rows that are still to be merged make no difference.
    #[must_use]
    pub const fn is_equal(&self) -> bool {
        self.live.ids == self.shadow.ids && self.live.checksum == self.shadow.checksum
    }
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.is_equal() { "equal" } else { "differs" };
        write!(f, "{} {}: {verdict}", self.table, self.part)?;
        for (name, side) in [("live", self.live), ("shadow", self.shadow)] {
            let Side { rows, ids, checksum, only } = side;
            write!(f, "; {name} {rows} rows, {ids} ids, {checksum:016x}, {only} only there")?;
        }
        Ok(())
    }
}

/// Compares the table partition by partition, and what keeps each of its views.
///
/// # Errors
/// No answer.
pub async fn compare(pair: &Pair) -> Result<Vec<Compared>, Fault> {
    let mut compared = table(pair, pair.table, pair.key).await?;
    for view in views::of(pair).await? {
        let key = format!("({})", views::sorting_key(pair, &view.target).await?);
        compared.extend(table(pair, &view.target, &key).await?);
    }
    Ok(compared)
}

/// One table, by partition.
pub(super) async fn table(pair: &Pair, table: &str, key: &str) -> Result<Vec<Compared>, Fault> {
    let mut compared: BTreeMap<String, Compared> = BTreeMap::new();
    let told = Told { key, content: pair.content(table).await? };
    for (database, other) in [(&pair.live, &pair.shadow), (&pair.shadow, &pair.live)] {
        for (part, side) in
            side(pair, &format!("{database}.{table}"), &format!("{other}.{table}"), &told).await?
        {
            let both = compared.entry(part.clone()).or_insert_with(|| Compared {
                table: table.to_owned(),
                part,
                live: Side::default(),
                shadow: Side::default(),
            });
            *if database == &pair.live { &mut both.live } else { &mut both.shadow } = side;
        }
    }
    Ok(compared.into_values().collect())
}

#[derive(Deserialize)]
struct Counted {
    part: String,
    #[serde(flatten)]
    side: Side,
}

/// What tells a row from another, and what it says.
struct Told<'a> {
    key: &'a str,
    content: String,
}

async fn side(pair: &Pair, here: &str, there: &str, told: &Told<'_>) -> Result<Vec<(String, Side)>, Fault> {
    let Told { key, content } = told;
    // Nullable columns have no hash of their own: the text of all of them has one.
    let sql = format!(
        "SELECT part, sum(r) AS rows, sum(i) AS ids, sum(c) AS checksum, sum(o) AS only FROM (
            SELECT _partition_id AS part, count() AS r, uniqExact({key}) AS i, 0 AS c, 0 AS o FROM {here} GROUP BY part
            UNION ALL
            SELECT _partition_id AS part, 0, 0, sum(cityHash64(toString(({content})))), 0 FROM {here} FINAL GROUP BY part
            UNION ALL
            SELECT _partition_id AS part, 0, 0, 0, uniqExact({key}) FROM {here}
                WHERE {key} NOT IN (SELECT {key} FROM {there}) GROUP BY part
        ) GROUP BY part ORDER BY part"
    );
    let counted: Vec<Counted> = pair.client.rows(&sql, &[]).await?;
    Ok(counted.into_iter().map(|counted| (counted.part, counted.side)).collect())
}
