//! Whose fault a failure is, told by ClickHouse's error code.
//!
//! | what | becomes | because |
//! |---|---|---|
//! | no answer, cut off, too slow | [`Fault`] `clickhouse_network`, `clickhouse_timeout` | the same insert, repeated, stores nothing twice |
//! | any error while a view is filled | [`Fault`] `clickhouse_view` | the table may hold the block already: the same insert, once the view is mended, completes it |
//! | [`MEMORY`], [`PARTS`] | [`Fault`] `clickhouse_memory`, `clickhouse_parts` | they pass; the next batches are made smaller, or larger and rarer |
//! | a code of [`BUSY`] | [`Fault`] `clickhouse_busy` | it passes: no keeper, read-only, too many queries |
//! | a code of [`SCHEMA`], or columns that are not the row's | [`Fault`] `clickhouse_schema` | `tracker schema apply` mends it, and no row is to blame |
//! | a code of [`ACCESS`] | [`Fault`] `clickhouse_access` | an operator mends it |
//! | a code of [`CONTENT`] | [`Refusal`] `refused_by_clickhouse` | this row cannot be stored, ever; the lane looks for it by halves |
//! | any other | [`Fault`] `clickhouse_unknown` | waiting loses nothing; blaming a row might |

use clickhouse::error::Error;
use tracker_stream::fault::{Fault, Refusal, WriteError, in_full};

/// Passes by itself: TIMEOUT_EXCEEDED 159, READONLY 164, TOO_MANY_SIMULTANEOUS_QUERIES 202, NO_FREE_CONNECTION 203,
/// SOCKET_TIMEOUT 209, NETWORK_ERROR 210, TABLE_IS_READ_ONLY 242,
/// ALL_CONNECTION_TRIES_FAILED 279, TOO_FEW_LIVE_REPLICAS 285, UNKNOWN_STATUS_OF_INSERT 319, CANNOT_SCHEDULE_TASK 439,
/// UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE 286, SYSTEM_ERROR 425, NOT_ENOUGH_SPACE 243, QUERY_WAS_CANCELLED 394,
/// ASYNC_LOAD_WAIT_FAILED 722, KEEPER_EXCEPTION 999, and what a connection cut in the middle looks like from there: CANNOT_READ_ALL_DATA 33.
pub const BUSY: [i32; 18] =
    [33, 159, 164, 202, 203, 209, 210, 242, 243, 279, 285, 286, 319, 394, 425, 439, 722, 999];

/// MEMORY_LIMIT_EXCEEDED. It can come after a part of the block was stored, so the range is not planned anew: it is tried
/// again under its name until there is memory for it, and only what is gathered after it is smaller.
pub const MEMORY: i32 = 241;

/// TOO_MANY_PARTS.
pub const PARTS: i32 = 252;

/// The database is not as the files say: NOT_FOUND_COLUMN_IN_BLOCK 10, NO_SUCH_COLUMN_IN_TABLE 16,
/// NUMBER_OF_COLUMNS_DOESNT_MATCH 20, THERE_IS_NO_COLUMN 8, UNKNOWN_IDENTIFIER 47, UNKNOWN_TABLE 60,
/// UNKNOWN_DATABASE 81, TABLE_IS_DROPPED 218.
pub const SCHEMA: [i32; 8] = [8, 10, 16, 20, 47, 60, 81, 218];

/// Not allowed: UNKNOWN_USER 192, WRONG_PASSWORD 193, REQUIRED_PASSWORD 194, QUOTA_EXCEEDED 201, ACCESS_DENIED 497,
/// AUTHENTICATION_FAILED 516.
pub const ACCESS: [i32; 6] = [192, 193, 194, 201, 497, 516];

/// A value cannot be stored: CANNOT_PARSE_TEXT 6, CANNOT_PARSE_QUOTED_STRING 26, CANNOT_PARSE_INPUT_ASSERTION_FAILED 27,
/// CANNOT_PARSE_DATE 38, CANNOT_PARSE_DATETIME 41, TYPE_MISMATCH 53, ARGUMENT_OUT_OF_BOUND 69, CANNOT_CONVERT_TYPE 70,
/// CANNOT_PARSE_NUMBER 72, INCORRECT_DATA 117, TOO_LARGE_ARRAY_SIZE 128, TOO_LARGE_STRING_SIZE 131,
/// VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE 321, CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN 349, CANNOT_PARSE_UUID 376,
/// DECIMAL_OVERFLOW 407, VIOLATED_CONSTRAINT 469, UNKNOWN_ELEMENT_OF_ENUM 691.
pub const CONTENT: [i32; 18] =
    [6, 26, 27, 38, 41, 53, 69, 70, 72, 117, 128, 131, 321, 349, 376, 407, 469, 691];

/// The tags of faults that say how much ClickHouse can take.
pub(super) const NO_MEMORY: &str = "clickhouse_memory";
pub(super) const TOO_MANY_PARTS: &str = "clickhouse_parts";

/// The tag of a fault that `tracker schema apply` mends.
const OTHER_SCHEMA: &str = "clickhouse_schema";

/// The tag of a fault between a table and its views.
const VIEW: &str = "clickhouse_view";

/// The tag of a row that ClickHouse refuses.
pub const REFUSED: &str = "refused_by_clickhouse";

