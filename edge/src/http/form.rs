//! The forms in which an address may be written, as the document has them: `/tr/v1/tr/`, and `/tr/v1/tr/{pairs}`.

use super::endpoints::{Act, Endpoint, Settings, Tail};

/// What stands after an address's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Nothing,
    /// Nothing, where pairs might.
    Slash,
    /// Key, value, key, value, without end: OpenAPI has no word for that, so they are one parameter.
    Pairs,
    Version,
    /// What follows the key of another product.
    Config,
    ConfigScript,
    Settings,
    Slug,
    /// Who speaks, where no header says it.
    Account,
    Host,
    AccountAndHost,
}

impl Form {
    const fn text(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Slash => "/",
            Self::Pairs => "/{pairs}",
            Self::Version => ".{version}.js",
            Self::Config => "/{key}/config",
            Self::ConfigScript => "/{key}/config.js",
            Self::Settings => "/{key}/settings",
            Self::Slug => "/{slug}",
            Self::Account => "/{uid}/{password}",
            Self::Host => "/{host}",
            Self::AccountAndHost => "/{uid}/{password}/{host}",
        }
    }

    /// The names of its parameters, and what each is.
    pub(super) const fn parameters(self) -> &'static [(&'static str, &'static str)] {
        const UID: (&str, &str) = ("uid", "the name of an account");
        const PASSWORD: (&str, &str) = ("password", "its password");
        const HOST: (&str, &str) = ("host", "the host of the short links");
        match self {
            Self::Nothing | Self::Slash => &[],
            Self::Pairs => &[("pairs", "key/value/key/value/…: each is a field of the event")],
            Self::Version => &[("version", "as `tracker script` prints it")],
            Self::Config | Self::ConfigScript | Self::Settings => {
                &[("key", "what the page has as the key of that product")]
            }
            Self::Slug => &[("slug", "the path of the short link, without its slash")],
            Self::Account => &[UID, PASSWORD],
            Self::Host => &[HOST],
            Self::AccountAndHost => &[UID, PASSWORD, HOST],
        }
    }
}

impl Endpoint {
    /// Those that this one has.
    pub(super) const fn forms(&self) -> &'static [Form] {
        match (self.act, self.tail) {
            (Act::Follow, _) => &[Form::Slug],
            (Act::Link, _) => &[Form::Nothing, Form::Account],
            (Act::Links, _) => &[Form::Host, Form::AccountAndHost],
            (Act::Settings(Settings::PostHog), Tail::Key(_)) => &[Form::Config],
            (Act::Settings(Settings::PostHogScript), _) => &[Form::ConfigScript],
            (Act::Settings(Settings::Segment), _) => &[Form::Settings],
            (_, Tail::Nothing | Tail::Key(_)) => &[Form::Nothing],
            (_, Tail::Version) => &[Form::Version],
            (_, Tail::Pairs) => &[Form::Slash, Form::Pairs],
        }
    }

    /// The address in this form.
    pub(super) fn written(&self, form: Form) -> String {
        format!("{}{}", self.path, form.text())
    }
}
