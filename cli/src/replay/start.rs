//! Begins a replay, or finds the one that was begun, and carries it on.

use super::{bound, filter, tell::Teller};
use crate::{Failure, Out};
use tracker_processors::{
    clickhouse::ClickHouseConfig,
    replay::{Folder, Mode, Opening, Order, Replay, ReplayConfig, Replayed, State, Where, resolve},
};
use tracker_schemas::Timestamp;
use tracker_stream::{
    clock,
    config::{Mistake, Mistakes, Settings},
    fault::Fault,
};

/// What was typed.
pub struct Typed<'a> {
    pub topic: Option<Replayed>,
    pub from: Option<&'a str>,
    pub to: Option<&'a str>,
    pub into: Option<&'a str>,
    pub filter: &'a [String],
    pub rate: Option<f64>,
    pub dry_run: bool,
    pub resume: Option<&'a str>,
    pub new: bool,
    pub json: bool,
}

/// Replays.
///
/// # Errors
/// As [`super::run`].
pub async fn run(
    typed: Typed<'_>,
    settings: &Settings,
    config: &ReplayConfig,
    out: &mut Out,
) -> Result<(), Failure> {
    let folder = Folder::at(config.folder.clone());
    let state = match typed.resume {
        Some(id) => begun(folder.find(id)?, settings)?,
        None => found(&typed, &folder, settings, config).await?,
    };
    if state.finished_at.is_some() {
        return Err(Failure::Usage(format!("{} has ended already: see `tracker replay ls`", state.id)));
    }
    let mode = if typed.dry_run { Mode::Dry } else { held(&folder, &state)? };
    let filter = filter::of(&state.order.filter, state.order.topic, settings).await?;
    let mut teller = Teller::new(&state, typed.dry_run, typed.json);
    teller.begin(&state);
    let opening = Opening { settings, config, state, mode, rate: typed.rate, filter };
    let ended = Replay::open(opening).await?.run(|telling| teller.tell(&telling)).await;
    teller.end(&ended?, out)
}

/// What nobody else may do meanwhile: the same replay; and any other into what is live, for both would ask at once what is
/// missing there.
fn held(folder: &Folder, state: &State) -> Result<Mode, Failure> {
    let table = format!("into-{}", state.order.topic.table());
    let live = (state.order.into != Where::Shadow).then_some(table.as_str());
    let names: Vec<&str> = std::iter::once(state.id.as_str()).chain(live).collect();
    let held = folder.hold(&names)?;
    held.save(state)?;
    Ok(Mode::Real(held))
}

/// The same replay, begun and not ended, or a new one.
async fn found(
    typed: &Typed<'_>,
    folder: &Folder,
    settings: &Settings,
    config: &ReplayConfig,
) -> Result<State, Failure> {
    let order = order(typed)?;
    let unfinished = |state: &State| state.finished_at.is_none() && state.order == order;
    let known = if typed.new || typed.dry_run { None } else { folder.all()?.into_iter().rfind(unfinished) };
    if let Some(known) = known {
        return begun(known, settings);
    }
    let now_ms = clock::now_ms();
    let bounds = [("--from", Some(order.from.as_str())), ("--to", order.to.as_deref())];
    let mut mistakes = Mistakes::default();
    let [from, to] = bounds.map(|(option, text)| {
        let parsed = bound::parse(text.unwrap_or("end"), now_ms);
        mistakes.collect(parsed.map_err(|why| Mistakes::from(Mistake::new(option, why))))
    });
    mistakes.collect(filter::parse(&order.filter));
    let (Some(from), Some(to)) = (from, to) else { return Err(mistakes.into()) };
    mistakes.or(())?;
    let kafka = settings.kafka()?;
    let topic = kafka.topic(order.topic.topic().name());
    let id = State::new_id(now_ms);
    Ok(State {
        database: database(&order, &id, settings)?,
        topic: topic.to_string(),
        bounds: config.bounds(typed.rate),
        started_at: Timestamp(now_ms),
        finished_at: None,
        ranges: resolve(&kafka, &topic, &from, &to).await?,
        plan: None,
        order,
        id,
    })
}

fn order(typed: &Typed<'_>) -> Result<Order, Failure> {
    let missing = || Failure::Usage("--topic and --from say what is replayed".to_owned());
    let topic = typed.topic.ok_or_else(missing)?;
    let into = Order::into(topic, typed.into).map_err(|why| Mistakes::from(Mistake::new("--into", why)))?;
    Ok(Order {
        topic,
        into,
        from: typed.from.ok_or_else(missing)?.to_owned(),
        to: typed.to.map(str::to_owned),
        filter: typed.filter.to_vec(),
    })
}

/// Of a shadow, its own.
fn database(order: &Order, id: &str, settings: &Settings) -> Result<String, Failure> {
    let live = ClickHouseConfig::read(settings)?.database;
    Ok(if order.into == Where::Shadow { format!("{live}_replay_{id}") } else { live })
}

/// A state that was begun with these settings.
fn begun(state: State, settings: &Settings) -> Result<State, Failure> {
    let topic = settings.kafka()?.topic(state.order.topic.topic().name());
    let database = database(&state.order, &state.id, settings)?;
    if *topic == *state.topic && database == state.database {
        return Ok(state);
    }
    let State { id, topic: was, database: into, .. } = &state;
    let detail = format!("{id} reads {was} into {into}, and these settings say {topic} and {database}");
    Err(Fault::new("other_settings", detail).into())
}
