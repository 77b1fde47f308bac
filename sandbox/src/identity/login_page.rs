//! The login page: it hands an app an API key of the account that the user picks (contract sections 8.1, 8.2).

use crate::Desk;
use crate::http::error::Outcome;
use crate::http::request::Reply;
use crate::identity::accounts::{self, Account};
use crate::pages::html::{self, escape};
use crate::pages::return_url;
use worker::Url;

/// Maximum number of accounts on the page.
pub(crate) const MOST_ACCOUNTS: i64 = 12;

/// The kind of client that asks for a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// A web page, at `/login?returnUrl=`.
    Browser,
    /// The command line, at `/auth/cli?callback_url=`. It listens on a loopback address.
    Terminal,
}

impl Door {
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
        return_url::address(text).filter(|url| self == Self::Browser || return_url::loopback(url))
    }

    /// Adds a key to `target`, whose other parameters stay unchanged.
    fn answer(self, target: &Url, key: &str, address: &str) -> String {
        match self {
            Self::Browser => return_url::with(target, &[("nvmApiKey", key), ("accountAddress", address)]),
            Self::Terminal => return_url::with(target, &[("nvm_api_key", key)]),
        }
    }
}

fn refused(door: Door) -> Reply {
    let text = match door {
        Door::Browser => {
            "The app did not say where to go back to: returnUrl must be an http or https address."
        }
        Door::Terminal => "callback_url must be an http address on this machine.",
    };
    html::message(400, "That sign-in link does not work", text)
}

/// `GET /login`, `GET /auth/cli`: the account list.
pub(crate) fn page(desk: &Desk, door: Door) -> Outcome {
    let asked = desk.call.param(door.parameter());
    let Some(target) = asked.and_then(|text| door.target(text)) else { return Ok(refused(door)) };
    let accounts = accounts::newest(desk, MOST_ACCOUNTS)?;
    Ok(html::page(200, "Sign in", &content(door, &target, &accounts)))
}

/// `POST /login`, `POST /auth/cli`: redirects to the app with a new key.
pub(crate) fn enter(desk: &Desk, door: Door) -> Outcome {
    let form = desk.call.form();
    let field = |name: &str| form.get(name);
    let Some(target) = field(door.parameter()).and_then(|text| door.target(text)) else {
        return Ok(refused(door));
    };
    let address = match field("account") {
        Some(address) => match accounts::find(desk, address)? {
            Some(account) => account.address,
            None => {
                return Ok(html::message(
                    404,
                    "No such account",
                    "The sandbox may have been reset. Go back and try again.",
                ));
            }
        },
        None => accounts::open(desk, field("name"))?.address,
    };
    let issued = accounts::issue(desk, &address, None, None)?;
    Ok(Reply::see_other(door.answer(&target, &issued.key, &address)))
}

fn content(door: Door, target: &Url, accounts: &[Account]) -> String {
    let app = match door {
        Door::Browser => target.origin().ascii_serialization(),
        Door::Terminal => "The command line".to_owned(),
    };
    let form = format!(
        "<form method=\"post\" action=\"{}\">\n<input type=\"hidden\" name=\"{}\" value=\"{}\">",
        door.path(),
        door.parameter(),
        escape(target.as_str())
    );
    let mut html = format!(
        "<h1>Sign in</h1>\n<p class=\"lead\"><strong>{}</strong> asks to pay in your name. It gets an API key of the account you pick.</p>\n",
        escape(&app)
    );
    if !accounts.is_empty() {
        html.push_str(&format!("<h2>Continue as</h2>\n{form}\n<ul class=\"accounts\">\n"));
        for account in accounts {
            html.push_str(&item(account));
        }
        html.push_str("</ul>\n</form>\n");
    }
    let lead = if accounts.is_empty() { "Your name" } else { "Or with a new account" };
    html.push_str(&format!(
        "{form}\n<label for=\"name\">{lead}</label>\n<div class=\"fresh\">\
         <input type=\"text\" id=\"name\" name=\"name\" maxlength=\"80\" autocomplete=\"off\" placeholder=\"Ada\">\
         <button class=\"primary\">Create account</button></div>\n</form>\n"
    ));
    if door == Door::Browser {
        html.push_str(&format!(
            "<a class=\"back\" href=\"{}\">Back without signing in</a>\n",
            escape(target.as_str())
        ));
    }
    html
}

/// An account as a form button.
pub(crate) fn item(account: &Account) -> String {
    let initial = account.name.chars().next().unwrap_or('?').to_uppercase().to_string();
    let (head, tail) =
        (account.address.get(..8), account.address.get(account.address.len().saturating_sub(6)..));
    format!(
        "<li><button class=\"account\" name=\"account\" value=\"{}\" title=\"{0}\">\
         <span class=\"face\" aria-hidden=\"true\">{}</span>\
         <span><span class=\"name\">{}</span><span class=\"address\">{}…{}</span></span>\
         <span class=\"go\" aria-hidden=\"true\">→</span></button></li>\n",
        escape(&account.address),
        escape(&initial),
        escape(&account.name),
        escape(head.unwrap_or_default()),
        escape(tail.unwrap_or_default()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_sign_in_may_lead() {
        for (door, text, ok) in [
            (Door::Browser, "https://app.example/", true),
            (Door::Browser, "javascript:alert(1)", false),
            (Door::Terminal, "http://localhost:4000/callback", true),
            (Door::Terminal, "http://127.0.0.1:4000/callback?state=s", true),
            (Door::Terminal, "https://app.example/callback", false),
        ] {
            assert_eq!(door.target(text).is_some(), ok, "{door:?} {text}");
        }
    }

    #[test]
    fn the_key_joins_what_the_address_carries() {
        let to = |text: &str, door: Door| door.answer(&door.target(text).unwrap(), "local:a", "0x1");
        assert_eq!(
            to("https://a.example/?x=1", Door::Browser),
            "https://a.example/?x=1&nvmApiKey=local%3Aa&accountAddress=0x1"
        );
        assert_eq!(
            to("http://localhost:1/callback?state=s%20t", Door::Terminal),
            "http://localhost:1/callback?state=s%20t&nvm_api_key=local%3Aa"
        );
    }

    #[test]
    fn nothing_on_the_page_is_markup_but_ours() {
        let target = Door::Browser.target("https://a.example/?q=\"><script>'").unwrap();
        let account = Account { address: "0x<b>".into(), name: "<i>\"Eve\"".into() };
        let html = content(Door::Browser, &target, &[account]);
        assert!(!html.contains("<script") && !html.contains("<i>") && !html.contains("<b>"), "{html}");
    }
}
