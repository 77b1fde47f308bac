//! A service in axum that sells a report in every dialect that the gate speaks: for credits of a plan, by x402 and by MPP, and for an amount of an
//! asset (x402 `exact`) at a facilitator, on an EVM chain or on Solana.
//!
//! Variables: those of the ready-made Worker: `NVM_API_KEY`, `ROUTES`, `MPP`, `X402V1`, `PAYMENT_IDENTIFIER`, `FACILITATOR_HEADERS`, ...

use axum::extract::Extension;
use axum::routing::get;
use axum::{Router, serve};
use payments_wasm::sqlite::SqliteStore;
use payments_wasm::tower::{PaymentContext, PaywallLayer};
use payments_wasm_examples::Http;
use std::env::{var, vars};

async fn report(Extension(payment): Extension<PaymentContext>, body: String) -> String {
    if body == "fail" {
        panic!("the request asks for it");
    }
    format!("all well, says {}{body} for {}", payment.payer.unwrap_or_default(), payment.credits)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqliteStore::open(var("STATE").unwrap_or("paywall.sqlite".into()))?;
    let mut paywall = PaywallLayer::builder(Http::new()?).store(store);
    for (name, value) in vars() {
        paywall = paywall.variable(&name, value);
    }
    let paywall = paywall.build()?;
    let app = Router::new()
        .route("/report", get(report).post(report))
        .route("/dear", get(report))
        .route("/solana", get(report))
        .layer(paywall);
    let listener = tokio::net::TcpListener::bind(var("ADDRESS").unwrap_or("127.0.0.1:3000".into())).await?;
    println!("http://{}", listener.local_addr()?);
    Ok(serve(listener, app.into_make_service()).await?)
}
