//! A service in axum that is paid: an answer costs a credit for each word of the question, a stream one for each event.
//!
//! Variables: `NVM_API_KEY`, `NVM_PLAN_ID`, and for a local sandbox `NVM_ENVIRONMENT=custom` and `NVM_API_URL`.

use axum::extract::{ConnectInfo, Extension};
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post};
use axum::{Router, serve};
use payments_wasm::sqlite::SqliteStore;
use payments_wasm::tower::{PaymentContext, PaywallLayer};
use payments_wasm_examples::Http;
use std::{convert::Infallible, env::var, net::SocketAddr};

async fn ask(Extension(payment): Extension<PaymentContext>, question: String) -> String {
    if question == "panic" {
        panic!("the question asks for it");
    }
    format!("{question} asked by {} for {} credits", payment.payer.unwrap_or_default(), payment.credits)
}

async fn stream() -> Sse<impl futures_core::Stream<Item = Result<Event, Infallible>>> {
    Sse::new(futures_util::stream::iter((1..=3).map(|n| Ok(Event::default().data(n.to_string())))))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let plan = var("NVM_PLAN_ID")?;
    let routes = format!(
        r#"{{ "routes": {{
            "POST /ask": {{ "planId": "{plan}", "credits": {{ "by": "handler", "most": 5 }} }},
            "GET /stream": {{ "planId": "{plan}", "credits": {{ "by": "event", "most": 5, "each": 1 }}, "settle": "at-end-of-stream", "receipt": "event" }}
        }}, "open": ["GET /health"], "unlisted": "deny" }}"#
    );
    let mut paywall = PaywallLayer::builder(Http::new()?)
        .document(&routes)?
        .variable("NVM_API_KEY", var("NVM_API_KEY")?)
        .store(SqliteStore::open(var("STATE").unwrap_or("paywall.sqlite".into()))?)
        .price(|mut request, _route| async move {
            Some((request.text().await.ok()?.split_whitespace().count() as u64).into())
        })
        .client_address(|parts| Some(parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_string()));
    for name in ["NVM_ENVIRONMENT", "NVM_API_URL"] {
        if let Ok(value) = var(name) {
            paywall = paywall.variable(name, value);
        }
    }
    let paywall = paywall.build()?;
    let app = Router::new()
        .route("/health", get(|| async { "everything is fine" }))
        .route("/ask", post(ask))
        .route("/stream", get(stream))
        .layer(paywall);
    let listener = tokio::net::TcpListener::bind(var("ADDRESS").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("http://{}", listener.local_addr()?);
    Ok(serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
