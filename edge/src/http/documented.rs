//! What each address does and answers, for the document at `/openapi.json`. A test asks the running edge for every answer
//! that stands here.

use super::endpoints::{Act, Endpoint, Tail};
use crate::{
    collect::Route,
    inlet::Inlet,
    reason::{self, Reason},
};
use http::Method;

/// What is said of one method of an address.
pub(super) struct Documented {
    /// In a line.
    pub summary: &'static str,
    /// What the request carries.
    pub takes: Takes,
    /// The answer of success.
    pub success: Success,
    /// For what it refuses, by groups.
    pub refuses: &'static [&'static [Reason]],
}

/// What a request carries.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    Nothing,
    /// Fields of one event, in the path and the query.
    Fields,
    /// One event, an array of them, or NDJSON; fields in the address lie under each.
    Events,
    /// One JSON object.
    Object,
    /// One payment, or several under `payments`.
    Payments,
}

/// An answer of success: its status, its media type, the schema of its body.
#[derive(Clone, Copy)]
pub(super) struct Success {
    pub status: u16,
    pub media: &'static str,
    pub schema: &'static str,
    /// 503 with `Retry-After` when it cannot be had now.
    pub may_wait: bool,
}

const KEY: &[Reason] = &[reason::MISSING_KEY, reason::UNKNOWN_KEY];
const RATE: &[Reason] = &[reason::RATE_LIMITED];
const ADDRESS: &[Reason] = &[reason::PATH_TOO_LONG, reason::KEY_TOO_LONG, reason::INVALID_TEXT];
const BODY: &[Reason] = &[
    reason::BODY_TIMEOUT,
    reason::BODY_BROKEN,
    reason::BODY_TOO_LARGE,
    reason::INFLATES_TOO_FAR,
    reason::BROKEN_ENCODING,
    reason::UNSUPPORTED_ENCODING,
    reason::UNSUPPORTED_CHARSET,
];
const JSON: &[Reason] = &[
    reason::MALFORMED,
    reason::INVALID_UTF8,
    reason::TOO_DEEP,
    reason::KEY_TOO_LONG,
    reason::INVALID_TEXT,
    reason::EVENT_TOO_LARGE,
];
const BATCH: &[Reason] = &[reason::TOO_MANY_EVENTS];
const EVENT: &[Reason] = &[
    reason::MISSING_NAME,
    reason::INVALID_UUID,
    reason::INVALID_TYPE,
    reason::INVALID_NUMBER,
    reason::OUT_OF_RANGE,
];
const TENANT: &[Reason] = &[reason::TENANT_MISMATCH];
const OBJECT: &[Reason] = &[
    reason::MALFORMED,
    reason::INVALID_UTF8,
    reason::NOT_AN_OBJECT,
    reason::TOO_DEEP,
    reason::KEY_TOO_LONG,
    reason::INVALID_TEXT,
];
const AGREE: &[Reason] =
    &[reason::MISSING_VISITOR, reason::MISSING_CONSENT, reason::INVALID_UUID, reason::INVALID_NUMBER];
const PAYMENT: &[Reason] = &[
    reason::NOT_AN_OBJECT,
    reason::MISSING_REVENUE,
    reason::INVALID_DECIMAL,
    reason::INVALID_CURRENCY,
    reason::INVALID_TIME,
    reason::INVALID_UUID,
];

const EMPTY: Success = Success { status: 200, media: "", schema: "", may_wait: true };

const ACCOUNT: &[Reason] = &[reason::UNKNOWN_ACCOUNT, reason::PATH_CREDENTIALS_OFF, reason::RATE_LIMITED];
const LINK: &[Reason] = &[
    reason::MISSING_URL,
    reason::EQUAL_URLS,
    reason::INVALID_URL,
    reason::SHORT_PATH,
    reason::INVALID_SCHEME,
    reason::LINK_LOOP,
];
const SENT: Success = Success { status: 302, ..EMPTY };

