use super::*;
use rstest::rstest;

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

fn answered(json: Value) -> Result<Answer, Denied> {
    Ok(Answer::Json(json))
}

fn rejected(index: usize) -> Value {
    json!({ "index": index, "reason": "missing_name", "detail": "send `ename`" })
}

#[rstest]
#[case::client(Route::Client, kept(), Ok(Answer::Empty))]
#[case::server(Route::Server, kept(), answered(json!(ID)))]
#[case::refused(Route::Client, refused(), Err(Denied::Refused(Refusal::new("missing_name", "send `ename`"))))]
#[case::unkept(Route::Server, unkept(), Err(Denied::Unkept(Fault::new("unacknowledged", "no broker"))))]
fn one_event(#[case] route: Route, #[case] fate: Ended, #[case] answer: Result<Answer, Denied>) {
    assert_eq!(events(Taken { fates: vec![fate], single: true }, route), answer);
}

#[rstest]
#[case::all_kept(vec![kept(), kept()], answered(json!({ "accepted": 2, "rejected": [] })))]
#[case::one_refused(vec![kept(), refused()], answered(json!({ "accepted": 1, "rejected": [rejected(1)] })))]
#[case::all_refused(vec![refused()], answered(json!({ "accepted": 0, "rejected": [rejected(0)] })))]
#[case::some_unkept(vec![kept(), unkept()], answered(json!({ "accepted": 1, "rejected": [
    { "index": 1, "reason": "unacknowledged", "detail": "no broker" }] })))]
#[case::none_kept(vec![refused(), unkept()], Err(Denied::Unkept(Fault::new("unacknowledged", "no broker"))))]
#[case::nothing(vec![], answered(json!({ "accepted": 0, "rejected": [] })))]
fn several_events(#[case] fates: Vec<Ended>, #[case] answer: Result<Answer, Denied>) {
    assert_eq!(events(Taken { fates, single: false }, Route::Client), answer);
}

#[test]
fn several_server_events_come_with_the_ids_of_the_accepted() {
    let taken = Taken { fates: vec![refused(), kept()], single: false };
    let answer = json!({ "accepted": 1, "rejected": [rejected(0)], "ids": [ID] });
    assert_eq!(events(taken, Route::Server), answered(answer));
}

#[rstest]
#[case::silent(vec![kept()], Receipt::Unwanted, Ok(Answer::Empty))]
#[case::receipt(vec![kept(), kept()], Receipt::Wanted, answered(json!({ "ids": [ID, ID] })))]
#[case::one_refused(vec![kept(), refused()], Receipt::Wanted,
    Err(Denied::Items { of: 2, wrong: vec![(1, Refusal::new("missing_name", "send `ename`"))] }))]
#[case::one_unkept(vec![kept(), unkept()], Receipt::Wanted, Err(Denied::Unkept(Fault::new("unacknowledged", "no broker"))))]
fn payments_are_kept_together(
    #[case] fates: Vec<Ended>,
    #[case] receipt: Receipt,
    #[case] answer: Result<Answer, Denied>,
) {
    assert_eq!(payments(Taken { fates, single: false }, receipt), answer);
}
