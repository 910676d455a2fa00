//! From a draft to erasures: whose data are to go, and of which tenant. Pure. Erases nothing itself: what it makes is kept on a
//! topic that a replay and `tracker prune` go by.

use crate::{
    draft::Draft,
    reason,
    stamp::{self, Context},
};
use tracker_schemas::{Erasure, SubjectKind};
use tracker_stream::fault::Refusal;

/// Reads a request: one erasure for each id that names the person, under one id of the request.
///
/// # Errors
/// Nobody named, an id that is no UUID, another tenant than the key's.
pub fn erasures(mut draft: Draft<'_>, context: &Context<'_>) -> Result<Vec<Erasure>, Refusal> {
    let oid = stamp::tenant(&mut draft, context)?;
    let (vid, uid) = (draft.uuid("vid")?, draft.uuid("uid")?);
    let request = (context.new_id)();
    let named = [(SubjectKind::Vid, vid), (SubjectKind::Uid, uid)];
    let erasure = |(kind, subject): (SubjectKind, Option<_>)| {
        Some(Erasure { subject: subject?, kind, oid, erased_at: context.received_at, request })
    };
    let erasures: Vec<Erasure> = named.into_iter().filter_map(erasure).collect();
    if erasures.is_empty() {
        let mend = "say whose data are to be erased: `vid` or `uid`, a UUID";
        return Err(reason::MISSING_PERSON.refuse(mend));
    }
    Ok(erasures)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{draft::Field, stamp::testing::context};
    use uuid::Uuid;

    const ANN: Uuid = Uuid::from_u128(0xa);
    const SHOP: Uuid = Uuid::from_u128(0x5);

    fn draft(fields: &[(&'static str, String)]) -> Draft<'static> {
        fields.iter().map(|(key, value)| ((*key).into(), Field::Text(value.clone().into()))).collect()
    }

    #[test]
    fn each_id_of_a_person_is_erased_under_one_request() {
        let said = draft(&[("vid", ANN.to_string()), ("uid", SHOP.to_string())]);
        let erasures = erasures(said, &Context { tenant: Some(SHOP), ..context() }).unwrap();
        let [vid, uid] = erasures.try_into().unwrap();
        assert_eq!((vid.kind, vid.subject, vid.oid), (SubjectKind::Vid, ANN, Some(SHOP)));
        assert_eq!((uid.kind, uid.subject, uid.oid), (SubjectKind::Uid, SHOP, Some(SHOP)));
        assert_eq!((vid.request, vid.erased_at), (uid.request, context().received_at));
    }

    #[test]
    fn who_is_to_be_erased_must_be_said_and_be_of_the_key_s_tenant() {
        let tenant = Context { tenant: Some(SHOP), ..context() };
        let refused =
            |fields: &[_], context: &Context<'_>| erasures(draft(fields), context).unwrap_err().reason;
        assert_eq!(refused(&[], &tenant), "missing_person");
        assert_eq!(refused(&[("vid", "ann".to_owned())], &tenant), "invalid_uuid");
        let other = [("vid", ANN.to_string()), ("oid", ANN.to_string())];
        assert_eq!(refused(&other, &tenant), "tenant_mismatch");
        assert_eq!(
            erasures(draft(&other), &context()).unwrap()[0].oid,
            Some(ANN),
            "a key of every tenant says which"
        );
    }
}
