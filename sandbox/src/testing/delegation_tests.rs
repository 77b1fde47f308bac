//! Tests of the rules of delegations and tokens against the real handlers (the delegation specification, sections 5
//! and 6; the smart account specification, section 5; contract sections 4.5, 4.6, 13.8).

use crate::ledger::postings::{Account, Kind, balance};
use crate::storage::store::binds;
use crate::testing::harness::{Answer, Offer, TestSandbox, User};
use crate::tokens::verification::decode;
use payments_wasm::wire::base64;
use serde_json::{Value, json};

/// A sandbox with one buyer.
struct Fixture {
    sandbox: TestSandbox,
    ada: User,
    plans: Vec<Offer>,
}

const WALLET: usize = 0;
const CARD: usize = 1;

impl Fixture {
    fn new() -> Self {
        let sandbox = TestSandbox::new();
        let (ada, plans) = (sandbox.user("Ada"), sandbox.plans());
        Self { sandbox, ada, plans }
    }

    fn delegate(&self, more: Value) -> String {
        let mut body = json!({ "provider": "erc4337", "spendingLimitCents": 2500, "durationSecs": 3600, "currency": "usdc" });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = self.sandbox.post(&self.ada, "/api/v1/delegation/create", body);
        assert!(answer.ok(), "{:?}", answer.json);
        answer.text("/delegationId")
    }

    fn accepted(&self, plan: usize) -> Value {
        let offer = &self.plans[plan];
        let (scheme, network) =
            if offer.crypto { ("nvm:erc4337", "eip155:84532") } else { ("nvm:card-delegation", "stripe") };
        json!({ "scheme": scheme, "network": network, "planId": offer.id, "extra": {} })
    }

    fn token(&self, plan: usize, delegation: &str, version: u8) -> String {
        let body = json!({
            "accepted": self.accepted(plan), "delegationConfig": { "delegationId": delegation }, "tokenVersion": version,
        });
        let answer = self.sandbox.post(&self.ada, "/api/v1/x402/permissions", body);
        assert!(answer.ok(), "{:?}", answer.json);
        answer.text("/accessToken")
    }

    fn present(&self, verb: &str, plan: usize, token: &str, amount: u32) -> Answer {
        let body = json!({
            "paymentRequired": { "x402Version": 2, "resource": { "url": "/ask" }, "accepts": [self.accepted(plan)],
                "extensions": {} },
            "x402AccessToken": token, "maxAmount": amount.to_string(),
        });
        self.sandbox.post(&self.sandbox.seller, &format!("/api/v1/x402/{verb}"), body)
    }

    /// Status, spent and remaining cents, and transactions of a delegation.
    fn delegation_state(&self, delegation: &str) -> (String, String, String, u64) {
        let path = format!("/api/v1/delegation/{delegation}");
        let shown = self.sandbox.call(Some(&self.ada), "GET", &path, Value::Null);
        let (status, spent) = (shown.text("/status"), shown.text("/amountSpentCents"));
        let count = shown.json["transactionCount"].as_u64().unwrap();
        (status, spent, shown.text("/remainingBudgetCents"), count)
    }

    fn cents(&self, kind: Kind, delegation: &str) -> String {
        balance(&self.sandbox.store, &Account::cents(kind, delegation)).unwrap().to_string()
    }

    /// Tampers with the payer of a token after it was signed.
    fn changed(token: &str, pointer: &str, value: Value) -> String {
        let mut document: Value = serde_json::from_str(&decode(token).unwrap().json).unwrap();
        *document.pointer_mut(pointer).unwrap() = value;
        base64::encode_url(document.to_string().as_bytes())
    }
}

fn state(status: &str, spent: u32, left: u32, count: u64) -> (String, String, String, u64) {
    (status.to_owned(), spent.to_string(), left.to_string(), count)
}

