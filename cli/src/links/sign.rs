//! `tracker links sign`.

use crate::{Failure, Out};
use serde_json::json;
use tracker_edge::links::goal;
use url::Url;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Sign {
    /// Where visitors are to be sent.
    url: String,
    /// Address of an edge: print the whole link there, not the signature alone.
    #[arg(long, value_name = "URL")]
    base: Option<Url>,
}

/// Signs a URL.
///
/// # Errors
/// One that no visitor can be sent to.
pub(super) fn sign(sign: &Sign, hash_key: &[u8; 32], json: bool, out: &mut Out) -> Result<(), Failure> {
    if goal::parse(&sign.url).is_none() {
        let detail = format!("{}: give a whole URL such as https://partner.example/offer", sign.url);
        return Err(Failure::Usage(detail));
    }
    let signature = goal::sign(hash_key, &sign.url);
    let link = sign.base.as_ref().map(|base| link(base, &sign.url, &signature));
    match (link, json) {
        (link, true) => {
            out.json(&json!({ "url": sign.url, "sig": signature, "link": link.as_ref().map(Url::as_str) }))
        }
        (Some(link), false) => out.line(link),
        (None, false) => out.line(signature),
    }
}

fn link(base: &Url, url: &str, signature: &str) -> Url {
    let mut link = base.clone();
    link.set_path("/tr/v1/rdr/");
    link.query_pairs_mut().clear().append_pair("url", url).append_pair("sig", signature);
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_says_where_and_by_whom() {
        let base = Url::parse("https://tr.example.com").unwrap();
        let link = link(&base, "https://a.example/?b=c&d", "00ff");
        let wanted = "https://tr.example.com/tr/v1/rdr/?url=https%3A%2F%2Fa.example%2F%3Fb%3Dc%26d&sig=00ff";
        assert_eq!(link.as_str(), wanted);
    }

    #[test]
    fn nobody_signs_what_nobody_can_be_sent_to() {
        let wrong = Sign { url: "javascript:alert(1)".to_owned(), base: None };
        let signed = sign(&wrong, &[0; 32], false, &mut Out::to(std::io::sink()));
        assert!(matches!(signed, Err(Failure::Usage(_))));
    }
}
