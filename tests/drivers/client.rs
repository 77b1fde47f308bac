use super::world::{Fake, Seller, World, key, routes, shop, world};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use payments_wasm::api::delegations::CreateDelegation;
use payments_wasm::client::{Client, block_on};
use payments_wasm::paywall::state::MemoryStore;
use payments_wasm::subscriber::{Approval, Outcome, Policy, Timeouts};
use payments_wasm::transport::Transport;
use serde_json::json;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// A client of the seller, and what it sends to the platform.
fn client(
    world: &World,
    change: impl FnOnce(payments_wasm::client::ClientBuilder<Fake>) -> payments_wasm::client::ClientBuilder<Fake>,
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
    type Change =
        fn(payments_wasm::client::ClientBuilder<Fake>) -> payments_wasm::client::ClientBuilder<Fake>;
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
