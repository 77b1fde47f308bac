//! The route of a request.

use super::*;

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
    let corpus: Value = serde_json::from_str(include_str!("../../../../tests/vectors/bypass.json")).unwrap();
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
