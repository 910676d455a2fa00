//! `GET /trace/{id}`, for who shows a secret key.

use super::{Look, Trace, Tracer, Verdict};
use crate::enrich::KeysConfig;
use serde_json::json;
use std::{future::Future, path::PathBuf, pin::Pin, time::Duration};
use tracker_stream::{
    clock,
    config::Settings,
    keys::{Key, KeyFile, Ring, Scope, Unfit},
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
        Ok(Self { tracer, keys: settings.section::<KeysConfig>("keys")?.file })
    }

    async fn answer(&self, id: &str, authorization: Option<&str>) -> Answer {
        let key = match self.key(authorization) {
            Ok(key) => key,
            Err(refused) => return refused,
        };
        let Ok(id) = Uuid::try_parse(id) else {
            return refusal(400, "invalid_uuid", "ask for /trace/{id of an event or a payment}");
        };
        match self.tracer.trace(id, Look { since: None, patience: PATIENCE }).await {
            Ok(trace) => told(&trace, &key),
            Err(fault) => refusal(503, fault.tag, &fault.detail),
        }
    }

    /// The key that was shown.
    fn key(&self, authorization: Option<&str>) -> Result<Key, Answer> {
        let secret = authorization.and_then(|text| text.strip_prefix("Bearer "));
        let secret = secret.ok_or_else(|| {
            refusal(
                401,
                "missing_key",
                "show a secret key: Authorization: Bearer …; `tracker keys new` makes one",
            )
        })?;
        let file =
            KeyFile::load(&self.keys).map_err(|mistakes| refusal(503, "no_keys", &mistakes.to_string()))?;
        let ring: Ring = file.secrets.into_iter().collect();
        ring.find(secret, Scope::Trace, clock::now_ms()).cloned().map_err(|unfit| match unfit {
            Unfit::Unknown => refusal(401, "unknown_key", "this key is not in the key file"),
            Unfit::Expired => refusal(403, "expired_key", "make another key; this one has expired"),
            Unfit::WrongScope => refusal(403, "wrong_scope", "use a key with the scope `trace`"),
        })
    }
}

/// The answer as far as the key may see it: a tenant's sees what is surely that tenant's.
fn told(trace: &Trace, key: &Key) -> Answer {
    if trace.verdict == Verdict::Unknown {
        return refusal(404, "unknown_id", "never seen, or older than what is kept");
    }
    let may_see = match key.tenant {
        None => true,
        Some(tenant) => {
            let mut owners = trace.tenants().peekable();
            owners.peek().is_some() && owners.all(|owner| owner == tenant)
        }
    };
    if !may_see {
        return refusal(403, "wrong_tenant", "this key speaks for another tenant");
    }
    Answer { status: 200, content_type: "application/json", body: json!(trace).to_string() }
}

fn refusal(status: u16, error: &str, detail: &str) -> Answer {
    let body = json!({ "error": error, "detail": detail }).to_string();
    Answer { status, content_type: "application/json", body }
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
