//! Messages from the wire, good and bad. The vectors are files, so that other tools can use them.

use payments_wasm::wire::{
    Accept, AccessToken, AgentId, Credits, MAX_ACCEPTS, MAX_OFFER_BYTES, MAX_RECEIPT_BYTES, MAX_TOKEN_BYTES,
    PaymentRequired, PlanId, Receipt, Resource, Scheme, WireError, WireErrorKind, base64,
};
use serde_json::{Value, json};

fn encoded(json: &Value) -> String {
    base64::encode_standard(json.to_string().as_bytes())
}

#[test]
fn offers_of_others_are_read_and_printed_again_whole() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/payment_required.json")).unwrap();
    let vectors = vectors.as_array().unwrap();
    assert!(vectors.len() >= 7);
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let name = text("name");
        let json: Value = serde_json::from_str(text("json")).unwrap();
        let variants = [
            text("header").to_string(),
            text("header").trim_end_matches('=').to_string(),
            base64::encode_url(text("json").as_bytes()),
        ];
        for header in variants {
            let required = PaymentRequired::from_header(&header).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(required.to_value(), json, "{name}");
            let again = PaymentRequired::from_header(&required.to_header()).unwrap();
            assert_eq!(again, required, "{name}");
        }
    }
}

#[test]
fn what_a_vector_says_is_what_we_understand() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/payment_required.json")).unwrap();
    let read =
        |index: usize| PaymentRequired::from_header(vectors[index]["header"].as_str().unwrap()).unwrap();
    let python = read(0);
    assert_eq!(python.resource().url, "/ask");
    assert_eq!(python.error(), None);
    let accept = &python.accepts()[0];
    assert_eq!(accept.scheme(), Some(Scheme::Erc4337));
    assert_eq!((accept.network(), accept.plan_id().unwrap().as_str()), ("eip155:84532", "12345"));
    assert_eq!((accept.agent_id().unwrap().as_str(), accept.http_verb()), ("678", Some("POST")));
    assert_eq!(accept.credits(), None);
    assert_eq!(read(2).resource().description.as_deref(), Some("ünï ☃"));
    assert_eq!(read(4).accepts().len(), 2);
    let why = encoded(&json!({"x402Version": 2, "error": "too late", "accepts": [accept.to_value()]}));
    assert_eq!(PaymentRequired::from_header(&why).unwrap().error(), Some("too late"));
    let mixed = read(6);
    assert_eq!((mixed.accepts()[0].scheme(), mixed.accepts()[0].scheme_name()), (None, "exact"));
    assert_eq!(mixed.accepts()[1].scheme(), Some(Scheme::CardDelegation));
}

