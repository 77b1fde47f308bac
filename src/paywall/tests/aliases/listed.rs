//! Methods, narrower routes and unlisted requests.

use super::*;

#[test]
fn a_method_that_is_not_listed_does_not_get_around_the_one_that_is() {
    let table = [
        ("HEAD", "/paid", 402, "as GET, without a body"),
        ("get", "/paid", 400, "method_unknown"),
        ("Get", "/paid", 400, "method_unknown"),
        ("PURGE", "/paid", 400, "method_unknown"),
        ("TRACE", "/paid", 400, "method_unknown"),
        ("CONNECT", "/paid", 400, "method_unknown"),
        ("PROPFIND", "/free", 400, "method_unknown"),
        ("", "/paid", 400, "method_unknown"),
        ("GET ", "/paid", 400, "method_unknown"),
        ("POST", "/paid", 405, "GET, HEAD, OPTIONS"),
        ("DELETE", "/PAID/", 405, "GET, HEAD, OPTIONS"),
        ("GET", "/ask", 405, "POST, OPTIONS"),
        ("HEAD", "/ask", 405, "POST, OPTIONS"),
        ("PUT", "/files/secret", 405, "GET, HEAD, OPTIONS"),
        ("GET", "/paid?_method=POST", 402, "the path has one method"),
        ("OPTIONS", "/paid", 204, "GET, HEAD, OPTIONS"),
    ];
    let gate = gate(&[("UNLISTED", "pass")]);
    for (method, path, status, what) in table {
        let answer = responded(gate.open(&ask(method, path, &[])).1);
        assert_eq!(answer.status, status, "{method} {path}");
        if answer.status == 405 || answer.status == 204 {
            assert_eq!(answer.headers.get("allow"), Some(what), "{method} {path}");
        }
        if method == "HEAD" {
            assert_eq!(answer.body, None);
            assert_eq!(header(&answer.headers, "payment-required").is_some(), status == 402);
        }
    }
    // An open route beside a paid one of another method, and a client that asks the origin to take it for that.
    let routes = r#"{"DELETE /thing": {"planId": "1", "credits": 1}}"#;
    let gate = super::gate(&[("ROUTES", routes), ("OPEN_ROUTES", r#"["POST /thing"]"#)]);
    forwarded(gate.open(&ask("POST", "/thing", &[])).1);
    for query in [
        "_method=DELETE",
        "a&_method=delete",
        "%5fmethod=DELETE",
        "_METHOD=DELETE",
        ".method=DELETE",
        "a;_method=DELETE",
        "[_method]=DELETE",
        "_method%00=DELETE",
    ] {
        let answer = responded(gate.open(&ask("POST", &["/thing?", query].concat(), &[])).1);
        assert_eq!(body(&answer)["code"], "route_in_doubt", "{query}");
    }
    forwarded(gate.open(&ask("POST", "/thing?method=DELETE", &[("content-type", "application/json")])).1);
    for kind in ["application/x-www-form-urlencoded", "Multipart/Form-Data; boundary=x"] {
        let answer = responded(gate.open(&ask("POST", "/thing", &[("content-type", kind)])).1);
        assert_eq!(body(&answer)["code"], "route_in_doubt", "{kind}");
    }
    // No form gets anything by it where the other method costs no more, or is another path's.
    let routes = r#"{
        "POST /thing": {"planId": "1", "credits": 2},
        "PUT /thing": {"planId": "1", "credits": 2},
        "DELETE /thing": {"planId": "1", "credits": 1},
        "GET /other": {"planId": "1", "credits": 100},
        "POST /other": {"planId": "1", "credits": 1}
    }"#;
    let gate = super::gate(&[("ROUTES", routes)]);
    let form = [("content-type", "application/x-www-form-urlencoded")];
    for (method, path, headers, status) in [
        ("POST", "/thing", &form[..], 402),
        ("PUT", "/thing", &form, 402),
        ("POST", "/other", &form, 400),
        ("POST", "/other", &[], 402),
    ] {
        let answer = responded(gate.open(&ask(method, path, headers)).1);
        assert_eq!(answer.status, status, "{method} {path} {headers:?}");
    }
}

#[test]
fn the_narrowest_route_is_the_one_that_counts() {
    let gate = gate(&[("UNLISTED", "pass")]);
    let credits = |path: &str| {
        let answer = responded(gate.open(&ask("GET", path, &[])).1);
        body(&answer)["accepts"][0]["extra"]["credits"].as_str().unwrap_or("none").to_string()
    };
    for (path, expected) in [
        ("/files/a", "1"),
        ("/files/secret", "100"),
        ("/files/SECRET/", "100"),
        ("/files/%73ecret", "100"),
        // Cheaper by an alias of the dear one: in doubt.
        ("/files/secret.txt", "none"),
        ("/files/%c5%bfecret", "none"),
        ("/files/secrets", "1"),
        ("/files/caf%c3%a9", "1"),
    ] {
        assert_eq!(credits(path), expected, "{path}");
    }
    let routes = r#"{"GET /open/secret": {"planId": "1", "credits": 1}}"#;
    let gate = super::gate(&[("ROUTES", routes)]);
    for (path, status) in [
        ("/open/secret", 402),
        ("/open/secret/", 402),
        ("/open/SECRET", 402),
        ("/open/secret.json", 400),
        ("/open/se%c2%adcret", 400),
    ] {
        assert_eq!(responded(gate.open(&ask("GET", path, &[])).1).status, status, "{path}");
    }
    forwarded(gate.open(&ask("GET", "/open/other", &[])).1);
}

#[test]
fn what_looks_like_a_paid_path_and_is_listed_by_name_is_what_was_meant() {
    let open = r#"["GET /paid.json", "GET /paid/index.html", "GET /docs/:page"]"#;
    let gate = gate(&[("OPEN_ROUTES", open)]);
    for path in ["/paid.json", "/PAID.json/", "/paid/index.html", "/docs/a"] {
        forwarded(gate.open(&ask("GET", path, &[])).1);
    }
    for (path, status) in [("/paid", 402), ("/paid.html", 404), ("/paid/index.php", 404)] {
        assert_eq!(responded(gate.open(&ask("GET", path, &[])).1).status, status, "{path}");
    }
}

#[test]
fn a_folder_and_its_page_are_one_and_so_are_a_page_and_its_name_without_a_format() {
    let routes = r#"{"GET /": {"planId": "1", "credits": 1}, "GET /docs/index.html": {"planId": "1", "credits": 1}, "GET /report.html": {"planId": "1", "credits": 1}}"#;
    let gate = gate(&[("UNLISTED", "pass"), ("ROUTES", routes)]);
    for (path, status) in [
        ("/", 402),
        ("/index.html", 400),
        ("/Index", 400),
        ("/docs/index.html", 402),
        ("/docs/", 400),
        ("/Docs", 400),
        ("/docs/index", 400),
        ("/docs/index.html/index.html", 400),
        ("/report.html", 402),
        ("/report", 400),
        ("/REPORT/", 400),
        ("/report.html.gz", 400),
        ("/report/index.html", 400),
    ] {
        assert_eq!(responded(gate.open(&ask("GET", path, &[])).1).status, status, "{path}");
    }
    for path in [
        "/docs/index.htm",
        "/indexes",
        "/docs/page",
        "/reports",
        "/rep",
        "/report.pdf",
        "/docs/indexed.html",
        "/index.html/x",
        "/docs/x/index.html",
    ] {
        forwarded(gate.open(&ask("GET", path, &[])).1);
    }
}

#[test]
fn an_unlisted_route_is_denied_unless_the_setting_says_it_passes() {
    for path in ["/", "/free", "/paid/more", "/files", "/files/a/b", "/.well-known/x"] {
        let answer = responded(gate(&[]).open(&ask("GET", path, &[])).1);
        assert_eq!((answer.status, body(&answer)["code"].as_str()), (404, Some("not_listed")), "{path}");
        forwarded(gate(&[("UNLISTED", "pass")]).open(&ask("GET", path, &[])).1);
    }
}
