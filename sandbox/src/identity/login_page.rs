//! The login page: it hands an app an API key of the account that the user picks (contract sections 8.1, 8.2).

use crate::context::RequestContext;
use crate::http::error::Result;
use crate::http::response::Response;
use crate::identity::accounts::{self, Account};
use crate::pages::html;
use crate::pages::return_url;
use maud::{Markup, html};
use worker::Url;

/// Maximum number of accounts on the page.
pub(crate) const MAX_ACCOUNTS: i64 = 12;

/// The kind of client that asks for a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginClient {
    /// A web page, at `/login?returnUrl=`.
    Browser,
    /// The command line, at `/auth/cli?callback_url=`. It listens on a loopback address.
    Terminal,
}

impl LoginClient {
    fn path(self) -> &'static str {
        match self {
            Self::Browser => "/login",
            Self::Terminal => "/auth/cli",
        }
    }

    fn parameter(self) -> &'static str {
        match self {
            Self::Browser => "returnUrl",
            Self::Terminal => "callback_url",
        }
    }

    /// The return URL. The command line's must be on this machine.
    fn target(self, text: &str) -> Option<Url> {
        return_url::parse(text).filter(|url| self == Self::Browser || return_url::is_loopback(url))
    }

    /// Adds a key to `target`, whose other parameters stay unchanged.
    fn answer(self, target: &Url, key: &str, address: &str) -> String {
        match self {
            Self::Browser => {
                return_url::with_params(target, &[("nvmApiKey", key), ("accountAddress", address)])
            }
            Self::Terminal => return_url::with_params(target, &[("nvm_api_key", key)]),
        }
    }
}

fn refused(client: LoginClient) -> Response {
    let text = match client {
        LoginClient::Browser => "The app sent no valid returnUrl: it must be an http or https address.",
        LoginClient::Terminal => "callback_url must be an http address on this machine.",
    };
    html::message(400, "That sign-in link does not work", text)
}

/// `GET /login`, `GET /auth/cli`: the account list.
pub(crate) fn page(ctx: &RequestContext, client: LoginClient) -> Result {
    let asked = ctx.request.param(client.parameter());
    let Some(target) = asked.and_then(|text| client.target(text)) else { return Ok(refused(client)) };
    let accounts = accounts::newest(ctx, MAX_ACCOUNTS)?;
    Ok(html::page(200, "Sign in", &content(client, &target, &accounts)))
}

/// `POST /login`, `POST /auth/cli`: redirects to the app with a new key.
pub(crate) fn enter(ctx: &RequestContext, client: LoginClient) -> Result {
    let form = ctx.request.form();
    let field = |name: &str| form.get(name);
    let Some(target) = field(client.parameter()).and_then(|text| client.target(text)) else {
        return Ok(refused(client));
    };
    let address = match field("account") {
        Some(address) => match accounts::find(ctx, address)? {
            Some(account) => account.address,
            None => {
                return Ok(html::message(
                    404,
                    "No such account",
                    "The sandbox may have been reset. Go back and try again.",
                ));
            }
        },
        None => accounts::open(ctx, field("name"))?.address,
    };
    let issued = accounts::issue(ctx, &address, None, None)?;
    Ok(Response::see_other(client.answer(&target, &issued.key, &address)))
}

fn content(client: LoginClient, target: &Url, accounts: &[Account]) -> Markup {
    let app = match client {
        LoginClient::Browser => target.origin().ascii_serialization(),
        LoginClient::Terminal => "The command line".to_owned(),
    };
    let form = |fields: Markup| {
        html! {
            form method="post" action=(client.path()) {
                (html::hidden(client.parameter(), target.as_str()))
                (fields)
            }
        }
    };
    html! {
        h1 { "Sign in" }
        p class="lead" {
            strong { (app) }
            " asks to pay in your name. It gets an API key of the account you pick."
        }
        @if !accounts.is_empty() {
            h2 { "Continue as" }
            (form(list(accounts)))
        }
        (form(new_account(
            if accounts.is_empty() { "Your name" } else { "Or with a new account" },
            &html! { button class="primary" { "Create account" } },
        )))
        @if client == LoginClient::Browser {
            a class="back" href=(target) { "Back without signing in" }
        }
    }
}

/// The accounts, each as a form button.
pub(crate) fn list(accounts: &[Account]) -> Markup {
    html! {
        ul class="accounts" {
            @for Account { address, name, .. } in accounts {
                li {
                    button class="account" name="account" value=(address) title=(address) {
                        span class="face" aria-hidden="true" {
                            (name.chars().next().unwrap_or('?').to_uppercase().to_string())
                        }
                        span {
                            span class="name" { (name) }
                            span class="address" {
                                (address.get(..8).unwrap_or_default()) "…"
                                (address.get(address.len().saturating_sub(6)..).unwrap_or_default())
                            }
                        }
                        span class="go" aria-hidden="true" { "→" }
                    }
                }
            }
        }
    }
}

/// The field for the name of a new account, and the button beside it.
pub(crate) fn new_account(label: &str, button: &Markup) -> Markup {
    html! {
        label for="name" { (label) }
        div class="fresh" {
            input type="text" id="name" name="name" maxlength="80" autocomplete="off" placeholder="Ada";
            (button)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn return_urls_of_a_login() {
        for (client, text, ok) in [
            (LoginClient::Browser, "https://app.example/", true),
            (LoginClient::Browser, "javascript:alert(1)", false),
            (LoginClient::Terminal, "http://localhost:4000/callback", true),
            (LoginClient::Terminal, "http://127.0.0.1:4000/callback?state=s", true),
            (LoginClient::Terminal, "https://app.example/callback", false),
        ] {
            assert_eq!(client.target(text).is_some(), ok, "{client:?} {text}");
        }
    }

    #[test]
    fn the_key_is_added_to_the_url() {
        let to =
            |text: &str, client: LoginClient| client.answer(&client.target(text).unwrap(), "local:a", "0x1");
        assert_eq!(
            to("https://a.example/?x=1", LoginClient::Browser),
            "https://a.example/?x=1&nvmApiKey=local%3Aa&accountAddress=0x1"
        );
        assert_eq!(
            to("http://localhost:1/callback?state=s%20t", LoginClient::Terminal),
            "http://localhost:1/callback?state=s%20t&nvm_api_key=local%3Aa"
        );
    }

    #[test]
    fn user_text_on_the_page_is_escaped() {
        let target = LoginClient::Browser.target("https://a.example/?q=\"><script>'").unwrap();
        let account = Account { address: "0x<b>".into(), name: "<i>\"Eve\"".into() };
        let html = content(LoginClient::Browser, &target, &[account]).into_string();
        assert!(!html.contains("<script") && !html.contains("<i>") && !html.contains("<b>"), "{html}");
    }
}
