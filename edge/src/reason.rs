//! Every reason for which the edge refuses something: its tag, its HTTP status, its meaning. The one list of them:
//! metric labels, log fields and JSON bodies all carry these tags and no others.

use tracker_stream::fault::Refusal;

/// Why something is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reason {
    /// The tag, snake_case.
    pub tag: &'static str,
    /// The HTTP status of an answer that is this refusal alone.
    pub status: u16,
    /// What it means, for documentation.
    pub meaning: &'static str,
}

impl Reason {
    /// The refusal of one thing for this reason. `detail` says what was wrong and what to change; it never
    /// repeats a value that was sent.
    pub fn refuse(self, detail: impl Into<String>) -> Refusal {
        Refusal::new(self.tag, detail)
    }
}

macro_rules! reasons {
    ($($name:ident = $tag:literal, $status:literal, $meaning:literal;)*) => {
        $(#[doc = $meaning] pub const $name: Reason = Reason { tag: $tag, status: $status, meaning: $meaning };)*
        /// All of them.
        pub const ALL: &[Reason] = &[$($name),*];
    };
}

reasons! {
    // A request as a whole.
    NOT_FOUND = "not_found", 404, "There is nothing at this address.";
    UNKNOWN_HOST = "unknown_host", 421, "Plain HTTP asked for a host that the edge has no certificate for.";
    METHOD_NOT_ALLOWED = "method_not_allowed", 405, "This address takes other methods.";
    MISSING_KEY = "missing_key", 401, "The route needs a key, and none was shown.";
    UNKNOWN_KEY = "unknown_key", 403, "The key is not in the key file.";
    EXPIRED_KEY = "expired_key", 403, "The key was good until some time ago.";
    WRONG_SCOPE = "wrong_scope", 403, "The key is good for other things than this one.";
    UPGRADE_REQUIRED = "upgrade_required", 426, "This address takes WebSockets only.";
    FOREIGN_ORIGIN = "foreign_origin", 403, "The page is of an origin that may not open a WebSocket.";
    UNKNOWN_ACCOUNT = "unknown_account", 403, "There is no such account, or its password is another.";
    PATH_CREDENTIALS_OFF = "path_credentials_off", 403, "This edge takes no names and passwords in a path.";
    RATE_LIMITED = "rate_limited", 429, "The address, the key or its tenant has sent more than it may.";
    BODY_TIMEOUT = "body_timeout", 408, "The body did not arrive in time.";
    BODY_BROKEN = "body_broken", 400, "The connection broke off within the body.";
    BODY_TOO_LARGE = "body_too_large", 413, "The body is longer than the limit, as sent or inflated.";
    INFLATES_TOO_FAR = "inflates_too_far", 413, "The body inflates to more times its size than it may.";
    BROKEN_ENCODING = "broken_encoding", 400, "The body is not what its Content-Encoding says.";
    UNSUPPORTED_ENCODING = "unsupported_encoding", 415, "The Content-Encoding is not one that is taken.";
    UNSUPPORTED_CHARSET = "unsupported_charset", 415, "The charset is not UTF-8.";

    // A question.
    INVALID_ADDRESS = "invalid_address", 400, "`ip` is no IPv4 or IPv6 address.";
    UNKNOWN_ADDRESS = "unknown_address", 404, "No GeoIP file knows the address.";

    // A body, a path or a query as a whole.
    MALFORMED = "malformed", 400, "The body is not the JSON that was promised.";
    INVALID_UTF8 = "invalid_utf8", 400, "The body is not UTF-8.";
    TOO_MANY_EVENTS = "too_many_events", 413, "More events than one request may carry.";
    PATH_TOO_LONG = "path_too_long", 413, "The path is longer than the limit.";

    // One event.
    EVENT_TOO_LARGE = "event_too_large", 413, "The event is longer than the limit.";
    TOO_DEEP = "too_deep", 400, "The event nests objects and arrays deeper than the limit.";
    KEY_TOO_LONG = "key_too_long", 400, "A key is longer than the limit.";
    INVALID_TEXT = "invalid_text", 400, "A text holds a NUL, half a surrogate pair, or bytes that are not UTF-8.";
    NOT_AN_OBJECT = "not_an_object", 400, "An event is a JSON object; this is something else.";
    MISSING_NAME = "missing_name", 400, "Neither `ename` nor `etyp` is given.";
    INVALID_UUID = "invalid_uuid", 400, "A field that is a UUID holds something else.";
    INVALID_TYPE = "invalid_type", 400, "A field holds a JSON type that it cannot be.";
    INVALID_NUMBER = "invalid_number", 400, "A numeric field holds no number, or one that is too large.";
    OUT_OF_RANGE = "out_of_range", 400, "A number lies outside what its field allows.";
    KEY_MISMATCH = "key_mismatch", 403, "The event carries another write key than the request it came in.";
    TENANT_MISMATCH = "tenant_mismatch", 403, "`oid` names another tenant than the key.";

    // A consent, and what a person asks for.
    MISSING_VISITOR = "missing_vid", 400, "No visitor is named by `vid`, and no cookie names one.";
    MISSING_CONSENT = "missing_cflags", 400, "A consent without `cflags` says nothing.";
    MISSING_PERSON = "missing_person", 400, "Neither `vid` nor `uid` says whose data are to be erased.";
    // One short link.
    MISSING_URL = "missing_url", 400, "`urlfrom` or `urlto` of a short link is missing.";
    EQUAL_URLS = "equal_urls", 400, "A short link would lead to its own text.";
    INVALID_URL = "invalid_url", 400, "`urlfrom` or `urlto` is no URL that a visitor can be sent to.";
    SHORT_PATH = "short_path", 400, "The path of `urlfrom` has fewer than 2 characters.";
    INVALID_SCHEME = "invalid_scheme", 400, "`urlto` leads to something that is neither http nor https.";
    LINK_LOOP = "link_loop", 400, "`urlto` leads back to the short link, or through too many others.";

    // One payment.
    MISSING_REVENUE = "missing_revenue", 400, "None of `revenue`, `amt` and `amount` is given.";
    INVALID_DECIMAL = "invalid_decimal", 400, "An amount is no decimal number, too large, or has more than 4 places.";
    INVALID_CURRENCY = "invalid_currency", 400, "`currency` is not three letters.";
    INVALID_TIME = "invalid_time", 400, "A time is not RFC 3339.";
}

/// The reason with this tag.
#[must_use]
pub fn of(tag: &str) -> Option<Reason> {
    ALL.iter().copied().find(|reason| reason.tag == tag)
}

/// The HTTP status of a refusal: that of its reason; 400 for a tag that is not in the list.
#[must_use]
pub fn status(refusal: &Refusal) -> u16 {
    of(refusal.reason).map_or(400, |reason| reason.status)
}
