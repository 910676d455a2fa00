//! What each address does and answers, for the document at `/openapi.json`. A test asks the running edge for every answer
//! that stands here, and finds none that does not.

use super::{
    endpoints::{Act, Asked, Endpoint, Settings, Tail},
    form::Form,
};
use crate::{
    collect::Route,
    inlet::{Call, Inlet},
    reason::{self, Reason},
};
use http::Method;

/// What is said of one method of an address.
pub(super) struct Documented {
    /// In a line.
    pub summary: &'static str,
    /// What the request carries.
    pub takes: Takes,
    /// Who may ask.
    pub shows: Shows,
    /// The answer of success.
    pub success: Success,
    /// What is answered when it cannot be had now.
    pub away: Away,
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
    /// Events a line, each in the form of a query.
    Lines,
}

/// What a request has to show.
#[derive(Clone, Copy)]
pub(super) enum Shows {
    Nothing,
    /// A public key, where one is required; elsewhere it may.
    WriteKey,
    SecretKey,
    /// A secret key, or a name and a password.
    KeyOrAccount,
}

/// An answer of success: its status, its media type, the schema of its body.
#[derive(Clone, Copy)]
pub(super) struct Success {
    pub status: u16,
    pub media: &'static str,
    pub schema: &'static str,
    /// 304 to whom has it already.
    pub is_cached: bool,
}

/// What is answered when it cannot be had now.
#[derive(Clone, Copy)]
pub(super) enum Away {
    Never,
    /// 503 with `Retry-After`.
    Later,
    /// 503 and what is amiss, as text.
    Unready,
}

const KEY: &[Reason] = &[reason::MISSING_KEY, reason::UNKNOWN_KEY, reason::EXPIRED_KEY, reason::WRONG_SCOPE];
const MISMATCH: &[Reason] = &[reason::KEY_MISMATCH];
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
/// A list is counted before it is refused for being one.
const ONE: &[Reason] = &[reason::NOT_AN_OBJECT, reason::TOO_MANY_EVENTS];
const AGREE: &[Reason] = &[
    reason::MISSING_VISITOR,
    reason::MISSING_CONSENT,
    reason::INVALID_UUID,
    reason::INVALID_TYPE,
    reason::INVALID_NUMBER,
    reason::OUT_OF_RANGE,
];
const FORGET: &[Reason] = &[reason::MISSING_PERSON, reason::INVALID_UUID, reason::INVALID_TYPE];
const PAYMENT: &[Reason] = &[
    reason::MISSING_REVENUE,
    reason::INVALID_DECIMAL,
    reason::INVALID_CURRENCY,
    reason::INVALID_TIME,
    reason::INVALID_UUID,
    reason::INVALID_TYPE,
];
const ACCOUNT: &[Reason] = &[reason::UNKNOWN_ACCOUNT, reason::RATE_LIMITED];
const ACCOUNT_IN_PATH: &[Reason] = &[
    reason::UNKNOWN_ACCOUNT,
    reason::RATE_LIMITED,
    reason::EXPIRED_KEY,
    reason::WRONG_SCOPE,
    reason::PATH_CREDENTIALS_OFF,
    reason::INVALID_TEXT,
];
const LINK: &[Reason] = &[
    reason::MISSING_URL,
    reason::EQUAL_URLS,
    reason::INVALID_URL,
    reason::SHORT_PATH,
    reason::INVALID_SCHEME,
    reason::LINK_LOOP,
    reason::INVALID_UUID,
    reason::INVALID_TYPE,
    reason::OUT_OF_RANGE,
];

/// An empty answer, as clients have always got it.
const EMPTY: Documented = Documented {
    summary: "",
    takes: Takes::Fields,
    shows: Shows::Nothing,
    success: Success { status: 200, media: "", schema: "", is_cached: false },
    away: Away::Later,
    refuses: &[],
};

const fn success(status: u16, media: &'static str, schema: &'static str) -> Success {
    Success { status, media, schema, ..EMPTY.success }
}

/// What is told to the library of another product.
const SETTINGS: &str =
    "Tells the library of another product how to send, and that there is nothing else for it here.";

const fn look(summary: &'static str, media: &'static str) -> Documented {
    let success = success(200, media, "");
    Documented { summary, takes: Takes::Nothing, success, away: Away::Never, ..EMPTY }
}

