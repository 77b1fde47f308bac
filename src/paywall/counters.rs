use super::shelf::Shelf;
use super::watch::Span;
use crate::wire::Credits;
use alloc::{
    format,
    string::{String, ToString},
};
use core::cell::RefCell;
use core::fmt::Write as _;

/// What one isolate has counted since it began. There are many, they come and go, and none knows of the others: whoever
/// adds up reads often, and takes an isolate that begins again for what it is.
#[derive(Debug, Default)]
pub(crate) struct Counters(RefCell<Counted>);

#[derive(Debug, Default)]
struct Counted {
    /// By what the isolate is told from others, and when it began, in milliseconds since 1970.
    isolate: String,
    since: u64,
    /// By route and outcome. The routes are those of the configuration, so the list has an end.
    requests: Shelf<(String, &'static str), u64>,
    credits: Shelf<String, Credits>,
    waits: Shelf<Span, (u64, u64)>,
}

impl Counters {
    /// Says who counts, at the first request.
    pub(crate) fn begin(&self, seed: &str, now: u64) {
        let mut counted = self.0.borrow_mut();
        if counted.isolate.is_empty() {
            counted.isolate = seed.chars().take(12).collect();
            counted.since = now;
        }
    }

    pub(crate) fn request(&self, route: &str, outcome: &'static str) {
        let mut counted = self.0.borrow_mut();
        counted.requests.change((route.to_string(), outcome), |count| *count += 1);
    }

    pub(crate) fn settled(&self, route: &str, credits: Credits) {
        let mut counted = self.0.borrow_mut();
        counted.credits.change(route.to_string(), |sum| *sum = sum.saturating_add(credits));
    }

    pub(crate) fn waited(&self, span: Span, milliseconds: u64) {
        let mut counted = self.0.borrow_mut();
        counted.waits.change(span, |(count, sum)| {
            *count += 1;
            *sum = sum.saturating_add(milliseconds);
        });
    }

    /// All of it in the text format of Prometheus.
    pub(crate) fn page(&self) -> String {
        let counted = self.0.borrow();
        let isolate = &counted.isolate;
        let mut page = String::new();
        let head = |page: &mut String, name: &str, kind: &str, help: &str| {
            page.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
        };
        // Writing to a string does not fail.
        let name = "paywall_isolate_start_seconds";
        head(&mut page, name, "gauge", "When this isolate began.");
        let _ = writeln!(page, "{name}{{isolate=\"{isolate}\"}} {}", counted.since / 1000);
        let name = "paywall_requests_total";
        head(&mut page, name, "counter", "Requests by route and outcome.");
        for ((route, outcome), count) in counted.requests.iter() {
            let route = label(route);
            let _ = writeln!(
                page,
                "{name}{{isolate=\"{isolate}\",route=\"{route}\",outcome=\"{outcome}\"}} {count}"
            );
        }
        let name = "paywall_credits_settled_total";
        head(&mut page, name, "counter", "Credits that were burned, by route.");
        for (route, credits) in counted.credits.iter() {
            let _ = writeln!(page, "{name}{{isolate=\"{isolate}\",route=\"{}\"}} {credits}", label(route));
        }
        let (count, sum) = ("paywall_waits_total", "paywall_wait_milliseconds_total");
        head(&mut page, count, "counter", "How often was waited for what.");
        for (span, (times, _)) in counted.waits.iter() {
            let _ = writeln!(page, "{count}{{isolate=\"{isolate}\",on=\"{}\"}} {times}", span.name());
        }
        head(&mut page, sum, "counter", "For how long.");
        for (span, (_, milliseconds)) in counted.waits.iter() {
            let _ = writeln!(page, "{sum}{{isolate=\"{isolate}\",on=\"{}\"}} {milliseconds}", span.name());
        }
        page
    }
}

/// A text as the value of a label.
fn label(text: &str) -> String {
    let mut label = String::new();
    for character in text.chars() {
        match character {
            '\\' => label.push_str("\\\\"),
            '"' => label.push_str("\\\""),
            '\n' => label.push_str("\\n"),
            character => label.push(character),
        }
    }
    label
}
