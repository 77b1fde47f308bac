//! The consent page `/oauth/authorize`: a user lets an app pay on their behalf. The metadata of MCP servers points to
//! it (contract section 8.5, RFC 6749 section 4.1.1, RFC 7636, RFC 8707).
//!
//! Clients register with the MCP server, not here: `client_id` is an agent's id or a name that the server chose. So
//! any redirect URI is accepted, as on the login page, and the PKCE verifier proves who redeems a code.

use crate::catalog::agents::{self, Agent};
use crate::catalog::currency::Money;
use crate::catalog::plans::{self, Plan};
use crate::context::RequestContext;
use crate::delegations::{delegation, payment_methods};
use crate::http::error::Result;
use crate::http::fields::id;
use crate::http::request::Form;
use crate::http::response::Response;
use crate::identity::accounts::{self, Account};
use crate::identity::api_key::Identity;
use crate::identity::login_page;
use crate::oauth::oauth_token::{self, Code};
use crate::pages::html;
use crate::pages::return_url;
use crate::storage::store::binds;
use crate::widgets::card_pages;
use maud::{Markup, html};
use serde_json::{Map, Value};
use worker::Url;

/// Maximum number of plans on the page.
const MAX_PLANS: i64 = 50;
/// Schemes that a redirect URI must not have, because a browser would run or read something.
const FORBIDDEN_SCHEMES: [&str; 7] =
    ["javascript", "data", "vbscript", "file", "blob", "about", "filesystem"];
/// Parameters that the page's form passes on.
const PASSED_ON: [&str; 10] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "code_challenge",
    "code_challenge_method",
    "state",
    "scope",
    "resource",
    "nonce",
    "plan_id",
];

/// The authorization request of an app.
struct AuthorizationRequest<'a> {
    client: &'a str,
    target: Url,
    challenge: &'a str,
    scope: String,
    agent: Option<Agent>,
    /// The plans on offer; never empty.
    plans: Vec<Plan>,
    parameter: &'a dyn Fn(&str) -> Option<&'a str>,
}

/// Parses a redirect URI: a web page, or an app on this machine with a private-use scheme (RFC 8252).
fn target(text: &str) -> Option<Url> {
    let url = return_url::parse(text).or_else(|| {
        let url = Url::parse(text).ok()?;
        let own = !matches!(url.scheme(), "http" | "https") && !FORBIDDEN_SCHEMES.contains(&url.scheme());
        (own && url.has_host() && url.username().is_empty() && url.password().is_none()).then_some(url)
    })?;
    url.fragment().is_none().then_some(url)
}

