//! A Worker with habits that a gate must bear: it hands on what `fetch` gave, and reads what it answers.

use payments_wasm::paywall::CanonicalRequest;
use payments_wasm::wire::Credits;
use payments_wasm::worker::Paywall;
use std::time::Duration;
use worker::{Context, Delay, Env, Fetch, Request, Response, Result, console_log, event};

/// The routes in the code, where there are none in the variables.
const ROUTES: &str = r#"{
    "routes": {
        "POST /ask": { "planId": "1001", "credits": 2 },
        "POST /once": { "planId": "1001", "credits": 3, "singleUse": true }
    },
    "open": ["GET /health"],
    "unlisted": "deny"
}"#;

#[event(fetch)]
async fn main(request: Request, env: Env, context: Context) -> Result<Response> {
    let upstream = env.var("UPSTREAM")?.to_string();
    let paywall = match env.var("ROUTES_IN_CODE") {
        Ok(_) => Paywall::from_document(&env, ROUTES)?,
        Err(_) => Paywall::from_env(&env).await?,
    };
    paywall
        .before_verify(|request, payment| async move { hear(&request, "before", payment.credits) })
        .after_verify(|request, payment| async move { hear(&request, "after", payment.credits) })
        .after_settle(|request, settled| async move { drop(hear(&request, "settled", settled.credits)) })
        .payment_error(|request, answer| {
            request.headers.get("x-name")?;
            let code = answer.headers.get("payment-required").map(|_| "payment_missing")?;
            Some(Response::ok(format!("please pay: {code}")).ok()?.with_status(answer.status))
        })
        // Nothing where it is shown a token or a header that any client may write.
        .price(|mut request, _route| async move {
            let shown = ["payment-signature", "x-payment-payer", "x-payment-credits"];
            if shown.iter().any(|name| request.head.headers.get(name).is_some()) {
                return None;
            }
            let path = request.head.url.split('?').next().unwrap_or_default();
            if path.ends_with("/words") {
                return Some(Credits::from(request.text().await.ok()?.split_whitespace().count() as u64));
            }
            Some(Credits::from(if path.ends_with("/files/big") { 100 } else { 1 }))
        })
        .serve(request, &context, move |mut request, _paid| async move {
            let path = request.path();
            match path.as_str() {
                "/panic" => panic!("the handler of /panic"),
                "/slow" => Delay::from(Duration::from_secs(10)).await,
                "/words" => return Response::ok(request.text().await?),
                _ => {}
            }
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

/// Writes down that a hook was called; an error where the request wants to be refused by it.
fn hear(request: &CanonicalRequest, hook: &str, credits: Credits) -> std::result::Result<(), String> {
    if let Some(name) = request.headers.get("x-name") {
        let path = request.url.splitn(4, '/').last().unwrap_or_default();
        console_log!("hook {name} {hook} {} /{path} {credits}", request.method.as_str());
    }
    match request.headers.get("x-refuse") {
        Some(when) if when == hook => Err(format!("refused {hook}")),
        _ => Ok(()),
    }
}
