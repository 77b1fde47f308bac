//! A Worker that answers questions, and is paid for it.

use payments_wasm::wire::Credits;
use payments_wasm::worker::Paywall;
use worker::{Context, Env, Request, Response, Result, event};

#[event(fetch)]
async fn main(request: Request, env: Env, context: Context) -> Result<Response> {
    Paywall::from_env(&env)
        .await?
        // A question costs a credit for each word. The configuration has `"credits": { "by": "handler", "most": 9 }`.
        .price(|mut request, _route| async move {
            let question = request.text().await.ok()?;
            Some(Credits::from(question.split_whitespace().count() as u64))
        })
        .serve(request, &context, |mut request, paid| async move {
            let Some(paid) = paid else { return Response::ok("everything is fine") };
            let question = request.text().await?;
            if question == "fail" {
                return Err("no answer".into());
            }
            Response::ok(format!(
                "{} for {} credits of {} by {}: 42",
                question,
                paid.credits,
                paid.plan_id,
                paid.payer.unwrap_or_default(),
            ))
        })
        .await
}
