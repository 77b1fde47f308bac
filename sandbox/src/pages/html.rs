//! HTML pages: forms without scripts, styled by the dashboard's style sheets, with nothing from other origins.

use crate::http::request::Form;
use crate::http::response::Response;
use maud::{DOCTYPE, Markup, html};

/// The Content-Security-Policy of a page: the sandbox's style sheets and form posts. `form-action` is open, because
/// browsers apply it to the redirect after a post, which leads to the app.
pub(crate) const HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// A page around `content`.
pub(crate) fn page(status: u16, title: &str, content: &Markup) -> Response {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="robots" content="noindex";
                title { (title) " · Nevermined sandbox" }
                link rel="icon" href="/dashboard/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/dashboard/base.css";
                link rel="stylesheet" href="/dashboard/pages.css";
            }
            body {
                main class="card" {
                    header class="brand" {
                        svg viewBox="0 0 32 32" width="26" height="26" aria-hidden="true" {
                            rect width="32" height="32" rx="9" {}
                            path d="M10 22V10l12 12V10" fill="none" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round" {}
                        }
                        span { "Nevermined sandbox" }
                        span class="tag" { "test" }
                    }
                    (content)
                    p class="note" {
                        strong { "This is a sandbox." }
                        " No real money moves here. Do not type in a card that is yours."
                    }
                }
            }
        }
    };
    Response::html(status, html.into_string())
}

/// A page with one message.
pub(crate) fn message(status: u16, title: &str, text: &str) -> Response {
    page(status, title, &html! { h1 { (title) } p class="lead" { (text) } })
}

/// A hidden form field.
pub(crate) fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// A form field: label, input, and the error of its last value. `name` is also the input's id; `keyboard` is the input mode.
pub(crate) fn field(label: &str, name: &str, keyboard: &str, value: &str, wrong: Option<&str>) -> Markup {
    // Longer than any value: a card number of 19 digits with spaces.
    const LONGEST: &str = "23";
    let note = wrong.map(|_| format!("{name}-wrong"));
    html! {
        label for=(name) { (label) }
        input type="text" id=(name) name=(name) inputmode=(keyboard) maxlength=(LONGEST) autocomplete="off" value=(value)
            aria-invalid=[wrong.map(|_| "true")] autofocus[wrong.is_some()] aria-describedby=[note.as_deref()];
        @if let (Some(note), Some(wrong)) = (&note, wrong) {
            p class="field-error" id=(note) role="alert" { (wrong) }
        }
    }
}

/// The fields of a card, filled with a test card or with the last values and their errors.
pub(crate) fn card_fields(typed: &Form, wrong: Option<&str>) -> Markup {
    // The error is the bank's message; a message about the date names it.
    let about = |date: bool| wrong.filter(|wrong| wrong.contains("expir") == date);
    let number = typed.get("number").unwrap_or("4242 4242 4242 4242");
    let expiry = typed.get("expiry").unwrap_or("12 / 34");
    html! {
        (field("Card number", "number", "numeric", number, about(false)))
        div class="row" {
            div { (field("Expires", "expiry", "numeric", expiry, about(true))) }
            div {
                label for="cvc" { "CVC" }
                input type="text" id="cvc" inputmode="numeric" autocomplete="off" maxlength="4" value="123";
            }
        }
    }
}

/// The limit of a delegation and its time, which is one of `times`: days and their words.
pub(crate) fn limit_fields(
    label: &str,
    limit: &str,
    days: &str,
    times: &[(&str, &str)],
    wrong: Option<&str>,
) -> Markup {
    html! {
        div class="row" {
            div { (field(label, "limit", "decimal", limit, wrong)) }
            div {
                label for="days" { "For" }
                select id="days" name="days" {
                    @for (value, words) in times {
                        option value=(value) selected[*value == days] { (words) }
                    }
                }
            }
        }
    }
}

/// A price for display: `$5.00`, `€5.00`, `5.00 CHF`.
pub(crate) fn price(micro: u128, currency: &str) -> String {
    let amount = amount(micro);
    match currency.to_ascii_uppercase().as_str() {
        "USD" => format!("${amount}"),
        "EUR" => format!("€{amount}"),
        _ => format!("{amount} {currency}"),
    }
}

/// Micro-units of a currency for display: `10.00`, `0.000001`.
pub(crate) fn amount(micro: u128) -> String {
    let decimals = format!("{:06}", micro % 1_000_000);
    let (cents, rest) = decimals.split_at_checked(2).unwrap_or((&decimals, ""));
    format!("{}.{cents}{}", micro / 1_000_000, rest.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_text_is_escaped() {
        let response = message(200, "<T>", "a <script> & \"b\"");
        assert!(response.body_text().contains("&lt;T&gt;") && !response.body_text().contains("<script"));
        assert!(
            field("<l>", "name", "numeric", "\"><script>", Some("<w>"))
                .into_string()
                .contains("value=\"&quot;&gt;&lt;script&gt;\"")
        );
    }

    #[test]
    fn amounts_for_display() {
        for (micro, text) in
            [(0, "0.00"), (10_000_000, "10.00"), (1_500_000, "1.50"), (1, "0.000001"), (12_345, "0.012345")]
        {
            assert_eq!(amount(micro), text);
        }
    }
    #[test]
    fn prices_for_display() {
        for (currency, text) in [("USD", "$1.50"), ("eur", "€1.50"), ("CHF", "1.50 CHF")] {
            assert_eq!(price(1_500_000, currency), text);
        }
    }
}