#[test]
fn a_delegation_goes_from_active_to_exhausted_expired_or_revoked() {
    let mut fixture = Fixture::new();
    let tops_up = |fixture: &Fixture, delegation: &str| {
        let token = fixture.token(WALLET, delegation, 2);
        // 100 credits for 10 dollars, 5 per settle: the first settle buys, and the twenty-first buys again.
        for _ in 0..20 {
            assert!(fixture.present("settle", WALLET, &token, 5).ok());
        }
        token
    };
    let by_money = fixture.delegate(json!({ "spendingLimitCents": 1000 }));
    assert_eq!(fixture.delegation_state(&by_money), state("Active", 0, 1000, 0));
    let token = tops_up(&fixture, &by_money);
    assert_eq!(fixture.delegation_state(&by_money), state("Exhausted", 1000, 0, 1));
    assert_eq!(fixture.present("settle", WALLET, &token, 5).text("/code"), "BCK.CREDITS.0003");

    let by_count = fixture.delegate(json!({ "maxTransactions": 1 }));
    let token = tops_up(&fixture, &by_count);
    assert_eq!(fixture.delegation_state(&by_count), state("Exhausted", 1000, 1500, 1));
    let refused = fixture.present("settle", WALLET, &token, 5);
    assert!(refused.text("/message").contains("no transactions left"), "{:?}", refused.json);

    let by_time = fixture.delegate(json!({ "durationSecs": 60 }));
    let token = fixture.token(WALLET, &by_time, 2);
    fixture.sandbox.now += 59_999;
    assert_eq!(fixture.delegation_state(&by_time).0, "Active");
    assert_eq!(fixture.present("verify", WALLET, &token, 5).json["isValid"], true);
    fixture.sandbox.now += 1;
    assert_eq!(fixture.delegation_state(&by_time).0, "Expired");
    let refused = fixture.present("verify", WALLET, &token, 5);
    assert_eq!((refused.status, refused.text("/code")), (402, "BCK.X402.0005".into()));

    let by_hand = fixture.delegate(json!({}));
    let token = fixture.token(WALLET, &by_hand, 2);
    assert!(fixture.present("settle", WALLET, &token, 5).ok());
    let path = format!("/api/v1/delegation/{by_hand}");
    assert!(fixture.sandbox.call(Some(&fixture.ada), "DELETE", &path, Value::Null).ok());
    assert_eq!(fixture.delegation_state(&by_hand).0, "Revoked");
    for verb in ["verify", "settle"] {
        assert_eq!(
            fixture.present(verb, WALLET, &token, 5).text("/code"),
            "BCK.X402.0005",
            "credits are left: {verb}"
        );
    }
    assert_eq!(
        (fixture.cents(Kind::Free, &by_hand), fixture.cents(Kind::Spent, &by_hand)),
        ("0".into(), "1000".into())
    );
    assert_eq!(fixture.sandbox.wrong(), Vec::<String>::new());
}

#[test]
fn the_limit_is_exact_to_the_cent() {
    for (limit, ok) in [(1000, true), (999, false)] {
        let fixture = Fixture::new();
        let delegation = fixture.delegate(json!({ "spendingLimitCents": limit }));
        let token = fixture.token(WALLET, &delegation, 2);
        assert_eq!(fixture.present("verify", WALLET, &token, 1).json["isValid"], ok, "{limit}");
        assert_eq!(fixture.present("settle", WALLET, &token, 1).ok(), ok, "{limit}");
        assert_eq!(fixture.delegation_state(&delegation).1, if ok { "1000" } else { "0" }, "{limit}");
    }
}

#[test]
fn a_declined_card_uses_neither_limit_nor_transactions() {
    let fixture = Fixture::new();
    let intent = fixture.sandbox.post(&fixture.ada, "/api/v1/delegation/setup-intent", json!({}));
    let card = json!({ "number": "4000000000000341", "expMonth": 12, "expYear": 2034 });
    let body = json!({ "setupIntentId": intent.text("/setupIntentId"), "card": card });
    let bad = fixture
        .sandbox
        .post(&fixture.ada, "/api/v1/delegation/finalize-enrollment", body)
        .text("/paymentMethodId");
    let delegation = fixture.delegate(json!({
        "provider": "stripe", "currency": "usd", "providerPaymentMethodId": bad, "maxTransactions": 1,
    }));
    let token = fixture.token(CARD, &delegation, 2);
    for _ in 0..3 {
        let refused = fixture.present("settle", CARD, &token, 1);
        assert_eq!((refused.status, refused.text("/code")), (402, "BCK.CREDITS.0003".into()));
        assert!(refused.text("/message").contains("declined"), "{:?}", refused.json);
        assert_eq!(fixture.delegation_state(&delegation), state("Active", 0, 2500, 0));
    }
    let path = format!("/api/v1/delegation/{delegation}/transactions");
    let tried = fixture.sandbox.call(Some(&fixture.ada), "GET", &path, Value::Null);
    assert_eq!(tried.json["totalResults"], 3, "what was tried is written down");
    assert_eq!(tried.text("/transactions/0/status"), "Failed");
    let reserved = "SELECT COUNT(*) AS count FROM postings WHERE kind = ?";
    for kind in ["reserve", "release"] {
        assert_eq!(fixture.sandbox.store.count(reserved, binds![kind]).unwrap(), 3, "{kind}");
    }
    assert_eq!(fixture.sandbox.wrong(), Vec::<String>::new());
}

