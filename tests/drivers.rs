//! The drivers for native programs: a paying client and a paywall in one process, with a platform that is a function.

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use payments_wasm::api::delegations::CreateDelegation;
use payments_wasm::client::{Client, block_on};
use payments_wasm::paywall::state::{Command, MemoryStore, ObjectStore, Reply, apply};
use payments_wasm::sqlite::SqliteStore;
use payments_wasm::subscriber::{Approval, Outcome, Policy, Timeouts};
use payments_wasm::tower::{PaidBody, PaymentContext, PaywallLayer};
use payments_wasm::transport::Transport;
use payments_wasm::wire::{Receipt, base64};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use tower_layer::Layer as _;
use tower_service::Service;

type Handled = Pin<Box<dyn Future<Output = Result<Response<Stream>, Infallible>> + Send>>;
type Stream = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;
type Handler = Arc<dyn Fn(Request<Full<Bytes>>) -> Handled + Send + Sync>;
type Served = Response<PaidBody<Stream>>;

/// The platform: the calls that it received, and the answers that it gives in place of its own.
#[derive(Default)]
struct Platform {
    calls: Vec<String>,
    answers: VecDeque<(&'static str, u16, Value)>,
    /// A call that gets no answer.
    silent: Option<&'static str>,
    single_use: bool,
}

#[derive(Clone, Default)]
struct Fake {
    platform: Arc<Mutex<Platform>>,
    seller: Option<Seller>,
}

#[derive(Clone)]
struct Seller(Arc<tokio::sync::Mutex<payments_wasm::tower::Paywall<Shop, Fake>>>);

/// A service that answers as a function says.
#[derive(Clone)]
struct Shop(Handler);

impl Service<Request<Full<Bytes>>> for Shop {
    type Response = Response<Stream>;
    type Error = Infallible;
    type Future = Handled;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Handled {
        (self.0)(request)
    }
}

impl Fake {
    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.platform.lock().unwrap().calls)
    }

    fn answer(&self, call: &'static str, status: u16, body: Value) {
        self.platform.lock().unwrap().answers.push_back((call, status, body));
    }

    fn platform(&self, path: &str) -> Option<(u16, Value)> {
        let call = path.rsplit('/').next().unwrap().to_string();
        let mut platform = self.platform.lock().unwrap();
        platform.calls.push(call.clone());
        if platform.silent == Some(call.as_str()) {
            return None;
        }
        if let Some(at) = platform.answers.iter().position(|(name, ..)| *name == call) {
            return platform.answers.remove(at).map(|(_, status, body)| (status, body));
        }
        let receipt = json!({
            "success": true, "payer": "0xb1", "transaction": "0xabc", "network": "eip155:84532", "creditsRedeemed": "2",
            "remainingBalance": "8",
        });
        let nonce = format!("0x{}", platform.calls.len());
        Some(match call.as_str() {
            "permissions" => (201, json!({ "accessToken": token(platform.single_use.then_some(&nonce)) })),
            "verify" => (200, json!({ "isValid": true, "payer": "0xb1", "agentRequestId": "req-1" })),
            "settle" => (200, receipt),
            "create" => (201, json!({ "delegationId": "d-1" })),
            "1001" => (
                200,
                json!({
                    "registry": {
                        "price": { "isCrypto": true, "amounts": ["5000000"], "currency": "USDC" },
                        "credits": { "amount": "100", "minAmount": "1", "maxAmount": "2", "isRedemptionAmountFixed": false },
                    },
                    "metadata": { "plan": { "accessLimit": "credits" } },
                }),
            ),
            _ => (200, json!({ "balance": "10" })),
        })
    }
}

