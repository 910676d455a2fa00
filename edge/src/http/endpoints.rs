//! Every address of the edge, as a table: which methods it takes, who may read its answer, what it does.

use super::cors::{self, Reach};
use crate::{
    collect::Route,
    inlet::{Call, Inlet},
};
use http::Method;

/// An address.
#[derive(Debug)]
pub(super) struct Endpoint {
    /// Where it begins, without a slash at the end.
    pub path: &'static str,
    pub tail: Tail,
    pub methods: &'static [Method],
    pub reach: Reach,
    pub act: Act,
}

/// What an address does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Record(Route),
    /// Sends the visitor to the `url` of the query.
    Lead(Route),
    /// Follows a short link.
    Follow,
    /// Makes or changes a short link.
    Link,
    /// Lists those of a host.
    Links,
    Geoip,
    Jurisdictions,
    /// Takes a consent, or tells them.
    Agreements,
    Socket,
    Health,
    Ready,
    Ping,
    Status,
    Metrics,
    /// The OpenAPI document.
    Document,
    Script,
    /// How the library of another product should send.
    Settings(Settings),
    /// What an edge without a broker has taken.
    Micro(Asked),
}

/// Whose settings, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settings {
    PostHog,
    /// The same as a script that leaves them in the page.
    PostHogScript,
    Segment,
}

/// What is asked of an edge without a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    All,
    Good,
    Bad,
    Reset,
}

/// What may stand in the path after its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// `key/value/…`
    Pairs,
    Nothing,
    /// `.version.js`
    Version,
    /// The key of another product, and then this.
    Key(&'static str),
}

const LOOK: &[Method] = &[Method::GET, Method::HEAD, Method::OPTIONS];

const POST: &[Method] = &[Method::POST, Method::OPTIONS];

