//! The pages a person sees: plain HTML and the dashboard's style sheets, no script, nothing from elsewhere.

use crate::http::request::{Form, Reply};

const LAYOUT: &str = include_str!("layout.html");

/// What a page may do: look as the sandbox's sheets say, and post its form. `form-action` stays open, since browsers hold the redirect
/// after a post to it as well, and that leads back to the app.
pub(crate) const HEADERS: [(&str, &str); 4] = [
    (
        "content-security-policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// Text made safe between tags and in quoted attributes.
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

/// A page around `content`, which is HTML already.
pub(crate) fn page(status: u16, title: &str, content: &str) -> Reply {
    let html = LAYOUT.replace("{{title}}", &escape(title)).replace("{{content}}", content);
    Reply::html(status, html)
}

/// A page that says one thing.
pub(crate) fn message(status: u16, title: &str, text: &str) -> Reply {
    page(status, title, &format!("<h1>{}</h1>\n<p class=\"lead\">{}</p>", escape(title), escape(text)))
}

/// A field of a form that nobody sees.
pub(crate) fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">\n", escape(name), escape(value))
}

/// A field: its label, an input, and under it what is wrong with what was typed. `name` is the input's id as well.
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

/// The fields of a card, with a test card in them, or what was typed before and what is wrong with it.
pub(crate) fn card_fields(typed: &Form, wrong: Option<&str>) -> String {
    // What is wrong is said in the bank's words, and those about the date name it.
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

/// A price as a person says it: `$5.00`, `€5.00`, `5.00 CHF`.
pub(crate) fn price(micro: u128, currency: &str) -> String {
    let amount = amount(micro);
    match currency.to_ascii_uppercase().as_str() {
        "USD" => format!("${amount}"),
        "EUR" => format!("€{amount}"),
        _ => format!("{amount} {currency}"),
    }
}

/// Micro-units of a currency for people: `10.00`, `0.000001`.
pub(crate) fn amount(micro: u128) -> String {
    let decimals = format!("{:06}", micro % 1_000_000);
    let (cents, rest) = decimals.split_at_checked(2).unwrap_or((&decimals, ""));
    format!("{}.{cents}{}", micro / 1_000_000, rest.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stranger_wrote_stays_text() {
        assert_eq!(escape("<a b=\"c\" d='e'>&"), "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;");
        let reply = message(200, "<T>", "{{content}} <script>");
        assert!(reply.body_text().contains("&lt;T&gt;") && !reply.body_text().contains("<script"));
    }

    #[test]
    fn amounts_for_people() {
        for (micro, text) in
            [(0, "0.00"), (10_000_000, "10.00"), (1_500_000, "1.50"), (1, "0.000001"), (12_345, "0.012345")]
        {
            assert_eq!(amount(micro), text);
        }
    }
    #[test]
    fn prices_for_people() {
        for (currency, text) in [("USD", "$1.50"), ("eur", "€1.50"), ("CHF", "1.50 CHF")] {
            assert_eq!(price(1_500_000, currency), text);
        }
    }
}
