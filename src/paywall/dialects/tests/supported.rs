//! Terms that facilitators settle, and others.

use super::*;

const SOLANA: &str = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";
const URL: &str = "https://facilitator.example/x402";
const ACCOUNT: &str = "EwWqGE4ZFKLofuestmU4LDdK7XM1N4ALgdZccwYugwGd";

fn solana() -> Dialects {
    let terms = json!({
        "scheme": "exact", "network": SOLANA, "amount": "10000", "asset": "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
        "payTo": "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4", "facilitator": URL,
    });
    dialects(&json!({ "routes": { "GET /r": { "accepts": [accept(), terms] } } }))
}

#[test]
fn a_facilitator_is_asked_once_and_again_when_its_answer_is_old() {
    let dialects = solana();
    let mut supported = Supported::default();
    let query = |waits| Vec::from([SupportedQuery { facilitator: URL.into(), waits }]);
    for (now, answer, expected) in [
        (1_000, None, query(true)),
        (1_001, None, Vec::new()),
        (4_000, Some(r#"{ "kinds": [] }"#), query(true)),
        (303_999, None, Vec::new()),
        (304_000, Some("garbled"), query(false)),
        (308_999, None, Vec::new()),
        (309_000, None, query(false)),
    ] {
        assert_eq!(supported.queries(&dialects, now), expected, "{now}");
        if answer.is_some() {
            supported.learn(&dialects, URL, answer, now);
        }
    }
}

#[test]
fn terms_are_offered_where_their_facilitator_settles_them() {
    let evm = json!({ "x402Version": 2, "scheme": "exact", "network": "eip155:84532" });
    let kind = |more: Value| {
        let mut kind = json!({ "x402Version": 2, "scheme": "exact", "network": SOLANA, "extra": { "feePayer": ACCOUNT } });
        for (name, value) in more.as_object().unwrap() {
            kind[name] = value.clone();
        }
        kind
    };
    let old = |account: &str| json!({ "x402Version": 1, "scheme": "exact", "network": "solana-devnet", "extra": { "feePayer": account } });
    let account = |account: &str| Some(Some(account.to_string()));
    for (name, answer, on_evm, on_solana, problems) in [
        ("no answer", None, true, None, 1),
        ("no document", Some(json!([])), true, None, 1),
        ("no kinds", Some(json!({ "kinds": {} })), true, None, 1),
        ("nothing", Some(json!({ "kinds": [] })), false, None, 2),
        ("both", Some(json!({ "kinds": [evm, kind(json!({}))] })), true, account(ACCOUNT), 0),
        (
            "any cluster",
            Some(json!({ "kinds": [kind(json!({ "network": "solana:*" }))] })),
            false,
            account(ACCOUNT),
            1,
        ),
        (
            "another cluster",
            Some(json!({ "kinds": [kind(json!({ "network": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp" }))] })),
            false,
            None,
            2,
        ),
        ("another scheme", Some(json!({ "kinds": [evm, kind(json!({ "scheme": "upto" }))] })), true, None, 1),
        ("no account", Some(json!({ "kinds": [evm, kind(json!({ "extra": {} }))] })), true, None, 1),
        (
            "an account of another chain",
            Some(json!({ "kinds": [evm, kind(json!({ "extra": { "feePayer": SHOP } }))] })),
            true,
            None,
            1,
        ),
        ("version 1 alone", Some(json!({ "kinds": [evm, old(ACCOUNT)] })), true, None, 1),
    ] {
        let dialects = solana();
        let mut supported = Supported::default();
        supported.queries(&dialects, 0);
        let text = answer.map(|answer| answer.to_string());
        let said = supported.learn(&dialects, URL, text.as_deref(), 0);
        let [of_evm, of_solana] = [0, 1].map(|at| supported.means(&dialects.exact()[at], X402Version::V2));
        assert_eq!(
            (of_evm.is_some(), of_solana, said.len()),
            (on_evm, on_solana, problems),
            "{name}: {said:?}"
        );
        assert!(
            text.is_none() || supported.learn(&dialects, URL, text.as_deref(), 0).len() < 2,
            "{name}: said once"
        );
    }
    // Version 1 has an account of its own, where the facilitator names one.
    let dialects = solana();
    let mut supported = Supported::default();
    supported.queries(&dialects, 0);
    supported.learn(&dialects, URL, Some(&json!({ "kinds": [kind(json!({})), old(SELLER)] }).to_string()), 0);
    let terms = &dialects.exact()[1];
    assert_eq!(supported.means(terms, X402Version::V1), account(SELLER));
    assert_eq!(supported.means(terms, X402Version::V2), account(ACCOUNT));
}

const SELLER: &str = "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4";
