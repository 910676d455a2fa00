use super::*;
use rstest::rstest;
use serde_json::{Value, json};

const ID: Uuid = Uuid::from_u128(1);

fn kept() -> Ended {
    Ended::Kept(ID)
}

fn refused() -> Ended {
    Ended::Refused(Refusal::new("missing_name", "send `ename`"))
}

fn unkept() -> Ended {
    Ended::Unkept(Fault::new("unacknowledged", "no broker"))
}

fn several(accepted: usize, rejected: &[Rejected]) -> Result<Answer, Denied> {
    Ok(Answer::Several { accepted, rejected: rejected.to_vec(), ids: None })
}

fn rejected(index: usize) -> Rejected {
    Rejected { index, reason: "missing_name", detail: "send `ename`".to_owned(), retry: false }
}

#[rstest]
#[case::client(Route::Client, kept(), Ok(Answer::Empty))]
#[case::server(Route::Server, kept(), Ok(Answer::Id(ID)))]
#[case::refused(Route::Client, refused(), Err(Denied::Refused(Refusal::new("missing_name", "send `ename`"))))]
#[case::unkept(Route::Server, unkept(), Err(Denied::Unkept(Fault::new("unacknowledged", "no broker"))))]
fn one_event(#[case] route: Route, #[case] fate: Ended, #[case] answer: Result<Answer, Denied>) {
    assert_eq!(events(Taken { fates: vec![fate], single: true }, route), answer);
}

#[rstest]
#[case::all_kept(vec![kept(), kept()], several(2, &[]))]
#[case::one_refused(vec![kept(), refused()], several(1, &[rejected(1)]))]
#[case::all_refused(vec![refused()], several(0, &[rejected(0)]))]
#[case::some_unkept(vec![kept(), unkept()], several(1, &[
    Rejected { index: 1, reason: "unacknowledged", detail: UNKEPT.to_owned(), retry: true }]))]
#[case::none_kept(vec![refused(), unkept()], Err(Denied::Unkept(Fault::new("unacknowledged", "no broker"))))]
#[case::nothing(vec![], several(0, &[]))]
fn several_events(#[case] fates: Vec<Ended>, #[case] answer: Result<Answer, Denied>) {
    assert_eq!(events(Taken { fates, single: false }, Route::Client), answer);
}

#[test]
fn what_may_be_sent_again_says_so() {
    let answer =
        events(Taken { fates: vec![kept(), unkept(), refused()], single: false }, Route::Client).unwrap();
    let said = serde_json::to_value(answer).unwrap();
    assert_eq!((&said["rejected"][0]["retry"], said["rejected"][1].get("retry")), (&json!(true), None));
}

#[test]
fn several_server_events_come_with_the_ids_of_the_accepted() {
    let taken = Taken { fates: vec![refused(), kept()], single: false };
    let answer = Answer::Several { accepted: 1, rejected: vec![rejected(0)], ids: Some(vec![ID]) };
    assert_eq!(events(taken, Route::Server), Ok(answer));
}

#[rstest]
#[case::silent(vec![kept()], Receipt::Unwanted, Ok(Answer::Empty))]
#[case::receipt(vec![kept(), kept()], Receipt::Wanted, Ok(Answer::Receipt { ids: vec![ID, ID] }))]
#[case::one_unkept(vec![kept(), unkept()], Receipt::Wanted,
    Err(Denied::Unkept(Fault::new("unacknowledged", "no broker"))))]
fn payments_are_kept_together(
    #[case] fates: Vec<Ended>,
    #[case] receipt: Receipt,
    #[case] answer: Result<Answer, Denied>,
) {
    assert_eq!(payments(Taken { fates, single: false }, receipt), answer);
}

#[test]
fn wrong_items_are_named_by_their_index() {
    let items = [Ok(()), Err(Refusal::new("missing_name", "send `ename`"))];
    assert_eq!(Denied::of_items(&items), Some(Denied::Items { of: 2, wrong: vec![rejected(1)] }));
    assert_eq!(Denied::of_items(&[Ok(()), Ok(())]), None);
}

#[rstest]
#[case::id(Answer::Id(ID), json!(ID))]
#[case::receipt(Answer::Receipt { ids: vec![ID] }, json!({ "ids": [ID] }))]
#[case::several(Answer::Several { accepted: 3, rejected: vec![rejected(1)], ids: None },
    json!({ "accepted": 3, "rejected": [{ "index": 1, "reason": "missing_name", "detail": "send `ename`" }] }))]
fn answers_as_json(#[case] answer: Answer, #[case] json: Value) {
    assert_eq!(serde_json::to_value(answer).unwrap(), json);
}
