//! What a database has, as `system.tables` and `system.columns` tell it.

use super::super::Client;
use serde::Deserialize;
use std::collections::BTreeMap;
use tracker_stream::fault::Fault;

/// A table or a view, without the name of its database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Object {
    /// `View`, `MaterializedView`, or the engine of a table with its keys, without its settings.
    pub(super) engine: String,
    /// Settings of a table.
    pub(super) settings: BTreeMap<String, String>,
    /// The query of a view.
    pub(super) query: String,
    /// Where a materialised view writes.
    pub(super) target: String,
    /// In order.
    pub(super) columns: Vec<Column>,
    /// Skip indices by name, each as it is declared: `eid TYPE bloom_filter(0.001) GRANULARITY 4`.
    pub(super) indices: BTreeMap<String, String>,
}

/// A column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Column {
    pub(super) table: String,
    pub(super) name: String,
    pub(super) r#type: String,
    /// `DEFAULT`, `MATERIALIZED`, `ALIAS`, or nothing.
    pub(super) default_kind: String,
    pub(super) default_expression: String,
    pub(super) codec: String,
    pub(super) comment: String,
}

#[derive(Deserialize)]
struct Table {
    name: String,
    engine: String,
    engine_full: String,
    as_select: String,
    create_table_query: String,
}

const TABLES: &str = "SELECT name, engine, engine_full, as_select, create_table_query
    FROM system.tables WHERE database = {database:String}";
const COLUMNS: &str =
    "SELECT table, name, type, default_kind, default_expression, compression_codec AS codec, comment
    FROM system.columns WHERE database = {database:String} ORDER BY table, position";

const INDICES: &str =
    "SELECT table, name, concat(expr, ' TYPE ', type_full, ' GRANULARITY ', toString(granularity)) AS declared
    FROM system.data_skipping_indices WHERE database = {database:String}";

#[derive(Deserialize)]
struct Index {
    table: String,
    name: String,
    declared: String,
}

/// All objects of `database` by name; none when it is not there.
pub(super) async fn inspect(client: &Client, database: &str) -> Result<BTreeMap<String, Object>, Fault> {
    let server = client.server();
    let params = [("database", database)];
    let tables: Vec<Table> = server.rows(TABLES, &params).await?;
    let columns: Vec<Column> = server.rows(COLUMNS, &params).await?;
    let indices: Vec<Index> = server.rows(INDICES, &params).await?;
    let mut objects: BTreeMap<String, Object> =
        tables.into_iter().map(|table| (table.name.clone(), object(&table, database))).collect();
    for column in columns {
        if let Some(object) = objects.get_mut(&column.table) {
            object.columns.push(column);
        }
    }
    for Index { table, name, declared } in indices {
        if let Some(object) = objects.get_mut(&table) {
            object.indices.insert(name, declared);
        }
    }
    Ok(objects)
}

fn object(table: &Table, database: &str) -> Object {
    let (engine, settings) = table.engine_full.split_once(" SETTINGS ").unwrap_or((&table.engine_full, ""));
    let settings = settings.split(", ").filter_map(|setting| setting.split_once(" = "));
    let engine = if engine.is_empty() { table.engine.as_str() } else { engine };
    let written = without(database, &table.create_table_query);
    let target = written.split_once(" TO ").filter(|_| table.engine == "MaterializedView");
    Object {
        engine: engine.to_owned(),
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        query: without(database, &table.as_select),
        target: target.and_then(|(_, rest)| rest.split(' ').next()).unwrap_or_default().to_owned(),
        columns: Vec::new(),
        indices: BTreeMap::new(),
    }
}

/// Takes the name of the database away where a table is named.
fn without(database: &str, sql: &str) -> String {
    ["FROM ", "JOIN ", "TO "].iter().fold(sql.to_owned(), |sql, word| {
        sql.replace(&format!("{word}{database}."), word).replace(&format!("{word}`{database}`."), word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_told_without_its_database() {
        let table = Table {
            name: "hits_mv".to_owned(),
            engine: "MaterializedView".to_owned(),
            engine_full: String::new(),
            as_select: "SELECT e.url FROM e.events AS e".to_owned(),
            create_table_query:
                "CREATE MATERIALIZED VIEW e.hits_mv TO e.hits_data (`url` String) AS SELECT 1".to_owned(),
        };
        let object = object(&table, "e");
        assert_eq!(
            (object.query.as_str(), object.target.as_str()),
            ("SELECT e.url FROM events AS e", "hits_data")
        );
    }

    #[test]
    fn settings_stand_apart_from_the_engine() {
        let table = Table {
            name: "t".to_owned(),
            engine: "MergeTree".to_owned(),
            engine_full: "MergeTree ORDER BY a SETTINGS x = 1, y = 'z'".to_owned(),
            as_select: String::new(),
            create_table_query: String::new(),
        };
        let object = object(&table, "e");
        assert_eq!(object.engine, "MergeTree ORDER BY a");
        assert_eq!(object.settings.get("y").map(String::as_str), Some("'z'"));
    }
}
