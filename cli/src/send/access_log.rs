//! One line of an access log: Common or Combined, with or without the virtual host first
//! (Apache's `%v:%p %h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"`). Pure; any bytes give a value or a reason.

use serde_json::{Map, Value, json};
use std::net::IpAddr;
use time::{OffsetDateTime, format_description::BorrowedFormatItem, macros::format_description};
use tracker_schemas::Timestamp;
use uuid::Uuid;

/// Why a line is none: a tag, and words.
pub type Broken = (&'static str, &'static str);

/// What a line says.
#[derive(Debug, PartialEq, Eq)]
pub struct Visit<'a> {
    /// Virtual host and port, where the line begins with one.
    pub vhost: Option<&'a str>,
    /// Client address; `None` where the server wrote a name.
    pub ip: Option<IpAddr>,
    /// Name of the authenticated user.
    pub user: Option<&'a str>,
    /// Time of the request.
    pub at: Timestamp,
    /// Method.
    pub method: String,
    /// Path and query, or a whole URL.
    pub target: String,
    /// Protocol.
    pub protocol: String,
    /// Status of the answer.
    pub status: u16,
    /// Bytes of the answer.
    pub bytes: Option<u64>,
    /// Referer header.
    pub referer: Option<String>,
    /// User-Agent header.
    pub user_agent: Option<String>,
}

const TIME: &[BorrowedFormatItem<'_>] = format_description!(
    "[day]/[month repr:short]/[year]:[hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
);

/// Reads a line.
///
/// # Errors
/// A tag and words for what is not as the format wants it.
pub fn parse(line: &str) -> Result<Visit<'_>, Broken> {
    let (who, rest) = line.split_once(" [").ok_or(("no_time", "there is no [time]"))?;
    let (time, rest) = rest.split_once("] ").ok_or(("no_time", "the [time] does not end"))?;
    let at = OffsetDateTime::parse(time, TIME)
        .map_err(|_| ("no_time", "the time is not day/Mon/year:h:m:s zone"))?;
    let (vhost, client, user) = who_asked(who)?;
    let (request, rest) = quoted(rest).ok_or(("no_request", "there is no \"request\""))?;
    let (method, target, protocol) =
        request_line(&request).ok_or(("no_request", "the request is not HTTP"))?;
    let (status, rest) = rest.trim_start().split_once(' ').ok_or(("no_status", "there is no status"))?;
    let status = status.parse().ok().filter(|status| (100..600).contains(status));
    let (bytes, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    if bytes != "-" && bytes.parse::<u64>().is_err() {
        return Err(("no_size", "the size is neither a number nor -"));
    }
    let (referer, rest) = quoted(rest).unzip();
    let user_agent = rest.and_then(quoted).map(|(agent, _)| agent);
    Ok(Visit {
        vhost,
        ip: client.parse().ok(),
        user: Some(user).filter(|user| *user != "-"),
        at: Timestamp(at.unix_timestamp().saturating_mul(1000)),
        method: method.to_owned(),
        target: target.to_owned(),
        protocol: protocol.to_owned(),
        status: status.ok_or(("no_status", "the status is not 100 to 599"))?,
        bytes: bytes.parse().ok(),
        referer: referer.filter(|text| is_given(text)),
        user_agent: user_agent.filter(|text| is_given(text)),
    })
}

fn is_given(text: &str) -> bool {
    !text.is_empty() && text != "-"
}

/// Virtual host, client and user: three words, or four with the virtual host. A user's name may have spaces.
fn who_asked(who: &str) -> Result<(Option<&str>, &str, &str), Broken> {
    let short = ("no_client", "the line does not begin with client, identity and user");
    let is_address = |word: &str| word.parse::<IpAddr>().is_ok();
    let (first, rest) = who.split_once(' ').ok_or(short)?;
    let (second, third) = rest.split_once(' ').ok_or(short)?;
    match third.split_once(' ') {
        Some((_identity, user)) if !is_address(first) && (is_address(second) || first.contains(':')) => {
            Ok((Some(first), second, user))
        }
        _ => Ok((None, first, third)),
    }
}

