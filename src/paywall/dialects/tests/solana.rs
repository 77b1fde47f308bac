//! Amounts on Solana.

use super::*;

const NETWORK: &str = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";
const MINT: &str = "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU";
const SELLER: &str = "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4";
const PAYER: &str = "F25s3DdjXdCxYBhh2z8FBusVEMT4b9bGNFVKJi3wFoF4";
const FEE_PAYER: &str = "Bow1CGKGDB9mNxeWdw85E2aCthQ1oZX4oFEe7fYT17ew";
const OTHER: &str = "EwWqGE4ZFKLofuestmU4LDdK7XM1N4ALgdZccwYugwGd";

/// The transactions that `@solana/kit` made, of 10000 units with six decimals.
fn transaction(index: usize) -> String {
    let vectors: Value = serde_json::from_str(include_str!("../../../../tests/vectors/solana.json")).unwrap();
    vectors[index]["transaction"].as_str().unwrap().into()
}

fn terms(more: &Value) -> Value {
    let mut terms = json!({
        "scheme": "exact", "network": NETWORK, "amount": 10000, "asset": MINT, "payTo": SELLER, "facilitator": "https://facilitator.example",
    });
    for (name, value) in more.as_object().unwrap() {
        terms[name] = value.clone();
    }
    terms
}

fn gate(more: &Value) -> Dialects {
    dialects(&json!({ "x402v1": true, "routes": { "GET /r": { "accepts": terms(more) } } }))
}

fn sent(version: X402Version, change: impl Fn(&mut Value)) -> Value {
    let payload = json!({ "transaction": transaction(0) });
    let mut sent = match version {
        X402Version::V1 => {
            json!({ "x402Version": 1, "scheme": "exact", "network": "solana-devnet", "payload": payload })
        }
        X402Version::V2 => json!({
            "x402Version": 2,
            "accepted": {
                "scheme": "exact", "network": NETWORK, "amount": "10000", "asset": MINT, "payTo": SELLER, "maxTimeoutSeconds": 300,
                "extra": { "feePayer": FEE_PAYER },
            },
            "payload": payload,
        }),
    };
    change(&mut sent);
    sent
}

fn enter_sent(dialects: &Dialects, sent: &Value) -> Entry {
    let header = base64::encode_standard(sent.to_string().as_bytes());
    let (token, x_payment) = match sent["x402Version"].as_u64() {
        Some(1) => (None, Some(&*header)),
        _ => (Some(&*header), None),
    };
    dialects.enter(&Arrival { token, x_payment, now: NOW, ..Arrival::default() })
}

/// The question of the gate about a payment, with the offer of these terms.
fn ask(dialects: &Dialects, carrier: &Carrier, amount: &str) -> Outgoing {
    let plan = dialects.exact()[0].plan_id.as_str();
    let body = asked(carrier, amount, |body| {
        body["paymentRequired"]["accepts"][1]["planId"] = plan.into();
    });
    dialects.outgoing(Question::Verify, carrier, &body)
}