impl Endpoint {
    /// What one of its methods does, where it is written in this form.
    pub(super) fn documented(&self, method: &Method, form: Form) -> Documented {
        if *method == Method::OPTIONS {
            let summary = "Tells the methods that it takes; to a page's script, whether it may send here.";
            return Documented { success: success(204, "", ""), ..look(summary, "") };
        }
        match self.act {
            Act::Record(Route::Inlet(inlet)) => of_inlet(inlet),
            Act::Record(Route::Agree | Route::Forget) | Act::Agreements | Act::Geoip | Act::Jurisdictions => {
                self.of_persons(method)
            }
            Act::Record(Route::Redirect | Route::CookieRedirect | Route::ShortLink)
            | Act::Lead(_)
            | Act::Follow
            | Act::Link
            | Act::Links => self.of_links(form),
            Act::Record(route) => of_events(route, method),
            Act::Socket => of_events(Route::Socket, method),
            Act::Health => look("The process runs.", "text/plain"),
            Act::Ready => {
                Documented { away: Away::Unready, ..look("An event can be taken and kept.", "text/plain") }
            }
            Act::Ping => look("Says pong.", "text/plain"),
            Act::Status => look("What one looks at first when something seems wrong.", "application/json"),
            Act::Metrics => look("Everything that is counted, for Prometheus.", "text/plain"),
            Act::Document => look("This document.", "application/json"),
            Act::Script => script(self.tail),
            Act::Settings(Settings::PostHogScript) => look(SETTINGS, "text/javascript"),
            Act::Settings(_) => look(SETTINGS, "application/json"),
            Act::Micro(asked) => of_micro(asked),
        }
    }

    /// Where visitors are sent.
    fn of_links(&self, form: Form) -> Documented {
        let shows =
            if matches!(form, Form::Nothing | Form::Host) { Shows::KeyOrAccount } else { Shows::Nothing };
        match self.act {
            Act::Link => Documented {
                summary: "Makes or changes a short link. What is wrong with it is answered in plain text.",
                takes: Takes::Object,
                shows,
                refuses: match shows {
                    Shows::Nothing => &[ACCOUNT_IN_PATH, BODY, JSON, ONE, LINK, TENANT],
                    _ => &[KEY, ACCOUNT, BODY, JSON, ONE, LINK, TENANT],
                },
                ..EMPTY
            },
            Act::Links => Documented {
                summary: "Lists the short links of a host.",
                takes: Takes::Nothing,
                shows,
                success: success(200, "application/json", ""),
                refuses: match shows {
                    Shows::Nothing => &[ACCOUNT_IN_PATH],
                    _ => &[KEY, ACCOUNT, &[reason::INVALID_TEXT]],
                },
                ..EMPTY
            },
            Act::Follow => Documented {
                summary: "Follows a short link. Its event holds nobody up.",
                takes: Takes::Nothing,
                success: success(302, "", ""),
                refuses: &[&[reason::NOT_FOUND]],
                ..EMPTY
            },
            _ => Documented {
                summary: "Takes an event, and sends the visitor to `url` where that is allowed, else to the default.",
                success: success(302, "", ""),
                away: Away::Never,
                ..EMPTY
            },
        }
    }

    /// What is asked and told of persons and places.
    fn of_persons(&self, method: &Method) -> Documented {
        match self.act {
            Act::Record(Route::Forget) => Documented {
                summary: "Asks that a visitor's or a user's data be erased.",
                takes: Takes::Object,
                shows: Shows::SecretKey,
                success: success(202, "application/json", "Request"),
                refuses: &[KEY, BODY, JSON, ONE, TENANT, FORGET],
                ..EMPTY
            },
            Act::Geoip => Documented {
                away: Away::Later,
                refuses: &[ADDRESS, &[reason::INVALID_ADDRESS, reason::UNKNOWN_ADDRESS]],
                ..look("Tells where an address is: that of `?ip=`, else the caller's.", "application/json")
            },
            Act::Jurisdictions => look("Tells which laws of consent there are.", "application/json"),
            _ if *method == Method::POST => Documented {
                summary: "Keeps a consent.",
                takes: Takes::Object,
                shows: Shows::WriteKey,
                refuses: &[RATE, KEY, MISMATCH, ADDRESS, BODY, JSON, ONE, TENANT, AGREE],
                ..EMPTY
            },
            _ => Documented {
                summary: "Tells the consents of the visitor of `?vid=`, newest first.",
                takes: Takes::Nothing,
                success: success(200, "application/json", ""),
                refuses: &[RATE, ADDRESS, &[reason::MISSING_VISITOR, reason::INVALID_UUID]],
                ..EMPTY
            },
        }
    }
}

/// What an edge without a broker shows; of one test with `?test_id=`.
const fn of_micro(asked: Asked) -> Documented {
    let summary = match asked {
        Asked::All => {
            "Tells how many were accepted, how many refused, and how many there was no room for any more."
        }
        Asked::Good => "Shows what was accepted as it would have been produced, newest last.",
        Asked::Bad => "Shows what was refused, why, and as what it came; newest last.",
        Asked::Reset => "Forgets what was accepted and refused, and tells how many there are then.",
    };
    look(summary, "application/json")
}