/// Longest detail that is kept of ClickHouse's message: it may quote the data.
const DETAIL: usize = 1000;

/// Judges a failed insert.
#[must_use]
pub fn of_insert(error: &Error) -> WriteError {
    match error {
        Error::BadResponse(text) if fills_a_view(text) => Fault::new(VIEW, shorten(text)).into(),
        Error::BadResponse(text) if code(text).is_some_and(|code| CONTENT.contains(&code)) => {
            Refusal::new(REFUSED, shorten(text)).into()
        }
        error => of_query(error).into(),
    }
}

/// Judges a failed query: no row can be to blame.
#[must_use]
pub fn of_query(error: &Error) -> Fault {
    let tag = match error {
        Error::BadResponse(text) => match code(text) {
            Some(MEMORY) => NO_MEMORY,
            Some(PARTS) => TOO_MANY_PARTS,
            Some(code) if BUSY.contains(&code) => "clickhouse_busy",
            Some(code) if SCHEMA.contains(&code) => OTHER_SCHEMA,
            Some(code) if ACCESS.contains(&code) => "clickhouse_access",
            Some(_) => "clickhouse_unknown",
            None => "clickhouse_network", // a proxy's own words
        },
        Error::TimedOut => "clickhouse_timeout",
        Error::Network(_) | Error::Compression(_) | Error::Decompression(_) => "clickhouse_network",
        _ => "clickhouse_unknown",
    };
    let detail = shorten(&in_full(error));
    if tag == OTHER_SCHEMA { other_columns(detail) } else { Fault::new(tag, detail) }
}

/// The fault of a table that is not as its file says.
pub(super) fn other_columns(detail: String) -> Fault {
    Fault::new(OTHER_SCHEMA, format!("{detail}; `tracker schema check` tells what differs"))
}

/// Whether the error came while a view was filled. ClickHouse says so at the end of its message, with the view's name. A
/// message that quotes a row may say anything, but only between quotes.
fn fills_a_view(text: &str) -> bool {
    text.rsplit_once("while pushing to view ").is_some_and(|(_, rest)| !rest.contains('\''))
}

/// The number in `Code: 241. DB::Exception: …`.
fn code(text: &str) -> Option<i32> {
    let (_, rest) = text.split_once("Code: ")?;
    rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok()
}

/// Not too long.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(DETAIL) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn answer(code: i32) -> Error {
        Error::BadResponse(format!("Code: {code}. DB::Exception: words (NAME) (version 26.7.2.1)"))
    }

    #[rstest]
    fn a_value_that_cannot_be_stored_is_the_rows_fault(#[values(6, 27, 53, 72, 117, 469)] code: i32) {
        assert!(
            matches!(of_insert(&answer(code)), WriteError::Content(refusal) if refusal.reason == REFUSED)
        );
    }

    #[rstest]
    #[case::timeout(159, "clickhouse_busy")]
    #[case::too_many_queries(202, "clickhouse_busy")]
    #[case::too_many_parts(252, "clickhouse_parts")]
    #[case::no_memory(241, "clickhouse_memory")]
    #[case::keeper(999, "clickhouse_busy")]
    #[case::no_table(60, "clickhouse_schema")]
    #[case::no_column(16, "clickhouse_schema")]
    #[case::bad_password(516, "clickhouse_access")]
    #[case::never_heard_of(4242, "clickhouse_unknown")]
    fn everything_else_is_the_worlds_fault(#[case] code: i32, #[case] tag: &str) {
        assert!(matches!(of_insert(&answer(code)), WriteError::Fault(fault) if fault.tag == tag));
    }

    #[test]
    fn no_row_is_to_blame_for_what_goes_wrong_between_a_table_and_its_view() {
        let text = "Code: 69. DB::Exception: Too large: while executing 'FUNCTION throwIf(…)': while pushing to view \
                    tracker_t.hits_mv (5f0c3c4e-8f5a-4b1e-9d6c-3f1b2a4c5d6e). (ARGUMENT_OUT_OF_BOUND) (version 26.7.2.1)";
        let judged = of_insert(&Error::BadResponse(text.to_owned()));
        assert!(matches!(judged, WriteError::Fault(fault) if fault.tag == VIEW));
    }

    #[test]
    fn a_row_that_says_so_is_only_quoted() {
        let text = "Code: 469. DB::Exception: Constraint `c` for table t is violated at row 1. Expression: (url != 'x'). \
                    Column values: url = 'while pushing to view a.b (c). (NAME) (version 1)'. (VIOLATED_CONSTRAINT) (version 26.7.2.1)";
        assert!(matches!(of_insert(&Error::BadResponse(text.to_owned())), WriteError::Content(_)));
    }

    #[test]
    fn an_answer_that_is_not_clickhouses_is_a_fault_of_the_network() {
        let answer = Error::BadResponse("<html>502 Bad Gateway</html>".to_owned());
        assert_eq!(of_query(&answer).tag, "clickhouse_network");
    }

    #[test]
    fn no_code_is_in_two_lists() {
        let mut all: Vec<i32> =
            [&BUSY[..], &[MEMORY, PARTS], &SCHEMA[..], &ACCESS[..], &CONTENT[..]].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_long_message_is_cut_between_letters() {
        assert_eq!(shorten(&"ä".repeat(DETAIL + 5)).chars().count(), DETAIL + 1);
    }
}
