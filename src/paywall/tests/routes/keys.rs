//! The syntax of keys, and which of them stand against each other.

use super::*;

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
