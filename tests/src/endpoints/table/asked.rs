//! A request, as one sends it: whole, or not.

use super::ground::Ground;
use crate::rig::{Answer, End, post, talk};
use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// A request. It comes from an address of its own, where nothing else is said: a rate counts for nobody else.
#[derive(Clone)]
pub struct Asked {
    pub at: String,
    pub method: Method,
    pub path: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub manner: Manner,
    pub from: Option<String>,
}

/// How it is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    Whole,
    /// Half of the body, and then nothing.
    Stalled,
    /// Half of the body, and then the end.
    BrokenOff,
    /// A body of 10 GiB is announced.
    Endless,
}

/// An address that nobody else has.
pub fn stranger() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let [_, _, third, fourth] = NEXT.fetch_add(1, Relaxed).to_be_bytes();
    format!("198.18.{third}.{fourth}")
}

impl Asked {
    pub fn with(&mut self, name: &'static str, value: &str) {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
    }

    pub fn without(&mut self, name: &str) {
        self.headers.retain(|(other, _)| *other != name);
    }

    /// One more field, in the body where that is an object.
    pub fn add(&mut self, field: &str, value: impl Into<Value>) {
        let value = value.into();
        match serde_json::from_slice::<Value>(&self.body) {
            Ok(mut body) => {
                body[field] = value;
                self.body = body.to_string().into_bytes();
            }
            Err(_) => {
                let mark = if self.path.contains('?') { '&' } else { '?' };
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
                write!(self.path, "{mark}{field}={text}").expect("a text");
            }
        }
    }

    /// Says something in its body.
    pub fn say(&mut self, body: &Value) {
        self.body = body.to_string().into_bytes();
    }

    pub async fn send(&self, ground: &Ground) -> Answer {
        let Self { at, method, path, headers, body, .. } = self;
        let from = self.from.clone().unwrap_or_else(stranger);
        let (more, end) = match self.manner {
            Manner::Whole => {
                let url = format!("{at}{path}");
                let request = ground.site.request_at(method.clone(), &url).header("x-forwarded-for", from);
                let request =
                    headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
                return post(request.body(body.clone())).await;
            }
            Manner::Stalled => (body.len(), End::Silent),
            Manner::BrokenOff => (body.len(), End::Closed),
            Manner::Endless => (10 << 30, End::Silent),
        };
        let own: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: shop.example\r\nx-forwarded-for: {from}\r\n{own}content-length: {more}\r\n\r\n"
        );
        read(&talk(at, &[head.as_bytes(), &body[..body.len() / 2]], end).await)
    }

    /// What was sent, in a line: no secret of it.
    pub fn told(&self) -> String {
        let cut = |text: &str| match text.char_indices().nth(70) {
            Some((at, _)) => format!("{}…", &text[..at]),
            None => text.to_owned(),
        };
        let secret = |part: &&str| part.len() == 32 && part.bytes().all(|digit| digit.is_ascii_hexdigit());
        let path: Vec<&str> =
            self.path.split('/').map(|part| Some(part).filter(secret).map_or(part, |_| "…")).collect();
        let mut told = cut(&path.join("/"));
        for (name, value) in &self.headers {
            let value = if ["authorization", "x-write-key"].contains(name) { "…" } else { value };
            write!(told, "; {name}: {value}").expect("a text");
        }
        if !self.body.is_empty() {
            write!(told, "; {}", cut(&String::from_utf8_lossy(&self.body))).expect("a text");
        }
        told + match self.manner {
            Manner::Whole => "",
            Manner::Stalled => " (half of it, and nothing more)",
            Manner::BrokenOff => " (half of it, and the end)",
            Manner::Endless => " (10 GiB announced)",
        }
    }
}

/// An answer as it came. None at all has the status 0.
pub fn read(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let status = status.unwrap_or(StatusCode::from_u16(999).expect("a status"));
    let headers: HeaderMap = lines
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(name, value)| Some((name.parse::<http::HeaderName>().ok()?, value.parse().ok()?)))
        .collect();
    Answer { status, headers, body: body.as_bytes().to_vec() }
}

/// The reason of a refusal: old clients of short links read it as text.
pub fn reason(answer: &Answer) -> String {
    if answer.status.is_success() || answer.status.is_redirection() || answer.status.is_informational() {
        return String::new();
    }
    if answer.header("content-type").starts_with("text/plain") {
        return answer.text().split(':').next().unwrap_or_default().to_owned();
    }
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!({}));
    said["error"].as_str().unwrap_or_default().to_owned()
}

/// What every answer of its status has to carry; gives what is missing.
pub fn lacks(answer: &Answer, method: &Method) -> Option<String> {
    let seconds = |name: &str| answer.header(name).parse::<u64>().is_ok();
    let is_text = answer.header("content-type").starts_with("text/plain");
    let wrong = match answer.status.as_u16() {
        401 if answer.header("www-authenticate") != "Bearer" => "no WWW-Authenticate",
        405 if answer.header("allow").is_empty() => "no Allow",
        426 if [answer.header("upgrade"), answer.header("sec-websocket-version")] != ["websocket", "13"] => {
            "it does not say what would be a handshake"
        }
        429 if !seconds("retry-after") => "no Retry-After",
        503 if !is_text && !seconds("retry-after") => "no Retry-After",
        302 if answer.header("location").is_empty() || answer.header("cache-control") != "no-store" => {
            "it leads nowhere, or is kept"
        }
        _ => "",
    };
    if !wrong.is_empty() {
        return Some(wrong.to_owned());
    }
    if *method == Method::HEAD {
        return (!answer.body.is_empty()).then(|| "a HEAD has no body".to_owned());
    }
    let refused = answer.status.is_client_error() || answer.status.is_server_error();
    if refused && !is_text && !matches!(answer.status.as_u16(), 431) {
        let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let detail = said["detail"].as_str().unwrap_or_default();
        if answer.header("content-type") != "application/json" || detail.is_empty() {
            return Some(format!("no JSON with a detail: {}", answer.text()));
        }
    }
    None
}