#[test]
fn a_transaction_is_taken_for_terms_that_are_offered() {
    let dialects = gate(&json!({}));
    for (name, change, expected) in [
        ("a payment", json!({}), "paid"),
        (
            "another cluster",
            json!({ "/accepted/network": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp" }),
            "payment_for_another_plan",
        ),
        ("another mint", json!({ "/accepted/asset": OTHER }), "payment_for_another_plan"),
        ("another seller", json!({ "/accepted/payTo": OTHER }), "payment_for_another_plan"),
        (
            "a seller in small letters",
            json!({ "/accepted/payTo": SELLER.to_lowercase() }),
            "payment_for_another_plan",
        ),
        (
            "the name of version 1",
            json!({ "/accepted/network": "solana-devnet" }),
            "payment_for_another_plan",
        ),
        ("no transaction", json!({ "/payload": {} }), "payment_malformed"),
        ("an authorization", json!({ "/payload": payment(|_| ())["payload"] }), "payment_malformed"),
        ("a number", json!({ "/payload/transaction": 7 }), "payment_malformed"),
        ("no base64", json!({ "/payload/transaction": "no base64!" }), "payment_malformed"),
        ("too large", json!({ "/payload/transaction": "A".repeat(8000) }), "payment_malformed"),
        (
            "bytes left over",
            json!({ "/payload/transaction": transaction(1).replace("==", "AA") }),
            "payment_malformed",
        ),
    ] {
        let sent = sent(X402Version::V2, |sent| {
            for (pointer, value) in change.as_object().unwrap() {
                *sent.pointer_mut(pointer).unwrap() = value.clone();
            }
        });
        assert_eq!(said(&enter_sent(&dialects, &sent)), expected, "{name}");
    }
    for (network, expected) in [
        ("solana-devnet", "paid"),
        ("solana", "payment_for_another_plan"),
        ("base-sepolia", "payment_malformed"),
        ("bitcoin", "payment_for_another_plan"),
    ] {
        let sent = sent(X402Version::V1, |sent| sent["network"] = network.into());
        assert_eq!(said(&enter_sent(&dialects, &sent)), expected, "{network}");
    }
}

#[test]
fn rule_24_a_transaction_is_its_message_whatever_its_spelling() {
    let dialects = gate(&json!({}));
    let nonce = |transaction: String| {
        let sent = sent(X402Version::V2, |sent| sent["payload"]["transaction"] = transaction.as_str().into());
        let one = paid(enter_sent(&dialects, &sent));
        let parts: Value =
            serde_json::from_slice(&base64::decode(one.carrier.token().expose(), 65536, "x").unwrap())
                .unwrap();
        let authorization = parts["payload"]["authorization"].clone();
        assert_eq!(authorization["from"], PAYER);
        authorization["nonce"].clone()
    };
    let mut bytes = base64::decode(&transaction(0), 4096, "x").unwrap();
    // The place for the signature of who pays the fee is not signed.
    bytes[5] = 7;
    assert_eq!(nonce(transaction(0)), nonce(base64::encode_url(&bytes)));
    assert_ne!(nonce(transaction(0)), nonce(transaction(1)));
}

#[test]
fn what_a_transaction_moves_is_compared_with_the_route() {
    for (name, gate, index, reason) in [
        (
            "the amount",
            gate(&json!({ "amount": 20000 })),
            0,
            Some("invalid_exact_svm_payload_amount_mismatch"),
        ),
        ("the mint", gate(&json!({ "asset": OTHER })), 0, Some("invalid_exact_svm_payload_mint_mismatch")),
        (
            "the recipient",
            gate(&json!({ "payTo": OTHER })),
            0,
            Some("invalid_exact_svm_payload_recipient_mismatch"),
        ),
        (
            "the decimals",
            gate(&json!({ "decimals": 9 })),
            0,
            Some("invalid_exact_svm_payload_decimals_mismatch"),
        ),
        ("nothing", gate(&json!({ "decimals": 6 })), 0, None),
        ("the program", gate(&json!({})), 2, None),
    ] {
        let terms = &gate.exact()[0];
        let sent = sent(X402Version::V2, |sent| {
            sent["accepted"]["asset"] = terms.asset.as_str().into();
            sent["accepted"]["payTo"] = terms.pay_to.as_str().into();
            sent["payload"]["transaction"] = transaction(index).into();
        });
        let one = paid(enter_sent(&gate, &sent));
        let amount = if name == "the amount" { "20000" } else { "10000" };
        match (ask(&gate, &one.carrier, amount), reason) {
            (Outgoing::Answer(answer), Some(reason)) => {
                assert!(answer.body.contains(reason), "{name}: {}", answer.body)
            }
            (Outgoing::Facilitator { .. }, None) => {}
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_facilitator_is_asked_with_the_account_that_pays_the_fee() {
    for (version, network, amount) in
        [(X402Version::V2, NETWORK, "amount"), (X402Version::V1, "solana-devnet", "maxAmountRequired")]
    {
        let gate = gate(&json!({}));
        let sent = sent(version, |_| ());
        let one = paid(enter_sent(&gate, &sent));
        let (url, body) = facilitator(ask(&gate, &one.carrier, "10000"));
        let required = &body["paymentRequirements"];
        assert_eq!((&*url, &body["paymentPayload"]), ("https://facilitator.example", &sent));
        assert_eq!(
            (
                &required["network"],
                &required[amount],
                &required["asset"],
                &required["payTo"],
                &required["extra"]
            ),
            (
                &json!(network),
                &json!("10000"),
                &json!(MINT),
                &json!(SELLER),
                &json!({ "feePayer": FEE_PAYER })
            )
        );
    }
    // The account of the configuration holds, whatever the payment says.
    let gate = gate(&json!({ "extra": { "feePayer": OTHER, "memo": "order 7" } }));
    let one = paid(enter_sent(&gate, &sent(X402Version::V2, |_| ())));
    let (_, body) = facilitator(ask(&gate, &one.carrier, "10000"));
    assert_eq!(body["paymentRequirements"]["extra"], json!({ "feePayer": OTHER, "memo": "order 7" }));
}

#[test]
fn an_option_that_is_wrong_on_solana_is_named() {
    for (more, name) in [
        (json!({ "network": "solana-devnet" }), "network"),
        (json!({ "network": "solana:devnet" }), "network"),
        (json!({ "asset": ASSET }), "asset"),
        (json!({ "asset": "O".repeat(44) }), "asset"),
        (json!({ "payTo": SELLER.to_lowercase() }), "payTo"),
        (json!({ "payTo": SELLER.replacen("2w", "", 1) }), "payTo"),
        (json!({ "payTo": "1".repeat(33) }), "payTo"),
        (json!({ "amount": "18446744073709551616" }), "amount"),
        (json!({ "decimals": 256 }), "decimals"),
        (json!({ "decimals": "6" }), "decimals"),
        (json!({ "extra": { "feePayer": "me" } }), "extra.feePayer"),
        (json!({ "extra": { "feePayer": null } }), "extra.feePayer"),
        (json!({ "extra": [] }), "extra"),
    ] {
        let options = json!({ "routes": { "GET /r": { "accepts": [terms(&more)] } } });
        let expected = format!("routes[\"GET /r\"].accepts[0].{name}");
        assert_eq!(read(&options).unwrap_err().0, expected, "{more}");
    }
    let largest = gate(&json!({ "amount": "18446744073709551615" }));
    let name = largest.exact()[0].plan_id.as_str();
    assert_eq!(name, format!("exact:solana:EtWTRABZaYq6iMfe:{MINT}:{SELLER}"));
}