/// The first that matches counts. Some are there in a table of their own: [`MICRO`], [`LINK`].
pub(super) const ENDPOINTS: &[Endpoint] = &[
    Endpoint {
        path: "/tr/v1/tr",
        tail: Tail::Pairs,
        methods: &[Method::POST, Method::GET, Method::HEAD, Method::OPTIONS],
        reach: Reach::Public,
        act: Act::Record(Route::Client),
    },
    Endpoint {
        path: "/tr/v1/img",
        tail: Tail::Pairs,
        methods: &[Method::GET, Method::OPTIONS],
        reach: Reach::Public,
        act: Act::Record(Route::Pixel),
    },
    Endpoint {
        path: "/tr/v1/str",
        tail: Tail::Pairs,
        methods: &[Method::POST, Method::GET, Method::OPTIONS],
        reach: Reach::Private,
        act: Act::Record(Route::Server),
    },
    Endpoint {
        path: "/tr/v1/ws",
        tail: Tail::Nothing,
        methods: &[Method::GET, Method::OPTIONS],
        reach: Reach::Public,
        act: Act::Socket,
    },
    Endpoint {
        path: "/tr/v1/ltv",
        tail: Tail::Nothing,
        methods: &[Method::POST, Method::OPTIONS],
        reach: Reach::Private,
        act: Act::Record(Route::Payments),
    },
    Endpoint::tell("/tr/v1/ppi/geoip", Act::Geoip),
    Endpoint::tell("/tr/v1/ppi/jds", Act::Jurisdictions),
    Endpoint {
        path: "/tr/v1/ppi/agree",
        tail: Tail::Pairs,
        methods: &[Method::POST, Method::GET, Method::OPTIONS],
        reach: Reach::Public,
        act: Act::Agreements,
    },
    Endpoint {
        path: "/tr/v1/ppi/forget",
        tail: Tail::Nothing,
        methods: &[Method::POST, Method::OPTIONS],
        reach: Reach::Private,
        act: Act::Record(Route::Forget),
    },
    Endpoint {
        path: "/tr/v1/rdr",
        tail: Tail::Pairs,
        methods: &[Method::GET, Method::OPTIONS],
        reach: Reach::Private,
        act: Act::Lead(Route::Redirect),
    },
    Endpoint {
        path: "/tr/v1/xrdr",
        tail: Tail::Pairs,
        methods: &[Method::GET, Method::OPTIONS],
        reach: Reach::Private,
        act: Act::Lead(Route::CookieRedirect),
    },
    Endpoint {
        path: "/tr/v1/rpi/redirect",
        tail: Tail::Pairs,
        methods: &[Method::POST, Method::OPTIONS],
        reach: Reach::Private,
        act: Act::Link,
    },
    Endpoint {
        path: "/tr/v1/rpi/redirects",
        tail: Tail::Pairs,
        methods: &[Method::GET, Method::OPTIONS],
        reach: Reach::Private,
        act: Act::Links,
    },
    Endpoint::look("/health", Act::Health),
    Endpoint::look("/ready", Act::Ready),
    Endpoint::look("/ping", Act::Ping),
    Endpoint::look("/status", Act::Status),
    Endpoint::look("/metrics", Act::Metrics),
    Endpoint::look("/openapi.json", Act::Document),
    Endpoint::inlet("/v1/batch", Inlet::Segment(Call::Batch)),
    Endpoint::inlet("/v1/import", Inlet::Segment(Call::Batch)),
    Endpoint::inlet("/v1/track", Inlet::Segment(Call::Track)),
    Endpoint::inlet("/v1/page", Inlet::Segment(Call::Page)),
    Endpoint::inlet("/v1/screen", Inlet::Segment(Call::Screen)),
    Endpoint::inlet("/v1/identify", Inlet::Segment(Call::Identify)),
    Endpoint::inlet("/v1/group", Inlet::Segment(Call::Group)),
    Endpoint::inlet("/v1/alias", Inlet::Segment(Call::Alias)),
    Endpoint::inlet("/v1/b", Inlet::SegmentApp(Call::Batch)),
    Endpoint::inlet("/v1/t", Inlet::SegmentApp(Call::Track)),
    Endpoint::inlet("/v1/p", Inlet::SegmentApp(Call::Page)),
    Endpoint::inlet("/v1/s", Inlet::SegmentApp(Call::Screen)),
    Endpoint::inlet("/v1/i", Inlet::SegmentApp(Call::Identify)),
    Endpoint::inlet("/v1/g", Inlet::SegmentApp(Call::Group)),
    Endpoint::inlet("/v1/a", Inlet::SegmentApp(Call::Alias)),
    Endpoint::inlet("/e", Inlet::PostHog),
    Endpoint::inlet("/i/v0/e", Inlet::PostHog),
    Endpoint::inlet("/batch", Inlet::PostHog),
    Endpoint::inlet("/capture", Inlet::PostHog),
    Endpoint::inlet("/api/event", Inlet::Plausible),
    Endpoint::inlet("/api/send", Inlet::Umami),
    Endpoint::inlet("/mp/collect", Inlet::Ga4),
    Endpoint::inlet("/g/collect", Inlet::Gtag),
    Endpoint::settings("/array", Tail::Key("config"), Settings::PostHog),
    Endpoint::settings("/array", Tail::Key("config.js"), Settings::PostHogScript),
    Endpoint { methods: POST, ..Endpoint::settings("/flags", Tail::Nothing, Settings::PostHog) },
    Endpoint { methods: POST, ..Endpoint::settings("/decide", Tail::Nothing, Settings::PostHog) },
    Endpoint::settings("/v1/projects", Tail::Key("settings"), Settings::Segment),
    Endpoint { reach: Reach::Public, ..Endpoint::look("/track.js", Act::Script) },
    Endpoint { reach: Reach::Public, tail: Tail::Version, ..Endpoint::look("/track", Act::Script) },
];

/// Where an edge without a broker shows what it has taken; on any other there is nothing at these addresses.
pub(super) const MICRO: &[Endpoint] = &[
    Endpoint::show("/micro/all", Asked::All),
    Endpoint::show("/micro/good", Asked::Good),
    Endpoint::show("/micro/bad", Asked::Bad),
    Endpoint {
        methods: &[Method::GET, Method::POST, Method::OPTIONS],
        ..Endpoint::show("/micro/reset", Asked::Reset)
    },
];

/// Whatever path is left, where there is a short link.
pub(super) const LINK: &Endpoint =
    &Endpoint { path: "", tail: Tail::Pairs, methods: LOOK, reach: Reach::Private, act: Act::Follow };

impl Endpoint {
    const fn look(path: &'static str, act: Act) -> Self {
        Self { path, tail: Tail::Nothing, methods: LOOK, reach: Reach::Private, act }
    }

    const fn show(path: &'static str, asked: Asked) -> Self {
        let act = Act::Micro(asked);
        Self { path, tail: Tail::Nothing, methods: LOOK, reach: Reach::Everybody, act }
    }

    /// What any site's script may ask.
    const fn tell(path: &'static str, act: Act) -> Self {
        Self { path, tail: Tail::Nothing, methods: LOOK, reach: Reach::Public, act }
    }

