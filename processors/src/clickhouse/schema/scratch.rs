//! What the files mean on a server: their objects, created in a database of their own that goes again at once.
//!
//! Its name has the time in it. So what a check leaves that is killed midway is known by its age, and the next one drops
//! it; never one that another check may still be using.

use super::{
    super::Client,
    files,
    inspect::{Object, inspect},
};
use serde::Deserialize;
use std::collections::BTreeMap;
use tracker_schemas::Timestamp;
use tracker_stream::{clock, fault::Fault};
use uuid::Uuid;

/// A check takes seconds.
const STALE_MS: i64 = 10 * 60 * 1000;

/// The objects of all files by name.
pub(super) async fn wanted(client: &Client) -> Result<BTreeMap<String, Object>, Fault> {
    let (server, prefix) = (client.server(), format!("{}_schema_check_", client.database()));
    drop_stale(&server, &prefix).await?;
    let scratch = format!("{prefix}{}", Uuid::now_v7().simple());
    server.execute(&format!("CREATE DATABASE {scratch}"), &[]).await?;
    let looked = create_and_look(&server, &scratch).await;
    let dropped = drop(&server, &scratch).await;
    let objects = looked?;
    dropped.map(|()| objects)
}

async fn create_and_look(server: &Client, scratch: &str) -> Result<BTreeMap<String, Object>, Fault> {
    for files::Statement { sql, .. } in files::statements(scratch) {
        server.execute(&sql, &[]).await?;
    }
    inspect(server, scratch).await
}

async fn drop_stale(server: &Client, prefix: &str) -> Result<(), Fault> {
    #[derive(Deserialize)]
    struct Database {
        name: String,
    }
    let sql = "SELECT name FROM system.databases WHERE startsWith(name, {prefix:String})";
    let found: Vec<Database> = server.rows(sql, &[("prefix", prefix)]).await?;
    for Database { name } in found.iter().filter(|found| is_stale(&found.name, prefix, clock::now_ms())) {
        drop(server, name).await?;
    }
    Ok(())
}

async fn drop(server: &Client, scratch: &str) -> Result<(), Fault> {
    server.execute(&format!("DROP DATABASE IF EXISTS {scratch} SYNC"), &[]).await
}

/// Whether it is the scratch database of a check that has long ended.
fn is_stale(name: &str, prefix: &str, now_ms: i64) -> bool {
    let id = name.strip_prefix(prefix).and_then(|id| Uuid::try_parse(id).ok());
    id.and_then(Timestamp::of_id).is_some_and(|Timestamp(made_ms)| now_ms - made_ms > STALE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::just_made("t_schema_check_0192f0c4000070008000000000000001", 0, false)]
    #[case::still_in_use("t_schema_check_0192f0c4000070008000000000000001", STALE_MS, false)]
    #[case::left("t_schema_check_0192f0c4000070008000000000000001", STALE_MS + 1, true)]
    #[case::of_another_database("u_schema_check_0192f0c4000070008000000000000001", STALE_MS + 1, false)]
    #[case::no_name_of_ours("t_schema_check_backup", STALE_MS + 1, false)]
    #[case::no_time_in_it("t_schema_check_0192f0c4000040008000000000000001", STALE_MS + 1, false)]
    fn only_what_a_killed_check_left_is_stale(#[case] name: &str, #[case] age: i64, #[case] stale: bool) {
        assert_eq!(is_stale(name, "t_schema_check_", 0x0192_f0c4_0000 + age), stale);
    }
}
