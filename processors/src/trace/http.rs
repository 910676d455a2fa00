//! `GET /trace/{id}`, for who shows a secret key.

use super::{Look, Trace, Tracer, Verdict};
use std::{future::Future, path::PathBuf, pin::Pin, time::Duration};
use tracker_stream::{
    clock,
    config::Settings,
    keys::{Key, KeyFile, KeysConfig, Ring, Scope, Unfit},
    process::Failure,
    telemetry::{Answer, Extra},
};
use uuid::Uuid;

/// How long topics are read for one request.
const PATIENCE: Duration = Duration::from_secs(5);

/// The route.
pub struct TraceRoute {
    tracer: Tracer,
    /// Read at each request: these are few, and a key that was taken back is no good at once.
    keys: PathBuf,
}

impl TraceRoute {
    /// Answers by `tracer`.
    ///
    /// # Errors
    /// Settings that name no key file.
    pub fn new(settings: &Settings, tracer: Tracer) -> Result<Self, Failure> {
        Ok(Self { tracer, keys: KeysConfig::read(settings)?.file })
    }

    async fn answer(&self, id: &str, authorization: Option<&str>) -> Answer {
        let key = match self.key(authorization) {
            Ok(key) => key,
            Err(refused) => return refused,
        };
        let Ok(id) = Uuid::try_parse(id) else {
            return Answer::refusal(400, "invalid_uuid", "ask for /trace/{id of an event or a payment}");
        };
        match self.tracer.trace(id, Look { since: None, patience: PATIENCE }).await {
            Ok(trace) => told(&trace, &key),
            Err(fault) => Answer::refusal(503, fault.tag, &fault.detail),
        }
    }

    /// The key that was shown.
    fn key(&self, authorization: Option<&str>) -> Result<Key, Answer> {
        let secret = authorization.and_then(|text| text.strip_prefix("Bearer "));
        let secret = secret.ok_or_else(|| {
            Answer::refusal(
                401,
                "missing_key",
                "show a secret key: Authorization: Bearer …; `tracker keys new` makes one",
            )
        })?;
        let file = KeyFile::load(&self.keys)
            .map_err(|mistakes| Answer::refusal(503, "no_keys", &mistakes.to_string()))?;
        let ring: Ring = file.secrets.into_iter().collect();
        ring.find(secret, Scope::Trace, clock::now_ms()).cloned().map_err(|unfit| match unfit {
            Unfit::Unknown => Answer::refusal(401, "unknown_key", "this key is not in the key file"),
            Unfit::Expired => Answer::refusal(403, "expired_key", "make another key; this one has expired"),
            Unfit::WrongScope => Answer::refusal(403, "wrong_scope", "use a key with the scope `trace`"),
        })
    }
}

/// The answer as far as the key may see it: a tenant's sees what is surely that tenant's.
fn told(trace: &Trace, key: &Key) -> Answer {
    if trace.verdict == Verdict::Unknown {
        return Answer::refusal(404, "unknown_id", "never seen, or older than what is kept");
    }
    let may_see = match key.tenant {
        None => true,
        Some(tenant) => {
            let mut owners = trace.tenants().peekable();
            owners.peek().is_some() && owners.all(|owner| owner == tenant)
        }
    };
    if !may_see {
        return Answer::refusal(403, "wrong_tenant", "this key speaks for another tenant");
    }
    Answer::json(200, trace)
}

impl Extra for TraceRoute {
    fn get<'a>(
        &'a self,
        path: &'a str,
        authorization: Option<&'a str>,
    ) -> Pin<Box<dyn Future<Output = Option<Answer>> + Send + 'a>> {
        Box::pin(async move {
            let id = path.strip_prefix("/trace/")?;
            Some(self.answer(id, authorization).await)
        })
    }
}
