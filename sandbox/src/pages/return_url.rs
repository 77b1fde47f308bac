//! The return URL of a page: validation and parameters.

use worker::Url;

/// Parses a return URL: http or https, without user name and password. Any host is allowed, as in the hosted service:
/// the page shows the app's origin, and the user decides.
pub(crate) fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain =
        matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    plain.then_some(url)
}

/// True if the URL is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Sets these parameters on the URL. They replace parameters with the same name; the rest of the URL stays unchanged.
pub(crate) fn with_params(target: &Url, answer: &[(&str, &str)]) -> String {
    let mut url = target.clone();
    let stale = |name: &str| answer.iter().any(|(ours, _)| *ours == name);
    if url.query_pairs().any(|(name, _)| stale(&name)) {
        let kept: Vec<_> = target.query_pairs().filter(|(name, _)| !stale(name)).collect();
        url.query_pairs_mut().clear().extend_pairs(kept);
    }
    for (name, value) in answer {
        url.query_pairs_mut().append_pair(name, value);
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_return_urls() {
        for (text, ok, here) in [
            ("http://127.0.0.1:5173/cb?x=1#frag", true, true),
            ("http://localhost:4000/callback", true, true),
            ("http://[::1]:4000/callback", true, true),
            ("https://app.example/", true, false),
            ("http://localhost.example/", true, false),
            ("http://127.0.0.1.example/", true, false),
            ("javascript:alert(1)", false, false),
            ("JaVaScRiPt:alert(1)", false, false),
            (" javascript:alert(1)", false, false),
            ("data:text/html,x", false, false),
            ("//app.example/", false, false),
            ("/relative", false, false),
            ("https://user:pass@app.example/", false, false),
            ("https://localhost@app.example/", false, false),
            ("", false, false),
        ] {
            let url = parse(text);
            assert_eq!((url.is_some(), url.is_some_and(|url| is_loopback(&url))), (ok, here), "{text}");
        }
    }

    #[test]
    fn the_result_is_added_to_the_url() {
        for (from, expected) in [
            ("https://a.example/cb", "https://a.example/cb?key=local%3Aa.b-c_d.e&to=0x1"),
            (
                "https://a.example/cb?x=1&nvmState=s%20t#frag",
                "https://a.example/cb?x=1&nvmState=s%20t&key=local%3Aa.b-c_d.e&to=0x1#frag",
            ),
            ("https://a.example/?key=old&x=1&to=old", "https://a.example/?x=1&key=local%3Aa.b-c_d.e&to=0x1"),
        ] {
            let answer = [("key", "local:a.b-c_d.e"), ("to", "0x1")];
            assert_eq!(with_params(&parse(from).unwrap(), &answer), expected);
        }
    }
}
