//! Connections: HTTP kept alive, TLS by the system's library.

use super::ClickHouseConfig;
use hyper_tls::HttpsConnector;
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use native_tls::{Certificate, TlsConnector};
use std::time::Duration;
use tracker_stream::config::{Mistake, Mistakes};

/// Servers close connections that were idle for 3 s by default; we close them first, and never meet a closed one.
const IDLE: Duration = Duration::from_secs(2);
const TCP_KEEPALIVE: Duration = Duration::from_secs(60);

/// A client over connections that also trust the configured authority.
pub(super) fn over(config: &ClickHouseConfig) -> Result<clickhouse::Client, Mistakes> {
    let mut http = HttpConnector::new();
    http.set_keepalive(Some(TCP_KEEPALIVE));
    http.set_nodelay(true);
    http.enforce_http(false);
    let connector = HttpsConnector::from((http, tls(config)?.into()));
    let client = HttpClient::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector);
    Ok(clickhouse::Client::with_http_client(client))
}

fn tls(config: &ClickHouseConfig) -> Result<TlsConnector, Mistakes> {
    let path = &config.ca_file;
    let wrong = |error: String| Mistake::new("clickhouse.ca_file", format!("{}: {error}", path.display()));
    let mut builder = TlsConnector::builder();
    if !path.as_os_str().is_empty() {
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let certificates = Certificate::stack_from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
        if certificates.is_empty() {
            return Err(wrong("holds no certificate in PEM".to_owned()).into());
        }
        for certificate in certificates {
            builder.add_root_certificate(certificate);
        }
    }
    Ok(builder.build().map_err(|error| wrong(error.to_string()))?)
}