/// True if the challenge can be a SHA-256 hash (RFC 7636 section 4.2).
fn is_challenge(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The reason for a refusal: the OAuth error code and a description.
type Refusal = (&'static str, String);

impl<'a> AuthorizationRequest<'a> {
    /// Reads the request. The inner `Err` is the response if the request cannot continue: a page if there is no safe
    /// redirect URI.
    fn begin(
        ctx: &RequestContext,
        parameter: &'a dyn Fn(&str) -> Option<&'a str>,
    ) -> Result<Result<Self, Response>> {
        let wrong = |status, text: &str| {
            Ok(Err(html::message(status, "That authorization link does not work", text)))
        };
        let Some(target) = parameter("redirect_uri").and_then(target) else {
            return wrong(
                400,
                "The app sent no valid redirect_uri: it must be an address without a fragment.",
            );
        };
        let Some(client) = parameter("client_id") else {
            return wrong(400, "The app sent no client_id.");
        };
        let agent = match id(client, "client_id") {
            Ok(agent_id) => match agents::find(ctx, &agent_id)? {
                Some(agent) => Some(agent),
                None => return wrong(404, "BCK.OAUTH.0001: there is no agent of that client_id here."),
            },
            Err(_) => None,
        };
        match Self::check(ctx, parameter, agent.as_ref())? {
            Ok((challenge, scope, plans)) => {
                Ok(Ok(Self { client, target, challenge, scope, agent, plans, parameter }))
            }
            Err((error, text)) => Ok(Err(refuse(&target, parameter("state"), error, &text))),
        }
    }

    /// Checks challenge, scope and plans; the app is told of these errors by redirect.
    #[expect(clippy::type_complexity, reason = "the type is used once")]
    fn check(
        ctx: &RequestContext,
        parameter: &'a dyn Fn(&str) -> Option<&'a str>,
        agent: Option<&Agent>,
    ) -> Result<Result<(&'a str, String, Vec<Plan>), Refusal>> {
        if parameter("response_type") != Some("code") {
            return Ok(Err(("unsupported_response_type", "response_type must be code".into())));
        }
        let challenge = parameter("code_challenge").filter(|challenge| is_challenge(challenge));
        let (Some(challenge), Some("S256")) = (challenge, parameter("code_challenge_method")) else {
            let text = "code_challenge with code_challenge_method=S256 is missing or invalid";
            return Ok(Err(("invalid_request", text.into())));
        };
        let Some(scope) = oauth_token::scope(parameter("scope")) else {
            return Ok(Err(("invalid_scope", format!("scope may have {}", oauth_token::SCOPES.join(" ")))));
        };
        let plans = on_offer(ctx, agent, parameter("plan_id"))?;
        if plans.is_empty() {
            return Ok(Err((
                "invalid_request",
                "BCK.OAUTH.0003: no payment plans available for agent".into(),
            )));
        }
        Ok(Ok((challenge, scope, plans)))
    }

    fn state(&self) -> Option<&'a str> {
        (self.parameter)("state")
    }

    fn content(&self, accounts: &[Account], wrong: Option<&str>, typed: &Form) -> Markup {
        let app = match self.target.scheme() {
            "http" | "https" => self.target.origin().ascii_serialization(),
            other => other.to_owned(),
        };
        let about = |plan: bool| wrong.filter(|wrong| (*wrong == NO_CARD) == plan);
        html! {
            h1 { "Allow access" }
            p class="lead" {
                strong { (app) } " asks to use "
                @if let Some(agent) = &self.agent { strong { (agent.name()) } } @else { "its tools" }
                " and to pay for it in your name."
            }
            form method="post" action="/oauth/authorize" {
                // The Enter key presses the first button of a form.
                button hidden name="action" value="new" {}
                @for name in PASSED_ON {
                    @if let Some(value) = (self.parameter)(name) { (html::hidden(name, value)) }
                }
                label for="plan" { "Plan" }
                select id="plan" name="plan" {
                    @for plan in &self.plans {
                        option value=(plan.id) selected[typed.get("plan") == Some(&plan.id)] {
                            (plans::title(plan)) " · " (html::price(plan.terms.total, plan.terms.currency()))
                        }
                    }
                }
                @if let Some(wrong) = about(true) {
                    p class="field-error" role="alert" { (wrong) }
                }
                (html::limit_fields(
                    "Up to",
                    typed.get("limit").unwrap_or("50.00"),
                    typed.get("days").unwrap_or("30"),
                    &[("1", "a day"), ("7", "a week"), ("30", "30 days")],
                    about(false),
                ))
                @if !accounts.is_empty() {
                    h2 { "Allow as" }
                    (login_page::list(accounts))
                }
                (login_page::new_account(
                    "As a new account",
                    &html! { button class="primary" name="action" value="new" { "Create and allow" } },
                ))
                button class="wide quiet" name="action" value="cancel" { "Deny" }
            }
        }
    }

    /// The delegation as `POST /delegation/create` takes it, and its provider.
    fn allowance(
        ctx: &RequestContext,
        owner: &Identity,
        plan: &Plan,
        (limit, days): (i64, i64),
    ) -> Result<Option<Allowance>> {
        let euros = plan.terms.money() == Money::Euro;
        let mut body = Map::new();
        body.insert("spendingLimitCents".into(), limit.into());
        body.insert("durationSecs".into(), (days * 86_400).into());
        body.insert("planId".into(), plan.id.as_str().into());
        let (provider, currency) = match plan.terms.provider() {
            None => ("erc4337", if euros { "eurc" } else { "usdc" }),
            Some(provider) => {
                let Some(card) = payment_methods::first(ctx, owner, provider)? else { return Ok(None) };
                body.insert("providerPaymentMethodId".into(), card.into());
                (provider, if euros { "eur" } else { "usd" })
            }
        };
        body.insert("currency".into(), currency.into());
        Ok(Some(Allowance { provider: provider.to_owned(), body }))
    }
}

/// The reason why a plan cannot be paid.
const NO_CARD: &str = "This plan is paid by card, and that account has none of its provider.";

/// The limit in cents and the number of days, as the user typed them.
fn bounds(form: &Form) -> Result<(i64, i64), &'static str> {
    let limit = form.get("limit").and_then(card_pages::cents).filter(|cents| *cents > 0);
    let days = form.get("days").unwrap_or("30").parse::<i64>().ok();
    let days = days.filter(|days| (1..=365).contains(days));
    Ok((
        limit.ok_or("The limit is an amount like 50 or 12.50.")?,
        days.ok_or("The time is a number of days.")?,
    ))
}

/// A delegation to be created.
struct Allowance {
    provider: String,
    body: Map<String, Value>,
}

/// The plans a client may ask for: those of the agent, or the named plan, or, for a client that is not an agent, all
/// listed plans.
fn on_offer(ctx: &RequestContext, agent: Option<&Agent>, named: Option<&str>) -> Result<Vec<Plan>> {
    let (filter, key) = match agent {
        Some(agent) => ("id IN (SELECT plan_id FROM agent_plans WHERE agent_id = ?1)", agent.id.as_str()),
        None => ("listed <> 0 OR id = ?1", named.unwrap_or_default()),
    };
    let query = format!(
        "SELECT {} FROM plans WHERE {filter} ORDER BY id <> ?2, created_at DESC, rowid DESC LIMIT ?3",
        plans::COLUMNS
    );
    let binds = binds![key, named.unwrap_or_default(), MAX_PLANS];
    let rows: Vec<plans::PlanRow> = ctx.store.rows(&query, binds)?;
    let mut plans = rows.into_iter().map(|row| row.plan(ctx)).collect::<Result<Vec<_>>>()?;
    if let Some(named) = named {
        plans.retain(|plan| plan.id == named);
    }
    Ok(plans)
}

