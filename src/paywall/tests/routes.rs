//! Rules 16 and 26: which requests a route's key stands for, which keys are refused, and what an alias gets.

use super::*;
use alloc::{format, string::ToString};

fn with_routes(keys: &[&str], over: &[(&str, &str)]) -> Result<Gate, ConfigError> {
    // Each costs one more than the one before, so that an offer tells which it was.
    let price =
        |(index, key): (usize, &&str)| format!(r#"{key:?}: {{"planId": "1", "credits": {}}}"#, index + 1);
    let routes = keys.iter().enumerate().map(price).collect::<Vec<_>>().join(", ");
    let routes = format!("{{{routes}}}");
    let over: Vec<_> = [("ROUTES", routes.as_str()), ("OPEN_ROUTES", "[]")]
        .into_iter()
        .chain(over.iter().copied())
        .collect();
    // The first of two wins.
    let over: Vec<_> = over.iter().rev().copied().collect();
    settings(&over).map(Gate::new).map(|gate| knowing(gate, &["1"]))
}

/// The offer for a request: the credits, else the error code, else `forwarded`.
fn fate(gate: &Gate, method: &str, url: &str) -> String {
    let request = RequestHead { method: method.into(), url: url.into(), ..RequestHead::default() };
    match gate.open(&request).1 {
        Action::Respond(answer) if answer.status == 402 => {
            body(&answer)["accepts"][0]["extra"]["credits"].as_str().unwrap().to_string()
        }
        Action::Respond(answer) => body(&answer)["code"].as_str().unwrap_or("none").to_string(),
        Action::Forward(_) => "forwarded".into(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_stands_for_what_its_syntax_says() {
    let table = [
        // Methods.
        ("POST /ask", "POST", "/ask", true),
        ("POST /ask", "GET", "/ask", false),
        ("GET|POST /ask", "GET", "/ask", true),
        ("GET|POST /ask", "HEAD", "/ask", true),
        ("GET|POST /ask", "POST", "/ask", true),
        ("GET|POST /ask", "PUT", "/ask", false),
        ("GET|HEAD /ask", "HEAD", "/ask", true),
        ("* /ask", "GET", "/ask", true),
        ("* /ask", "HEAD", "/ask", true),
        ("* /ask", "POST", "/ask", true),
        ("* /ask", "PUT", "/ask", true),
        ("* /ask", "PATCH", "/ask", true),
        ("* /ask", "DELETE", "/ask", true),
        // One segment.
        ("GET /:a", "GET", "/x", true),
        ("GET /:a", "GET", "/x/", true),
        ("GET /:a", "GET", "/", false),
        ("GET /:a", "GET", "/x/y", false),
        ("GET /a/:b/c", "GET", "/a/%20x/c", false),
        ("GET /a/:b/c", "GET", "/A/x%20y/C/", true),
        ("GET /a/:b/:c_2", "GET", "/a/1/2", true),
        // One or more.
        ("GET /*all", "GET", "/x", true),
        ("GET /*all", "GET", "/x/y/z/", true),
        ("GET /*all", "GET", "/", false),
        ("GET /*", "GET", "/x/y", true),
        ("GET /data/*rest", "GET", "/data/a/b/c", true),
        ("GET /data/*rest", "GET", "/DATA/a", true),
        ("GET /data/*rest", "GET", "/data", false),
        ("GET /data/*rest", "GET", "/data/", false),
        ("GET /a/*rest/z", "GET", "/a/b/z", true),
        ("GET /a/*rest/z", "GET", "/a/b/c/d/z", true),
        ("GET /a/*rest/z", "GET", "/a/z", false),
        ("GET /a/*rest/z", "GET", "/a/b/c", false),
        ("GET /*rest/:last", "GET", "/a/b", true),
        ("GET /*rest/:last", "GET", "/b", false),
        // A percent-encoded literal matches its decoded form.
        ("GET /a%2Bb", "GET", "/a+b", true),
        ("GET /%3Aname", "GET", "/:name", true),
        ("GET /%3Aname", "GET", "/x", false),
        ("GET /%2A", "GET", "/*", true),
        ("GET /%2A", "GET", "/x", false),
        ("GET /", "GET", "/", true),
        ("GET /", "GET", "/x", false),
    ];
    for (key, method, path, matches) in table {
        let gate =
            with_routes(&[key], &[("UNLISTED", "deny")]).unwrap_or_else(|error| panic!("{key}: {error}"));
        let url = ["https://shop.example", path].concat();
        let request = RequestHead { method: method.into(), url, ..RequestHead::default() };
        let status = responded(gate.open(&request).1).status;
        assert_eq!(status == 402, matches, "{key}, {method} {path}: {status}");
    }
}

#[test]
fn what_path_to_regexp_reads_otherwise_is_refused_and_not_taken_for_text() {
    for key in [
        "GET /a{/:b}",
        "GET /a(/b)",
        "GET /:a?",
        "GET /:a+",
        "GET /:a(\\d+)",
        "GET /[ab]",
        "GET /a!",
        "GET /:a.json",
        "GET /:a-:b",
        "GET /x:a",
        "GET /a*",
        "GET /*a*",
        "GET /*a/*b",
        "GET /:",
        "GET /**",
        "GET /:a/../b",
        "GET /a;b",
        "GET /a\\b",
        "GET a",
        "GET  /a",
        "GET",
        "/a",
        "get /a",
        "GET,POST /a",
        "GET| /a",
        "GET|GET /a",
        "HEAD /a",
        "POST|HEAD /a",
        "OPTIONS /a",
        "*|GET /a",
        "ANY /a",
        "GET A.example/x",
        "GET a.example./x",
        "GET http://a.example/x",
        "GET a..b/x",
        "GET a b/x",
        "GET a.example:x/y",
        "GET *.example/x",
    ] {
        let error = with_routes(&[key], &[]).err().unwrap_or_else(|| panic!("{key} is taken"));
        assert_eq!(error.key, format!("ROUTES[{key:?}]"));
    }
}

#[test]
fn where_only_the_order_would_decide_both_keys_are_named() {
    const NONE: &str = "";
    let table = [
        ("GET /a", "GET /b", NONE),
        ("GET /a", "POST /a", NONE),
        ("GET /a", "GET /:x", NONE),
        ("GET /:x", "GET /a", NONE),
        ("GET /a/:x", "GET /*rest", NONE),
        ("GET /a/*rest", "GET /a/b/*rest", NONE),
        ("* /*rest", "POST /ask", NONE),
        ("GET /a/:x", "GET /:x/b/c", NONE),
        ("GET /a", "GET api.example/a", NONE),
        ("GET a.example/a", "GET b.example/a", NONE),
        ("GET a.example/a", "GET a.example:8443/a", NONE),
        ("GET a.example:1/:x", "GET a.example:2/a", NONE),
        ("GET /*rest/z", "GET /a/:x/y", NONE),
        ("GET /a", "GET /A/", "twice"),
        ("GET /:x", "GET /:y", "twice"),
        ("GET /*x", "GET /*y", "twice"),
        ("GET|POST /a", "POST|PUT /a", "twice"),
        ("* /a", "DELETE /a", "twice"),
        ("GET a.example/a", "GET a.example/a/", "twice"),
        ("GET /a/:x", "GET /:x/b", "narrower"),
        ("GET /a/*rest", "GET /*rest/b", "narrower"),
        ("GET /a/*rest", "GET /:x/b", "narrower"),
        ("GET /*rest/:x", "GET /a/*rest", "narrower"),
        ("* /a/:x", "PATCH /:x/b", "narrower"),
        ("GET /*rest/z", "GET /a/b/:c", "narrower"),
        ("GET api.example/:x", "GET /a", "narrower"),
        ("GET api.example/a", "GET api.example:8443/:x", "narrower"),
        ("GET api.example/*rest", "GET /a/:x", "narrower"),
    ];
    for (one, other, problem) in table {
        for keys in [[one, other], [other, one]] {
            match (with_routes(&keys, &[]), problem) {
                (Ok(_), NONE) => {}
                (Err(error), _) if !problem.is_empty() => {
                    let said = error.to_string();
                    assert!(keys.iter().all(|key| said.contains(&format!("ROUTES[{key:?}]"))), "{said}");
                    assert!(said.contains(problem), "{said}");
                }
                (result, _) => panic!("{keys:?}: {result:?}"),
            }
        }
    }
    // An open route beside a paid one, as well.
    let error = with_routes(&["GET /a/:x"], &[("OPEN_ROUTES", r#"["GET /:x/b"]"#)]).unwrap_err();
    assert!(
        error.to_string().contains("OPEN_ROUTES[0]") && error.to_string().contains(r#"ROUTES["GET /a/:x"]"#)
    );
}

#[test]
fn the_narrower_route_counts_in_whatever_order() {
    let keys = [
        "GET /*all",
        "GET /a/*rest",
        "GET /a/:x",
        "GET /a/b",
        "GET api.example/a/b",
        "GET api.example:8443/a/b",
    ];
    let reversed: Vec<_> = keys.iter().rev().copied().collect();
    for (url, expected) in [
        ("https://shop.example/z", "1"),
        ("https://shop.example/a", "1"),
        ("https://shop.example/a/x/y", "2"),
        ("https://shop.example/a/x", "3"),
        ("https://shop.example/a/b", "4"),
        ("https://api.example/a/b", "5"),
        ("https://api.example:8443/a/b", "6"),
    ] {
        assert_eq!(fate(&with_routes(&keys, &[]).unwrap(), "GET", url), expected, "{url}");
        let index = keys.len() + 1 - expected.parse::<usize>().unwrap();
        assert_eq!(fate(&with_routes(&reversed, &[]).unwrap(), "GET", url), index.to_string(), "{url}");
    }
}

#[test]
fn a_host_in_any_spelling_is_that_host_and_another_is_no_way_around() {
    let gate = with_routes(&["GET api.example/ask", "GET api.example/files/:name"], &[("UNLISTED", "pass")])
        .unwrap();
    for (url, expected) in [
        ("https://api.example/ask", "1"),
        ("https://API.Example/ask", "1"),
        ("https://api.example./ask", "1"),
        ("https://api.example:443/ask", "1"),
        ("https://api.example:8443/ask", "1"),
        ("http://api.example:80/ASK/", "1"),
        ("https://api.example:/ask", "1"),
        // All hosts may lead to one origin.
        ("https://other.example/ask", "route_in_doubt"),
        ("https://paywall.workers.example/ask", "route_in_doubt"),
        ("https://api.example.evil.example/ask", "route_in_doubt"),
        ("https://evil-api.example/ask", "route_in_doubt"),
        ("https://127.0.0.1/ask", "route_in_doubt"),
        ("https://[::1]/ask", "route_in_doubt"),
        ("https://other.example/ask.json", "route_in_doubt"),
        ("https://other.example/files/x", "route_in_doubt"),
        ("https://api.example../ask", "path_not_a_url"),
        ("https://.api.example/ask", "path_not_a_url"),
        ("https://api.example:x/ask", "path_not_a_url"),
        ("https://api.example:99999/ask", "path_not_a_url"),
        ("https://[::1/ask", "path_not_a_url"),
        ("https://[::ffff:1.2.3.4]:8443/ask", "route_in_doubt"),
        ("https://[::1]x/ask", "path_not_a_url"),
        ("https://[::g]/ask", "path_not_a_url"),
        ("https://api.example:+443/ask", "path_not_a_url"),
        ("https://other.example/free", "forwarded"),
        ("https://api.example/free", "forwarded"),
    ] {
        assert_eq!(fate(&gate, "GET", url), expected, "{url}");
    }
    // Open for every method is not open for the other methods of a path that is paid for.
    let beside = with_routes(&["GET /ask"], &[("OPEN_ROUTES", r#"["* /*all", "PUT /ask"]"#)]).unwrap();
    for (method, expected) in [("GET", "1"), ("POST", "route_in_doubt"), ("PUT", "forwarded")] {
        assert_eq!(fate(&beside, method, "https://shop.example/ask"), expected, "{method}");
    }
    // Listed for every host as well: a choice, where it names the path.
    let open = |route: &str| {
        let open = format!("[{route:?}]");
        with_routes(&["GET api.example/ask", "GET api.example/files/:name"], &[("OPEN_ROUTES", &open)])
            .unwrap()
    };
    for (route, url, expected) in [
        ("GET /ask", "https://other.example/ask", "forwarded"),
        ("GET /ask", "https://api.example/ask", "1"),
        ("GET /files/:x", "https://other.example/files/x", "forwarded"),
        ("GET /files/:x", "https://api.example/files/x", "2"),
        ("GET /*all", "https://other.example/ask", "route_in_doubt"),
        ("GET /*all", "https://other.example/ask.json", "route_in_doubt"),
        ("GET /*all", "https://other.example/files/x", "route_in_doubt"),
        ("GET /*all", "https://other.example/free", "forwarded"),
        ("GET www.example/*all", "https://www.example/ask", "forwarded"),
        ("GET www.example/*all", "https://other.example/ask", "not_listed"),
    ] {
        assert_eq!(fate(&open(route), "GET", url), expected, "{route}, {url}");
    }
}

#[test]
fn the_origin_is_told_the_host_that_was_matched_and_no_other() {
    let forged = [
        ("x-forwarded-host", "api.example"),
        ("X_Forwarded_Host", "api.example"),
        ("forwarded", "host=api.example"),
        ("x-host", "api.example"),
        ("x-original-host", "api.example"),
        ("x-kept", "yes"),
    ];
    let open = [("OPEN_ROUTES", r#"["GET www.example/ask"]"#)];
    let gate = with_routes(&["GET api.example/ask"], &open).unwrap();
    let request = RequestHead {
        method: "GET".into(),
        url: "https://WWW.example.:443/ask".into(),
        headers: forged.into_iter().collect(),
        ..RequestHead::default()
    };
    let forward = forwarded(gate.open(&request).1);
    assert_eq!(
        forward.headers.iter().collect::<Vec<_>>(),
        [("x-kept", "yes"), ("x-forwarded-host", "www.example")]
    );
    // Where no route names a host nothing hangs on it, and it is the client's and its proxies' to say.
    let request = ask("GET", "/health", &forged);
    assert_eq!(
        forwarded(super::gate(&[]).open(&request).1).headers.get("x-forwarded-host"),
        Some("api.example")
    );
}

#[test]
fn a_route_of_several_methods_is_offered_for_the_one_that_was_asked() {
    let gate = with_routes(&["GET|POST /ask"], &[]).unwrap();
    for (method, verb) in [("GET", "GET"), ("HEAD", "GET"), ("POST", "POST")] {
        let answer = responded(gate.open(&ask(method, "/ask", &[])).1);
        let offer = header(&answer.headers, "payment-required").unwrap();
        assert_eq!(offer["accepts"][0]["extra"]["httpVerb"], verb);
    }
    let answer = responded(gate.open(&ask("PUT", "/ask", &[])).1);
    assert_eq!((answer.status, answer.headers.get("allow")), (405, Some("GET, HEAD, POST, OPTIONS")));
}

/// The corpus that is written to the real Worker too, byte for byte (tests/workerd/bypass.test.mjs).
#[test]
fn no_alias_with_no_method_is_forwarded_as_what_a_lax_origin_takes_for_a_paid_path() {
    let corpus: Value = serde_json::from_str(include_str!("../../../tests/vectors/bypass.json")).unwrap();
    let list = |name: &str| {
        corpus[name].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect::<Vec<_>>()
    };
    let (aliases, methods) = (list("aliases"), list("methods"));
    assert!(aliases.len() * methods.len() >= 1000);
    let keys = ["GET /paid", "GET /files/:name", "GET /data/*rest"];
    let hosts = ["GET shop.example/paid", "GET shop.example/files/:name", "GET shop.example/data/*rest"];
    let (mut refused, mut passed) = (0, 0);
    for (keys, host) in
        [(keys, "shop.example"), (hosts, "shop.example"), (hosts, "Shop.Example."), (hosts, "other.example")]
    {
        for over in [
            [("UNLISTED", "deny"), ("OPEN_ROUTES", "[]")],
            [("UNLISTED", "pass"), ("OPEN_ROUTES", r#"["* /*all"]"#)],
        ] {
            let gate = with_routes(&keys, &over).unwrap();
            for (alias, method) in
                aliases.iter().flat_map(|alias| methods.iter().map(move |method| (alias, *method)))
            {
                let url = ["https://", host, alias].concat();
                let request = RequestHead { method: method.into(), url, ..RequestHead::default() };
                match gate.open(&request).1 {
                    Action::Respond(answer) => {
                        refused += 1;
                        assert!(
                            [400, 402, 404, 405].contains(&answer.status),
                            "{method} {alias}: {}",
                            answer.status
                        );
                    }
                    Action::Forward(forward) => {
                        passed += 1;
                        let reached = lax(&forward.url);
                        assert!(!is_paid(&reached), "{method} {alias} reached {reached}");
                    }
                    other => panic!("{method} {alias}: {other:?}"),
                }
            }
        }
    }
    assert!(refused > 5000, "{refused} {passed}");
}

/// The path as an origin reads it that decodes twice and ignores case, doubled slashes and the last one.
fn lax(url: &str) -> String {
    let path = url.trim_start_matches("https://origin.example").split('?').next().unwrap();
    let twice = (0..2).fold(path.to_string(), |path, _| decode(&path));
    let segments: Vec<_> = twice.split('/').filter(|segment| !segment.is_empty()).collect();
    ["/", &segments.join("/")].concat().to_ascii_lowercase()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail
            .get(..2)
            .and_then(|hex| core::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let byte = if *first == b'%' { hex } else { None };
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn is_paid(path: &str) -> bool {
    let plain: String = path.chars().filter(char::is_ascii).collect();
    let folder =
        ["/index", "/default"].iter().find_map(|page| Some(plain.split_at_checked(plain.rfind(page)?)?.0));
    let plain = folder.unwrap_or(&plain);
    let stem = plain.split([';', '.', ':', '?', '#', '\0']).next().unwrap_or_default();
    stem == "/paid"
        || plain.starts_with("/files/") && plain.matches('/').count() == 2
        || plain.starts_with("/data/")
}
