//! The materialised views of a table, and how they are made anew from it.

use super::{Named, Pair};
use serde::{Deserialize, Serialize};
use tracker_stream::fault::Fault;

/// A materialised view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// Its name.
    pub name: String,
    /// The table that it keeps.
    pub target: String,
    /// What it selects, each table named with its database.
    query: String,
}

/// A view that was made anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rebuilt {
    /// The table that keeps it.
    pub table: String,
    /// Rows before.
    pub before: u64,
    /// Rows now.
    pub after: u64,
}

/// The live views of the pair's table.
///
/// # Errors
/// No answer.
pub async fn of(pair: &Pair) -> Result<Vec<View>, Fault> {
    #[derive(Deserialize)]
    struct Row {
        name: String,
        as_select: String,
        create_table_query: String,
    }
    let sql = "SELECT name, as_select, create_table_query FROM system.tables
        WHERE database = {database:String} AND engine = 'MaterializedView' AND has(
            (SELECT dependencies_table FROM system.tables WHERE database = {database:String} AND name = {table:String}), name)
        ORDER BY name";
    let rows: Vec<Row> = pair.client.rows(sql, &[("database", &pair.live), ("table", pair.table)]).await?;
    let view = |row: Row| {
        let (_, rest) = row.create_table_query.split_once(" TO ")?;
        let target = rest.split([' ', '(']).next()?.rsplit('.').next()?.trim_matches('`').to_owned();
        Some(View { name: row.name, target, query: row.as_select })
    };
    Ok(rows.into_iter().filter_map(view).collect())
}

/// The sorting key of a table.
///
/// # Errors
/// No answer.
pub(super) async fn sorting_key(pair: &Pair, table: &str) -> Result<String, Fault> {
    let sql = "SELECT sorting_key AS name FROM system.tables AS t
        WHERE t.database = {database:String} AND t.name = {table:String}";
    let keys: Vec<Named> = pair.client.rows(sql, &[("database", &pair.live), ("table", table)]).await?;
    let key = keys.into_iter().next().map(|key| key.name);
    key.ok_or_else(|| Fault::new("clickhouse_answer", format!("no table {table} in {}", pair.live)))
}

/// Makes a view anew from the table as it is, rows that are still to be merged counted once, and exchanges it with the old
/// one in one step. Nobody may write to the table meanwhile.
///
/// # Errors
/// No answer. The old view is there until the new one is whole; the same call again begins anew.
pub async fn rebuild(pair: &Pair, view: &View) -> Result<Rebuilt, Fault> {
    let Pair { client, live, .. } = pair;
    let (old, new) = (format!("{live}.{}", view.target), format!("{live}.{}_rebuilt", view.target));
    let sql = "SELECT name FROM system.columns WHERE database = {database:String} AND table = {view:String}
        ORDER BY position";
    let columns: Vec<Named> = client.rows(sql, &[("database", live), ("view", &view.name)]).await?;
    // An insert of a select goes by position, a view by name.
    let columns: Vec<String> = columns.into_iter().map(|column| format!("`{}`", column.name)).collect();
    client.execute(&format!("DROP TABLE IF EXISTS {new} SYNC"), &[]).await?;
    client.execute(&format!("CREATE TABLE {new} AS {old}"), &[]).await?;
    let fill = format!("INSERT INTO {new} ({}) {} SETTINGS final = 1", columns.join(", "), view.query);
    client.execute(&fill, &[]).await?;
    let rebuilt = Rebuilt {
        table: view.target.clone(),
        before: rows(pair, &old).await?,
        after: rows(pair, &new).await?,
    };
    client.execute(&format!("EXCHANGE TABLES {old} AND {new}"), &[]).await?;
    client.execute(&format!("DROP TABLE {new} SYNC"), &[]).await?;
    Ok(rebuilt)
}

async fn rows(pair: &Pair, table: &str) -> Result<u64, Fault> {
    #[derive(Deserialize)]
    struct Count {
        rows: u64,
    }
    let sql = format!("SELECT count() AS rows FROM {table} FINAL");
    let counts: Vec<Count> = pair.client.rows(&sql, &[]).await?;
    Ok(counts.first().map_or(0, |count| count.rows))
}
