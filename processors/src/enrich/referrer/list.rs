//! Who a referring host is: Matomo's lists of search engines, social networks and AI assistants.

use super::link::Link;
use serde::Deserialize;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

/// What a known referrer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Ai,
    Search,
    Social,
    Email,
}

/// A known referrer.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) sort: Sort,
    pub(super) name: String,
    /// Parameters that may hold the search term, the likeliest first.
    pub(super) parameters: Vec<String>,
}

/// All known referrers, by host; a host may mean something else below some path (`x.com/i/grok`).
#[derive(Debug, Default)]
pub(super) struct List {
    hosts: HashMap<String, Vec<(String, Known)>>,
    names: HashMap<String, (Sort, String)>,
}

/// Mail that is read in a browser or an app: not on Matomo's lists.
const MAIL: &[(&str, &str)] = &[
    ("mail.google.com", "Gmail"),
    ("com.google.android.gm", "Gmail"),
    ("outlook.live.com", "Outlook"),
    ("outlook.office.com", "Outlook"),
    ("outlook.office365.com", "Outlook"),
    ("mail.yahoo.com", "Yahoo! Mail"),
    ("mail.aol.com", "AOL Mail"),
    ("mail.proton.me", "Proton Mail"),
    ("mail.zoho.com", "Zoho Mail"),
    ("e.mail.ru", "Mail.ru"),
    ("mail.yandex.ru", "Yandex Mail"),
    ("navigator-lxa.mail.com", "mail.com"),
    ("bap.navigator.gmx.net", "GMX"),
    ("bap.navigator.web.de", "WEB.DE"),
];

/// Apps that say who they are (`android-app://…`), under the host that the lists know them by.
const APPS: &[(&str, &str)] = &[
    ("com.google.android.googlequicksearchbox", "google.com"),
    ("com.facebook.katana", "facebook.com"),
    ("com.instagram.android", "instagram.com"),
    ("com.twitter.android", "twitter.com"),
    ("com.linkedin.android", "linkedin.com"),
    ("com.reddit.frontpage", "reddit.com"),
    ("com.pinterest", "pinterest.com"),
    ("org.telegram.messenger", "telegram.org"),
    ("com.openai.chatgpt", "chatgpt.com"),
];

#[derive(Deserialize)]
struct Engine {
    urls: Vec<String>,
    #[serde(default)]
    params: Vec<String>,
}

impl List {
    /// Reads the vendored lists.
    #[expect(
        clippy::expect_used,
        reason = "the lists are part of the program, and every test here reads them"
    )]
    pub(super) fn new() -> Self {
        type Names = BTreeMap<String, Vec<String>>;
        let engines: BTreeMap<String, Vec<Engine>> =
            serde_yaml_ng::from_str(include_str!("../../../data/referrers/SearchEngines.yml"))
                .expect("the vendored list of search engines is well formed");
        let socials: Names = serde_yaml_ng::from_str(include_str!("../../../data/referrers/Socials.yml"))
            .expect("the vendored list of networks is well formed");
        let assistants: Names =
            serde_yaml_ng::from_str(include_str!("../../../data/referrers/AIAssistants.yml"))
                .expect("the vendored list of assistants is well formed");

        let mut list = Self::default();
        // Of several entries for one link the first stands. Some assistants are on both lists, and search as well.
        for (name, engines) in engines {
            let sort = if assistants.contains_key(&name) { Sort::Ai } else { Sort::Search };
            for Engine { urls, params } in engines {
                // Matomo also finds terms in paths, by patterns, for a dozen small engines: not done here.
                let named: Vec<String> =
                    params.into_iter().filter(|parameter| !parameter.starts_with('/')).collect();
                urls.iter().for_each(|url| list.add(url, sort, &name, &named));
            }
        }
        for (sort, names) in [(Sort::Ai, assistants), (Sort::Social, socials)] {
            for (name, urls) in names {
                list.names.entry(name.to_lowercase()).or_insert_with(|| (sort, name.clone()));
                urls.iter().for_each(|url| list.add(url, sort, &name, &[]));
            }
        }
        MAIL.iter().for_each(|(host, name)| list.add(host, Sort::Email, name, &[]));
        list
    }

    fn add(&mut self, url: &str, sort: Sort, name: &str, parameters: &[String]) {
        let (host, path) = url.split_once('/').unwrap_or((url, ""));
        let entries = self.hosts.entry(host.to_ascii_lowercase()).or_default();
        if entries.iter().all(|(known, _)| known != path) {
            let known = Known { sort, name: name.to_owned(), parameters: parameters.to_vec() };
            entries.push((path.to_owned(), known));
            entries.sort_by_key(|(path, _)| std::cmp::Reverse(path.len())); // the narrowest is asked first
        }
    }

    /// The network or assistant that people mean by this word (lower-cased), or whose host it is.
    pub(super) fn named(&self, word: &str) -> Option<(Sort, &str)> {
        if !word.contains('.') {
            return self.names.get(word).map(|(sort, name)| (*sort, name.as_str()));
        }
        let host = Link { host: word.into(), path: "", query: "", is_app: false };
        self.find(&host).map(|known| (known.sort, known.name.as_str()))
    }

    /// Who the link belongs to.
    pub(super) fn find(&self, link: &Link<'_>) -> Option<&Known> {
        let host = match APPS.iter().find(|(app, _)| link.is_app && *app == link.host) {
            Some((_, host)) => *host,
            None => &*link.host,
        };
        let bare = host.strip_prefix("www.").unwrap_or(host);
        let spellings =
            [Some(Cow::from(host)), Some(bare.into()), any_ending(host), any_ending(bare), any_country(bare)];
        let exact = spellings.into_iter().flatten().find_map(|host| self.at(&host, link.path));
        exact.or_else(|| self.parent(bare, link.path))
    }

    fn at(&self, host: &str, path: &str) -> Option<&Known> {
        let entries = self.hosts.get(host)?;
        entries.iter().find(|(prefix, _)| path.starts_with(prefix.as_str())).map(|(_, known)| known)
    }

    /// A network or assistant answers for its subdomains too. A search engine does not: its maker has other sites.
    fn parent(&self, host: &str, path: &str) -> Option<&Known> {
        let parents = host.match_indices('.').filter_map(|(dot, _)| host.get(dot + 1..));
        let mut known = parents.filter_map(|parent| self.at(parent, path));
        known.find(|known| matches!(known.sort, Sort::Ai | Sort::Social))
    }
}

/// `google.co.uk` as `google.{}`.
fn any_ending(host: &str) -> Option<Cow<'static, str>> {
    let name = host.strip_suffix(psl::suffix_str(host)?)?;
    if name.is_empty() { None } else { Some(format!("{name}{{}}").into()) }
}

/// `de.search.yahoo.com` as `{}.search.yahoo.com`.
fn any_country(host: &str) -> Option<Cow<'static, str>> {
    let (country, rest) = host.split_once('.')?;
    (country.len() == 2).then(|| format!("{{}}.{rest}").into())
}