/// Events and payments, in Tracker's own format.
fn of_events(route: Route, method: &Method) -> Documented {
    let is_body = *method == Method::POST;
    match route {
        Route::Pixel => Documented {
            summary: "Takes one event, written in the address of an image. The answer is the image, whatever became of it.",
            success: success(200, "image/gif", ""),
            away: Away::Never,
            ..EMPTY
        },
        Route::Server => Documented {
            summary: "Takes events of servers, and answers their ids.",
            takes: if is_body { Takes::Events } else { Takes::Fields },
            shows: Shows::SecretKey,
            success: success(200, "application/json", "Id"),
            refuses: if is_body {
                &[KEY, MISMATCH, ADDRESS, BODY, JSON, BATCH, EVENT, TENANT]
            } else {
                &[KEY, MISMATCH, ADDRESS, EVENT, TENANT]
            },
            ..EMPTY
        },
        Route::Payments => Documented {
            summary: "Takes payments, all of a request or none.",
            takes: Takes::Payments,
            shows: Shows::SecretKey,
            refuses: &[KEY, BODY, JSON, ONE, TENANT, PAYMENT],
            ..EMPTY
        },
        Route::Socket => Documented {
            summary: "Becomes a WebSocket: a text message is an event or an array of them, a binary one the same as an LZ4 block.",
            takes: Takes::Nothing,
            shows: Shows::WriteKey,
            success: success(101, "", ""),
            refuses: &[
                &[reason::UPGRADE_REQUIRED, reason::FOREIGN_ORIGIN],
                &[reason::UNKNOWN_KEY, reason::EXPIRED_KEY, reason::WRONG_SCOPE],
            ],
            ..EMPTY
        },
        _ => Documented {
            summary: "Takes events of browsers and apps: one object, an array, or NDJSON; or one, written in the address.",
            takes: if is_body { Takes::Events } else { Takes::Fields },
            shows: Shows::WriteKey,
            refuses: if is_body {
                &[RATE, KEY, MISMATCH, ADDRESS, BODY, JSON, BATCH, EVENT, TENANT]
            } else {
                &[RATE, KEY, MISMATCH, ADDRESS, EVENT, TENANT]
            },
            ..EMPTY
        },
    }
}

/// The ways in of other products, whose own documents say what they take. Of the events in a body each may be refused; the
/// request is only when none of them is right.
fn of_inlet(inlet: Inlet) -> Documented {
    const OBJECT: &[Reason] = &[reason::NOT_AN_OBJECT];
    const NAME: &[Reason] = &[reason::MISSING_NAME];
    let (summary, status, media) = match inlet {
        Inlet::Segment(_) | Inlet::SegmentApp(_) => {
            ("Takes what Segment's libraries send.", 200, "application/json")
        }
        Inlet::PostHog => ("Takes what PostHog's libraries send.", 200, "application/json"),
        Inlet::Umami => ("Takes what Umami's libraries send.", 200, "application/json"),
        Inlet::Plausible => ("Takes what Plausible's script sends.", 202, "text/plain"),
        Inlet::Ga4 => ("Takes Google Analytics 4's Measurement Protocol.", 204, ""),
        Inlet::Gtag => (
            "Takes what gtag.js sends to Google Analytics 4: fields in the query, and an event a line.",
            204,
            "",
        ),
    };
    let refuses: &[&[Reason]] = match inlet {
        Inlet::Segment(Call::Batch) | Inlet::SegmentApp(Call::Batch) | Inlet::PostHog | Inlet::Ga4 => {
            &[RATE, KEY, MISMATCH, BODY, JSON, OBJECT, BATCH, NAME]
        }
        Inlet::Segment(_) | Inlet::SegmentApp(_) | Inlet::Plausible => {
            &[RATE, KEY, MISMATCH, BODY, JSON, OBJECT, NAME]
        }
        // A page view has no name of its own there.
        Inlet::Umami => &[RATE, KEY, MISMATCH, BODY, JSON, OBJECT, BATCH],
        Inlet::Gtag => &[
            RATE,
            KEY,
            MISMATCH,
            BODY,
            BATCH,
            NAME,
            &[reason::INVALID_UTF8, reason::KEY_TOO_LONG, reason::INVALID_TEXT, reason::EVENT_TOO_LARGE],
        ],
    };
    let takes = if inlet == Inlet::Gtag { Takes::Lines } else { Takes::Object };
    Documented {
        summary,
        takes,
        shows: Shows::WriteKey,
        success: success(status, media, ""),
        refuses,
        ..EMPTY
    }
}

const fn script(tail: Tail) -> Documented {
    let summary = "The browser script; with its version in the address, that one and no other.";
    let refuses: &[&[Reason]] = if matches!(tail, Tail::Version) { &[&[reason::NOT_FOUND]] } else { &[] };
    let plain = look(summary, "text/javascript");
    Documented { refuses, success: Success { is_cached: true, ..plain.success }, ..plain }
}
