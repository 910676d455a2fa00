//! What one object has otherwise than its file says, and whether that can be mended without risk. Pure.

use super::{
    files::Statement,
    inspect::{Column, Object},
};

/// One thing that is not as the files say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Gap {
    /// Table or view.
    pub(super) object: String,
    /// `column url`, `settings`, `query`, …; empty: the object itself.
    pub(super) part: String,
    pub(super) problem: String,
    pub(super) mend: Mend,
}

/// How it can be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mend {
    /// `tracker schema apply` does it with these words, and says so. Nothing stored is touched.
    Apply { sql: String, done: String },
    /// Data would be rewritten or lost: a person decides.
    ByHand(String),
}

/// Compares `found` with `wanted`, which `statement` creates in `database`.
pub(super) fn compare(
    database: &str,
    statement: &Statement,
    wanted: &Object,
    found: Option<&Object>,
) -> Vec<Gap> {
    let side = Side { name: &statement.object, table: format!("{database}.{}", statement.object) };
    let Some(found) = found else {
        let mend = Mend::Apply { sql: statement.sql.clone(), done: format!("created {}", side.name) };
        return vec![side.gap("", "is missing", mend)];
    };
    if wanted.engine != found.engine {
        let problem = format!("is `{}`, wanted is `{}`", found.engine, wanted.engine);
        let hint = format!(
            "make a new table, copy the rows, exchange both: RENAME TABLE {0} TO {0}_old",
            side.table
        );
        return vec![side.gap("engine", &problem, Mend::ByHand(hint))];
    }
    match wanted.engine.as_str() {
        "View" | "MaterializedView" => side.view(statement, wanted, found),
        _ => [side.columns(wanted, found), side.indices(wanted, found)]
            .into_iter()
            .flatten()
            .chain(side.settings(wanted, found))
            .collect(),
    }
}

/// The object that is looked at.
struct Side<'a> {
    name: &'a str,
    table: String,
}

