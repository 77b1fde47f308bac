//! Finds the routes that may match a path, without comparing all of them.

use super::path_pattern::Pattern;
use crate::codec::text::ByteSplit;
use crate::paywall::http::path::CanonicalPath;
use crate::paywall::vec_map::VecMap;
use alloc::{string::String, vec::Vec};

/// The positions of routes in the list, by their paths.
///
/// A path can only be taken for a literal pattern if both have the same stems: the segments in lower case, each to its
/// first dot or colon, without the page of a folder (`index`, `default`) at the end. That holds for paths in ASCII; any
/// other may fold to anything, and concerns all routes.
#[derive(Debug, Default)]
pub(crate) struct RouteIndex {
    /// Patterns without parameters, by their stems.
    literal: VecMap<String, Vec<usize>>,
    /// Patterns with parameters that begin with a literal segment, by its stem.
    begins: VecMap<String, Vec<usize>>,
    /// Patterns that begin with a parameter.
    any: Vec<usize>,
    length: usize,
}

impl RouteIndex {
    /// Adds the pattern of the next route.
    pub(crate) fn add(&mut self, pattern: &Pattern) {
        let position = self.length;
        self.length += 1;
        match (pattern.literals(), pattern.first_literal()) {
            (Some(segments), _) => {
                for key in keys(&segments) {
                    self.literal.change(key, |routes| routes.push(position));
                }
            }
            (None, Some(first)) => self.begins.change(stem(first), |routes| routes.push(position)),
            (None, None) => self.any.push(position),
        }
    }

    /// The positions of all routes that a path can concern, and perhaps of others, some of them twice; `None` for all
    /// routes.
    pub(crate) fn candidates(&self, path: &CanonicalPath) -> Option<Vec<usize>> {
        let segments: Vec<&str> = path.segments().iter().map(String::as_str).collect();
        if !segments.iter().all(|segment| segment.is_ascii()) {
            return None;
        }
        let mut found = self.any.clone();
        for key in keys(&segments) {
            found.extend(self.literal.get(&key).into_iter().flatten());
        }
        if let Some(first) = segments.first() {
            found.extend(self.begins.get(&stem(first)).into_iter().flatten());
        }
        // A pattern like `/a/*` without its page is looked for by a path of no segments too.
        if segments.len() <= 1 {
            found.extend(self.begins.iter().flat_map(|(_, routes)| routes));
        }
        Some(found)
    }

    /// The positions of the routes that can share a request with a pattern; `None` for all routes.
    pub(crate) fn neighbours(&self, pattern: &Pattern) -> Option<Vec<usize>> {
        let segments =
            pattern.literals().filter(|segments| segments.iter().all(|segment| segment.is_ascii()))?;
        let mut found = self.any.clone();
        found.extend(self.begins.iter().flat_map(|(_, routes)| routes));
        for key in keys(&segments) {
            found.extend(self.literal.get(&key).into_iter().flatten());
        }
        Some(found)
    }
}

/// The keys of a path: its stems, and those without the page of a folder at its end.
fn keys(segments: &[&str]) -> Vec<String> {
    let joined = |segments: &[&str]| {
        let mut key = String::new();
        for segment in segments {
            key.push('/');
            key.push_str(&stem(segment));
        }
        key
    };
    let mut keys = Vec::from([joined(segments)]);
    if let [above @ .., last] = segments
        && matches!(stem(last).as_str(), "index" | "default")
    {
        keys.push(joined(above));
    }
    keys
}

/// A segment in lower case to its first dot or colon.
fn stem(segment: &str) -> String {
    segment.split_before(b".:").map_or(segment, |(stem, _)| stem).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn no_route_is_left_out_that_a_path_may_be_taken_for() {
        let names =
            ["a", "A", "ask", "ask.json", "index", "index.html", "default", "a:b", "ä", "report.v2", "b"];
        let mut texts: Vec<String> =
            ["/", "/*", "/*rest", "/:one", "/:one/b", "/a/:one", "/a/*rest", "/index/*", "/ask/:x/index"]
                .map(String::from)
                .to_vec();
        for first in names {
            texts.push(format!("/{first}"));
            texts.extend(names.map(|second| format!("/{first}/{second}")));
        }
        let patterns: Vec<Pattern> = texts.iter().filter_map(|text| Pattern::parse(text).ok()).collect();
        assert!(patterns.len() > 100, "{}", patterns.len());
        let mut index = RouteIndex::default();
        for pattern in &patterns {
            index.add(pattern);
        }
        let mut near = 0;
        let asked = ["ASK.html", "Index.php", "default.asp", "a.b", "ａ", "%C3%A4", "c"];
        let mut paths: Vec<String> = Vec::from(["/".into(), "/x".into()]);
        for first in names.iter().chain(&asked) {
            paths.push(format!("/{first}"));
            paths.push(format!("/{first}/"));
            for second in names.iter().chain(&asked) {
                paths.push(format!("/{first}/{second}"));
                paths.push(format!("/{first}/{second}/index.html"));
            }
        }
        for text in &paths {
            let Ok(path) = CanonicalPath::parse(text) else { continue };
            let Some(candidates) = index.candidates(&path) else { continue };
            near += candidates.len();
            for (position, pattern) in patterns.iter().enumerate() {
                let concerned = pattern.matches(&path) || pattern.may_be(&path);
                assert!(!concerned || candidates.contains(&position), "{text} and {}", texts[position]);
            }
        }
        assert!(near < paths.len() * patterns.len() / 4, "{near} of {}", paths.len() * patterns.len());
        for (position, pattern) in patterns.iter().enumerate() {
            let Some(neighbours) = index.neighbours(pattern) else { continue };
            for (other, known) in patterns.iter().enumerate() {
                assert!(
                    !pattern.meets(known) || neighbours.contains(&other),
                    "{} and {}",
                    texts[position],
                    texts[other]
                );
            }
        }
    }
}
