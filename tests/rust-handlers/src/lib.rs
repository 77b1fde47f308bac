//! A Worker with habits that a gate must bear: it hands on what `fetch` gave, and reads what it answers.

use payments_wasm::wire::Credits;
use payments_wasm::worker::Paywall;
use worker::{Context, Env, Fetch, Request, Response, Result, event};

#[event(fetch)]
async fn main(request: Request, env: Env, context: Context) -> Result<Response> {
    let upstream = env.var("UPSTREAM")?.to_string();
    Paywall::from_env(&env)
        .await?
        // Nothing where it is shown a token or a header that any client may write.
        .price(|request, _route| {
            let shown = ["payment-signature", "x-payment-payer", "x-payment-credits"];
            if shown.iter().any(|name| request.headers.get(name).is_some()) {
                return None;
            }
            let path = request.url.split('?').next().unwrap_or_default();
            Some(Credits::from(if path.ends_with("/files/big") { 100 } else { 1 }))
        })
        .serve(request, &context, move |request, _paid| async move {
            let path = request.path();
            if path == "/read" {
                let mut answer = Response::ok("secret")?;
                answer.text().await?;
                return Ok(answer);
            }
            if path.starts_with("/coded/") {
                return Fetch::Url([upstream, path].concat().parse()?).send().await;
            }
            let payer = request.headers().get("x-payment-payer")?.unwrap_or_default();
            let credits = request.headers().get("x-payment-credits")?.unwrap_or_default();
            Response::ok(format!("{} {path} {payer} {credits}", request.method()))
        })
        .await
}