/// Takes `"…"` from the front, with the escapes of Apache and nginx undone.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start().strip_prefix('"')?;
    let (mut bytes, mut letters) = (Vec::new(), text.bytes().enumerate());
    while let Some((place, letter)) = letters.next() {
        match letter {
            b'"' => return Some((String::from_utf8_lossy(&bytes).into_owned(), text.get(place + 1..)?)),
            b'\\' => {
                let hex = || u8::from_str_radix(text.get(place + 2..place + 4)?, 16).ok();
                match letters.next()?.1 {
                    b'x' => {
                        bytes.push(hex()?);
                        letters.nth(1)?;
                    }
                    b'n' => bytes.push(b'\n'),
                    b't' => bytes.push(b'\t'),
                    b'r' => bytes.push(b'\r'),
                    other => bytes.push(other),
                }
            }
            other => bytes.push(other),
        }
    }
    None
}

/// `GET /path HTTP/1.1`.
fn request_line(request: &str) -> Option<(&str, &str, &str)> {
    let (method, rest) = request.split_once(' ')?;
    let (target, protocol) = rest.rsplit_once(' ')?;
    let is_method = !method.is_empty() && method.bytes().all(|letter| letter.is_ascii_uppercase());
    let is_target =
        target.starts_with('/') || target.starts_with("http://") || target.starts_with("https://");
    (is_method && is_target && protocol.starts_with("HTTP/")).then_some((method, target, protocol))
}

impl Visit<'_> {
    /// The page that was asked for; `site` is where lines without a virtual host belong.
    ///
    /// # Errors
    /// No host is known.
    pub fn url(&self, site: Option<&str>) -> Result<String, Broken> {
        if !self.target.starts_with('/') {
            return Ok(self.target.clone());
        }
        let host = match (self.vhost, site) {
            (Some(vhost), _) => match vhost.rsplit_once(':') {
                Some((host, "443")) => format!("https://{host}"),
                Some((host, "80")) => format!("http://{host}"),
                Some(_) => format!("http://{vhost}"),
                None => format!("https://{vhost}"),
            },
            (None, Some(site)) if site.contains("://") => site.trim_end_matches('/').to_owned(),
            (None, Some(site)) => format!("https://{}", site.trim_end_matches('/')),
            (None, None) => return Err(("no_site", "the line names no virtual host: give --site")),
        };
        Ok(format!("{host}{}", self.target))
    }

    /// The event of this visit. The same line at the same place of the same site always has the same id.
    ///
    /// # Errors
    /// As [`Visit::url`].
    pub fn event(self, line: &str, number: u64, site: Option<&str>) -> Result<Map<String, Value>, Broken> {
        let url = self.url(site)?;
        let name = format!("{}\n{number}\n{line}", site.unwrap_or_default());
        let mut event = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                event.insert(key.to_owned(), value);
            }
        };
        set("eid", Some(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()).to_string().into()));
        set("ename", Some("request".into()));
        set("etyp", Some("access_log".into()));
        set("url", Some(url.into()));
        set("created_at", Some(self.at.to_string().into()));
        set("ip", self.ip.map(|ip| ip.to_string().into()));
        set("user_agent", self.user_agent.map(Value::from));
        set("referer", self.referer.map(Value::from));
        set("uname", self.user.map(Value::from)); // the edge keeps its keyed hash
        let mut params = json!({ "method": self.method, "status": self.status, "protocol": self.protocol });
        if let Some(params) = params.as_object_mut() {
            params.extend(self.bytes.map(|bytes| ("bytes".to_owned(), bytes.into())));
        }
        set("params", Some(params));
        Ok(event)
    }
}

#[cfg(test)]
mod tests;
