//! The files of `schema/`, which the programs carry inside them.

use sha2::{Digest, Sha256};

/// What stands for the name of the database in a file.
const PLACEHOLDER: &str = "{database}";

/// One file: an object, or a view with what keeps it.
#[derive(Debug, Clone, Copy)]
pub struct SchemaFile {
    /// Name, without `.sql`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        /// All files, each after those that it reads from.
        pub const FILES: &[SchemaFile] = &[$(SchemaFile {
            name: $name,
            text: include_str!(concat!("../../../../schema/", $name, ".sql")),
        },)*];
    };
}
files!(
    "schema_history",
    "events",
    "payments",
    "dead_letters",
    "redirects",
    "redirect_history",
    "ledger",
    "agreed",
    "agreements",
    "ltv_items",
    "ltv",
    "ltvu",
    "ltvv",
    "visitors",
    "sessions",
    "dailies",
    "hits",
);

/// A statement of a file that creates one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) file: &'static str,
    /// Name of the object, without the database.
    pub(super) object: String,
    /// The whole statement.
    pub(super) sql: String,
}

impl SchemaFile {
    /// SHA-256 of the text, in hex.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(self.text))
    }

    /// The statements, for `database`.
    pub(super) fn statements(&self, database: &str) -> Vec<Statement> {
        let code: String =
            self.text.lines().filter(|line| !line.starts_with("--")).fold(String::new(), |mut code, line| {
                code.push_str(line);
                code.push('\n');
                code
            });
        let statements = code.split(";\n").map(str::trim).filter(|sql| !sql.is_empty());
        statements.map(|sql| self.statement(sql, database)).collect()
    }

    fn statement(&self, sql: &str, database: &str) -> Statement {
        let after = sql.split_once(&format!("{PLACEHOLDER}.")).map_or("", |(_, after)| after);
        let object = after.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').next();
        Statement {
            file: self.name,
            object: object.unwrap_or_default().to_owned(),
            sql: sql.replace(PLACEHOLDER, database),
        }
    }
}

/// The statements of all files, in order.
pub(super) fn statements(database: &str) -> Vec<Statement> {
    FILES.iter().flat_map(|file| file.statements(database)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_creates_one_named_object_unless_it_is_there() {
        let all = statements("shop");
        for Statement { sql, object, .. } in &all {
            assert!(sql.starts_with("CREATE ") && sql.contains(" IF NOT EXISTS shop."), "{sql}");
            assert!(!object.is_empty() && !sql.contains(PLACEHOLDER), "{sql}");
        }
        let views = ["ltv", "ltvu", "ltvv", "visitors", "sessions", "dailies", "hits"];
        for name in ["events", "payments", "dead_letters"].iter().chain(&views) {
            assert!(all.iter().any(|statement| statement.object == *name), "{name} is not created");
        }
    }

    #[test]
    fn every_table_that_rows_go_to_remembers_its_tokens() {
        for Statement { sql, object, .. } in statements("shop") {
            let keeps_rows = sql.contains("ENGINE = ") && object != "schema_history";
            assert_eq!(keeps_rows, sql.contains("non_replicated_deduplication_window"), "{object}");
        }
    }

    /// A repeated insert would be counted twice: see the head of `schema/dailies.sql`.
    #[test]
    fn no_table_that_a_view_keeps_has_partitions() {
        let all = statements("shop");
        let targets = all.iter().filter_map(|statement| {
            let (_, rest) = statement.sql.split_once(" TO shop.")?;
            rest.split(' ').next()
        });
        let targets: Vec<_> = targets.collect();
        assert!(targets.contains(&"dailies_data") && targets.contains(&"ltv_items"), "{targets:?}");
        for Statement { sql, object, .. } in &all {
            assert!(!targets.contains(&object.as_str()) || !sql.contains("PARTITION BY"), "{object}");
        }
    }

    #[test]
    fn every_file_begins_with_what_it_is_for() {
        for file in FILES {
            assert!(file.text.starts_with(&format!("-- {}: ", file.name)), "{}", file.name);
        }
    }
}