const fn look(summary: &'static str, media: &'static str, may_wait: bool) -> Documented {
    let success = Success { status: 200, media, schema: "", may_wait };
    Documented { summary, takes: Takes::Nothing, success, refuses: &[] }
}

const fn script(tail: Tail) -> Documented {
    let summary = "The browser script; with its version in the address, that one and no other.";
    let refuses: &[&[Reason]] = if matches!(tail, Tail::Version) { &[&[reason::NOT_FOUND]] } else { &[] };
    Documented { refuses, ..look(summary, "text/javascript", false) }
}

impl Endpoint {
    /// What one of its methods does.
    pub(super) fn documented(&self, method: &Method) -> Documented {
        match self.act {
            Act::Record(Route::Client) if *method == Method::POST => Documented {
                summary: "Takes events of browsers and apps: one object, an array, or NDJSON.",
                takes: Takes::Events,
                success: EMPTY,
                refuses: &[RATE, ADDRESS, BODY, JSON, BATCH, EVENT],
            },
            Act::Record(Route::Client) => Documented {
                summary: "Takes one event of a browser, written in the address.",
                takes: Takes::Fields,
                success: EMPTY,
                refuses: &[RATE, ADDRESS, EVENT],
            },
            Act::Record(Route::Pixel) => Documented {
                summary: "Takes one event, written in the address of an image. The answer is the image, whatever became of it.",
                takes: Takes::Fields,
                success: Success { status: 200, media: "image/gif", schema: "", may_wait: false },
                refuses: &[],
            },
            Act::Record(Route::Server) if *method == Method::POST => Documented {
                summary: "Takes events of servers, and answers their ids.",
                takes: Takes::Events,
                success: Success { media: "application/json", schema: "Id", ..EMPTY },
                refuses: &[KEY, ADDRESS, BODY, JSON, BATCH, EVENT, TENANT],
            },
            Act::Record(Route::Server) => Documented {
                summary: "Takes one event of a server, written in the address, and answers its id.",
                takes: Takes::Fields,
                success: Success { media: "application/json", schema: "Id", ..EMPTY },
                refuses: &[KEY, ADDRESS, EVENT, TENANT],
            },
            Act::Record(Route::Payments) => Documented {
                summary: "Takes payments, all of a request or none.",
                takes: Takes::Payments,
                success: EMPTY,
                refuses: &[KEY, BODY, JSON, TENANT, PAYMENT],
            },
            Act::Record(Route::Inlet(inlet)) => of_inlet(inlet),
            Act::Record(Route::Agree | Route::Forget) | Act::Agreements | Act::Geoip | Act::Jurisdictions => {
                self.of_persons(method)
            }
            Act::Socket | Act::Record(Route::Socket) => Documented {
                summary: "Becomes a WebSocket: a text message is an event or an array of them, a binary one the same as an LZ4 block.",
                takes: Takes::Nothing,
                success: Success { status: 101, ..EMPTY },
                refuses: &[&[reason::UPGRADE_REQUIRED, reason::FOREIGN_ORIGIN]],
            },
            Act::Lead(_) | Act::Follow | Act::Link | Act::Links => self.of_links(),
            Act::Record(Route::Redirect | Route::CookieRedirect | Route::ShortLink) => self.of_links(),
            Act::Health => look("The process runs.", "text/plain", false),
            Act::Ready => look("An event can be taken and kept.", "text/plain", true),
            Act::Ping => look("Says pong.", "text/plain", false),
            Act::Status => {
                look("What one looks at first when something seems wrong.", "application/json", false)
            }
            Act::Metrics => look("Everything that is counted, for Prometheus.", "text/plain", false),
            Act::Document => look("This document.", "application/json", false),
            Act::Script => script(self.tail),
        }
    }

