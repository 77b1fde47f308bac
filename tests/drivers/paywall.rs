use super::world::{Fake, call, call_with, key, routes, shop, text, token, world};
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use payments_wasm::paywall::state::MemoryStore;
use payments_wasm::sqlite::SqliteStore;
use payments_wasm::tower::PaywallLayer;
use payments_wasm::wire::{Receipt, base64};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

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
async fn rule_16_a_host_that_goes_on_as_a_path_is_refused() {
    let world = world(routes(), MemoryStore::new(), shop);
    // A router has matched the path, whatever the host: the gate would read the open `/health` in its place.
    for host in [
        "api.example/health?",
        "api.example\\health?",
        "a@api.example/health?",
        "/health?",
        "",
        "api example",
    ] {
        let answer = call(&world, "GET", "/other", &[("host", host)]).await;
        assert_eq!(
            (answer.status(), text(answer).await.contains("path_not_a_url")),
            (StatusCode::BAD_REQUEST, true),
            "{host}"
        );
    }
    for host in ["api.example", "API.example:8443", "[::1]:80", "my_shop.example."] {
        assert_eq!(call(&world, "GET", "/health", &[("host", host)]).await.status(), 200, "{host}");
    }
}

#[test]
fn what_a_configuration_cannot_promise_is_logged_when_the_layer_is_built() {
    for (name, state, warnings) in [("without a state", false, 2), ("with a state", true, 0)] {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = lines.clone();
        let builder = PaywallLayer::builder(Fake::default())
            .document(
                r#"{ "routes": { "POST /ask": { "planId": "1001", "credits": 2 } }, "unlisted": "deny" }"#,
            )
            .unwrap()
            .variable("NVM_API_KEY", key())
            .variable("NVM_ENVIRONMENT", "custom")
            .variable("NVM_API_URL", "http://127.0.0.1:1")
            .log(move |line| log.lock().unwrap().push(line.to_string()));
        let builder = if state { builder.store(MemoryStore::new()) } else { builder };
        builder.build().unwrap();
        let lines = lines.lock().unwrap();
        assert_eq!(lines.len(), warnings, "{name}: {lines:?}");
        assert!(lines.iter().all(|line| line.starts_with("Without a state")), "{name}: {lines:?}");
    }
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
async fn rule_20_a_price_may_read_the_body_up_to_its_limit_and_the_service_has_all_of_it() {
    let world = world(routes(), MemoryStore::new(), shop);
    let token = token(None);
    let most = "x".repeat(1000);
    let more = "x".repeat(1001);
    for (name, words, body, status, served) in [
        ("read", "as asked", "one two three", 200, Some("one two three asked by 0xb1")),
        ("empty: nothing is settled", "as asked", "", 200, Some(" asked by 0xb1")),
        ("as large as may be", "as asked", most.as_str(), 200, None),
        ("too large", "as asked", more.as_str(), 413, None),
        ("too large, and a price all the same", "in any case", more.as_str(), 413, None),
        ("not read", "1", more.as_str(), 200, None),
    ] {
        let headers = [("x-words", words), ("payment-signature", token.as_str())];
        let answer = call_with(&world, "POST", "/priced", &headers, body.into()).await;
        assert_eq!(answer.status(), status, "{name}");
        let text = text(answer).await;
        match served {
            Some(served) => assert_eq!(text, served, "{name}"),
            None => assert_eq!(text.starts_with(body), status == 200, "{name}"),
        }
    }
    assert_eq!(world.fake.calls().into_iter().filter(|call| call == "settle").count(), 3);
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
