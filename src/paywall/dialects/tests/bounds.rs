//! Payments that are almost right: one spelling of a nonce, one recipient, the very amount, the last second.

use super::*;

/// The parts of a carrier.
fn parts(token: &str) -> Value {
    serde_json::from_slice(&base64::decode(token, 64 * 1024, "token").unwrap()).unwrap()
}

fn with_authorization(member: &'static str, value: &str) -> Value {
    let value = json!(value);
    payment(move |payment| payment["payload"]["authorization"][member] = value.clone())
}

#[test]
fn rule_24_a_nonce_has_one_spelling() {
    let dialects = both();
    let nonce = |digits: &str| {
        let one = paid(enter_exact(&dialects, &with_authorization("nonce", &format!("0x{digits}"))));
        parts(one.carrier.token().expose())["payload"]["authorization"]["nonce"].clone()
    };
    assert_eq!(nonce(&"0A".repeat(32)), nonce(&"0a".repeat(32)));
    assert_ne!(nonce(&"0A".repeat(32)), nonce(&"0b".repeat(32)));
    for digits in ["zz".repeat(32), "0a".repeat(31), "0a".repeat(33)] {
        let sent = with_authorization("nonce", &format!("0x{digits}"));
        assert_eq!(said(&enter_exact(&dialects, &sent)), "payment_malformed", "{digits}");
    }
}

#[test]
fn a_payment_of_version_1_is_for_the_terms_of_its_recipient() {
    let mut second = accept();
    second["payTo"] = BUYER.into();
    let dialects =
        dialects(&json!({ "x402v1": true, "routes": { "GET /r": { "accepts": [accept(), second] } } }));
    for (index, to) in [SHOP, BUYER].into_iter().enumerate() {
        let sent = json!({
            "x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": with_authorization("to", to)["payload"],
        });
        let header = base64::encode_standard(sent.to_string().as_bytes());
        let one = paid(dialects.enter(&Arrival { x_payment: Some(&header), ..Arrival::default() }));
        assert_eq!(one.carrier.plan_id, dialects.exact()[index].plan_id.as_str(), "{to}");
    }
}

#[test]
fn an_amount_is_paid_exactly_and_on_a_route_that_takes_it() {
    let dialects = both();
    for (value, reason) in [
        ("9999", "invalid_exact_evm_payload_authorization_value_mismatch"),
        ("10001", "invalid_exact_evm_payload_authorization_value_mismatch"),
    ] {
        let one = paid(enter_exact(&dialects, &with_authorization("value", value)));
        let body = asked(&one.carrier, "10000", |_| ());
        assert_eq!(
            answer(dialects.outgoing(Question::Verify, &one.carrier, &body)).1["invalidReason"],
            reason
        );
    }
    let one = paid(enter_exact(&dialects, &payment(|_| ())));
    let plan_alone = asked(&one.carrier, "10000", |body| {
        body["paymentRequired"]["accepts"].as_array_mut().unwrap().pop();
    });
    for (question, member) in [(Question::Verify, "isValid"), (Question::Settle, "success")] {
        let (status, said) = answer(dialects.outgoing(question, &one.carrier, &plan_alone));
        assert_eq!((status, &said[member]), (200, &json!(false)), "{question:?}");
    }
}

#[test]
fn a_payment_that_makes_too_large_a_token_is_refused() {
    let large =
        |length: usize| payment(move |payment| payment["payload"]["note"] = "\"".repeat(length).into());
    assert_eq!(said(&enter_exact(&both(), &large(100))), "paid");
    assert_eq!(said(&enter_exact(&both(), &large(4500))), "payment_malformed");
}

#[test]
fn a_challenge_ends_with_its_last_second() {
    let header = credential(&challenge(|_| ()), &mpp_token("1001"));
    let end = challenge(|_| ()).expires_at().unwrap();
    for (now, expected) in [(end - 1, "paid"), (end, "BCK.MPP.0004")] {
        let arrival = Arrival { authorization: Some(&header), now, ..Arrival::default() };
        assert_eq!(said(&both().enter(&arrival)), expected, "{now}");
    }
}