fn token(nonce: Option<&String>) -> String {
    let authorization = match nonce {
        Some(nonce) => json!({ "from": "0xb1", "sessionKeys": [], "nonce": nonce }),
        None => json!({ "from": "0xb1", "sessionKeys": [] }),
    };
    let payload = json!({
        "x402Version": 2,
        "accepted": { "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "1001", "extra": {} },
        "payload": { "signature": "0xfeed", "authorization": authorization },
        "extensions": {},
    });
    base64::encode_url(payload.to_string().as_bytes())
}

/// Sends to the platform and to the seller, both in this process.
impl Transport for Fake {
    type Body = Stream;
    type Error = String;

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Stream>, String> {
        if request.uri().host() == Some("127.0.0.1") {
            let Some((status, body)) = self.platform(request.uri().path()) else {
                return std::future::pending().await;
            };
            let response = Response::builder().status(status).body(full(&body.to_string()));
            return response.map_err(|error| error.to_string());
        }
        let Seller(seller) = self.seller.clone().ok_or("there is no seller")?;
        let answer = seller.lock().await.call(request.map(Full::new));
        let response = answer.await.map_err(|error| error.to_string())?;
        Ok(response.map(|body| body.map_err(std::io::Error::other).boxed()))
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

fn full(text: &str) -> Stream {
    Full::new(Bytes::from(text.to_string())).map_err(|never| match never {}).boxed()
}

fn key() -> String {
    let claims = base64::encode_url(json!({ "sub": "0xb1", "exp": 9_999_999_999u64 }).to_string().as_bytes());
    format!("local:a.{claims}.c")
}

struct World {
    fake: Fake,
    paywall: payments_wasm::tower::Paywall<Shop, Fake>,
    log: Arc<Mutex<Vec<String>>>,
}

/// A paywall in front of a handler.
fn world(
    routes: Value,
    store: impl ObjectStore,
    handler: impl Fn(Request<Full<Bytes>>) -> Handled + Send + Sync + 'static,
) -> World {
    let fake = Fake::default();
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = log.clone();
    let layer = PaywallLayer::builder(fake.clone())
        .document(&json!({ "routes": routes, "open": ["GET /health"], "unlisted": "deny" }).to_string())
        .unwrap()
        .variable("NVM_API_KEY", key())
        .variable("NVM_ENVIRONMENT", "custom")
        .variable("NVM_API_URL", "http://127.0.0.1:1")
        .variable("TIMEOUT_MS", "200")
        .store(store)
        .price(|request, _route| async move { request.headers.get("x-words")?.parse().ok() })
        .log(move |line| lines.lock().unwrap().push(line.into()))
        .build()
        .unwrap();
    World { paywall: layer.layer(Shop(Arc::new(handler))), fake, log }
}

fn shop(request: Request<Full<Bytes>>) -> Handled {
    Box::pin(async move {
        let payer = request.extensions().get::<PaymentContext>().and_then(|payment| payment.payer.clone());
        let question = request.into_body().collect().await.unwrap().to_bytes();
        let question = String::from_utf8_lossy(&question);
        Ok(Response::new(full(&format!("{question} asked by {}", payer.unwrap_or_else(|| "anyone".into())))))
    })
}

fn routes() -> Value {
    json!({
        "POST /ask": { "planId": "1001", "credits": 2 },
        "POST /once": { "planId": "1001", "credits": 2, "singleUse": true },
        "POST /priced": { "planId": "1001", "credits": { "by": "handler", "most": 9 } },
        "GET /stream": { "planId": "1001", "credits": { "by": "event", "most": 9, "each": 1 }, "settle": "at-end-of-stream", "receipt": "event" },
    })
}

async fn call(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Served {
    let mut request = Request::builder().method(method).uri(path).header("host", "api.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = if method == "POST" { Full::from("why?") } else { Full::default() };
    world.paywall.clone().call(request.body(body).unwrap()).await.unwrap()
}

async fn text(response: Served) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_request_reaches_the_service_when_it_is_paid_for_or_open() {
    let world = world(routes(), MemoryStore::new(), shop);
    for (name, method, path, paid, status, body) in [
        ("open", "GET", "/health", false, 200, " asked by anyone"),
        ("not listed", "GET", "/other", false, 404, ""),
        ("not paid", "POST", "/ask", false, 402, ""),
        ("paid", "POST", "/ask", true, 200, "why? asked by 0xb1"),
        // A router has matched another path than the gate would.
        ("paid, in another spelling", "POST", "//ask", true, 400, ""),
    ] {
        let token = token(None);
        let headers: &[(&str, &str)] = if paid { &[("payment-signature", &token)] } else { &[] };
        let answer = call(&world, method, path, headers).await;
        assert_eq!(answer.status(), status, "{name}");
        let receipt = answer
            .headers()
            .get("payment-response")
            .map(|receipt| Receipt::from_header(receipt.to_str().unwrap()).unwrap().success());
        // A refusal of a token says that nothing was taken.
        assert_eq!(receipt, paid.then_some(status == 200), "{name}");
        assert_eq!(answer.headers().contains_key("payment-required"), status == 402, "{name}");
        let text = text(answer).await;
        assert!(text == body || status != 200, "{name}: {text}");
    }
    assert_eq!(world.fake.calls().into_iter().filter(|call| call == "settle").count(), 1);
}

#[tokio::test]
async fn a_function_prices_a_request() {
    let world = world(routes(), MemoryStore::new(), shop);
    let token = token(None);
    for (words, status, credits) in [(Some("7"), 402, Some("7")), (Some("10"), 500, None), (None, 500, None)]
    {
        let headers: Vec<(&str, &str)> = words.map(|words| ("x-words", words)).into_iter().collect();
        let answer = call(&world, "POST", "/priced", &headers).await;
        assert_eq!(answer.status(), status, "{words:?}");
        let offer = answer.headers().get("payment-required").map(|offer| {
            let text = base64::decode(offer.to_str().unwrap(), 10_000, "offer").unwrap();
            serde_json::from_slice::<Value>(&text).unwrap()["accepts"][0]["extra"]["credits"].clone()
        });
        assert_eq!(offer.as_ref().and_then(Value::as_str), credits, "{words:?}");
    }
    assert_eq!(
        call(&world, "POST", "/priced", &[("x-words", "7"), ("payment-signature", &token)]).await.status(),
        200
    );
}

#[tokio::test]
async fn a_single_use_token_buys_one_answer_also_after_a_restart() {
    let folder = std::env::temp_dir().join(format!("payments-wasm-{}-{}", std::process::id(), line!()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("state.sqlite");
    let nonce = String::from("0x1");
    let token = token(Some(&nonce));
    for (round, statuses) in [("first start", [200, 402]), ("second start", [402, 402])] {
        let world = world(routes(), SqliteStore::open(&path).unwrap(), shop);
        for status in statuses {
            let answer = call(&world, "POST", "/once", &[("payment-signature", &token)]).await;
            assert_eq!(answer.status(), status, "{round}: {:?}", text(answer).await);
        }
        // The file belongs to one process, and to one store in it: the watching task lets go of it first.
        drop(world);
        let path = path.clone();
        tokio::task::spawn_blocking(move || SqliteStore::open(path)).await.unwrap().unwrap();
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn rule_21_a_handler_that_panics_costs_nothing_and_others_are_served() {
    let world =
        world(routes(), MemoryStore::new(), |request| match request.headers().contains_key("x-panic") {
            true => panic!("the handler panics, as this test wants"),
            false => shop(request),
        });
    let token = token(None);
    let (bad, good) =
        ([("payment-signature", token.as_str()), ("x-panic", "1")], [("payment-signature", token.as_str())]);
    let (failed, served) =
        tokio::join!(call(&world, "POST", "/ask", &bad), call(&world, "POST", "/ask", &good));
    assert_eq!((failed.status(), served.status()), (StatusCode::BAD_GATEWAY, StatusCode::OK));
    assert_eq!(world.fake.calls().into_iter().filter(|call| call == "settle").count(), 1);
    assert!(world.log.lock().unwrap().iter().any(|line| line == "handler: it panicked"));
}

#[tokio::test]
async fn rule_22_a_client_that_leaves_before_the_settlement_is_not_charged() {
    let began = Arc::new(tokio::sync::Notify::new());
    let notify = began.clone();
    let world = world(routes(), MemoryStore::new(), move |_| {
        notify.notify_one();
        Box::pin(std::future::pending())
    });
    let token = token(None);
    let headers = [("payment-signature", token.as_str())];
    tokio::select! {
        _ = call(&world, "POST", "/ask", &headers) => panic!("nothing answers"),
        () = began.notified() => {}
    }
    // The request's line is written when its flow has ended.
    while world.log.lock().unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(world.fake.calls(), ["1001", "verify"]);
}

#[tokio::test]
async fn rule_22_a_settlement_that_was_sent_is_finished_though_the_client_leaves() {
    let world = world(routes(), MemoryStore::new(), shop);
    let token = token(None);
    let headers = [("payment-signature", token.as_str())];
    world.fake.platform.lock().unwrap().silent = Some("settle");
    let answer = call(&world, "POST", "/ask", &headers);
    // The platform does not answer the settle; the client leaves meanwhile.
    assert!(tokio::time::timeout(Duration::from_millis(100), answer).await.is_err());
    let log = || world.log.lock().unwrap().join("\n");
    while !log().contains("unresolved") && !log().contains("unknown") {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn rule_19_a_stream_is_counted_and_settled_at_its_end() {
    for (name, events, whole) in [("whole", 3, true), ("cut off by the client", 2, false)] {
        let world = world(routes(), MemoryStore::new(), |_| {
            Box::pin(async {
                let frames =
                    (0..3).map(|n| Ok(http_body::Frame::data(Bytes::from(format!("data: {n}\n\n")))));
                let body = StreamBody::new(Items(frames.collect()));
                Ok(Response::builder()
                    .header("content-type", "text/event-stream")
                    .body(BodyExt::boxed(body))
                    .unwrap())
            })
        });
        world.fake.answer(
            "settle",
            200,
            json!({
                "success": true, "payer": "0xb1", "transaction": "0x1", "network": "eip155:84532",
                "creditsRedeemed": events.to_string(), "remainingBalance": "1",
            }),
        );
        let token = token(None);
        let answer = call(&world, "GET", "/stream", &[("payment-signature", &token)]).await;
        assert_eq!(answer.status(), 200, "{name}");
        let mut body = answer.into_body();
        match whole {
            true => {
                let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
                assert!(
                    text.starts_with("data: 0\n\ndata: 1\n\ndata: 2\n\nevent: payment-response\n"),
                    "{name}: {text}"
                );
            }
            false => {
                for _ in 0..events {
                    body.frame().await.unwrap().unwrap();
                }
                drop(body);
            }
        }
        while !world.fake.platform.lock().unwrap().calls.iter().any(|call| call == "settle") {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// A stream of these items.
struct Items<T>(VecDeque<T>);

impl<T: Unpin> futures_core::Stream for Items<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(self.0.pop_front())
    }
}

/// A client of the seller, and what it sends to the platform.
fn client(
    world: &World,
    change: impl FnOnce(payments_wasm::client::Builder<Fake>) -> payments_wasm::client::Builder<Fake>,
) -> Client<Fake> {
    let seller = Some(Seller(Arc::new(tokio::sync::Mutex::new(world.paywall.clone()))));
    let builder = Client::builder(Fake { seller, ..world.fake.clone() }, &key())
        .unwrap()
        .backend("http://127.0.0.1:1")
        .delegation("d-1".parse().unwrap());
    change(builder).build().unwrap()
}

fn pays() -> Policy {
    Policy { origins: vec!["https://api.example".into()], ..Policy::default() }
}

fn ask(path: &str) -> Request<&'static str> {
    Request::post(format!("https://api.example{path}")).body("why?").unwrap()
}

#[tokio::test]
async fn a_client_pays_within_its_policy_and_says_what_it_spent() {
    let world = world(routes(), MemoryStore::new(), shop);
    let limited = Policy { max_credits_total: Some(1u64.into()), ..pays() };
    type Change = fn(payments_wasm::client::Builder<Fake>) -> payments_wasm::client::Builder<Fake>;
    let cases: [(&str, Change, Result<&str, &str>); 4] = [
        ("no policy", |builder| builder, Err("consent_required")),
        ("a policy", |builder| builder.policy(pays()), Ok("why? asked by 0xb1")),
        (
            "an approval",
            |builder| builder.approve(|_| async { Approval { approve: true, ..Approval::default() } }),
            Ok("why? asked by 0xb1"),
        ),
        ("a refusal", |builder| builder.approve(|_| async { Approval::default() }), Err("consent_denied")),
    ];
    for (name, change, expected) in cases {
        let client = client(&world, change);
        match (client.fetch(ask("/ask")).await, expected) {
            (Ok(paid), Ok(text)) => {
                assert_eq!(paid.spend.outcome, Outcome::Settled, "{name}");
                assert_eq!(paid.receipt.unwrap().credits_redeemed(), Some(2u64.into()), "{name}");
                let body = paid.response.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(body, text, "{name}");
            }
            (Err(error), Err(code)) => {
                assert_eq!(error.code(), code, "{name}");
                assert_eq!(error.spend.outcome, Outcome::None, "{name}");
                assert_eq!(error.response.unwrap().status(), 402, "{name}");
            }
            (found, _) => panic!("{name}: {found:?}"),
        }
    }
    let error = client(&world, |builder| builder.policy(limited)).fetch(ask("/ask")).await.unwrap_err();
    assert_eq!(error.code(), "budget_exceeded");
}

#[tokio::test]
async fn rule_4_fetches_at_once_share_one_mint_though_the_first_is_dropped() {
    let world = world(routes(), MemoryStore::new(), shop);
    let client = client(&world, |builder| builder.policy(pays()));
    let first = client.fetch(ask("/ask"));
    let others = async { tokio::join!(client.fetch(ask("/ask")), client.fetch(ask("/ask"))) };
    // The first begins the mint, and is dropped before its answer.
    let others = {
        let mut first = Box::pin(first);
        let polled =
            std::future::poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_ready())).await;
        assert!(!polled);
        others
    };
    let (second, third) = tokio::time::timeout(Duration::from_secs(10), others).await.unwrap();
    assert_eq!(
        (second.unwrap().response.status().as_u16(), third.unwrap().response.status().as_u16()),
        (200, 200)
    );
    assert_eq!(world.fake.calls().into_iter().filter(|call| call == "permissions").count(), 1);
}

#[tokio::test]
async fn a_step_that_takes_too_long_ends_the_fetch() {
    let world = world(routes(), MemoryStore::new(), |_| Box::pin(std::future::pending()));
    let timeouts = Timeouts { send: Some(50), ..Timeouts::default() };
    let client = client(&world, |builder| builder.policy(pays()).timeouts(timeouts));
    let error = client.fetch(ask("/ask")).await.unwrap_err();
    assert_eq!((error.code(), error.spend.outcome), ("send_timeout", Outcome::Unknown));
}

#[tokio::test]
async fn calls_of_the_platform_are_typed() {
    let world = world(routes(), MemoryStore::new(), shop);
    let client = client(&world, |builder| builder);
    assert_eq!(client.call(&CreateDelegation::crypto(1000, 3600)).await.unwrap().id(), Some("d-1"));
    world.fake.answer("create", 403, json!({ "code": "BCK.X", "message": "no" }));
    assert_eq!(client.call(&CreateDelegation::crypto(1000, 3600)).await.unwrap_err().code, "BCK.X");
}

#[test]
fn a_fetch_runs_without_a_runtime_over_a_transport_that_blocks() {
    struct Blocking;
    impl Transport for Blocking {
        type Body = Full<Bytes>;
        type Error = String;
        async fn send(&self, request: Request<Bytes>) -> Result<Response<Full<Bytes>>, String> {
            match request.uri().path() {
                "/free" => Ok(Response::new(Full::from("free"))),
                _ => Err("refused".into()),
            }
        }
        async fn sleep(&self, _: Duration) {
            panic!("a time limit is waited for, which would block");
        }
    }
    let timeouts = Timeouts { send: Some(60_000), platform: Some(60_000), ..Timeouts::default() };
    let client = Client::builder(Blocking, &key())
        .unwrap()
        .backend("http://127.0.0.1:1")
        .timeouts(timeouts)
        .build()
        .unwrap();
    let paid = block_on(client.fetch(ask("/free"))).unwrap();
    assert_eq!(block_on(paid.response.into_body().collect()).unwrap().to_bytes(), "free");
    let error = block_on(client.fetch(ask("/gone"))).unwrap_err();
    assert_eq!((error.code(), error.transport.as_deref()), ("network_error", Some("refused")));
    let error = block_on(client.fetch(Request::get("/relative").body("").unwrap())).unwrap_err();
    assert_eq!(error.code(), "network_error");
}

#[test]
fn both_stores_keep_rows_alike() {
    let stores: [(&str, Box<dyn ObjectStore>); 2] =
        [("memory", Box::new(MemoryStore::new())), ("sqlite", Box::new(SqliteStore::in_memory().unwrap()))];
    for (name, mut store) in stores {
        let mut run = |object: &str, work: &mut dyn FnMut(&mut dyn payments_wasm::paywall::state::Rows)| {
            store
                .run(object, &mut |rows| {
                    work(rows);
                    Ok(())
                })
                .unwrap();
        };
        run("a", &mut |rows| {
            for (id, due) in [("1", Some(30)), ("2", None), ("3", Some(10)), ("4", Some(20))] {
                rows.put("entry", id, id, due).unwrap();
            }
            rows.put("other", "1", "x", Some(5)).unwrap();
            rows.put("entry", "1", "one", Some(15)).unwrap();
            rows.remove("entry", "4").unwrap();
        });
        run("b", &mut |rows| rows.put("entry", "1", "of b", None).unwrap());
        run("a", &mut |rows| {
            let ids = |rows: Vec<payments_wasm::paywall::state::Row>| {
                rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
            };
            assert_eq!(rows.get("entry", "1").unwrap().as_deref(), Some("one"), "{name}");
            assert_eq!(rows.get("entry", "4").unwrap(), None, "{name}");
            assert_eq!(ids(rows.list("entry", None, 9).unwrap()), ["1", "2", "3"], "{name}");
            assert_eq!(ids(rows.list("entry", Some("1"), 1).unwrap()), ["2"], "{name}");
            assert_eq!(ids(rows.due(15, 9).unwrap()), ["1", "3", "1"], "{name}");
            assert_eq!(ids(rows.due(15, 1).unwrap()), ["1"], "{name}");
            assert_eq!(rows.next_due().unwrap(), Some(5), "{name}");
        });
        assert_eq!(store.next_due().unwrap(), Some((5, "a".into())), "{name}");
        let failed = store.run("a", &mut |rows| {
            apply(&mut &mut *rows, &Command::Journal { after: None, book: false }, 0).map(|reply| {
                assert!(matches!(reply, Reply::Journal { .. }));
            })
        });
        // The rows above are no entries of the journal.
        assert!(failed.is_err(), "{name}");
    }
}
