//! What a link may be: from a body to a [`Redirect`], or why not. Pure.

use super::{Removal, address, goal, target};
use crate::{draft::Draft, reason};
use tracker_schemas::{Redirect, Timestamp};
use tracker_stream::fault::Refusal;
use url::Url;
use uuid::Uuid;

/// Who changes a link, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hand {
    /// Name of the account or key.
    pub updater: String,
    /// The tenant that it speaks for; `None`: any.
    pub tenant: Option<Uuid>,
    /// When.
    pub now: Timestamp,
    /// Id of the change.
    pub id: Uuid,
}

/// How many links may lead to one another.
const LONGEST_CHAIN: usize = 10;
/// Bytes of `org` and of an address.
const LONGEST_NAME: usize = 1 << 10;

/// Makes the link that a body asks for. `find` knows the links that there are.
///
/// # Errors
/// Why it can be none.
pub fn link(
    mut draft: Draft<'_>,
    hand: Hand,
    find: impl Fn(&str) -> Option<Redirect>,
) -> Result<Redirect, Refusal> {
    let [urlfrom, urlto] = [given(&mut draft, "urlfrom")?, given(&mut draft, "urlto")?];
    let searchto = draft.text("searchto")?;
    if urlfrom == urlto {
        return Err(reason::EQUAL_URLS.refuse("`urlfrom` and `urlto` are equal"));
    }
    let address = from(&urlfrom)?;
    let link = Redirect {
        id: hand.id,
        address,
        urlfrom,
        urlto,
        searchto,
        oid: tenant(draft.uuid("oid")?, hand.tenant)?,
        org: draft.text("org")?,
        updater: hand.updater,
        updated_at: hand.now,
    };
    if link.org.as_ref().is_some_and(|org| org.len() > LONGEST_NAME) {
        return Err(reason::OUT_OF_RANGE.refuse(format!("`org` has at most {LONGEST_NAME} bytes")));
    }
    let known = find(&link.address);
    may_change(known.as_ref(), hand.tenant)?;
    ends_elsewhere(&link, to(&link)?, find)?;
    Ok(Redirect { updated_at: after(known.as_ref(), hand.now), ..link })
}

/// The removal of a link.
#[must_use]
pub fn removal(link: Redirect, hand: Hand) -> Removal {
    let at = after(Some(&link), hand.now);
    Removal { id: hand.id, address: link.address, oid: link.oid, updater: hand.updater, at }
}

/// When a change counts as made: after the one that it takes the place of, whatever the clocks of two edges say.
fn after(known: Option<&Redirect>, now: Timestamp) -> Timestamp {
    let after = known.map_or(i64::MIN, |known| known.updated_at.0.saturating_add(1));
    Timestamp(now.0.max(after))
}

/// Whether who speaks for `tenant` may change a link.
///
/// # Errors
/// It is another tenant's.
pub fn may_change(link: Option<&Redirect>, tenant: Option<Uuid>) -> Result<(), Refusal> {
    match (link, tenant) {
        (Some(link), Some(tenant)) if link.oid != Some(tenant) => {
            Err(reason::TENANT_MISMATCH.refuse("this link belongs to another tenant"))
        }
        _ => Ok(()),
    }
}

fn given(draft: &mut Draft<'_>, key: &str) -> Result<String, Refusal> {
    let text = draft.text(key)?.map(|text| text.trim().to_owned());
    text.ok_or_else(|| reason::MISSING_URL.refuse(format!("`{key}` is missing")))
}

/// The link's own tenant, else that of the hand; they must not differ.
fn tenant(own: Option<Uuid>, of_hand: Option<Uuid>) -> Result<Option<Uuid>, Refusal> {
    match (own, of_hand) {
        (Some(own), Some(hand)) if own != hand => {
            Err(reason::TENANT_MISMATCH.refuse("`oid` names another tenant than the key or account"))
        }
        _ => Ok(own.or(of_hand)),
    }
}