impl Side<'_> {
    fn gap(&self, part: &str, problem: &str, mend: Mend) -> Gap {
        Gap { object: self.name.to_owned(), part: part.to_owned(), problem: problem.to_owned(), mend }
    }

    fn alter(&self, what: &str, done: &str) -> Mend {
        Mend::Apply {
            sql: format!("ALTER TABLE {} {what}", self.table),
            done: format!("{}: {done}", self.name),
        }
    }

    fn view(&self, statement: &Statement, wanted: &Object, found: &Object) -> Vec<Gap> {
        if wanted.target != found.target {
            let problem = format!("writes to `{}`, wanted is `{}`", found.target, wanted.target);
            let hint = format!("DROP TABLE {}, then run `tracker schema apply`", self.table);
            return vec![self.gap("target", &problem, Mend::ByHand(hint))];
        }
        if wanted.query == found.query && typed(wanted) == typed(found) {
            return Vec::new();
        }
        let mend = if wanted.engine == "MaterializedView" {
            let query = statement.sql.split_once(" AS\n").map_or("", |(_, query)| query);
            self.alter(&format!("MODIFY QUERY {query}"), "changed its query")
        } else {
            let sql = statement.sql.replacen("CREATE VIEW IF NOT EXISTS", "CREATE OR REPLACE VIEW", 1);
            Mend::Apply { sql, done: format!("{}: changed its query", self.name) }
        };
        let problem = format!("is `{}`, wanted is `{}`", found.query, wanted.query);
        vec![self.gap("query", &problem, mend)]
    }

    fn settings(&self, wanted: &Object, found: &Object) -> Option<Gap> {
        if wanted.settings == found.settings {
            return None;
        }
        let mut gone = found.settings.keys().filter(|name| !wanted.settings.contains_key(*name)).peekable();
        let mend = if gone.peek().is_some() {
            let names = gone.cloned().collect::<Vec<_>>().join(", ");
            self.alter(&format!("RESET SETTING {names}"), &format!("took back the settings {names}"))
        } else {
            let other =
                wanted.settings.iter().filter(|(name, value)| found.settings.get(*name) != Some(*value));
            let list = other.map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ");
            self.alter(&format!("MODIFY SETTING {list}"), &format!("set {list}"))
        };
        let problem = format!("are {:?}, wanted are {:?}", found.settings, wanted.settings);
        Some(self.gap("settings", &problem, mend))
    }

    fn columns(&self, wanted: &Object, found: &Object) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut place = "FIRST".to_owned();
        for column in &wanted.columns {
            let name = &column.name;
            match found.columns.iter().find(|other| other.name == *name) {
                None => {
                    let mend = self.alter(
                        &format!("ADD COLUMN IF NOT EXISTS {} {place}", declared(column)),
                        &format!("added column {name}"),
                    );
                    gaps.push(self.gap(&format!("column {name}"), "is missing", mend));
                }
                Some(other) => gaps.extend(self.column(column, other)),
            }
            place = format!("AFTER `{name}`");
        }
        for column in &found.columns {
            if !wanted.columns.iter().any(|other| other.name == column.name) {
                let name = &column.name;
                let hint = format!(
                    "ALTER TABLE {} DROP COLUMN `{name}`, if nothing needs what it holds",
                    self.table
                );
                gaps.push(self.gap(&format!("column {name}"), "is in no file", Mend::ByHand(hint)));
            }
        }
        gaps
    }

    fn indices(&self, wanted: &Object, found: &Object) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for (name, declared) in &wanted.indices {
            let part = format!("index {name}");
            match found.indices.get(name) {
                None => {
                    let sql = format!("ADD INDEX IF NOT EXISTS {name} {declared}");
                    // Parts that are there get theirs when they are merged.
                    gaps.push(self.gap(
                        &part,
                        "is missing",
                        self.alter(&sql, &format!("added index {name}")),
                    ));
                }
                Some(other) if other != declared => {
                    let problem = format!("is `{other}`, wanted is `{declared}`");
                    let hint = format!(
                        "ALTER TABLE {} DROP INDEX {name}, then run `tracker schema apply`",
                        self.table
                    );
                    gaps.push(self.gap(&part, &problem, Mend::ByHand(hint)));
                }
                Some(_) => {}
            }
        }
        for name in found.indices.keys().filter(|name| !wanted.indices.contains_key(*name)) {
            let hint = format!("ALTER TABLE {} DROP INDEX {name}, if no query needs it", self.table);
            gaps.push(self.gap(&format!("index {name}"), "is in no file", Mend::ByHand(hint)));
        }
        gaps
    }

    fn column(&self, wanted: &Column, found: &Column) -> Option<Gap> {
        let name = &wanted.name;
        let part = format!("column {name}");
        if wanted.r#type != found.r#type {
            let problem = format!("is `{}`, wanted is `{}`", found.r#type, wanted.r#type);
            let hint = format!(
                "ALTER TABLE {} MODIFY COLUMN `{name}` {}, after trying on a copy what becomes of its values",
                self.table, wanted.r#type
            );
            return Some(self.gap(&part, &problem, Mend::ByHand(hint)));
        }
        if declared(wanted) == declared(found) {
            return None;
        }
        // MODIFY COLUMN leaves alone what it does not name.
        let remove = if wanted.codec.is_empty() && !found.codec.is_empty() {
            Some("CODEC")
        } else if wanted.default_kind.is_empty() && !found.default_kind.is_empty() {
            Some(found.default_kind.as_str())
        } else if wanted.comment.is_empty() && !found.comment.is_empty() {
            Some("COMMENT")
        } else {
            None
        };
        let sql = match remove {
            Some(property) => format!("MODIFY COLUMN `{name}` REMOVE {property}"),
            None => format!("MODIFY COLUMN {}", declared(wanted)),
        };
        let problem = format!("is {}, wanted is {}", declared(found), declared(wanted));
        Some(self.gap(&part, &problem, self.alter(&sql, &format!("changed column {name}"))))
    }
}

fn typed(object: &Object) -> Vec<(&str, &str)> {
    object.columns.iter().map(|column| (column.name.as_str(), column.r#type.as_str())).collect()
}

/// A column as a statement declares it.
fn declared(column: &Column) -> String {
    let Column { name, r#type, default_kind, default_expression, codec, comment, .. } = column;
    let mut sql = format!("`{name}` {}", r#type);
    if !default_kind.is_empty() {
        sql = format!("{sql} {default_kind} {default_expression}");
    }
    if !comment.is_empty() {
        sql = format!("{sql} COMMENT '{}'", comment.replace('\\', "\\\\").replace('\'', "\\'"));
    }
    if codec.is_empty() { sql } else { format!("{sql} {codec}") }
}
