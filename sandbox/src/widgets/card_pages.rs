//! The card pages: enrol a card, create a delegation for it, and return to the app (contract section 8.3).

use crate::context::RequestContext;
use crate::delegations::delegation;
use crate::delegations::payment_methods::{self, Card};
use crate::http::error::{ApiError, Result};
use crate::http::request::Form;
use crate::http::response::Response;
use crate::identity::api_key::Identity;
use crate::identity::widget_session::{self, Session};
use crate::pages::html;
use crate::pages::return_url;
use crate::primitives::time;
use crate::widgets::card_enrollment;
use maud::{Markup, html};
use serde_json::{Map, Value};
use worker::Url;

/// Maximum length of the returned `state`.
const MAX_STATE: usize = 256;
/// The error of the delegation's fields.
const LIMIT: &str = "The limit is an amount like 50 or 12.50.";
const TIME: &str = "The time is a number of days.";
/// Parameters that the page's form passes on.
const PASSED_ON: [&str; 7] =
    ["sessionToken", "returnUrl", "state", "provider", "paymentMethodId", "planId", "currency"];

/// The card page that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Page {
    /// A card and a delegation for it.
    Setup,
    /// A card.
    Enroll,
    /// A delegation for an existing card.
    Delegate,
}

impl Page {
    fn of(name: &str) -> Option<Self> {
        match name {
            "setup" => Some(Self::Setup),
            "enroll" => Some(Self::Enroll),
            "delegate" => Some(Self::Delegate),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::Enroll => "enroll",
            Self::Delegate => "delegate",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Setup => "Pay by card",
            Self::Enroll => "Add a card",
            Self::Delegate => "Allow payments",
        }
    }

    fn button(self) -> &'static str {
        match self {
            Self::Setup => "Add card and allow payments",
            Self::Enroll => "Add card",
            Self::Delegate => "Allow payments",
        }
    }
}

/// A valid session on a card page: its owner and its return URL.
struct CardPageSession<'a> {
    page: Page,
    session: Session,
    target: Url,
    parameter: &'a dyn Fn(&str) -> Option<&'a str>,
}

impl<'a> CardPageSession<'a> {
    /// Checks the session; the inner `Err` is the page that explains the error.
    fn begin(
        ctx: &RequestContext,
        name: &str,
        parameter: &'a dyn Fn(&str) -> Option<&'a str>,
    ) -> Result<Result<Self, Response>> {
        let wrong = |status, text: &str| Ok(Err(html::message(status, "That card link does not work", text)));
        let Some(page) = Page::of(name) else { return wrong(404, "There is no such page.") };
        let session = match widget_session::find(ctx, parameter("sessionToken").unwrap_or_default()) {
            Ok(session) => session,
            Err(error) if error.status == 401 => {
                return wrong(401, "Its session is over. Go back to the app and try again.");
            }
            Err(error) => return Err(error),
        };
        let Some(target) = parameter("returnUrl").and_then(|text| session.target(text)) else {
            return wrong(403, "It does not lead back to the app on this machine that asked for it.");
        };
        if parameter("state").is_some_and(|state| state.len() > MAX_STATE) {
            return wrong(400, "Its state is too long.");
        }
        if card_enrollment::provider(parameter("provider")).is_err() {
            return wrong(400, "Cards of that provider cannot be added here.");
        }
        Ok(Ok(Self { page, session, target, parameter }))
    }

    fn owner(&self) -> Identity {
        self.session.owner()
    }

    /// Redirects to the app with the result and its state.
    fn back(&self, answer: &[(&str, &str)]) -> String {
        let mut answer = answer.to_vec();
        answer.extend((self.parameter)("state").map(|state| ("state", state)));
        return_url::with_params(&self.target, &answer)
    }

    /// The currency of the delegation: dollars, unless the app asks for euros.
    fn currency(&self) -> &'static str {
        let euros = (self.parameter)("currency").is_some_and(|currency| currency.eq_ignore_ascii_case("eur"));
        if euros { "eur" } else { "usd" }
    }

    fn content(&self, card: Option<&str>, wrong: Option<&str>, typed: &Form) -> Markup {
        let page = self.page;
        let about = |limit: bool| wrong.filter(|wrong| (*wrong == LIMIT || *wrong == TIME) == limit);
        html! {
            h1 { (page.title()) }
            p class="lead" {
                strong { (self.target.origin().ascii_serialization()) }
                @match (page, card) {
                    (Page::Enroll, _) => " adds a card to your account.",
                    (_, Some(card)) => { " asks to pay with " strong { (card) } " in your name." }
                    _ => " asks to pay by card in your name, as far as you allow.",
                }
            }
            form method="post" action={ "/cards/" (page.name()) } {
                @for name in PASSED_ON {
                    @if let Some(value) = (self.parameter)(name) { (html::hidden(name, value)) }
                }
                @if page != Page::Delegate { (html::card_fields(typed, about(false))) }
                @if page != Page::Enroll {
                    (html::limit_fields(
                        &format!("Up to ({})", self.currency().to_ascii_uppercase()),
                        typed.get("limit").or_else(|| (self.parameter)("limit")).unwrap_or("50.00"),
                        typed.get("days").unwrap_or("30"),
                        &[("1", "a day"), ("7", "a week"), ("30", "30 days"), ("365", "a year")],
                        about(true),
                    ))
                }
                button class="primary wide" name="action" value="go" { (page.button()) }
                button class="wide quiet" name="action" value="cancel" { "Cancel" }
            }
        }
    }

    /// The delegation as `POST /delegation/create` takes it.
    fn allowance(&self, form: &Form, method: &str) -> Result<Map<String, Value>, &'static str> {
        let limit = form.get("limit").and_then(cents).filter(|cents| *cents > 0);
        let limit = limit.ok_or(LIMIT)?;
        let days =
            form.get("days").unwrap_or("30").parse::<i64>().ok().filter(|days| (1..=3650).contains(days));
        let days = days.ok_or(TIME)?;
        let mut body = Map::new();
        body.insert("spendingLimitCents".into(), limit.into());
        body.insert("durationSecs".into(), (days * 86_400).into());
        body.insert("currency".into(), self.currency().into());
        body.insert("providerPaymentMethodId".into(), method.into());
        if let Some(plan_id) = (self.parameter)("planId") {
            body.insert("planId".into(), plan_id.into());
        }
        Ok(body)
    }
}