/// The address of `urlfrom`. Without a scheme it is taken for https: nobody says it when he names a short link.
fn from(urlfrom: &str) -> Result<String, Refusal> {
    let unparsable = || reason::INVALID_URL.refuse("`urlfrom` is no URL such as https://sho.example/spring");
    let whole = if urlfrom.contains("://") { urlfrom.to_owned() } else { format!("https://{urlfrom}") };
    let url = goal::parse(&whole).ok_or_else(unparsable)?;
    let address = address::of_url(&url).ok_or_else(unparsable)?;
    let path = address.find('/').map_or(0, |at| address.len() - at);
    if path < 2 {
        return Err(
            reason::SHORT_PATH.refuse("the path of `urlfrom` has at least 2 characters, the slash counted")
        );
    }
    if address.len() > LONGEST_NAME {
        return Err(reason::INVALID_URL
            .refuse(format!("host and path of `urlfrom` have at most {LONGEST_NAME} bytes")));
    }
    if address.contains(char::is_control) {
        return Err(unparsable());
    }
    Ok(address)
}

/// Where it leads in the end.
fn to(link: &Redirect) -> Result<Url, Refusal> {
    let whole = target::with_search(&link.urlto, link.searchto.as_deref());
    if let Some(url) = goal::parse(&whole) {
        return Ok(target::of_url(url).url);
    }
    match Url::parse(&whole) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Err(reason::INVALID_SCHEME.refuse("`urlto` leads to http or https"))
        }
        _ => Err(reason::INVALID_URL.refuse("`urlto` is no URL such as https://shop.example.com/sale")),
    }
}

