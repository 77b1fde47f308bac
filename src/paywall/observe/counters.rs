use super::span::Span;
use crate::wire::{Credits, digits};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The counts of one isolate since it began. There are many isolates, they come and go, and none knows of the others. A
/// collector must read often and treat an isolate that starts again as a counter reset.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    /// The name of the isolate in the metrics, and when it began, in milliseconds since 1970.
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

    /// Takes back one request, which had another outcome after all.
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
            *page += &["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"].concat();
        };
        let count = |page: &mut String, name: &str, labels: &[(&str, &str)], count: String| {
            *page += &[name, "{isolate=\"", isolate, "\""].concat();
            for (label, value) in labels {
                *page += &[",", label, "=\"", &escape(value), "\""].concat();
            }
            *page += &["} ", &count, "\n"].concat();
        };
        let name = "paywall_isolate_start_seconds";
        head(&mut page, name, "gauge", "When this isolate began.");
        count(&mut page, name, &[], digits(counted.since / 1000));
        let name = "paywall_requests_total";
        head(&mut page, name, "counter", "Requests by route and outcome.");
        for (route, outcome, requests) in &counted.requests {
            count(&mut page, name, &[("route", route), ("outcome", outcome)], digits(*requests));
        }
        let name = "paywall_credits_settled_total";
        head(&mut page, name, "counter", "Credits that were burned, by route.");
        for (route, credits) in counted.credits.iter() {
            count(&mut page, name, &[("route", route)], credits.digits());
        }
        let name = "paywall_unresolved_total";
        head(&mut page, name, "counter", "Settlements with an unknown outcome, by route.");
        for (route, settlements) in &counted.unresolved {
            count(&mut page, name, &[("route", route)], digits(*settlements));
        }
        let name = "paywall_waits_total";
        head(&mut page, name, "counter", "Waits, by what was awaited.");
        for (span, (times, _)) in Span::ALL.iter().zip(&counted.waits) {
            count(&mut page, name, &[("on", span.name())], digits(*times));
        }
        let name = "paywall_wait_milliseconds_total";
        head(&mut page, name, "counter", "Milliseconds of waits, by what was awaited.");
        for (span, (_, milliseconds)) in Span::ALL.iter().zip(&counted.waits) {
            count(&mut page, name, &[("on", span.name())], digits(*milliseconds));
        }
        page
    }
}

/// A text as the value of a label.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '\\' => escaped.push_str("\\\\"),
            '"' => escaped.push_str("\\\""),
            '\n' => escaped.push_str("\\n"),
            character => escaped.push(character),
        }
    }
    escaped
}
