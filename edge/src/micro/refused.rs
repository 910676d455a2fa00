//! From what became of a request to what the store is told of it: a look at each refusal, with the part of the request that it
//! is about.

use super::{
    Bad, Seen, Store,
    input::{cut, parts},
    test_id,
};
use crate::{
    answer::{Denied, Ended, Taken},
    collect::Route,
    reason,
    request::Request,
};
use serde_json::Value;
use tracker_schemas::{JsonText, Timestamp};
use uuid::Uuid;

/// A request of which something became.
pub struct Asked<'a> {
    /// Its head.
    pub request: &'a Request,
    /// Where it came in.
    pub route: Route,
    /// Its body, as far as it was read.
    pub seen: &'a Seen,
    /// When.
    pub at: Timestamp,
}

/// One thing that was refused.
struct One<'a> {
    reason: &'static str,
    detail: &'a str,
    /// Where it stood among how many; `None`: it is the request as a whole.
    index: Option<usize>,
}

impl Store {
    /// Notes what was refused of a request, and of which test what was accepted is. What could not be made safe is neither.
    pub fn note(&self, asked: &Asked<'_>, taken: &Result<Taken, Denied>) {
        match taken {
            Ok(Taken { fates, .. }) => {
                self.name_kept(asked, fates);
                let refused = fates.iter().enumerate().filter_map(|(index, fate)| match fate {
                    Ended::Refused(refusal) => {
                        Some(One { reason: refusal.reason, detail: &refusal.detail, index: Some(index) })
                    }
                    Ended::Kept(_) | Ended::Unkept(_) => None,
                });
                self.refuse_each(asked, fates.len(), refused.collect());
            }
            Err(Denied::Items { of, wrong }) => {
                let refused = wrong.iter().map(|one| One {
                    reason: one.reason,
                    detail: &one.detail,
                    index: Some(one.index),
                });
                self.refuse_each(asked, *of, refused.collect());
            }
            Err(Denied::Refused(refusal)) => {
                let whole = One { reason: refusal.reason, detail: &refusal.detail, index: None };
                self.refuse_each(asked, 1, vec![whole]);
            }
            Err(Denied::Limited(_)) => {
                let detail = "more was sent than edge.rate_limit_per_day and its kin allow";
                let whole = One { reason: reason::RATE_LIMITED.tag, detail, index: None };
                self.refuse_each(asked, 1, vec![whole]);
            }
            Err(Denied::Unkept(_)) => {}
        }
    }

    fn name_kept(&self, asked: &Asked<'_>, fates: &[Ended]) {
        let Some(test) = asked.test() else { return };
        let kept = fates.iter().filter_map(|fate| match fate {
            Ended::Kept(id) => Some(*id),
            Ended::Refused(_) | Ended::Unkept(_) => None,
        });
        let kept: Vec<Uuid> = kept.collect();
        self.name(&kept, &test);
    }

    fn refuse_each(&self, asked: &Asked<'_>, of: usize, refused: Vec<One<'_>>) {
        if refused.is_empty() {
            return;
        }
        let body = asked.seen.text();
        let parts = body.as_deref().map(|body| parts(body, of)).unwrap_or_default();
        for one in refused {
            let part = match one.index {
                Some(index) => parts.get(index).copied(),
                None => body.as_deref(),
            };
            // Where it is not plain which part it is, the whole is shown, and names no test: it may name several.
            self.refuse(asked.bad(&one, part, part.or(body.as_deref())));
        }
    }
}

impl Asked<'_> {
    /// The test that its head names.
    fn test(&self) -> Option<String> {
        test_id::of_query(&self.request.query).or_else(|| test_id::of_pairs(&self.request.pairs))
    }

    fn bad(&self, one: &One<'_>, part: Option<&str>, shown: Option<&str>) -> Bad {
        let said = part.and_then(|part| serde_json::from_str::<Value>(part).ok());
        Bad {
            reason: one.reason,
            detail: one.detail.to_owned(),
            route: self.route.name(),
            at: self.at,
            test_id: said.as_ref().and_then(test_id::of_json).or_else(|| self.test()),
            method: self.request.method.to_string(),
            path: cut(&self.request.pairs).to_owned(),
            query: cut(&self.request.query).to_owned(),
            input: shown.map(|shown| JsonText(cut(shown).to_owned())),
        }
    }
}
