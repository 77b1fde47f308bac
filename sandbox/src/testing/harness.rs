//! The native test harness: the real handlers over a real SQLite, with a clock that tests move and a simulated crash.

use crate::context::RequestContext;
use crate::context::StartOptions;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::ledger::audit;
use crate::primitives::memo::Memo;
use crate::primitives::random::Random;
use crate::service::{prepare, serve};
use crate::settings::Settings;
use crate::storage::native_sqlite::{CRASHED, NativeSqlite};
use crate::storage::store::Store;
use payments_wasm::wire::base64;
use serde_json::{Map, Value, json};
use std::rc::Rc;

const BEGIN: i64 = 1_795_168_800_000;
const USDC: &str = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const FEES: &str = "0x00000000000000000000000000000000000000fe";

/// A user with an API key.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) address: String,
    key: String,
}

impl User {
    pub(crate) fn with(address: String, key: String) -> Self {
        Self { address, key }
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn text(&self, pointer: &str) -> String {
        self.json.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// True if the process crashed before it responded.
    pub(crate) fn crashed(&self) -> bool {
        self.text("/message") == CRASHED
    }
}

/// A registered plan.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) id: String,
    pub(crate) crypto: bool,
    pub(crate) by_time: bool,
    pub(crate) grant: u64,
}

pub(crate) struct TestSandbox {
    native: Rc<NativeSqlite>,
    cache: Rc<Memo>,
    pub(crate) store: Store,
    pub(crate) now: i64,
    pub(crate) seller: User,
}

impl TestSandbox {
    pub(crate) fn new() -> Self {
        let native = Rc::new(NativeSqlite::new());
        let store = Store::native(Rc::clone(&native));
        prepare(&store, BEGIN).unwrap();
        let seller = User { address: String::new(), key: String::new() };
        let mut sandbox = Self { native, cache: Rc::default(), store, now: BEGIN, seller };
        sandbox.seller = sandbox.user("Seller");
        sandbox
    }

    pub(crate) fn user(&self, name: &str) -> User {
        let answer = self.call(None, "POST", "/sandbox/accounts", json!({ "name": name }));
        User { address: answer.text("/accountAddress"), key: answer.text("/nvmApiKey") }
    }

    /// Sends a request, as the Durable Object would serve it.
    pub(crate) fn call(&self, who: Option<&User>, method: &str, path: &str, body: Value) -> Answer {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let form = path.starts_with("/checkout/");
        let request = Request {
            method: method.to_owned(),
            path: path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect(),
            query: query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            authorization: who.map(|who| format!("Bearer {}", who.key)),
            correlation: "c".to_owned(),
            origin: "http://127.0.0.1:3001".to_owned(),
            body: match &body {
                Value::Null => String::new(),
                body if form => body.as_str().unwrap_or_default().to_owned(),
                body => body.to_string(),
            },
            now: self.now,
            ..Request::default()
        };
        let served = Settings::load(&self.store).and_then(|settings| {
            let (store, cache) = (self.store.clone(), Rc::clone(&self.cache));
            let ctx = RequestContext {
                request,
                store,
                random: Random::Counted,
                settings,
                cache,
                sweep: false,
                faults_enabled: false,
                start_options: StartOptions::default(),
            };
            serve(ctx, None)
        });
        let response: Response = served.unwrap_or_else(|error| error.to_response("c", ""));
        Answer {
            status: response.status,
            json: serde_json::from_str(response.body_text()).unwrap_or(Value::Null),
        }
    }

    pub(crate) fn post(&self, who: &User, path: &str, body: Value) -> Answer {
        self.call(Some(who), "POST", path, body)
    }

    /// Crashes the process after this number of statements of `work`, and restarts it on the same data.
    pub(crate) fn with_crash<T>(&self, statements: u32, work: impl FnOnce(&Self) -> T) -> T {
        self.native.set_crash_after(Some(statements));
        let value = work(self);
        self.native.set_crash_after(None);
        prepare(&self.store, self.now).unwrap();
        value
    }

    /// Registers a plan.
    pub(crate) fn plan(&self, price: Value, credits: Value, more: Value) -> Offer {
        let zero = "0x0000000000000000000000000000000000000000";
        let mut price_config = json!({
            "tokenAddress": USDC, "amounts": ["10000000"], "receivers": [self.seller.address], "contractAddress": zero,
            "feeController": zero, "externalPriceAddress": zero, "templateAddress": zero, "isCrypto": true,
        });
        let mut credits_config = json!({
            "isRedemptionAmountFixed": false, "redemptionType": 4, "onchainMirror": false, "durationSecs": "0",
            "amount": "100", "minAmount": "1", "maxAmount": "5",
        });
        let over = |config: &mut Value, changes: &Value| {
            for (name, value) in changes.as_object().into_iter().flatten() {
                config[name] = value.clone();
            }
        };
        over(&mut price_config, &price);
        over(&mut credits_config, &credits);
        let mut body = json!({
            "metadataAttributes": { "name": "Plan" }, "priceConfig": price_config, "creditsConfig": credits_config,
        });
        over(&mut body, &more);
        let answer = self.post(&self.seller, "/api/v1/protocol/plans", body);
        assert!(answer.ok(), "{:?}", answer.json);
        Offer {
            id: answer.text("/planId"),
            crypto: price_config["isCrypto"] == true,
            by_time: more.get("accessLimit").is_some_and(|limit| limit == "time"),
            grant: credits_config["amount"].as_str().unwrap().parse().unwrap(),
        }
    }

