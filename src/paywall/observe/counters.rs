use super::span::Span;
use crate::wire::Credits;
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The counts of one isolate since it began. There are many isolates, they come and go, and none knows of the others. A
/// collector must read often and treat an isolate that starts again as a counter reset.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    /// By what the isolate is told from others, and when it began, in milliseconds since 1970.
    isolate: String,
    since: u64,
    /// By route and outcome. The routes are those of the configuration, so the list has an end, and is short.
    requests: Vec<(String, &'static str, u64)>,
    credits: Vec<(String, Credits)>,
    unresolved: Vec<(String, u64)>,
    /// How often, and how many milliseconds in all.
    waits: [(u64, u64); Span::ALL.len()],
}

impl Counters {
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says who counts, at the first request.
    pub(crate) fn begin(&self, seed: &str, now: u64) {
        let mut counted = self.counted();
        if counted.isolate.is_empty() {
            counted.isolate = seed.chars().take(12).collect();
            counted.since = now;
        }
    }

    pub(crate) fn request(&self, route: &str, outcome: &'static str) {
        let mut counted = self.counted();
        match counted.requests.iter_mut().find(|(known, ended, _)| known == route && *ended == outcome) {
            Some((_, _, count)) => *count += 1,
            None => counted.requests.push((route.to_string(), outcome, 1)),
        }
    }

    /// Takes one request back, which came to something else after all.
    #[cfg(any(test, feature = "paywall"))]
    pub(crate) fn take_back(&self, route: &str, outcome: &'static str) {
        let mut counted = self.counted();
        let found = counted.requests.iter_mut().find(|(known, ended, _)| known == route && *ended == outcome);
        if let Some((_, _, count)) = found {
            *count = count.saturating_sub(1);
        }
    }

    pub(crate) fn settled(&self, route: &str, credits: Credits) {
        let mut counted = self.counted();
        match counted.credits.iter_mut().find(|(known, _)| known == route) {
            Some((_, sum)) => *sum = sum.saturating_add(credits),
            None => counted.credits.push((route.to_string(), credits)),
        }
    }

    pub(crate) fn unresolved(&self, route: &str) {
        let mut counted = self.counted();
        match counted.unresolved.iter_mut().find(|(known, _)| known == route) {
            Some((_, count)) => *count += 1,
            None => counted.unresolved.push((route.to_string(), 1)),
        }
    }

    pub(crate) fn waited(&self, span: Span, milliseconds: u64) {
        let mut counted = self.counted();
        if let Some((count, sum)) = counted.waits.get_mut(span as usize) {
            *count += 1;
            *sum = sum.saturating_add(milliseconds);
        }
    }

    /// All of it in the text format of Prometheus.
    pub(crate) fn page(&self) -> String {
        let counted = self.counted();
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
        for (route, outcome, count) in &counted.requests {
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
        let name = "paywall_unresolved_total";
        head(&mut page, name, "counter", "Settlements that nobody knows the outcome of, by route.");
        for (route, count) in &counted.unresolved {
            let _ = writeln!(page, "{name}{{isolate=\"{isolate}\",route=\"{}\"}} {count}", label(route));
        }
        let (count, sum) = ("paywall_waits_total", "paywall_wait_milliseconds_total");
        head(&mut page, count, "counter", "How often was waited for what.");
        for (span, (times, _)) in Span::ALL.iter().zip(&counted.waits) {
            let _ = writeln!(page, "{count}{{isolate=\"{isolate}\",on=\"{}\"}} {times}", span.name());
        }
        head(&mut page, sum, "counter", "For how long.");
        for (span, (_, milliseconds)) in Span::ALL.iter().zip(&counted.waits) {
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
