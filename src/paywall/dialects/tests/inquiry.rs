//! The gate's calls about payments, as a driver sends them and reads their answers.

use super::*;
use crate::api;
use crate::paywall::HeaderList;

#[test]
fn a_call_about_a_payment_goes_to_who_can_answer_it_and_any_other_to_the_platform() {
    let dialects = both();
    let mpp = paid(enter(&dialects, &credential(&challenge(|_| ()), &mpp_token("1001")), None)).carrier;
    let exact = paid(enter_exact(&dialects, &payment(|_| ()))).carrier;
    let token = |text: &str| json!({ "paymentRequired": {}, "x402AccessToken": text }).to_string();
    for (name, path, body, expected) in [
        ("verify", "/api/v1/x402/verify", asked(&mpp, "2", |_| ()), "the platform's /api/v1/mpp/verify"),
        ("settle", "/api/v1/x402/settle", asked(&mpp, "2", |_| ()), "the platform's /api/v1/mpp/settle"),
        ("another price", "/api/v1/x402/verify", asked(&mpp, "3", |_| ()), "402"),
        ("verify", "/api/v1/x402/verify", asked(&exact, "10000", |_| ()), "a facilitator's /verify"),
        ("settle", "/api/v1/x402/settle", asked(&exact, "10000", |_| ()), "a facilitator's /settle"),
        ("a plan's token", "/api/v1/x402/verify", token("t"), "as it is"),
        ("another call", "/api/v1/x402/permissions", asked(&mpp, "2", |_| ()), "as it is"),
        ("a plan", "/api/v1/protocol/plans/1", asked(&mpp, "2", |_| ()), "as it is"),
    ] {
        let found = match Inquiry::of(&dialects, &api::Request::post(path, Some(body))) {
            None => "as it is".into(),
            Some((_, Outgoing::Answer(answer))) => answer.status.to_string(),
            Some((_, Outgoing::Facilitator { path, .. })) => format!("a facilitator's {path}"),
            Some((_, Outgoing::Platform(request))) => {
                assert_eq!((request.method, request.auth), (api::Method::Post, api::Auth::Key));
                format!("the platform's {}", request.path)
            }
        };
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn the_envelope_learns_from_an_answer_and_the_answer_is_checked_against_it() {
    let dialects = both();
    let names = ["payment-signature".to_string()];
    let mut headers = HeaderList::new();
    headers.set("authorization", credential(&challenge(|_| ()), &mpp_token("1001")));
    let carrier = paid(enter(&dialects, headers.get("authorization").unwrap_or_default(), None)).carrier;
    let mut envelope = Envelope::open(&dialects, &names, &headers, "?q=1", None, NOW * 1000);
    let mut ask = |question: &str, body: Value| {
        let path = format!("/api/v1/x402/{question}");
        let request = api::Request::post(path, Some(asked(&carrier, "2", |_| ())));
        let (inquiry, _) = Inquiry::of(&dialects, &request).unwrap();
        let correlation_id = Some("c-1".to_string());
        let answer = api::Response { status: 200, body: body.to_string(), correlation_id };
        let read = inquiry.read(&dialects, Some(&mut envelope), answer);
        assert_eq!(read.correlation_id.as_deref(), Some("c-1"));
        read.status
    };
    assert_eq!(ask("verify", json!({ "isValid": true, "payer": BUYER })), 200);
    assert_eq!(ask("settle", json!({ "success": true, "payer": SHOP })), 402, "another payer's settlement");
    assert_eq!(ask("settle", json!({ "success": true, "payer": BUYER })), 200);
    assert_eq!(envelope.payer(), Some(BUYER));
}