    const fn inlet(path: &'static str, inlet: Inlet) -> Self {
        let act = Act::Record(Route::Inlet(inlet));
        Self { path, tail: Tail::Nothing, methods: POST, reach: Reach::Public, act }
    }

    const fn settings(path: &'static str, tail: Tail, settings: Settings) -> Self {
        Self { path, tail, methods: LOOK, reach: Reach::Public, act: Act::Settings(settings) }
    }

    /// The headers that a page's script may send here.
    pub(super) const fn headers(&self) -> &'static str {
        match self.act {
            Act::Record(Route::Inlet(Inlet::Segment(_) | Inlet::SegmentApp(_))) => cors::HEADERS_OF_SEGMENT,
            _ => cors::HEADERS,
        }
    }

    /// Its name in metrics.
    pub(super) const fn name(&self) -> &'static str {
        match self.act {
            Act::Record(route) | Act::Lead(route) => route.name(),
            Act::Follow => Route::ShortLink.name(),
            Act::Link => "redirect",
            Act::Links => "redirects",
            Act::Geoip => "geoip",
            Act::Jurisdictions => "jds",
            Act::Agreements => Route::Agree.name(),
            Act::Socket => Route::Socket.name(),
            Act::Health => "health",
            Act::Ready => "ready",
            Act::Ping => "ping",
            Act::Status => "status",
            Act::Metrics => "metrics",
            Act::Document => "openapi",
            Act::Script => "track.js",
            Act::Settings(_) => "settings",
            Act::Micro(_) => "micro",
        }
    }

    /// What stands after its beginning, if the path is its: whatever the method, for a wrong one is answered by the
    /// endpoint, with those it takes.
    fn tail_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(self.path)?;
        if self.tail == Tail::Version {
            return rest.strip_prefix('.')?.strip_suffix(".js").filter(|version| !version.is_empty());
        }
        let tail = if rest.is_empty() { rest } else { rest.strip_prefix('/')? };
        match self.tail {
            Tail::Key(then) => {
                let key = tail.strip_suffix(then)?.strip_suffix('/')?;
                (!key.is_empty() && !key.contains('/')).then_some(key)
            }
            _ => (self.tail != Tail::Nothing || tail.is_empty()).then_some(tail),
        }
    }
}

/// Who answers at a path, and what stands in it after the endpoint's beginning. A scan of a short table: a filter of warp
/// for each address would be asked one after the other too, each in a box. `more` are asked last.
pub(super) fn find<'a>(path: &'a str, more: &'static [Endpoint]) -> Option<(&'static Endpoint, &'a str)> {
    ENDPOINTS.iter().chain(more).find_map(|endpoint| Some((endpoint, endpoint.tail_of(path)?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::bare("/tr/v1/tr", Some(("tr", "")))]
    #[case::slash("/tr/v1/tr/", Some(("tr", "")))]
    #[case::pairs("/tr/v1/tr/ename/a%2Fb/", Some(("tr", "ename/a%2Fb/")))]
    #[case::longer_word("/tr/v1/trx", None)]
    #[case::doubled_slash("//tr/v1/tr", None)]
    #[case::look("/health/", Some(("health", "")))]
    #[case::script("/track.js", Some(("track.js", "")))]
    #[case::script_version("/track.0a1b.js", Some(("track.js", "0a1b")))]
    #[case::no_version("/track..js", None)]
    #[case::key("/array/phc_a%2Fb/config", Some(("settings", "phc_a%2Fb")))]
    #[case::key_and_more("/array/a/b/config", None)]
    #[case::no_key("/array//config", None)]
    #[case::nothing_after_the_key("/array/a", None)]
    #[case::more_of_the_word("/array/a/config.json", None)]
    #[case::nothing_may_follow("/health/x", None)]
    #[case::nowhere("/", None)]
    #[case::of_micro_alone("/micro/good", None)]
    fn a_path_is_found_by_its_beginning(#[case] path: &str, #[case] wanted: Option<(&str, &str)>) {
        assert_eq!(find(path, &[]).map(|(endpoint, tail)| (endpoint.name(), tail)), wanted);
    }

    #[test]
    fn an_edge_without_a_broker_has_all_addresses_and_some_more() {
        let found = |path| find(path, MICRO).map(|(endpoint, _)| endpoint.act);
        assert_eq!(found("/micro/good/"), Some(Act::Micro(Asked::Good)));
        assert_eq!(found("/tr/v1/tr/"), Some(Act::Record(Route::Client)));
        assert_eq!(found("/micro"), None);
    }
}