/// Follows the links that `end` leads to: none of them may be the link itself.
fn ends_elsewhere(
    link: &Redirect,
    mut end: Url,
    find: impl Fn(&str) -> Option<Redirect>,
) -> Result<(), Refusal> {
    for _ in 0..LONGEST_CHAIN {
        let Some(next) = address::of_url(&end) else { return Ok(()) };
        if next == link.address {
            return Err(reason::LINK_LOOP.refuse("`urlto` leads to the link itself"));
        }
        let further = find(&next).and_then(|next| target::of_link(&next));
        let Some(further) = further else { return Ok(()) };
        end = further.url;
    }
    Err(reason::LINK_LOOP.refuse(format!("`urlto` leads through more than {LONGEST_CHAIN} links")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::Field;
    use rstest::rstest;

    const TENANT: Uuid = Uuid::from_u128(7);

    fn hand(tenant: Option<Uuid>) -> Hand {
        Hand { updater: "me".to_owned(), tenant, now: Timestamp(1000), id: Uuid::from_u128(1) }
    }

    fn draft<'a>(fields: &[(&'static str, &'a str)]) -> Draft<'a> {
        fields.iter().map(|(key, value)| ((*key).into(), Field::Text((*value).into()))).collect()
    }

    fn made(fields: &[(&'static str, &str)], links: &[(&str, &str)]) -> Result<Redirect, &'static str> {
        let find = |address: &str| {
            let (_, urlto) = links.iter().find(|(known, _)| *known == address)?;
            let (address, urlto) = (address.to_owned(), (*urlto).to_owned());
            Some(Redirect { address, urlto, updated_at: Timestamp(5000), ..Redirect::default() })
        };
        link(draft(fields), hand(None), find).map_err(|refusal| refusal.reason)
    }

    #[test]
    fn a_link_is_made_of_what_was_given() {
        let fields = [
            ("urlfrom", " https://Sho.example/Spring "),
            ("urlto", "https://shop.example.com/"),
            ("searchto", "utm_source=x"),
            ("org", "outlet"),
        ];
        let link = made(&fields, &[]).unwrap();
        assert_eq!(
            (link.address.as_str(), link.urlfrom.as_str()),
            ("sho.example/spring", "https://Sho.example/Spring")
        );
        assert_eq!((link.searchto.as_deref(), link.org.as_deref()), (Some("utm_source=x"), Some("outlet")));
        assert_eq!((link.updater.as_str(), link.updated_at, link.oid), ("me", Timestamp(1000), None));
        assert_eq!(
            made(&[("urlfrom", "sho.example/x"), ("urlto", "https://a.example/")], &[]).unwrap().urlfrom,
            "sho.example/x"
        );
    }

    #[test]
    fn a_change_comes_after_what_it_changes_whatever_the_clock_says() {
        let fields = [("urlfrom", "https://sho.example/x"), ("urlto", "https://b.example/")];
        assert_eq!(
            made(&fields, &[("sho.example/x", "https://a.example/")]).unwrap().updated_at,
            Timestamp(5001)
        );
    }

    #[rstest]
    #[case::nothing("", "", "missing_url")]
    #[case::no_from("", "https://a.example/", "missing_url")]
    #[case::no_to("https://sho.example/x", " ", "missing_url")]
    #[case::equal("https://sho.example/x", "https://sho.example/x", "equal_urls")]
    #[case::no_url("https://", "https://a.example/", "invalid_url")]
    #[case::no_host("https:///x", "https://a.example/", "invalid_url")]
    #[case::from_of_another_scheme("ftp://sho.example/x", "https://a.example/", "invalid_url")]
    #[case::no_path("https://sho.example", "https://a.example/", "short_path")]
    #[case::slash_alone("https://sho.example/", "https://a.example/", "short_path")]
    #[case::slashes("https://sho.example//", "https://a.example/", "short_path")]
    #[case::query_alone("https://sho.example/?x", "https://a.example/", "short_path")]
    #[case::control("https://sho.example/a%0Ab", "https://a.example/", "invalid_url")]
    #[case::to_nowhere("https://sho.example/x", "a.example", "invalid_url")]
    #[case::to_path("https://sho.example/x", "/y", "invalid_url")]
    #[case::to_no_scheme("https://sho.example/x", "//a.example", "invalid_url")]
    #[case::script("https://sho.example/x", "javascript:alert(1)", "invalid_scheme")]
    #[case::data("https://sho.example/x", "data:text/html,x", "invalid_scheme")]
    #[case::mail("https://sho.example/x", "mailto:a@b.example", "invalid_scheme")]
    #[case::userinfo("https://sho.example/x", "https://good@evil.example/", "invalid_url")]
    #[case::crlf("https://sho.example/x", "https://a.example/\r\nx", "invalid_url")]
    #[case::itself("https://sho.example/x", "http://SHO.example:8080/X/?a", "link_loop")]
    #[case::through_rdr(
        "https://sho.example/x",
        "https://t.example/tr/v1/rdr?url=https://sho.example/x",
        "link_loop"
    )]
    #[case::through_another("https://sho.example/x", "https://sho.example/other", "link_loop")]
    #[case::through_two("https://sho.example/x", "https://sho.example/first", "link_loop")]
    #[case::for_ever("https://sho.example/x", "https://sho.example/ring", "link_loop")]
    fn what_is_no_link_is_refused_with_its_reason(
        #[case] from: &str,
        #[case] to: &str,
        #[case] reason: &str,
    ) {
        let links = [
            ("sho.example/other", "https://sho.example/x"),
            ("sho.example/first", "https://t.example/tr/v1/rdr?url=https%3A%2F%2Fsho.example%2Fother"),
            ("sho.example/ring", "https://sho.example/ring2"),
            ("sho.example/ring2", "https://sho.example/ring"),
        ];
        assert_eq!(made(&[("urlfrom", from), ("urlto", to)], &links), Err(reason));
    }

    #[rstest]
    #[case::names_none(None, Some(TENANT), Ok(Some(TENANT)))]
    #[case::names_its_own(Some(TENANT), Some(TENANT), Ok(Some(TENANT)))]
    #[case::any(Some(TENANT), None, Ok(Some(TENANT)))]
    #[case::another(Some(Uuid::from_u128(8)), Some(TENANT), Err("tenant_mismatch"))]
    fn a_link_is_of_the_tenant_that_makes_it(
        #[case] oid: Option<Uuid>,
        #[case] tenant: Option<Uuid>,
        #[case] expected: Result<Option<Uuid>, &str>,
    ) {
        let oid = oid.map(|oid| oid.to_string()).unwrap_or_default();
        let fields =
            [("urlfrom", "https://sho.example/x"), ("urlto", "https://a.example/"), ("oid", oid.as_str())];
        let made = link(draft(&fields), hand(tenant), |_| None);
        assert_eq!(made.map(|link| link.oid).map_err(|refusal| refusal.reason), expected);
    }

    #[test]
    fn the_link_of_another_tenant_stays_as_it_is() {
        let of = |oid| Redirect { oid, ..Redirect::default() };
        assert!(may_change(Some(&of(Some(TENANT))), Some(TENANT)).is_ok());
        assert!(may_change(Some(&of(Some(TENANT))), None).is_ok());
        assert!(may_change(None, Some(TENANT)).is_ok());
        assert!(may_change(Some(&of(None)), Some(TENANT)).is_err());
        assert!(may_change(Some(&of(Some(TENANT))), Some(Uuid::nil())).is_err());
    }
}
