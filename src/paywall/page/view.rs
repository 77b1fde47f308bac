use super::Page;
use crate::codec;
use crate::codec::text::{replace, split_once};
use crate::wire::{Accept, Credits, PaymentRequired};
use alloc::string::{String, ToString};
use serde_json::Value;

/// The content of one page.
#[derive(Debug, Default)]
pub(super) struct View<'a> {
    /// The resource, as a URL of this host. Nothing on the way back from a login: the page's own address says it.
    pub(super) to: Option<&'a str>,
    /// The request can be repeated.
    pub(super) again: bool,
    pub(super) offer: Option<&'a PaymentRequired>,
    pub(super) code: Option<&'a str>,
    pub(super) message: Option<&'a str>,
    /// The access that a payment buys: a set of routes, and for how many seconds.
    pub(super) pass: Option<(&'a str, u64)>,
}

/// The document. It shows without a script what is sold, and for how many credits.
pub(super) fn render(page: &Page, view: &View<'_>) -> String {
    let about = view.offer.map(PaymentRequired::resource);
    let description = about.and_then(|about| about.description.as_deref());
    let heading = description.unwrap_or_else(|| page.text("heading"));
    // An amount of an asset is no number of credits.
    let is_plan =
        |accept: &&Accept| accept.plan_id().is_some_and(|plan| !plan.as_str().starts_with("exact:"));
    let accepts = view.offer.into_iter().flat_map(PaymentRequired::accepts);
    let price = accepts.filter(is_plan).filter_map(Accept::credits).min();
    let lead = match price.map(Credits::digits) {
        Some(price) => {
            let credits = page.text(if price == "1" { "credits_one" } else { "credits_many" });
            replace(page.text("lead"), "{credits}", &replace(credits, "{count}", &price))
        }
        None => String::new(),
    };
    let logo = page
        .logo
        .as_ref()
        .map_or(String::new(), |logo| ["<img src=\"", &escape(logo), "\" alt=\"\" height=\"28\">"].concat());
    let name = page.name.as_deref().unwrap_or_default();
    let title = match (page.text("title"), name) {
        (title, "") => title.to_string(),
        (title, name) => [title, " · ", name].concat(),
    };
    let access = |(set, seconds): (&str, u64)| {
        codec::object(Vec::from([("set", set.into()), ("seconds", seconds.into())]))
    };
    let data = codec::object(Vec::from([
        ("to", view.to.into()),
        ("again", view.again.into()),
        ("code", view.code.into()),
        ("message", view.message.into()),
        ("pass", view.pass.map(access).into()),
        ("platform", page.platform.clone()),
        ("site", page.site.as_str().into()),
        ("storage", page.storage.into()),
        ("lang", page.lang.as_str().into()),
        ("texts", page.texts.clone().into()),
    ]));
    let script = ["/.well-known/payments/sdk/", &page.built.id, "/page.js"].concat();
    fill(&page.built.layout, |place| match place {
        "lang" => escape(&page.lang),
        "title" => escape(&title),
        "style" => page.style.clone(),
        "logo" => logo.clone(),
        "name" => escape(name),
        "heading" => escape(heading),
        "lead" => escape(&lead),
        "resource" => escape(view.to.unwrap_or_default()),
        "data" => inert(&data),
        "script" => escape(&script),
        text => escape(page.text(text)),
    })
}

impl Page {
    fn text(&self, name: &str) -> &str {
        self.texts.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Puts texts into the places `{{so}}` of a template, once over: what is put in is not looked at again.
fn fill(template: &str, text: impl Fn(&str) -> String) -> String {
    let mut filled = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = split_once(rest, "{{") {
        let (place, after) = split_once(after, "}}").unwrap_or((after, ""));
        filled.push_str(before);
        filled.push_str(&text(place));
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// JSON that ends no element and begins none.
fn inert(value: &Value) -> String {
    let json = replace(&codec::print(value), "<", "\\u003c");
    replace(&replace(&json, "\u{2028}", "\\u2028"), "\u{2029}", "\\u2029")
}

/// Text made safe between tags and in quoted attributes.
fn escape(text: &str) -> String {
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
