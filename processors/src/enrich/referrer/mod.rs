//! The channel that brought a visitor, and who referred.
//!
//! The first line that fits decides:
//!
//! | channel | when |
//! |---|---|
//! | `paid` | a click id that only advertisements carry (gclid, msclkid, ttclid, twclid, li_fat_id), or a medium such as `cpc`, `display`, `paid_social` |
//! | `email` | medium or source is e-mail or a newsletter |
//! | `ai`, `search`, `social` | the source is the host of one (`utm_source=chatgpt.com`), or the name of a network or assistant (`facebook`) |
//! | `social`, `search`, `referral` | the medium says so (`social`, `organic`, `referral`) |
//! | `campaign` | any other source, medium or campaign |
//! | `referral` | an affiliate, a referring user, a referral code |
//! | `internal` | the referrer is of the same site |
//! | `ai`, `search`, `email`, `social` | the referrer is a known one |
//! | `referral` | there is a referrer |
//! | `social` | Meta's click id, which its unpaid links carry as well |
//! | `direct` | nothing of this |
//!
//! The referrer is `last`, the previous page that the client names. The Referer header of the request counts only where
//! there is no `last`, and where it is not the page itself: a browser that sends an event names the page it is on.

mod link;
mod list;
#[cfg(test)]
mod tests;

use link::{Link, lower, same_site};
use list::{List, Sort};
use tracker_schemas::Fact;

/// Where an event came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The channel: see the table of this module.
    pub channel: &'static str,
    /// Name of the search engine, network, assistant or mail service, else the referring host.
    pub referrer: Option<String>,
    /// What was searched for, where the referrer tells.
    pub search_term: Option<String>,
}

/// The known referrers.
pub struct Referrers {
    list: List,
}

impl Default for Referrers {
    fn default() -> Self {
        Self::new()
    }
}

impl Referrers {
    /// Reads the vendored lists.
    #[must_use]
    pub fn new() -> Self {
        Self { list: List::new() }
    }

    /// Names the channel. `referer` is the header of the request.
    #[must_use]
    pub fn origin(&self, fact: &Fact, referer: Option<&str>) -> Origin {
        let page = fact.url.as_deref().and_then(Link::parse);
        let own = page.as_ref().map(|page| &*page.host).or(fact.host.as_deref());
        let last = fact.last.as_deref().and_then(Link::parse);
        let header = || referer.and_then(Link::parse).filter(|header| page.is_none() || !is_own(header, own));
        let link = last.or_else(header);

        let internal = link.as_ref().is_some_and(|link| is_own(link, own));
        let known = link.as_ref().filter(|_| !internal).and_then(|link| self.list.find(link));
        let tagged = self.tagged(fact);
        let channel = tagged.as_ref().map_or_else(
            || match (&link, known) {
                _ if internal => "internal",
                (_, Some(known)) => channel_of(known.sort),
                (Some(_), None) => "referral",
                (None, None) if fact.fbclid.is_some() => "social",
                (None, None) => "direct",
            },
            |tagged| tagged.channel,
        );
        let named = tagged.and_then(|tagged| tagged.name);
        let search_term = known
            .zip(link.as_ref())
            .and_then(|(known, link)| known.parameters.iter().find_map(|name| link.parameter(name)));
        let referrer =
            known.map(|known| known.name.clone()).or_else(|| link.map(|link| link.host.into_owned()));
        Origin { channel, referrer: referrer.or(named), search_term }
    }

    /// What the page's own address says: click ids and campaign fields.
    fn tagged(&self, fact: &Fact) -> Option<Tagged> {
        let plain = |channel| Some(Tagged { channel, name: None });
        let source = fact.source.as_deref().map(lower).unwrap_or_default();
        let medium = fact.medium.as_deref().map(lower).unwrap_or_default();
        if [&fact.gclid, &fact.msclkid, &fact.ttclid, &fact.twclid, &fact.li_fat_id]
            .iter()
            .any(|id| id.is_some())
            || is_paid(&medium)
        {
            return plain("paid");
        }
        if [&medium, &source].iter().any(|word| EMAIL.contains(&&***word)) {
            return plain("email");
        }
        if let Some((sort, name)) = self.list.named(&source) {
            return Some(Tagged { channel: channel_of(sort), name: Some(name.to_owned()) });
        }
        match &*medium {
            "social" | "social-media" | "social_media" | "social media" | "social-network" | "sm" => {
                plain("social")
            }
            "organic" => plain("search"),
            "referral" => plain("referral"),
            _ if [&fact.source, &fact.medium, &fact.campaign].iter().any(|tag| tag.is_some()) => {
                plain("campaign")
            }
            _ if [&fact.aff, &fact.r#ref, &fact.rcode].iter().any(|by| by.is_some()) => plain("referral"),
            _ => None,
        }
    }
}

/// A channel that the page's own address names.
struct Tagged {
    channel: &'static str,
    name: Option<String>,
}

const EMAIL: &[&str] = &["email", "e-mail", "e_mail", "mail", "newsletter"];
const PAID: &[&str] = &[
    "cpc",
    "ppc",
    "cpm",
    "cpv",
    "cpa",
    "cpp",
    "cpl",
    "sem",
    "ads",
    "display",
    "banner",
    "retargeting",
    "remarketing",
    "interstitial",
    "expandable",
];

fn is_paid(medium: &str) -> bool {
    medium.starts_with("paid") || PAID.contains(&medium)
}

fn is_own(link: &Link<'_>, own: Option<&str>) -> bool {
    !link.is_app && own.is_some_and(|own| same_site(&link.host, own))
}

const fn channel_of(sort: Sort) -> &'static str {
    match sort {
        Sort::Ai => "ai",
        Sort::Search => "search",
        Sort::Social => "social",
        Sort::Email => "email",
    }
}