#[test]
fn a_top_up_by_card_is_charged_in_cents_and_paid_to_the_sellers_account() {
    let fixture = Fixture::new();
    let cards = fixture.sandbox.call(
        Some(&fixture.ada),
        "GET",
        "/api/v1/payment-methods?provider=stripe",
        Value::Null,
    );
    let delegation = fixture.delegate(json!({
        "provider": "stripe", "currency": "usd", "providerPaymentMethodId": cards.text("/0/id"),
        "merchantAccountId": "acct_1",
    }));
    let token = fixture.token(CARD, &delegation, 2);
    let paid = fixture.present("settle", CARD, &token, 3);
    assert!(paid.text("/orderTx").starts_with("0x"), "{:?}", paid.json);
    // 5.005 dollars are rounded up to 501 cents.
    assert_eq!(fixture.delegation_state(&delegation), state("Active", 501, 1999, 1));
    let at = |kind, owner: &str| {
        balance(&fixture.sandbox.store, &Account::money(kind, "USD", owner)).unwrap().to_string()
    };
    assert_eq!((at(Kind::Seller, "acct_1"), at(Kind::Outside, "")), ("501".into(), "501".into()));
    assert_eq!(fixture.sandbox.wrong(), Vec::<String>::new());
}

#[test]
fn a_changed_token_is_refused_by_its_signature() {
    let fixture = Fixture::new();
    let delegation = fixture.delegate(json!({}));
    let bob = "0x00000000000000000000000000000000000000b0";
    let other = fixture.plans[2].id.clone();
    for (version, pointer, value) in [
        (2, "/payload/authorization/from", json!(bob)),
        (2, "/accepted/planId", json!(other)),
        (2, "/accepted/network", json!("eip155:8453")),
        (2, "/payload/authorization/sessionKeys/1/id", json!("order")),
        (3, "/payload/authorization/nonce", json!(format!("0x{}", "11".repeat(32)))),
        (3, "/payload/authorization/from", json!(bob)),
    ] {
        let token = fixture.token(WALLET, &delegation, version);
        let changed = Fixture::changed(&token, pointer, value.clone());
        // The stored token is changed too, so only the signature reveals it.
        let credential = decode(&token).unwrap().credential;
        let update = "UPDATE permissions SET token = ? WHERE credential = ?";
        fixture
            .sandbox
            .store
            .run(update, binds![decode(&changed).unwrap().json, credential.as_str()])
            .unwrap();
        for verb in ["verify", "settle"] {
            let refused = fixture.present(verb, WALLET, &changed, 1);
            assert_eq!(
                (refused.status, refused.text("/code")),
                (402, "BCK.X402.0005".into()),
                "{version} {pointer}"
            );
            assert!(
                refused.text("/message").contains("signature"),
                "{version} {pointer}: {:?}",
                refused.json
            );
        }
    }
}

#[test]
fn missing_and_foreign_signatures_are_refused() {
    let fixture = Fixture::new();
    let delegation = fixture.delegate(json!({}));
    let (mine, spare) = (fixture.token(WALLET, &delegation, 2), fixture.token(WALLET, &delegation, 3));
    let spare = decode(&spare).unwrap().credential;
    for (name, signature) in [
        ("none", "0x01".to_owned()),
        ("words", "signed, Ada".to_owned()),
        ("of zeros", format!("0x{}1b", "00".repeat(64))),
        ("of another token", spare),
    ] {
        let forged = Fixture::changed(&mine, "/payload/signature", signature.into());
        let refused = fixture.present("verify", WALLET, &forged, 1);
        assert_eq!((refused.status, refused.text("/code")), (402, "BCK.X402.0005".into()), "{name}");
    }
    assert!(fixture.present("verify", WALLET, &mine, 1).ok());
}

