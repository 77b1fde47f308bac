//! The agent without a runtime: `ureq` sends, and each call blocks.
//!
//! Usage: `blocking_agent URL QUESTION`. Variables: `NVM_API_KEY`, `NVM_DELEGATION_ID`, and for a local sandbox `NVM_API_URL`.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use payments_wasm::client::{Client, block_on};
use payments_wasm::subscriber::{Policy, Target};
use payments_wasm::transport::Transport;
use std::env::{args, var};
use std::time::Duration;

struct Http(ureq::Agent);

impl Transport for Http {
    type Body = Full<Bytes>;
    type Error = ureq::Error;

    async fn send(&self, request: http::Request<Bytes>) -> Result<http::Response<Full<Bytes>>, ureq::Error> {
        let mut response = self.0.run(request.map(|body| body.to_vec()))?;
        let body = response.body_mut().read_to_vec()?;
        Ok(response.map(|_| Full::from(body)))
    }

    async fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [url, question] =
        args().skip(1).collect::<Vec<_>>().try_into().map_err(|_| "usage: blocking_agent URL QUESTION")?;
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build();
    let policy = Policy { origins: vec![url.parse::<Target>()?.origin], ..Policy::default() };
    let mut builder = Client::builder(Http(agent.into()), &var("NVM_API_KEY")?)?
        .delegation(var("NVM_DELEGATION_ID")?.parse()?)
        .policy(policy);
    if let Ok(backend) = var("NVM_API_URL") {
        builder = builder.environment("custom").backend(&backend);
    }
    let client = builder.build()?;
    let request = http::Request::post(url).body(question)?;
    let paid = block_on(client.fetch(request))?;
    let status = paid.response.status();
    let answer = block_on(paid.response.into_body().collect())?.to_bytes();
    println!("{status} {}", String::from_utf8_lossy(&answer));
    println!("{} credits", paid.spend.credits_settled.unwrap_or_default());
    Ok(())
}