#[test]
fn rule_24_a_challenge_has_one_spelling() {
    let nonce = |id: &str| {
        let entry =
            enter(&both(), &credential(&challenge(|one| one.id = id.into()), &mpp_token("1001")), None);
        match entry {
            Entry::Paid(paid) => {
                parts(paid.carrier.token().expose())["payload"]["authorization"]["nonce"].clone()
            }
            entry => json!(said(&entry)),
        }
    };
    // Four letters that are two bits of 43: a platform reads the same 32 bytes.
    let seal = |last: char| format!("{}{last}", "Ab_-".repeat(11).split_at(42).0);
    assert_ne!(seal('A'), seal('B'));
    assert_eq!(nonce(&seal('A')), seal('A'), "as the platform writes it");
    for last in ['B', 'C', 'D'] {
        assert_eq!(nonce(&seal(last)), nonce(&seal('A')), "{last}");
    }
    assert_ne!(nonce(&seal('E')), nonce(&seal('A')));
    let id = seal('A');
    for id in
        [format!("{id}="), id.replace('-', "+"), id.replace('_', "/"), format!(" {id}"), format!("{id}!")]
    {
        assert_eq!(nonce(&id), "BCK.MPP.0003", "{id}");
    }
}

#[test]
fn rule_24_a_carrier_that_a_client_wrote_is_no_payment() {
    let dialects = both();
    let mut tokens = Vec::new();
    for entry in [
        enter_exact(&dialects, &payment(|_| ())),
        enter(&dialects, &credential(&challenge(|_| ()), &mpp_token("1001")), None),
    ] {
        let token = paid(entry).carrier.token().expose().to_string();
        let bytes = base64::decode(&token, 64 * 1024, "token").unwrap();
        tokens.extend([base64::encode_standard(&bytes), format!(" {token} "), token]);
    }
    for token in &tokens {
        for authorization in [None, Some("Bearer own")] {
            let arrival = Arrival { token: Some(token), authorization, now: NOW, ..Arrival::default() };
            assert_eq!(said(&dialects.enter(&arrival)), "payment_malformed", "{token:.20}");
        }
    }
    let plan = Arrival { token: Some(&mpp_token("1001")), now: NOW, ..Arrival::default() };
    assert_eq!(said(&dialects.enter(&plan)), "plain", "a token of the platform's");
}

#[test]
fn rule_24_a_facilitator_is_told_what_was_read_and_nothing_beside_it() {
    let dialects = both();
    let plain = payment(|_| ());
    let beside = payment(|payment| {
        let payload = &mut payment["payload"];
        // The facilitators of @x402/evm settle this, where it is there.
        payload["permit2Authorization"] = json!({ "from": BUYER, "nonce": "1" });
        payload["transaction"] = "AAAA".into();
        payload["authorization"]["Nonce"] = "0x01".into();
    });
    let told = |payment: &Value, question| {
        let one = paid(enter_exact(&dialects, payment));
        facilitator(dialects.outgoing(question, &one.carrier, &asked(&one.carrier, "10000", |_| ()))).1
    };
    for question in [Question::Verify, Question::Settle] {
        assert_eq!(told(&beside, question), told(&plain, question), "{question:?}");
        assert_eq!(told(&plain, question)["paymentPayload"], plain);
    }
}

#[test]
fn a_carrier_of_another_plan_than_its_challenge_pays_for_neither() {
    let one = paid(enter(&both(), &credential(&challenge(|_| ()), &mpp_token("1001")), None));
    let mut forged = parts(one.carrier.token().expose());
    forged["accepted"]["planId"] = "1002".into();
    let forged = Carrier::read(&encoded(&forged)).unwrap();
    let body = asked(&forged, "2", |body| body["paymentRequired"]["accepts"][0]["planId"] = "1002".into());
    for question in [Question::Verify, Question::Settle] {
        assert_eq!(
            answer(both().outgoing(question, &forged, &body)).1["code"],
            "BCK.MPP.0003",
            "{question:?}"
        );
    }
}

#[test]
fn an_error_of_the_platform_is_no_word_about_the_payer() {
    let body = json!({ "payer": BUYER }).to_string();
    for status in [402, 429, 503] {
        let said = both().incoming(Question::Settle, Dialect::Mpp, Some(SHOP), status, body.clone());
        assert_eq!(said, (status, body.clone()));
    }
}

#[test]
fn what_costs_nothing_is_not_offered_for_an_amount_or_a_challenge() {
    let (_, mut offer) = gates_offer();
    for entry in offer["accepts"].as_array_mut().unwrap() {
        entry["extra"]["credits"] = "0".into();
    }
    let header = base64::encode_standard(offer.to_string().as_bytes());
    let made = both().offer(&Refused402 { header: &header, ..Refused402::default() }).unwrap();
    assert_eq!(decoded(&made.header)["accepts"], json!([offer["accepts"][0]]));
    assert!(made.challenges.is_empty(), "{:?}", made.challenges);
}