#[test]
fn a_data_folder_from_before_the_ledger_is_migrated() {
    let fixture = Fixture::new();
    let store = &fixture.sandbox.store;
    let plan = fixture.plans[WALLET].id.as_str();
    let holder = fixture.ada.address.to_ascii_lowercase();
    let delegation = fixture.delegate(json!({}));
    for statement in [
        "DELETE FROM postings",
        "DELETE FROM books",
        "CREATE TABLE lots (plan_id TEXT, holder TEXT, expires_at INTEGER, amount TEXT)",
    ] {
        store.run(statement, binds![]).unwrap();
    }
    store.run("INSERT INTO lots VALUES (?, ?, 0, '77')", binds![plan, holder.as_str()]).unwrap();
    store.run("INSERT INTO purchases (tx, plan_id, holder, kind, quantity, cents, at) VALUES ('0x1', ?, ?, 'order', '1', 1000, 1)",
        binds![plan, holder.as_str()]).unwrap();
    store.run("INSERT INTO charges (id, delegation_id, plan_id, cents, order_tx, at) VALUES ('tx', ?, ?, 1000, '0x1', 1)",
        binds![delegation.as_str(), plan]).unwrap();
    store
        .run(
            "UPDATE delegations SET spent_cents = 1000, transactions = 1 WHERE id = ?",
            binds![delegation.as_str()],
        )
        .unwrap();
    crate::service::prepare(store, fixture.sandbox.now).unwrap();
    assert_eq!(fixture.sandbox.balance(&fixture.plans[WALLET], &fixture.ada), 77);
    assert_eq!(fixture.cents(Kind::Free, &delegation), "1500");
    assert_eq!(fixture.sandbox.wrong(), Vec::<String>::new());
    crate::service::prepare(store, fixture.sandbox.now).unwrap();
    assert_eq!(fixture.sandbox.balance(&fixture.plans[WALLET], &fixture.ada), 77, "once");
}

#[test]
fn the_audit_finds_violations() {
    for (name, damage) in [
        ("balances", "UPDATE books SET balance = '99' WHERE kind = 'held'"),
        ("balanced", "UPDATE books SET balance = '101' WHERE kind = 'issued'"),
        ("balances", "DELETE FROM postings WHERE kind = 'burn'"),
        ("burned", "UPDATE settlements SET credits = '4'"),
        ("burned", "DELETE FROM settlements"),
        ("issued", "DELETE FROM purchases"),
        ("paid", "UPDATE postings SET amount = '1' WHERE kind = 'pay'"),
        ("money", "UPDATE books SET balance = '1' WHERE kind = 'buyer'"),
        ("negative", "UPDATE postings SET amount = '1000000' WHERE kind = 'burn'"),
        ("delegations", "UPDATE delegations SET spent_cents = 999"),
        ("delegations", "UPDATE delegations SET max_transactions = 0"),
        ("delegations", "UPDATE delegations SET limit_cents = 999"),
        ("delegations", "UPDATE charges SET order_tx = NULL"),
        ("once", "UPDATE permissions SET spent = 0"),
        (
            "once",
            "INSERT INTO settlements (tx, plan_id, holder, credits, permission, at)
          SELECT '0x2', plan_id, holder, '0', permission, at FROM settlements",
        ),
    ] {
        let fixture = Fixture::new();
        let delegation = fixture.delegate(json!({}));
        let token = fixture.token(WALLET, &delegation, 3);
        assert!(fixture.present("settle", WALLET, &token, 5).ok());
        assert_eq!(fixture.sandbox.wrong(), Vec::<String>::new());
        fixture.sandbox.store.run(damage, binds![]).unwrap();
        let wrong = fixture.sandbox.wrong();
        assert!(
            wrong.iter().any(|found| found.starts_with(&format!("{name}: "))),
            "{name}, {damage}: {wrong:?}"
        );
    }
}
