//! The forms in which an address may be written, as the document has them: `/tr/v1/tr/`, and `/tr/v1/tr/{pairs}`.

use super::endpoints::{Act, Endpoint, Tail};
use std::borrow::Cow;

/// What stands after an address's beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Nothing,
    /// Nothing, where pairs might.
    Slash,
    /// Key, value, key, value, without end: OpenAPI has no word for that, so they are one parameter.
    Pairs,
    Version,
    /// The key of another product, and then this.
    Key(&'static str),
    Slug,
    /// Who speaks, where no header says it.
    Account,
    Host,
    AccountAndHost,
}

impl Form {
    fn text(self) -> Cow<'static, str> {
        let text = match self {
            Self::Key(then) => return format!("/{{key}}/{then}").into(),
            Self::Nothing => "",
            Self::Slash => "/",
            Self::Pairs => "/{pairs}",
            Self::Version => ".{version}.js",
            Self::Slug => "/{slug}",
            Self::Account => "/{uid}/{password}",
            Self::Host => "/{host}",
            Self::AccountAndHost => "/{uid}/{password}/{host}",
        };
        text.into()
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
            Self::Key(_) => &[("key", "what the page has as the key of that product")],
            Self::Slug => &[("slug", "the path of the short link, without its slash")],
            Self::Account => &[UID, PASSWORD],
            Self::Host => &[HOST],
            Self::AccountAndHost => &[UID, PASSWORD, HOST],
        }
    }
}

impl Endpoint {
    /// Those that this one has.
    pub(super) fn forms(&self) -> Vec<Form> {
        match (self.act, self.tail) {
            (Act::Follow, _) => vec![Form::Slug],
            (Act::Link, _) => vec![Form::Nothing, Form::Account],
            (Act::Links, _) => vec![Form::Host, Form::AccountAndHost],
            (_, Tail::Nothing) => vec![Form::Nothing],
            (_, Tail::Version) => vec![Form::Version],
            (_, Tail::Key(then)) => vec![Form::Key(then)],
            (_, Tail::Pairs) => vec![Form::Slash, Form::Pairs],
        }
    }

    /// The address in this form.
    pub(super) fn written(&self, form: Form) -> String {
        format!("{}{}", self.path, form.text())
    }
}
