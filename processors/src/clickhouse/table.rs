//! Whether a table has the columns of its rows: looked up once, and again after an insert that failed.

use super::{Client, error, native::Sent};
use crate::rows::{Column, TableRow, Value};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tracker_stream::fault::Fault;

/// A table that takes its rows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Table {
    /// The insert of a block.
    pub(super) statement: String,
    /// How each column is sent.
    pub(super) columns: Vec<Sent>,
}

/// The tables that were looked up.
#[derive(Debug, Default)]
pub(super) struct Tables(Mutex<BTreeMap<&'static str, Arc<Table>>>);

impl Tables {
    /// Forgets a table: it may be another one by now.
    pub(super) fn forget(&self, table: &str) {
        self.lock().remove(table);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Arc<Table>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A column as ClickHouse describes it.
#[derive(Debug, Deserialize)]
struct Described {
    name: String,
    r#type: String,
    /// Empty: none.
    default_type: String,
}

impl Described {
    /// Nobody may say what it holds.
    fn is_computed(&self) -> bool {
        ["MATERIALIZED", "ALIAS"].contains(&self.default_type.as_str())
    }
}

impl Client {
    /// The table of these rows.
    ///
    /// # Errors
    /// No answer; `clickhouse_schema` where it is not there or has other columns.
    pub(super) async fn table<R: TableRow>(&self) -> Result<Arc<Table>, Fault> {
        let known = self.tables.lock().get(R::TABLE).map(Arc::clone);
        if let Some(table) = known {
            return Ok(table);
        }
        let described: Vec<Described> = self.rows(&format!("DESCRIBE TABLE {}", R::TABLE), &[]).await?;
        let table = check(R::TABLE, R::COLUMNS, &described).map(Arc::new).map_err(error::other_columns)?;
        self.tables.lock().insert(R::TABLE, Arc::clone(&table));
        Ok(table)
    }
}

/// How rows of `columns` are sent to a table that is described so; or all that differs.
fn check(table: &str, columns: &'static [Column], described: &[Described]) -> Result<Table, String> {
    let (mut sent, mut differences) = (Vec::with_capacity(columns.len()), Vec::new());
    for column in columns {
        let found = described.iter().find(|found| found.name == column.name);
        match found.ok_or_else(|| "is missing".to_owned()).and_then(|found| sending(column, found)) {
            Ok(column) => sent.push(column),
            Err(problem) => differences.push(format!("column {} {problem}", column.name)),
        }
    }
    let is_ours = |found: &Described| columns.iter().any(|column| column.name == found.name);
    let unknown = described.iter().filter(|found| !is_ours(found) && found.default_type.is_empty());
    differences
        .extend(unknown.map(|found| format!("column {} has no default, and no row has it", found.name)));
    if !differences.is_empty() {
        return Err(format!("{table}: {}", differences.join("; ")));
    }
    let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
    Ok(Table {
        statement: format!("INSERT INTO {table} ({}) FORMAT Native", names.join(", ")),
        columns: sent,
    })
}

/// How a column is sent to the one that was found under its name; or how that differs.
fn sending(column: &'static Column, found: &Described) -> Result<Sent, String> {
    if found.is_computed() {
        return Err(format!("is {}", found.default_type));
    }
    let plain = column.type_of(column.value.type_name());
    let dictionary = column.value == Value::Text && found.r#type == column.type_of("LowCardinality(String)");
    if !dictionary && found.r#type != plain {
        return Err(format!("is {}, wanted is {plain}", found.r#type));
    }
    Ok(Sent { column, type_name: found.r#type.clone(), dictionary })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Form;

    const COLUMNS: &[Column] = &[
        Column { name: "id", form: Form::One, value: Value::Id },
        Column { name: "host", form: Form::One, value: Value::Text },
        Column { name: "tags", form: Form::Array, value: Value::Text },
        Column { name: "ver", form: Form::Nullable, value: Value::Int32 },
    ];

    fn described(columns: &[(&str, &str, &str)]) -> Vec<Described> {
        let column = |(name, is, default): &(&str, &str, &str)| Described {
            name: (*name).to_owned(),
            r#type: (*is).to_owned(),
            default_type: (*default).to_owned(),
        };
        columns.iter().map(column).collect()
    }

    #[test]
    fn a_table_of_these_columns_takes_texts_with_or_without_a_dictionary() {
        let found = described(&[
            ("added", "UInt8", "DEFAULT"),
            ("ver", "Nullable(Int32)", ""),
            ("id", "UUID", ""),
            ("host", "LowCardinality(String)", ""),
            ("tags", "Array(String)", ""),
        ]);
        let table = check("t", COLUMNS, &found).unwrap();
        assert_eq!(table.statement, "INSERT INTO t (`id`, `host`, `tags`, `ver`) FORMAT Native");
        let sent: Vec<_> =
            table.columns.iter().map(|sent| (sent.type_name.as_str(), sent.dictionary)).collect();
        assert_eq!(
            sent,
            [
                ("UUID", false),
                ("LowCardinality(String)", true),
                ("Array(String)", false),
                ("Nullable(Int32)", false)
            ]
        );
    }

    #[test]
    fn all_that_differs_is_told_at_once() {
        let found = described(&[
            ("id", "String", ""),
            ("host", "String", "MATERIALIZED"),
            ("ver", "Nullable(Int64)", ""),
            ("more", "UInt8", ""),
        ]);
        assert_eq!(
            check("t", COLUMNS, &found).unwrap_err(),
            "t: column id is String, wanted is UUID; column host is MATERIALIZED; column tags is missing; \
             column ver is Nullable(Int64), wanted is Nullable(Int32); column more has no default, and no row has it"
        );
    }
}