    /// Where visitors are sent.
    fn of_links(&self) -> Documented {
        match self.act {
            Act::Link => Documented {
                summary: "Makes or changes a short link. What is wrong with it is answered in plain text.",
                takes: Takes::Object,
                success: EMPTY,
                refuses: &[KEY, ACCOUNT, BODY, OBJECT, LINK, TENANT],
            },
            Act::Links => Documented {
                summary: "Lists the short links of a host.",
                takes: Takes::Nothing,
                success: Success { media: "application/json", ..EMPTY },
                refuses: &[KEY, ACCOUNT, &[reason::NOT_FOUND]],
            },
            Act::Follow => Documented {
                summary: "Follows a short link. Its event holds nobody up.",
                takes: Takes::Nothing,
                success: SENT,
                refuses: &[&[reason::NOT_FOUND]],
            },
            _ => Documented {
                summary: "Takes an event, and sends the visitor to `url` where that is allowed, else to the default.",
                takes: Takes::Fields,
                success: Success { may_wait: false, ..SENT },
                refuses: &[],
            },
        }
    }

    /// What is asked and told of persons and places.
    fn of_persons(&self, method: &Method) -> Documented {
        match self.act {
            Act::Record(Route::Forget) => Documented {
                summary: "Asks that a visitor's or a user's data be erased.",
                takes: Takes::Object,
                success: Success { status: 202, media: "application/json", schema: "Request", ..EMPTY },
                refuses: &[KEY, BODY, OBJECT, TENANT, &[reason::INVALID_UUID, reason::MISSING_PERSON]],
            },
            Act::Geoip => Documented {
                refuses: &[&[reason::INVALID_ADDRESS, reason::UNKNOWN_ADDRESS]],
                ..look(
                    "Tells where an address is: that of `?ip=`, else the caller's.",
                    "application/json",
                    true,
                )
            },
            Act::Jurisdictions => look("Tells which laws of consent there are.", "application/json", false),
            _ if *method == Method::POST => Documented {
                summary: "Keeps a consent.",
                takes: Takes::Object,
                success: EMPTY,
                refuses: &[RATE, ADDRESS, BODY, OBJECT, AGREE],
            },
            _ => Documented {
                summary: "Tells the consents of the visitor of `?vid=`, newest first.",
                takes: Takes::Nothing,
                success: Success { media: "application/json", ..EMPTY },
                refuses: &[RATE, &[reason::MISSING_VISITOR, reason::INVALID_UUID]],
            },
        }
    }
}

/// The ways in of other products, whose own documents say what they take. Of the events in a body each may be refused; the
/// request is only when none of them is right.
fn of_inlet(inlet: Inlet) -> Documented {
    let json = Success { media: "application/json", ..EMPTY };
    let (summary, success) = match inlet {
        Inlet::Segment(_) | Inlet::SegmentApp(_) => ("Takes what Segment's libraries send.", json),
        Inlet::PostHog => ("Takes what PostHog's libraries send.", json),
        Inlet::Umami => ("Takes what Umami's libraries send.", json),
        Inlet::Plausible => {
            ("Takes what Plausible's script sends.", Success { status: 202, media: "text/plain", ..EMPTY })
        }
        Inlet::Ga4 => ("Takes Google Analytics 4's Measurement Protocol.", Success { status: 204, ..EMPTY }),
        Inlet::Gtag => {
            return Documented {
                summary: "Takes what gtag.js sends to Google Analytics 4: fields in the query, and an event a line.",
                takes: Takes::Fields,
                success: Success { status: 204, ..EMPTY },
                refuses: &[RATE, BODY, BATCH, &[reason::INVALID_UTF8, reason::MISSING_NAME]],
            };
        }
    };
    let refuses: &[&[Reason]] = match inlet {
        Inlet::Plausible => &[RATE, BODY, JSON, &[reason::NOT_AN_OBJECT, reason::MISSING_NAME]],
        _ => &[RATE, BODY, JSON, BATCH, &[reason::NOT_AN_OBJECT]],
    };
    Documented { summary, takes: Takes::Object, success, refuses }
}
