//! An agent that pays: it asks a question of a service, at the price that its policy allows.
//!
//! Usage: `agent URL QUESTION`. Variables: `NVM_API_KEY`, and for a local sandbox `NVM_API_URL`.

use http_body_util::BodyExt as _;
use payments_wasm::api::delegations::CreateDelegation;
use payments_wasm::api::plans::PlanPrice;
use payments_wasm::client::Client;
use payments_wasm::subscriber::{Policy, Target};
use payments_wasm_examples::Http;
use std::env::{args, var};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [url, question] =
        args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "usage: agent URL QUESTION")?;
    let builder = || {
        let builder = Client::builder(Http::new()?, &var("NVM_API_KEY")?)?;
        Ok::<_, Box<dyn std::error::Error>>(match var("NVM_API_URL") {
            Ok(backend) => builder.environment("custom").backend(&backend),
            Err(_) => builder,
        })
    };
    // Ten dollars within an hour. A service would make its delegation once, and keep its id.
    let delegation = builder()?.build()?.call(&CreateDelegation::crypto(1000, 3600)).await?;
    let policy = Policy {
        origins: vec![url.parse::<Target>()?.origin],
        max_credits_per_request: Some(5u64.into()),
        purchase: Some(true),
        // Five dollars, in millionths.
        max_price: Some(PlanPrice { amount: 5_000_000u64.into(), currency: "USDC".into() }),
        ..Policy::default()
    };
    let client = builder()?.delegation(delegation).policy(policy).build()?;
    let request = http::Request::post(url).body(question)?;
    let paid = client.fetch(request).await?;
    let (status, spend) = (paid.response.status(), paid.spend);
    let answer = paid.response.into_body().collect().await?.to_bytes();
    println!("{status} {}", String::from_utf8_lossy(&answer));
    println!("{} of at most {} credits", spend.credits_settled.unwrap_or_default(), spend.credits_presented);
    Ok(())
}