/// Redirects to the app with an error (RFC 6749 section 4.1.2.1).
fn refuse(target: &Url, state: Option<&str>, error: &str, text: &str) -> Response {
    let mut answer = vec![("error", error), ("error_description", text)];
    answer.extend(state.map(|state| ("state", state)));
    Response::see_other(return_url::with_params(target, &answer))
}

/// `GET /oauth/authorize`
pub(crate) fn page(ctx: &RequestContext) -> Result {
    let parameter = |name: &str| ctx.request.param(name);
    match AuthorizationRequest::begin(ctx, &parameter)? {
        Ok(request) => show(ctx, &request, None, &Form::default()),
        Err(response) => Ok(response),
    }
}

fn show(
    ctx: &RequestContext,
    request: &AuthorizationRequest<'_>,
    wrong: Option<&str>,
    typed: &Form,
) -> Result {
    let accounts = accounts::newest(ctx, login_page::MAX_ACCOUNTS)?;
    let status = if wrong.is_some() { 400 } else { 200 };
    Ok(html::page(status, "Allow access", &request.content(&accounts, wrong, typed)))
}

/// `POST /oauth/authorize`: redirects to the app with a code or with an error.
pub(crate) fn submit(ctx: &RequestContext) -> Result {
    let form = ctx.request.form();
    let parameter = |name: &str| form.get(name);
    let request = match AuthorizationRequest::begin(ctx, &parameter)? {
        Ok(request) => request,
        Err(response) => return Ok(response),
    };
    if form.get("action") == Some("cancel") {
        return Ok(refuse(&request.target, request.state(), "access_denied", "It was not allowed"));
    }
    let Some(plan) = request.plans.iter().find(|plan| form.get("plan").is_none_or(|id| plan.id == id)) else {
        return show(ctx, &request, Some("That plan is not among those on offer."), &form);
    };
    let bounds = match bounds(&form) {
        Ok(bounds) => bounds,
        Err(wrong) => return show(ctx, &request, Some(wrong), &form),
    };
    let owner = match (form.get("account"), form.get("name")) {
        (Some(address), _) => accounts::find(ctx, address)?.map(|account| account.identity()),
        (None, Some(name)) => Some(accounts::open(ctx, Some(name))?),
        (None, None) => None,
    };
    let Some(owner) = owner else {
        return show(ctx, &request, Some("Pick an account, or type a name for a new one."), &form);
    };
    let Some(allowance) = AuthorizationRequest::allowance(ctx, &owner, plan, bounds)? else {
        return show(ctx, &request, Some(NO_CARD), &form);
    };
    let delegation = delegation::open(ctx, &owner, &allowance.body, &allowance.provider)?;
    let code = oauth_token::allow(
        ctx,
        &Code {
            owner: &owner,
            client: request.client,
            redirect_uri: parameter("redirect_uri").unwrap_or_default(),
            challenge: request.challenge,
            scope: &request.scope,
            resource: parameter("resource"),
            nonce: parameter("nonce"),
            plan_id: &plan.id,
            agent_id: request.agent.as_ref().map(|agent| agent.id.as_str()),
            delegation_id: &delegation.id,
        },
    )?;
    let mut answer = vec![("code", code.as_str())];
    answer.extend(request.state().map(|state| ("state", state)));
    Ok(Response::see_other(return_url::with_params(&request.target, &answer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirect_uris() {
        for (text, ok) in [
            ("http://localhost:3000/callback", true),
            ("https://app.example/cb?x=1", true),
            ("cursor://anysphere.cursor-retrieval/oauth/callback", true),
            ("https://app.example/cb#frag", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("file:///etc/passwd", false),
            ("https://user:pass@app.example/", false),
            ("app:callback", false),
            ("/callback", false),
            ("", false),
        ] {
            assert_eq!(target(text).is_some(), ok, "{text}");
        }
    }

    #[test]
    fn challenges_are_sha256_hashes() {
        // RFC 7636, appendix B.
        assert!(is_challenge("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        for bad in ["", "short", &"a".repeat(44), &"=".repeat(43), &format!("{}+", "a".repeat(42))] {
            assert!(!is_challenge(bad), "{bad}");
        }
    }

    #[test]
    fn a_refusal_returns_the_state() {
        let back = refuse(&target("https://a.example/cb?x=1").unwrap(), Some("s t"), "access_denied", "no");
        assert_eq!(
            back.body_text(),
            "https://a.example/cb?x=1&error=access_denied&error_description=no&state=s+t"
        );
    }
}