#[test]
fn what_others_did_to_an_offer_on_the_way_does_not_spoil_it() {
    let good = json!({"scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "1", "extra": {}});
    let offer = |accepts: Value| json!({"x402Version": 2, "resource": {"url": "/"}, "accepts": accepts});
    let plain = offer(json!([good.clone()]));
    let whole = encoded(&plain);
    for (name, header) in [
        ("a space behind", format!("{whole} ")),
        ("spaces and a tab around", format!("  {whole}\t")),
        ("doubled by a proxy", format!("{whole}, {whole}")),
        ("doubled without a space", format!("{whole},{whole}")),
        ("an empty one before", format!(", {whole}")),
        ("a byte order mark in it", base64::encode_standard(format!("\u{feff}{plain}").as_bytes())),
    ] {
        assert_eq!(PaymentRequired::from_header(&header).unwrap().accepts().len(), 1, "{name}");
    }
    let body = format!("\u{feff}{plain}");
    assert_eq!(PaymentRequired::from_json(body.as_bytes()).unwrap().to_value(), plain);
    for (name, broken) in [
        ("null", Value::Null),
        ("a text", json!("exact")),
        ("a list", json!([])),
        ("a scheme of nobody's without a network", json!({"scheme": "exact"})),
        ("a scheme that is a number", json!({"scheme": 1, "network": "x"})),
        ("ours without a plan", json!({"scheme": "nvm:erc4337", "network": "x"})),
        ("ours with a plan that is a number", json!({"scheme": "nvm:erc4337", "network": "x", "planId": 1})),
    ] {
        for accepts in [json!([broken.clone(), good.clone()]), json!([good.clone(), broken.clone()])] {
            let required = PaymentRequired::from_header(&encoded(&offer(accepts))).unwrap();
            let plans: Vec<_> =
                required.accepts().iter().map(|one| one.plan_id().unwrap().as_str()).collect();
            assert_eq!(plans, ["1"], "{name}");
        }
        // Alone it is still told by its name.
        let error = PaymentRequired::from_header(&encoded(&offer(json!([broken])))).unwrap_err();
        assert!(error.field.starts_with("accepts[0]."), "{name}: {error}");
    }
    let receipt = encoded(&json!({"success": true, "transaction": "0x", "network": "n"}));
    assert!(Receipt::from_header(&format!("{receipt}, {receipt}")).unwrap().success());
}

#[test]
fn a_bad_offer_is_refused_by_the_name_of_its_member() {
    use WireErrorKind::{BadValue, Missing, NotBase64, NotJson, TooLarge, Version, WrongType};
    let good = json!({"scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "1", "extra": {}});
    let with = |member: &str, value: Value| {
        let mut offer = json!({"x402Version": 2, "resource": {"url": "/"}, "accepts": [good.clone()]});
        offer[member] = value;
        encoded(&offer)
    };
    let entry = |member: &str, value: Value| {
        let mut bad = good.clone();
        bad[member] = value;
        // Beside one that is read and is not ours.
        with("accepts", json!([{"scheme": "exact", "network": "eip155:8453"}, bad]))
    };
    let whole = with("error", json!("e"));
    let cut = |length: usize| whole.chars().take(length).collect::<String>();
    let rows: Vec<(&str, String, WireErrorKind, &str)> = vec![
        ("empty", String::new(), Missing, "payment-required"),
        ("only padding", "==".into(), Missing, "payment-required"),
        ("not base64", "{}".into(), NotBase64, "payment-required"),
        ("base64 with a space in it", whole.replacen("eyJ", "eyJ ", 1), NotBase64, "payment-required"),
        ("cut to a half", cut(whole.len() / 2 / 4 * 4), NotJson, "payment-required"),
        ("cut by one", cut(whole.len() - 5), NotJson, "payment-required"),
        ("not UTF-8", base64::encode_standard(&[0x7b, 0xff, 0x7d]), NotJson, "payment-required"),
        ("a number", encoded(&json!(1)), WrongType, "payment-required"),
        ("a list", encoded(&json!([])), WrongType, "payment-required"),
        ("null", encoded(&Value::Null), WrongType, "payment-required"),
        ("two documents", base64::encode_standard(b"{}{}"), NotJson, "payment-required"),
        ("very deep", base64::encode_standard("[".repeat(5000).as_bytes()), NotJson, "payment-required"),
        ("too large", "A".repeat(MAX_OFFER_BYTES * 2), TooLarge, "payment-required"),
        ("empty document", encoded(&json!({})), Missing, "x402Version"),
        ("version null", with("x402Version", Value::Null), Missing, "x402Version"),
        ("version 1", with("x402Version", json!(1)), Version, "x402Version"),
        ("version as text", with("x402Version", json!("2")), Version, "x402Version"),
        ("version 2.5", with("x402Version", json!(2.5)), Version, "x402Version"),
        ("resource a number", with("resource", json!(7)), WrongType, "resource"),
        ("resource a list", with("resource", json!([])), WrongType, "resource"),
        ("resource.url a number", with("resource", json!({"url": 1})), WrongType, "resource.url"),
        (
            "resource.mimeType a list",
            with("resource", json!({"mimeType": []})),
            WrongType,
            "resource.mimeType",
        ),
        ("accepts null", with("accepts", Value::Null), Missing, "accepts"),
        ("accepts empty", with("accepts", json!([])), Missing, "accepts"),
        ("accepts an object", with("accepts", json!({})), WrongType, "accepts"),
        ("accepts too many", with("accepts", json!(vec![good.clone(); 65])), TooLarge, "accepts"),
        ("an entry null", with("accepts", json!([Value::Null])), WrongType, "accepts[0].entry"),
        ("an entry a text", with("accepts", json!(["exact"])), WrongType, "accepts[0].entry"),
        ("scheme absent", entry("scheme", Value::Null), Missing, "accepts[1].scheme"),
        ("scheme empty", entry("scheme", json!("")), Missing, "accepts[1].scheme"),
        ("scheme a number", entry("scheme", json!(4337)), WrongType, "accepts[1].scheme"),
        ("network absent", entry("network", Value::Null), Missing, "accepts[1].network"),
        ("network a number", entry("network", json!(84532)), WrongType, "accepts[1].network"),
        ("planId absent", entry("planId", Value::Null), Missing, "accepts[1].planId"),
        ("planId empty", entry("planId", json!("")), Missing, "accepts[1].planId"),
        ("planId a number", entry("planId", json!(1)), WrongType, "accepts[1].planId"),
        ("planId a path", entry("planId", json!("../1")), BadValue, "accepts[1].planId"),
        ("planId too long", entry("planId", json!("1".repeat(200))), TooLarge, "accepts[1].planId"),
        ("extra a text", entry("extra", json!("x")), WrongType, "accepts[1].extra"),
        ("agentId a number", entry("extra", json!({"agentId": 1})), WrongType, "accepts[1].agentId"),
        ("agentId a path", entry("extra", json!({"agentId": "a/b"})), BadValue, "accepts[1].extra.agentId"),
        ("credits below zero", entry("extra", json!({"credits": -1})), BadValue, "accepts[1].extra.credits"),
        (
            "credits a fraction",
            entry("extra", json!({"credits": "1.5"})),
            BadValue,
            "accepts[1].extra.credits",
        ),
        ("credits a list", entry("extra", json!({"credits": []})), WrongType, "accepts[1].extra.credits"),
        (
            "credits beyond uint256",
            entry("extra", json!({"credits": "9".repeat(78)})),
            BadValue,
            "accepts[1].extra.credits",
        ),
    ];
    assert!(rows.len() >= 40);
    for (name, header, kind, field) in rows {
        let error = PaymentRequired::from_header(&header).unwrap_err();
        assert_eq!((error.kind, error.field.as_ref()), (kind, field), "{name}");
    }
}

#[test]
fn null_stands_for_absent() {
    let offer = json!({
        "x402Version": 2, "error": null, "resource": null, "extensions": null,
        "accepts": [{"scheme": "nvm:erc4337", "network": "n", "planId": "1",
                     "extra": {"agentId": null, "httpVerb": null, "credits": null}}],
    });
    let required = PaymentRequired::from_header(&encoded(&offer)).unwrap();
    assert_eq!(required.to_value(), offer);
    assert_eq!((required.accepts()[0].agent_id(), required.accepts()[0].credits()), (None, None));
    let bare = json!({"x402Version": 2, "resource": "/only/a/path", "accepts": offer["accepts"]});
    assert_eq!(PaymentRequired::from_header(&encoded(&bare)).unwrap().resource().url, "/only/a/path");
}

#[test]
fn what_we_offer_is_what_a_buyer_reads() {
    let plan = PlanId::parse("77", "planId").unwrap();
    let agent = AgentId::parse("0xa9e0", "agentId").unwrap();
    let entry = Accept::new(Scheme::Erc4337, "eip155:84532", plan.clone())
        .with_agent(agent.clone())
        .with_verb("POST")
        .with_credits(Credits::from(3));
    let about = Resource { url: "https://a.example/ask".into(), description: None, mime_type: None };
    let header = PaymentRequired::new(about, vec![entry]).to_header();
    let read = PaymentRequired::from_header(&header).unwrap();
    let expected = json!({
        "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "77",
        "extra": {"version": "1", "agentId": "0xa9e0", "httpVerb": "POST", "credits": "3"},
    });
    let [entry] = read.accepts() else { panic!("one entry") };
    assert_eq!(entry.to_value(), expected);
    assert_eq!((entry.plan_id(), entry.agent_id()), (Some(&plan), Some(&agent)));
    assert_eq!((entry.credits(), entry.http_verb()), (Some(Credits::from(3)), Some("POST")));
}

#[test]
fn tokens_are_what_they_decode_to_and_do_not_print() {
    let payload = |nonce: Value| {
        json!({
            "x402Version": 2, "resource": null,
            "accepted": {"scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "77", "extra": {}},
            "payload": {"signature": "0xsecret", "authorization": {"from": "0xme", "sessionKeys": [], "nonce": nonce}},
            "extensions": {}, "later": [1, 2],
        })
    };
    for (name, nonce, single_use) in [
        ("none", Value::Null, false),
        ("a text", json!("n-1"), true),
        ("blank", json!("  "), false),
        ("empty", json!(""), false),
    ] {
        let payload = payload(nonce);
        for text in [encoded(&payload), base64::encode_url(payload.to_string().as_bytes())] {
            let token = AccessToken::decode(&text).unwrap();
            assert_eq!(token.is_single_use(), single_use, "{name}");
            assert_eq!(token.nonce(), single_use.then_some("n-1"), "{name}");
            assert_eq!(token.payer(), Some("0xme"));
            assert_eq!(token.accepted().plan_id().unwrap().as_str(), "77");
            assert_eq!(token.to_value(), payload, "{name}");
            assert_eq!(token.secret().expose(), text);
            let shown = format!("{token:?}");
            assert!(
                !shown.contains("secret\"") && !shown.contains(&text) && !shown.contains("0xsecret"),
                "{shown}"
            );
            assert!(shown.contains("nvm:erc4337") && shown.contains("77"), "what may be known: {shown}");
        }
    }
    let again = AccessToken::encode(payload(Value::Null).as_object().unwrap().clone()).unwrap();
    assert!(!again.secret().expose().contains(['=', '+', '/']), "unpadded base64url");
}

#[test]
fn a_card_token_says_when_it_ends() {
    let jwt = |claims: &str| format!("e30.{}.c2ln", base64::encode_url(claims.as_bytes()));
    for (token, end) in [
        (json!(jwt(r#"{"exp":1800000000}"#)), Some(1_800_000_000)),
        (json!(jwt(r#"{"exp":"soon"}"#)), None),
        (json!(jwt("no claims")), None),
        (json!("no jwt"), None),
        (Value::Null, None),
    ] {
        let payload = json!({
            "x402Version": 2,
            "accepted": {"scheme": "nvm:card-delegation", "network": "stripe", "planId": "7", "extra": {}},
            "payload": {"token": token},
        });
        assert_eq!(AccessToken::decode(&encoded(&payload)).unwrap().expires_at(), end, "{token}");
    }
}

#[test]
fn a_bad_token_is_refused_and_never_shown() {
    let rows: Vec<(&str, String, &str)> = vec![
        ("empty", String::new(), "access token"),
        ("not base64", "a b".into(), "access token"),
        ("a JWT", "eyJhbGciOiJub25lIn0.e30.c2ln".into(), "access token"),
        ("too large", "A".repeat(20_000), "access token"),
        ("a list", encoded(&json!([])), "access token"),
        ("no version", encoded(&json!({})), "x402Version"),
        ("version 1", encoded(&json!({"x402Version": 1})), "x402Version"),
        ("nothing accepted", encoded(&json!({"x402Version": 2})), "accepted"),
        ("accepted null", encoded(&json!({"x402Version": 2, "accepted": null})), "accepted.entry"),
        (
            "no payload",
            encoded(&json!({"x402Version": 2, "accepted": {"scheme": "exact", "network": "eip155:1"}})),
            "payload",
        ),
        (
            "payload a text",
            encoded(&json!({"x402Version": 2, "payload": "x", "accepted": {"scheme": "e", "network": "n"}})),
            "payload",
        ),
        (
            "nonce a number",
            encoded(&json!({"x402Version": 2, "accepted": {"scheme": "e", "network": "n"},
                            "payload": {"authorization": {"nonce": 7}}})),
            "payload.authorization.nonce",
        ),
    ];
    for (name, text, field) in rows {
        let error = AccessToken::decode(&text).unwrap_err();
        assert_eq!(error.field, field, "{name}");
        assert!(text.is_empty() || !error.to_string().contains(&text), "{name}");
    }
}

#[test]
fn receipts_are_read_as_both_sdks_write_them() {
    let settled = json!({
        "success": true, "payer": "0xme", "transaction": "0x1", "network": "eip155:84532",
        "creditsRedeemed": "2", "remainingBalance": "98", "orderTx": "0x2", "later": {"a": 1},
    });
    let receipt = Receipt::from_header(&encoded(&settled)).unwrap();
    assert!(receipt.success());
    assert_eq!(receipt.credits_redeemed().unwrap().to_string(), "2");
    assert_eq!(receipt.remaining_balance().unwrap().to_string(), "98");
    assert_eq!((receipt.text("orderTx"), receipt.text("errorReason")), (Some("0x2"), None));
    let printed = base64::decode(&receipt.to_header(), 10_000, "receipt").unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&printed).unwrap(), settled);

    let bare = Receipt::from_header(&encoded(&json!({"success": false, "transaction": null}))).unwrap();
    assert_eq!((bare.success(), bare.credits_redeemed(), bare.text("transaction")), (false, None, None));
    assert_eq!(receipt.to_value(), settled);
    let no = json!({"success": false, "creditsRedeemed": "-2", "remainingBalance": []});
    let no = Receipt::from_header(&encoded(&no)).unwrap();
    let amounts = (no.credits_redeemed(), no.remaining_balance());
    assert_eq!((no.success(), amounts), (false, (None, None)), "a no is a no, whatever stands beside it");
    let numbers = json!({"success": true, "creditsRedeemed": 2, "remainingBalance": 0});
    assert!(Receipt::from_header(&encoded(&numbers)).unwrap().remaining_balance().unwrap().is_zero());

    let bad = |json: Value| -> WireError { Receipt::from_header(&encoded(&json)).unwrap_err() };
    assert_eq!(bad(json!({})).field, "success");
    assert_eq!(bad(json!({"success": "yes"})).kind, WireErrorKind::WrongType);
    assert_eq!(bad(json!({"success": true, "creditsRedeemed": "-2"})).field, "creditsRedeemed");
    assert_eq!(bad(json!([])).kind, WireErrorKind::WrongType);
    assert_eq!(Receipt::from_header(&"A".repeat(40_000)).unwrap_err().kind, WireErrorKind::TooLarge);
}

#[test]
fn rule_2_sizes_are_bounded_and_the_bound_itself_is_let_in() {
    let entry = |scheme: &str| json!({"scheme": scheme, "network": "n", "planId": "1"});
    let offer = |accepts: Vec<Value>| json!({"x402Version": 2, "accepts": accepts}).to_string();
    // White space fills a document up to a size.
    let fill = |json: &str, size: usize| [json, &" ".repeat(size - json.len())].concat();
    let small = offer(vec![entry("nvm:erc4337")]);
    let kind = |result: Result<(), WireError>| result.err().map(|error| error.kind);
    let as_body = |json: String| kind(PaymentRequired::from_json(json.as_bytes()).map(drop));
    let as_header = |json: String| {
        kind(PaymentRequired::from_header(&base64::encode_standard(json.as_bytes())).map(drop))
    };
    let receipt = |json: String| kind(Receipt::from_json(json.as_bytes()).map(drop));
    let receipt_header =
        |json: String| kind(Receipt::from_header(&base64::encode_standard(json.as_bytes())).map(drop));
    let yes = r#"{"success":true}"#;
    let token = json!({"x402Version": 2, "accepted": entry("nvm:erc4337"), "payload": {}}).to_string();
    let as_token =
        |size: usize| kind(AccessToken::decode(&base64::encode_url(fill(&token, size).as_bytes())).map(drop));
    let many = |count: usize| as_body(offer(vec![entry("exact"); count]));
    let large = Some(WireErrorKind::TooLarge);
    for (name, within, beyond) in [
        ("an offer in a body", as_body(fill(&small, 65_536)), as_body(fill(&small, 65_537))),
        ("an offer in a header", as_header(fill(&small, 65_536)), as_header(fill(&small, 65_537))),
        ("ways to pay", many(64), many(65)),
        ("a receipt", receipt(fill(yes, 16_384)), receipt(fill(yes, 16_385))),
        ("a receipt in a header", receipt_header(fill(yes, 16_384)), receipt_header(fill(yes, 16_385))),
        // As it is sent: 12,288 bytes are 16,384 letters.
        ("a token", as_token(12_288), as_token(12_289)),
    ] {
        assert_eq!((within, beyond), (None, large), "{name}");
    }
    assert_eq!(
        (MAX_OFFER_BYTES, MAX_RECEIPT_BYTES, MAX_TOKEN_BYTES, MAX_ACCEPTS),
        (65_536, 16_384, 16_384, 64)
    );
}