    /// One plan of each kind: wallet, card, pay-as-you-go, time, trial, and one whose credits expire, whose price is
    /// a fraction of a cent and is split between two receivers.
    pub(crate) fn plans(&self) -> Vec<Offer> {
        let two = json!({ "amounts": ["13333", "20001"], "receivers": [self.seller.address, FEES] });
        let trial = json!({ "isTrialPlan": true });
        vec![
            self.plan(json!({}), json!({}), json!({})),
            self.plan(
                json!({ "isCrypto": false, "amounts": ["5005000"], "currency": "USD" }),
                json!({ "amount": "4" }),
                json!({}),
            ),
            self.plan(
                json!({ "amounts": ["10000"] }),
                json!({ "amount": "1", "minAmount": "1", "maxAmount": "1" }),
                json!({}),
            ),
            self.plan(
                json!({ "amounts": ["1000000"] }),
                json!({ "amount": "1", "durationSecs": "60" }),
                json!({ "accessLimit": "time" }),
            ),
            self.plan(json!({ "amounts": [], "receivers": [] }), json!({ "amount": "7" }), trial),
            self.plan(
                two,
                json!({ "amount": "3", "durationSecs": "90", "isRedemptionAmountFixed": true, "minAmount": "2" }),
                json!({ "accessLimit": "credits" }),
            ),
        ]
    }

    pub(crate) fn balance(&self, plan: &Offer, who: &User) -> u128 {
        let path = format!("/api/v1/protocol/plans/{}/balance/{}", plan.id, who.address);
        self.call(None, "GET", &path, Value::Null).text("/balance").parse().unwrap()
    }

    /// State that must stay the same if nothing happened: all balances above 0, all delegations, the state of all
    /// tokens.
    pub(crate) fn snapshot(&self) -> Vec<Map<String, Value>> {
        [
            "SELECT kind, unit, owner, expires_at, balance FROM books WHERE balance <> '0'
             ORDER BY unit, kind, owner, expires_at",
            "SELECT id, spent_cents, transactions, revoked FROM delegations ORDER BY id",
            "SELECT hash, spent, revoked_at, expires_at FROM permissions ORDER BY hash",
            "SELECT tx FROM purchases UNION ALL SELECT tx FROM arrivals UNION ALL SELECT tx FROM settlements ORDER BY tx",
            "SELECT id, status, refunded FROM sales ORDER BY id",
            "SELECT id, removed FROM methods ORDER BY id",
        ]
        .iter()
        .flat_map(|query| self.store.rows::<Map<String, Value>>(query, Vec::new()).unwrap())
        .collect()
    }

    /// The violations that the audit finds.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let audit = audit::audit(&self.store).unwrap();
        let failed = audit.invariants.into_iter().filter(|invariant| !invariant.failures.is_empty());
        failed.map(|invariant| format!("{}: {}", invariant.name, invariant.failures.join("; "))).collect()
    }
}

/// A wallet, a card that pays, and a card that declines.
pub(crate) fn cards(sandbox: &TestSandbox, who: &User) -> Vec<String> {
    let listed = sandbox.call(Some(who), "GET", "/api/v1/payment-methods?provider=stripe", Value::Null);
    let good = listed.text("/0/id");
    let intent = sandbox.post(who, "/api/v1/delegation/setup-intent", json!({})).text("/setupIntentId");
    let card = json!({ "number": "4000000000000341", "expMonth": 12, "expYear": 2034 });
    let body = json!({ "setupIntentId": intent, "card": card });
    let bad = sandbox.post(who, "/api/v1/delegation/finalize-enrollment", body).text("/paymentMethodId");
    assert!(!good.is_empty() && !bad.is_empty());
    vec![who.address.clone(), good, bad]
}

pub(crate) fn accepted(offer: &Offer) -> Value {
    let (scheme, network) =
        if offer.crypto { ("nvm:erc4337", "eip155:84532") } else { ("nvm:card-delegation", "stripe") };
    json!({ "scheme": scheme, "network": network, "planId": offer.id, "extra": {} })
}

/// A token with its payer replaced.
pub(crate) fn tampered_with(token: &str) -> String {
    let bytes = base64::decode(token, 16 * 1024, "token").unwrap();
    let mut token: Value = serde_json::from_slice(&bytes).unwrap();
    token["payload"]["authorization"]["from"] = "0x00000000000000000000000000000000000000ad".into();
    base64::encode_url(token.to_string().as_bytes())
}
