//! Questions and orders: for the schema, for the command line, for tests.

use super::{Client, error};
use clickhouse::error::Error;
use serde::de::DeserializeOwned;
use std::{future::Future, time::Duration};
use tracker_stream::fault::Fault;

/// How values come back: counts as numbers, amounts as text with all their places, times as RFC 3339.
const ANSWERS: [(&str, &str); 6] = [
    ("output_format_json_quote_64bit_integers", "0"),
    ("output_format_json_quote_decimals", "1"),
    ("output_format_decimal_trailing_zeros", "1"),
    ("date_time_output_format", "iso"),
    ("output_format_json_validate_utf8", "1"), // a dead letter's payload may be any bytes
    ("max_query_size", "16777216"),            // ten thousand ids are asked for at once
];

/// The answer, if it comes in time: a ClickHouse that takes connections and says nothing is not there.
pub(crate) async fn within<T>(
    limit: Duration,
    asked: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let silent = |_| Err(Fault::new("clickhouse_timeout", format!("no answer within {limit:?}")));
    tokio::time::timeout(limit, asked).await.unwrap_or_else(silent)
}

impl Client {
    /// The rows that a query answers, each as `T`; [`serde_json::Value`] takes any. `{name:Type}` in the query stands for
    /// a parameter. Decimals are texts with all their places, times RFC 3339; bytes that are no UTF-8
    /// become U+FFFD (ask for `hex(payload)` where they matter).
    ///
    /// ```no_run
    /// # async fn example(client: tracker_processors::clickhouse::Client) -> Result<(), tracker_stream::fault::Fault> {
    /// let sql = "SELECT currency, sum(revenue) AS revenue FROM ltvu WHERE uid = {uid:UUID} GROUP BY currency";
    /// let rows: Vec<serde_json::Value> = client.rows(sql, &[("uid", "0192f0c4-0000-7000-8000-000000000001")]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Always a [`Fault`]; rows that are no `T` are one with the tag `clickhouse_answer`.
    pub async fn rows<T: DeserializeOwned>(
        &self,
        sql: &str,
        params: &[(&str, &str)],
    ) -> Result<Vec<T>, Fault> {
        let mut query = self.inner.query_raw(sql);
        for (name, value) in ANSWERS {
            query = query.with_setting(name, value);
        }
        for (name, value) in params {
            query = query.param(name, value);
        }
        let mut cursor = query.fetch_bytes("JSONEachRow").map_err(|failure| self.judge(&failure))?;
        let bytes = cursor.collect().await.map_err(|failure| self.judge(&failure))?;
        let rows = serde_json::Deserializer::from_slice(&bytes).into_iter().collect::<Result<_, _>>();
        rows.map_err(|wrong| Fault::new("clickhouse_answer", format!("{wrong}, from: {sql}")))
    }

    /// Carries out a statement that answers nothing.
    ///
    /// # Errors
    /// Always a [`Fault`].
    pub async fn execute(&self, sql: &str, params: &[(&str, &str)]) -> Result<(), Fault> {
        let mut query = self.inner.query_raw(sql);
        for (name, value) in params {
            query = query.param(name, value);
        }
        query.execute().await.map_err(|failure| self.judge(&failure))
    }

    /// Whose fault it is; and where nobody answers, who was asked.
    fn judge(&self, failure: &Error) -> Fault {
        let fault = error::of_query(failure);
        if !matches!(fault.tag, "clickhouse_network" | "clickhouse_timeout") {
            return fault;
        }
        // Not the whole URL, which may hold a password.
        let asked = url::Url::parse(self.config.url()).ok();
        let asked =
            asked.as_ref().map_or("", |url| &url[url::Position::BeforeHost..url::Position::AfterPort]);
        Fault::new(fault.tag, format!("{asked} (clickhouse.url): {}", fault.detail))
    }

    /// The server's version, such as `26.7.2.1`: the simplest question, which needs no database.
    ///
    /// # Errors
    /// No answer, or not allowed.
    pub async fn version(&self) -> Result<String, Fault> {
        #[derive(serde::Deserialize)]
        struct Answer {
            version: String,
        }
        let rows: Vec<Answer> = self.server().rows("SELECT version() AS version", &[]).await?;
        let answer = rows.into_iter().next().ok_or_else(|| Fault::new("clickhouse_answer", "no row"))?;
        Ok(answer.version)
    }
}
