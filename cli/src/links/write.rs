//! `tracker links add` and `rm`: a message on the topic, acknowledged.

use super::table;
use crate::{Failure, Out};
use serde_json::json;
use std::time::Duration;
use tracker_edge::{
    draft::{Draft, Field},
    links::{
        Links, Writer, address,
        change::{self, Hand},
        goal,
    },
};
use tracker_processors::codec;
use tracker_schemas::{Timestamp, Topic};
use tracker_stream::{
    clock,
    config::{Settings, Size},
    kafka::{Producer, ProducerOptions},
    telemetry::Health,
};
use uuid::Uuid;

/// What was typed.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Address of the link.
    urlfrom: String,
    /// Where it leads.
    urlto: String,
    /// Query that is added to that of the destination: `utm_source=poster`.
    #[arg(long, value_name = "QUERY")]
    search: Option<String>,
    /// Tenant that it belongs to.
    #[arg(long, value_name = "UUID")]
    tenant: Option<Uuid>,
    /// Sub-tenant.
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
}

/// Who made the change, as the history tells it.
const UPDATER: &str = "tracker links";
/// How long the broker may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Makes or changes a link.
///
/// # Errors
/// Why it can be none; a broker that does not take it.
pub(super) async fn add(add: &Add, settings: &Settings, json: bool, out: &mut Out) -> Result<(), Failure> {
    let links = known(settings).await?;
    let link = change::link(draft(add), hand(), |address| links.find(address));
    let link = link.map_err(|refusal| Failure::Usage(refusal.to_string()))?;
    // Nothing comes round here: what is known is made what it is about to be.
    links.table().put(&link);
    writer(settings).await?.put(&link, &links).await?;
    if json {
        return out.json(&json!({ "address": link.address, "urlfrom": link.urlfrom, "urlto": link.urlto }));
    }
    out.line(format_args!("{} leads to {}", link.address, link.urlto))
}

/// Removes a link.
///
/// # Errors
/// No such link; a broker that does not take it.
pub(super) async fn remove(
    urlfrom: &str,
    settings: &Settings,
    json: bool,
    out: &mut Out,
) -> Result<(), Failure> {
    let links = known(settings).await?;
    let whole = if urlfrom.contains("://") { urlfrom.to_owned() } else { format!("https://{urlfrom}") };
    let address = goal::parse(&whole).and_then(|url| address::of_url(&url));
    let Some(link) = address.and_then(|address| links.find(&address)) else {
        return Err(Failure::Usage(format!(
            "there is no link {urlfrom}: `tracker links ls HOST` lists them"
        )));
    };
    let removal = change::removal(link, hand());
    links.table().remove(&removal.address);
    writer(settings).await?.remove(&removal, &links).await?;
    if json {
        return out.json(&json!({ "address": removal.address, "removed": true }));
    }
    out.line(format_args!("{} is removed", removal.address))
}

async fn known(settings: &Settings) -> Result<Links, Failure> {
    let links = Links::default();
    links.replace(table(settings).await?);
    Ok(links)
}

fn hand() -> Hand {
    let (now, id) = (Timestamp(clock::now_ms()), Uuid::now_v7());
    Hand { updater: UPDATER.to_owned(), tenant: None, now, id }
}

fn draft(add: &Add) -> Draft<'_> {
    let Add { urlfrom, urlto, search, tenant, org } = add;
    let mut draft = Draft::new();
    let tenant = tenant.map(|tenant| tenant.to_string());
    let optional = [("searchto", search), ("org", org), ("oid", &tenant)];
    let said = [("urlfrom", urlfrom), ("urlto", urlto)].into_iter();
    let said = said.chain(optional.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?))));
    said.for_each(|(key, value)| draft.set(key, Field::Text(value.clone().into())));
    draft
}

async fn writer(settings: &Settings) -> Result<Writer<Producer>, Failure> {
    let kafka = settings.kafka()?;
    let options =
        ProducerOptions { name: "links", linger: Duration::ZERO, timeout: PATIENCE, buffer: Size(1 << 20) };
    Ok(Writer {
        keep: Producer::start(&kafka, &options, &Health::default())?,
        topic: kafka.topic(Topic::Redirects.name()),
        encoder: codec::encoder(settings).await?,
        timeout: PATIENCE,
    })
}
