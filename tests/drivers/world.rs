//! A platform that is a function, and a paywall in front of a service, in one process.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use payments_wasm::paywall::state::ObjectStore;
use payments_wasm::tower::{PaidBody, PaymentContext, PaywallLayer};
use payments_wasm::transport::Transport;
use payments_wasm::wire::{Credits, base64};
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

pub(crate) type Handled = Pin<Box<dyn Future<Output = Result<Response<Stream>, Infallible>> + Send>>;
pub(crate) type Stream = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;
pub(crate) type Handler = Arc<dyn Fn(Request<Full<Bytes>>) -> Handled + Send + Sync>;
pub(crate) type Served = Response<PaidBody<Stream>>;

/// The platform: the calls that it received, and the answers that it gives in place of its own.
#[derive(Default)]
pub(crate) struct Platform {
    pub(crate) calls: Vec<String>,
    answers: VecDeque<(&'static str, u16, Value)>,
    /// A call that gets no answer.
    pub(crate) silent: Option<&'static str>,
    single_use: bool,
    /// The requests that the facilitator received.
    pub(crate) facilitator_headers: Vec<(String, String)>,
}

#[derive(Clone, Default)]
pub(crate) struct Fake {
    pub(crate) platform: Arc<Mutex<Platform>>,
    pub(crate) seller: Option<Seller>,
}

#[derive(Clone)]
pub(crate) struct Seller(
    pub(crate) Arc<tokio::sync::Mutex<payments_wasm::tower::PaywallService<Shop, Fake>>>,
);

/// A service that answers as a function says.
#[derive(Clone)]
pub(crate) struct Shop(Handler);

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
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.platform.lock().unwrap().calls)
    }

    pub(crate) fn answer(&self, call: &'static str, status: u16, body: Value) {
        self.platform.lock().unwrap().answers.push_back((call, status, body));
    }

    /// A call of the platform, or of the facilitator.
    fn platform(&self, path: &str) -> Option<(u16, Value)> {
        let last = path.rsplit('/').next().unwrap();
        let call = if path.starts_with("/x402/") { ["facilitator/", last].concat() } else { last.into() };
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
            "challenge" => (200, json!({ "challenge": "Payment id=\"c1\"" })),
            "facilitator/supported" => (
                200,
                json!({ "kinds": [{ "x402Version": 2, "scheme": "exact", "network": "eip155:84532" }] }),
            ),
            "facilitator/verify" => (200, json!({ "isValid": true, "payer": PAYER })),
            "facilitator/settle" => (
                200,
                json!({ "success": true, "payer": PAYER, "transaction": "0x1", "network": "eip155:84532" }),
            ),
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

/// The payer of an amount.
const PAYER: &str = "0x857b06519E91e3A54538791bDbb0E22373e36b66";

pub(crate) fn token(nonce: Option<&String>) -> String {
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
        if request.uri().host() == Some("facilitator.example") {
            let headers = request.headers().iter();
            let headers =
                headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_string()));
            self.platform.lock().unwrap().facilitator_headers.extend(headers);
        }
        if matches!(request.uri().host(), Some("127.0.0.1" | "facilitator.example")) {
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

pub(crate) fn full(text: &str) -> Stream {
    Full::new(Bytes::from(text.to_string())).map_err(|never| match never {}).boxed()
}

pub(crate) fn key() -> String {
    let claims = base64::encode_url(json!({ "sub": "0xb1", "exp": 9_999_999_999u64 }).to_string().as_bytes());
    format!("local:a.{claims}.c")
}

pub(crate) struct World {
    pub(crate) fake: Fake,
    pub(crate) paywall: payments_wasm::tower::PaywallService<Shop, Fake>,
    pub(crate) log: Arc<Mutex<Vec<String>>>,
}

/// A paywall in front of a handler.
pub(crate) fn world(
    routes: Value,
    store: impl ObjectStore,
    handler: impl Fn(Request<Full<Bytes>>) -> Handled + Send + Sync + 'static,
) -> World {
    world_of(&json!({ "routes": routes, "open": ["GET /health"], "unlisted": "deny" }), store, handler)
}

/// The same with all of its configuration.
pub(crate) fn world_of(
    document: &Value,
    store: impl ObjectStore,
    handler: impl Fn(Request<Full<Bytes>>) -> Handled + Send + Sync + 'static,
) -> World {
    let fake = Fake::default();
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = log.clone();
    let has_facilitator = document.to_string().contains("facilitator.example");
    let headers = json!({ "https://facilitator.example/x402": { "x-key": "of-the-seller" } });
    let headers = if has_facilitator { headers } else { json!({}) };
    let layer = PaywallLayer::builder(fake.clone())
        .document(&document.to_string())
        .unwrap()
        .variable("NVM_API_KEY", key())
        .variable("NVM_ENVIRONMENT", "custom")
        .variable("NVM_API_URL", "http://127.0.0.1:1")
        .variable("FACILITATOR_HEADERS", headers.to_string())
        .variable("TIMEOUT_MS", "200")
        .variable("MAX_BODY_BYTES", "1000")
        .store(store)
        .price(|mut request, _route| async move {
            match request.head.headers.get("x-words") {
                Some("as asked") => {
                    Some(Credits::from(request.text().await.ok()?.split_whitespace().count() as u64))
                }
                // A price though the body could not be read.
                Some("in any case") => {
                    let _ = request.bytes().await;
                    Some(Credits::from(1))
                }
                words => words?.parse().ok(),
            }
        })
        .log(move |line| lines.lock().unwrap().push(line.into()))
        .build()
        .unwrap();
    World { paywall: layer.layer(Shop(Arc::new(handler))), fake, log }
}

pub(crate) fn shop(request: Request<Full<Bytes>>) -> Handled {
    Box::pin(async move {
        let payer = request.extensions().get::<PaymentContext>().and_then(|payment| payment.payer.clone());
        let question = request.into_body().collect().await.unwrap().to_bytes();
        let question = String::from_utf8_lossy(&question);
        Ok(Response::new(full(&format!("{question} asked by {}", payer.unwrap_or_else(|| "anyone".into())))))
    })
}

pub(crate) fn routes() -> Value {
    json!({
        "POST /ask": { "planId": "1001", "credits": 2 },
        "POST /once": { "planId": "1001", "credits": 2, "singleUse": true },
        "POST /priced": { "planId": "1001", "credits": { "by": "handler", "most": 9 } },
        "GET /stream": { "planId": "1001", "credits": { "by": "event", "most": 9, "each": 1 }, "settle": "at-end-of-stream", "receipt": "event" },
    })
}

pub(crate) async fn call(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Served {
    let body = if method == "POST" { "why?" } else { "" };
    call_with(world, method, path, headers, body.into()).await
}

pub(crate) async fn call_with(
    world: &World,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: String,
) -> Served {
    let mut request = Request::builder().method(method).uri(path);
    let host = [("host", "api.example")];
    let host = host.iter().filter(|_| !headers.iter().any(|(name, _)| *name == "host"));
    for (name, value) in headers.iter().chain(host) {
        request = request.header(*name, *value);
    }
    world.paywall.clone().call(request.body(Full::from(body)).unwrap()).await.unwrap()
}

pub(crate) async fn text(response: Served) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
