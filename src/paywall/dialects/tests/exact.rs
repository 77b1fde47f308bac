//! Amounts at a facilitator of x402.

use super::*;

#[test]
fn payments_of_the_scheme_exact_are_taken_for_terms_that_are_offered() {
    let dialects = both();
    let set = |pointer: &'static str, value: Value| {
        payment(move |payment| *payment.pointer_mut(pointer).unwrap() = value.clone())
    };
    for (name, payment, expected) in [
        ("a payment", payment(|_| ()), "paid"),
        ("addresses in small letters", set("/accepted/payTo", json!(SHOP.to_lowercase())), "paid"),
        ("a token of a plan", set("/accepted/scheme", json!("nvm:erc4337")), "plain"),
        ("another scheme", set("/accepted/scheme", json!("upto")), "plain"),
        ("another chain", set("/accepted/network", json!("eip155:8453")), "payment_for_another_plan"),
        ("another asset", set("/accepted/asset", json!(SHOP)), "payment_for_another_plan"),
        ("another recipient", set("/accepted/payTo", json!(BUYER)), "payment_for_another_plan"),
        ("version 1", set("/x402Version", json!(1)), "payment_malformed"),
        ("no signature", set("/payload/signature", json!(null)), "payment_malformed"),
        (
            "Permit2",
            set("/payload", json!({ "permit2Authorization": {}, "signature": "0x" })),
            "payment_malformed",
        ),
        ("a short nonce", set("/payload/authorization/nonce", json!("0x0a")), "payment_malformed"),
        ("a value that is none", set("/payload/authorization/value", json!("1e4")), "payment_malformed"),
        ("a payer that is none", set("/payload/authorization/from", json!("me")), "payment_malformed"),
    ] {
        assert_eq!(said(&enter_exact(&dialects, &payment)), expected, "{name}");
    }
    for header in ["", "!!", "AAAA"] {
        assert_eq!(
            said(&dialects.enter(&Arrival { token: Some(header), ..Arrival::default() })),
            "plain",
            "{header}: the gate says it"
        );
    }
    let v1 = json!({ "x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": payment(|_| ())["payload"] });
    let header = |value: &Value| base64::encode_standard(value.to_string().as_bytes());
    let enter_v1 = |dialects: &Dialects, text: &str| {
        said(&dialects.enter(&Arrival { x_payment: Some(text), ..Arrival::default() }))
    };
    assert_eq!(enter_v1(&dialects, &header(&v1)), "paid");
    assert_eq!(enter_v1(&dialects, "!!"), "payment_malformed");
    let mut other = v1.clone();
    other["network"] = "base".into();
    assert_eq!(enter_v1(&dialects, &header(&other)), "payment_for_another_plan");
    assert_eq!(enter_v1(&dialects_without_mpp(), &header(&v1)), "plain", "version 1 is not spoken");
}

#[test]
fn a_facilitator_is_asked_for_what_the_route_costs() {
    let dialects = both();
    let sent = payment(|_| ());
    let one = paid(enter_exact(&dialects, &sent));
    let carrier = &one.carrier;
    let ask = |amount: &str| dialects.outgoing(Question::Verify, carrier, &asked(carrier, amount, |_| ()));
    let (url, body) = facilitator(ask("10000"));
    assert_eq!(url, "https://facilitator.example/x402");
    assert_eq!((&body["x402Version"], &body["paymentPayload"]), (&json!(2), &sent), "as it came");
    let mut terms = accept();
    terms.as_object_mut().unwrap().remove("facilitator");
    assert_eq!(body["paymentRequirements"], terms);
    let (status, body) = answer(ask("10001"));
    assert_eq!((status, &body["isValid"]), (200, &json!(false)), "a payment for a cheaper route");
    let elsewhere = paid(enter_exact(
        &dialects,
        &payment(|payment| payment["payload"]["authorization"]["to"] = BUYER.into()),
    ));
    let carrier = &elsewhere.carrier;
    let (_, body) = answer(dialects.outgoing(Question::Verify, carrier, &asked(carrier, "10000", |_| ())));
    assert_eq!(body["invalidReason"], "invalid_exact_evm_payload_recipient_mismatch");
    let v1 =
        json!({ "x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": sent["payload"] });
    let header = base64::encode_standard(v1.to_string().as_bytes());
    let one = paid(dialects.enter(&Arrival { x_payment: Some(&header), ..Arrival::default() }));
    let carrier = &one.carrier;
    let (_, body) =
        facilitator(dialects.outgoing(Question::Settle, carrier, &asked(carrier, "10000", |_| ())));
    assert_eq!((&body["x402Version"], &body["paymentPayload"]), (&json!(1), &v1));
    let terms = &body["paymentRequirements"];
    assert_eq!(
        (&terms["network"], &terms["maxAmountRequired"], &terms["resource"], &terms["description"]),
        (&json!("base-sepolia"), &json!("10000"), &json!("https://shop.example/ask"), &json!("An answer"))
    );
}

#[test]
fn rule_21_an_answer_to_settle_is_a_yes_or_a_no_whatever_its_length() {
    let long = "é".repeat(20_000);
    for success in [true, false] {
        let body = json!({ "success": success, "errorReason": long, "payer": BUYER, "transaction": "0x1", "more": long, "extensions": {} });
        let exact = Dialect::Exact(X402Version::V2);
        let (status, text) = both().incoming(Question::Settle, exact, None, 200, body.to_string());
        let receipt = crate::wire::Receipt::from_json(text.as_bytes()).unwrap();
        assert_eq!((status, receipt.success(), receipt.text("transaction")), (200, success, Some("0x1")));
        assert_eq!(receipt.text("errorReason").unwrap().chars().count(), 500);
    }
}

#[test]
fn the_facilitators_answer_is_read_as_the_platforms() {
    use Question::{Settle, Verify};
    let dialects = both();
    for (question, status, body, expected) in [
        (Verify, 200, json!({ "isValid": true, "payer": BUYER }), 200),
        (Verify, 400, json!({ "isValid": false, "invalidReason": "x" }), 200),
        (Verify, 500, json!({ "isValid": false }), 500),
        (Verify, 429, json!({ "isValid": false }), 429),
        (Verify, 404, json!({}), 404),
        (Settle, 200, json!({ "success": false, "errorReason": "insufficient_funds" }), 200),
        (Settle, 402, json!({ "success": false, "errorReason": "insufficient_funds" }), 200),
        (
            Settle,
            200,
            json!({ "success": false, "errorReason": "settlement_pending", "transaction": "0x1" }),
            504,
        ),
        (Settle, 502, json!({ "success": true }), 502),
        (Settle, 401, json!({ "success": false }), 401),
    ] {
        let exact = Dialect::Exact(X402Version::V2);
        let (status, text) = dialects.incoming(question, exact, None, status, body.to_string());
        assert_eq!((status, text), (expected, body.to_string()), "{question:?}");
    }
}
