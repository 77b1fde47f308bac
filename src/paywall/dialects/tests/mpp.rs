//! Payments by challenges of MPP.

use super::*;

#[test]
fn the_end_of_the_challenge_in_these_tests_is_after_their_now() {
    assert!(challenge(|_| ()).expires_at().unwrap() > NOW);
}

#[test]
fn credentials_are_taken_or_refused_with_the_code_of_mpp() {
    let dialects = both();
    let token = mpp_token("1001");
    let good = credential(&challenge(|_| ()), &token);
    let whole = |header: &str| said(&enter(&dialects, header, None));
    for (name, header, expected) in [
        ("a credential", good.clone(), "paid"),
        ("beside another scheme", format!("Bearer x, {good}"), "paid"),
        ("in small letters", good.replacen("Payment", "payment", 1), "paid"),
        ("another scheme", "Bearer x".into(), "plain"),
        ("the scheme's name in a quoted value", "Basic realm=\"Payment e30\"".into(), "plain"),
        ("two credentials", format!("{good}, {good}"), "BCK.MPP.0003"),
        ("no credential", "Payment".into(), "BCK.MPP.0003"),
        ("a challenge in its place", "Payment id=\"x\", realm=\"r\"".into(), "BCK.MPP.0003"),
        ("trailing bits", format!("{good}A"), "BCK.MPP.0003"),
        ("no JSON", "Payment AAAA".into(), "BCK.MPP.0003"),
        ("no id", credential(&challenge(|one| one.id = String::new()), &token), "BCK.MPP.0003"),
        ("another method", credential(&challenge(|one| one.method = "tempo".into()), &token), "BCK.MPP.0003"),
        (
            "another intent",
            credential(&challenge(|one| one.intent = "session".into()), &token),
            "BCK.MPP.0003",
        ),
        ("a padded request", credential(&challenge(|one| one.request.push('=')), &token), "BCK.MPP.0003"),
        ("no token", credential(&challenge(|_| ()), ""), "BCK.MPP.0003"),
        ("a token that is none", credential(&challenge(|_| ()), "t"), "BCK.MPP.0003"),
        ("a token of another plan", credential(&challenge(|_| ()), &mpp_token("1002")), "BCK.MPP.0003"),
        (
            "an end that is past",
            credential(&challenge(|one| one.expires = Some("2020-01-01T00:00:00Z".into())), &token),
            "BCK.MPP.0004",
        ),
        ("no end", credential(&challenge(|one| one.expires = None), &token), "BCK.MPP.0004"),
    ] {
        assert_eq!(whole(&header), expected, "{name}");
    }
    let off = dialects_without_mpp();
    assert_eq!(said(&enter(&off, &good, None)), "plain", "MPP is not spoken here");
}

#[test]
fn a_challenge_is_for_one_body() {
    let dialects = both();
    let bound = credential(&challenge(|one| one.digest = Some("sha-256=abc".into())), &mpp_token("1001"));
    for (digest, expected) in
        [(None, "body"), (Some("sha-256=abc"), "paid"), (Some("sha-256=xyz"), "BCK.MPP.0005")]
    {
        assert_eq!(said(&enter(&dialects, &bound, digest)), expected, "{digest:?}");
    }
    let strict = super::tests::dialects(&json!({ "mpp": { "bindBody": true } }));
    let free = credential(&challenge(|_| ()), &mpp_token("1001"));
    assert_eq!(said(&enter(&strict, &free, Some("sha-256=abc"))), "BCK.MPP.0005", "each is bound here");
}

#[test]
fn a_credential_is_verified_for_its_resource_verb_body_plan_agent_and_price() {
    let dialects = both();
    let header = credential(&challenge(|one| one.digest = Some("sha-256=abc".into())), &mpp_token("1001"));
    let one = paid(enter(&dialects, &format!("{header}, Bearer own"), Some("sha-256=abc")));
    assert_eq!(one.authorization.as_deref(), Some("Bearer own"));
    // The journal keeps the token: what is read out of it asks the same.
    let carrier = Carrier::read(one.carrier.token().expose()).unwrap();
    for question in [Question::Verify, Question::Settle] {
        let sent = platform(dialects.outgoing(question, &carrier, &asked(&carrier, "2", |_| ())));
        let expected = json!({
            "credential": header, "resource": "https://shop.example/ask?q=1", "httpVerb": "POST", "bodyDigest": "sha-256=abc",
        });
        assert_eq!(sent, expected);
    }
    let code = |outgoing| answer(outgoing).1["code"].as_str().unwrap().to_string();
    let verify = |body: &str| dialects.outgoing(Question::Verify, &carrier, body);
    assert_eq!(code(verify(&asked(&carrier, "3", |_| ()))), "BCK.MPP.0004", "the price has changed since");
    assert_eq!(
        answer(dialects.outgoing(Question::Settle, &carrier, &asked(&carrier, "1", |_| ()))).0,
        401,
        "the whole of a challenge is taken, or nothing"
    );
    let other_agent =
        asked(&carrier, "2", |body| body["paymentRequired"]["accepts"][0]["extra"]["agentId"] = "3".into());
    assert_eq!(code(verify(&other_agent)), "BCK.MPP.0003");
    let no_plan =
        asked(&carrier, "2", |body| body["paymentRequired"]["accepts"][0]["planId"] = "1002".into());
    assert_eq!(code(verify(&no_plan)), "BCK.MPP.0003", "a route that this plan does not pay for");
}

#[test]
fn two_payers_that_share_a_challenge_have_one_answer() {
    let dialects = both();
    let body = json!({ "success": true, "payer": BUYER }).to_string();
    let lower = BUYER.to_lowercase();
    let incoming = |payer| dialects.incoming(Question::Settle, Dialect::Mpp, payer, 200, body.clone());
    assert_eq!(incoming(Some(lower.as_str())).0, 200);
    assert_eq!(incoming(None).0, 200, "an isolate that did not verify it");
    let (status, body) = incoming(Some(SHOP));
    assert_eq!(
        (status, serde_json::from_str::<Value>(&body).unwrap()["code"].clone()),
        (402, json!("BCK.MPP.0003"))
    );
}

#[test]
fn a_refusal_says_its_code_and_if_a_fresh_challenge_helps() {
    let (header, offer) = gates_offer();
    let text = offer.to_string();
    for (code, retryable) in [("BCK.MPP.0003", false), ("BCK.MPP.0004", true), ("BCK.MPP.0005", true)] {
        let refused = Some((code, "why"));
        let made = both().offer(&Refused402 {
            header: &header,
            body: Some(&text),
            refused,
            ..Refused402::default()
        });
        let made = made.unwrap();
        let body: Value = serde_json::from_str(&made.body.unwrap()).unwrap();
        assert_eq!(
            (&body["code"], &body["retryable"], &body["message"]),
            (&json!(code), &json!(retryable), &json!("why"))
        );
        assert_eq!(decoded(&made.header)["error"], code);
        assert_eq!(made.challenges.len(), 1, "with a fresh challenge");
    }
}