/// An amount as a user types it: `50`, `12.5`, `12.50`.
pub(crate) fn cents(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 2 || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<2}").parse().ok().filter(|cents| *cents < 100_000_000_000)
}

/// `GET /cards/setup | enroll | delegate`
pub(crate) fn page(ctx: &RequestContext, name: &str) -> Result {
    let parameter = |name: &str| ctx.request.param(name);
    let session_page = match CardPageSession::begin(ctx, name, &parameter)? {
        Ok(session_page) => session_page,
        Err(response) => return Ok(response),
    };
    show(ctx, &session_page, None, &Form::default())
}

fn show(
    ctx: &RequestContext,
    session_page: &CardPageSession<'_>,
    wrong: Option<&str>,
    typed: &Form,
) -> Result {
    let card = match session_page.page {
        Page::Delegate => match chosen(ctx, session_page) {
            Ok((_, _, label)) => Some(label),
            Err(_) => {
                return Ok(html::message(
                    404,
                    "No such card",
                    "It may have been removed. Go back to the app.",
                ));
            }
        },
        _ => None,
    };
    let status = if wrong.is_some() { 402 } else { 200 };
    Ok(html::page(status, session_page.page.title(), &session_page.content(card.as_deref(), wrong, typed)))
}

/// The card to be delegated: its id, its provider and its label.
fn chosen(ctx: &RequestContext, session_page: &CardPageSession<'_>) -> Result<(String, String, String)> {
    let id = (session_page.parameter)("paymentMethodId").unwrap_or_default();
    let (provider, label) = payment_methods::label(ctx, &session_page.owner(), id)?;
    Ok((id.to_owned(), provider, label))
}

/// `POST /cards/setup | enroll | delegate`: redirects to the app with the ids of the new objects.
pub(crate) fn submit(ctx: &RequestContext, name: &str) -> Result {
    let form = ctx.request.form();
    let parameter = |name: &str| form.get(name);
    let session_page = match CardPageSession::begin(ctx, name, &parameter)? {
        Ok(session_page) => session_page,
        Err(response) => return Ok(response),
    };
    if form.get("action") == Some("cancel") {
        return Ok(Response::see_other(session_page.back(&[("error", "cancelled")])));
    }
    let owner = session_page.owner();
    // An invalid limit is reported before the card is stored.
    if session_page.page != Page::Enroll
        && let Err(wrong) = session_page.allowance(&form, "")
    {
        return show(ctx, &session_page, Some(wrong), &form);
    }
    let (method, provider) = if session_page.page == Page::Delegate {
        let Ok((method, provider, _)) = chosen(ctx, &session_page) else {
            return show(ctx, &session_page, None, &form);
        };
        (method, provider)
    } else {
        let (number, expiry) =
            (form.get("number").unwrap_or_default(), form.get("expiry").unwrap_or_default());
        let card = match Card::read(number, expiry, time::year(ctx.request.now)) {
            Ok(card) => card,
            Err(wrong) => return show(ctx, &session_page, Some(wrong), &form),
        };
        let provider = card_enrollment::provider(parameter("provider"))?;
        (payment_methods::enroll(ctx, &owner, provider, &card, None)?, provider.to_owned())
    };
    let body = match session_page.page {
        Page::Enroll => return Ok(Response::see_other(session_page.back(&[("paymentMethodId", &method)]))),
        _ => session_page.allowance(&form, &method).map_err(ApiError::bad_request)?,
    };
    let delegation = delegation::open(ctx, &owner, &body, &provider)?;
    let mut answer = Vec::new();
    if session_page.page == Page::Setup {
        answer.push(("paymentMethodId", method.as_str()));
    }
    answer.push(("delegationId", delegation.id.as_str()));
    Ok(Response::see_other(session_page.back(&answer)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_amounts() {
        for (text, expected) in [
            ("50", Some(5000)),
            ("12.5", Some(1250)),
            ("12.50", Some(1250)),
            ("0.01", Some(1)),
            ("0", Some(0)),
            ("50.", Some(5000)),
            ("1.234", None),
            (".5", None),
            ("-1", None),
            ("1e3", None),
            ("", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(cents(text), expected, "{text}");
        }
    }
}
