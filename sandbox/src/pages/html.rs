//! HTML pages: forms without scripts, styled by the dashboard's style sheets, with nothing from other origins.

use crate::http::request::Form;
use crate::http::response::Response;

const LAYOUT: &str = include_str!("layout.html");

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

/// Escapes text for use between tags and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A page around `content`, which is HTML.
pub(crate) fn page(status: u16, title: &str, content: &str) -> Response {
    let html = LAYOUT.replace("{{title}}", &escape(title)).replace("{{content}}", content);
    Response::html(status, html)
}

/// A page with one message.
pub(crate) fn message(status: u16, title: &str, text: &str) -> Response {
    page(status, title, &format!("<h1>{}</h1>\n<p class=\"lead\">{}</p>", escape(title), escape(text)))
}

/// A hidden form field.
pub(crate) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value))
}

/// A form field: label, input, and the error of its last value. `name` is also the input's id.
pub(crate) fn field(label: &str, name: &str, more: &str, value: &str, wrong: Option<&str>) -> String {
    let (marked, note) = match wrong {
        None => ("", String::new()),
        Some(wrong) => (
            " aria-invalid=\"true\" autofocus",
            format!("<p class=\"field-error\" id=\"{name}-wrong\" role=\"alert\">{}</p>", escape(wrong)),
        ),
    };
    let described =
        if wrong.is_some() { format!(" aria-describedby=\"{name}-wrong\"") } else { String::new() };
    format!(
        "<label for=\"{name}\">{}</label>\n<input type=\"text\" id=\"{name}\" name=\"{name}\" {more} \
         autocomplete=\"off\" value=\"{}\"{marked}{described}>{note}\n",
        escape(label),
        escape(value),
    )
}

/// The fields of a card, filled with a test card or with the last values and their errors.
pub(crate) fn card_fields(typed: &Form, wrong: Option<&str>) -> String {
    // The error is the bank's message; a message about the date names it.
    let about = |date: bool| wrong.filter(|wrong| wrong.contains("expir") == date);
    let number = typed.get("number").unwrap_or("4242 4242 4242 4242");
    let expiry = typed.get("expiry").unwrap_or("12 / 34");
    format!(
        "{}<div class=\"row\"><div>{}</div><div><label for=\"cvc\">CVC</label><input type=\"text\" id=\"cvc\" \
         inputmode=\"numeric\" autocomplete=\"off\" maxlength=\"4\" value=\"123\"></div></div>\n",
        field("Card number", "number", "inputmode=\"numeric\" maxlength=\"23\"", number, about(false)),
        field("Expires", "expiry", "inputmode=\"numeric\" maxlength=\"9\"", expiry, about(true)),
    )
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
        assert_eq!(escape("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
        let response = message(200, "<T>", "{{content}} <script>");
        assert!(response.body_text().contains("&lt;T&gt;") && !response.body_text().contains("<script"));
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
