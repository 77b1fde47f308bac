//! Rule 16: nothing unpaid gets through. Rule 26: open routes are listed, not guessed.

use super::*;
use crate::paywall::http::path::{CanonicalPath, Target};
use alloc::string::ToString;

/// The result for a spelling of `/paid`, requested without a token.
#[derive(Debug, PartialEq)]
enum Fate {
    /// 402: protected as `/paid` is.
    Protected,
    /// 400 with this code.
    Refused(&'static str),
}

use Fate::{Protected, Refused};

const TWICE: Fate = Refused("path_encoded_twice");
const SEPARATOR: Fate = Refused("path_encoded_separator");
const BACKSLASH: Fate = Refused("path_backslash");
const PARAMETER: Fate = Refused("path_parameter");
const CONTROL: Fate = Refused("path_control");
const ENDING: Fate = Refused("path_ending");
const ENCODING: Fate = Refused("path_bad_encoding");
const ROOT: Fate = Refused("path_above_root");
const URL: Fate = Refused("path_not_a_url");
const DOUBT: Fate = Refused("route_in_doubt");

#[test]
fn every_alias_of_a_paid_path_is_protected_or_refused() {
    let table = [
        // As it is, and without or with what does not count.
        ("/paid", Protected),
        ("/paid/", Protected),
        ("/paid//", Protected),
        ("//paid", Protected),
        ("///paid///", Protected),
        ("/paid?", Protected),
        ("/paid?x=1", Protected),
        ("/paid/?x", Protected),
        ("/paid?/health", Protected),
        ("/paid?;x#", URL),
        // Case.
        ("/PAID", Protected),
        ("/pAiD/", Protected),
        ("/%50%41%49%44", Protected),
        // Percent-encoded once.
        ("/%70aid", Protected),
        ("/%70%61%69%64", Protected),
        ("/pai%64/", Protected),
        // Dot segments.
        ("/./paid", Protected),
        ("/paid/.", Protected),
        ("/paid/./", Protected),
        ("/a/../paid", Protected),
        ("/a/b/../../paid", Protected),
        ("/paid/x/..", Protected),
        ("/%2e/paid", Protected),
        ("/a/%2e%2E/paid", Protected),
        ("/a/.%2e/paid", Protected),
        ("/health/../paid", Protected),
        ("//a//..//paid", Protected),
        ("/../paid", ROOT),
        ("/a/../../paid", ROOT),
        ("/%2e%2e/paid", ROOT),
        // Separators in disguise.
        ("/%2fpaid", SEPARATOR),
        ("/a/..%2Fpaid", SEPARATOR),
        ("/..%2fpaid", SEPARATOR),
        ("/paid%2f", SEPARATOR),
        ("/paid%3fx", SEPARATOR),
        ("/paid%23x", SEPARATOR),
        ("/\u{ff0f}paid", SEPARATOR),
        ("/%ef%bc%8fpaid", SEPARATOR),
        ("/a%e2%81%84paid", SEPARATOR),
        ("/paid%ef%bc%9bx", SEPARATOR),
        ("/a/%e2%80%a5/paid", SEPARATOR),
        ("/\\paid", BACKSLASH),
        ("/a\\..\\paid", BACKSLASH),
        ("\\paid", BACKSLASH),
        ("/%5cpaid", BACKSLASH),
        ("/paid%5C", BACKSLASH),
        // Matrix parameters.
        ("/paid;x", PARAMETER),
        ("/paid;", PARAMETER),
        ("/paid;x=1/", PARAMETER),
        ("/paid%3bx", PARAMETER),
        ("/;/paid", PARAMETER),
        ("/x;/../paid", PARAMETER),
        ("/..;/paid", PARAMETER),
        // Encoded twice.
        ("/%2570aid", TWICE),
        ("/%252570aid", TWICE),
        ("/%25%37%30aid", TWICE),
        ("/paid%252f", TWICE),
        ("/paid%25", TWICE),
        // Not encoded at all.
        ("/paid%", ENCODING),
        ("/paid%2", ENCODING),
        ("/paid%zz", ENCODING),
        ("/%u0070aid", ENCODING),
        ("/%+7aid", ENCODING),
        ("/paid%ff", ENCODING),
        ("/%c0%afpaid", ENCODING),
        ("/%c1%b0aid", ENCODING),
        ("/%ed%a0%80paid", ENCODING),
        ("/paid\u{fffd}", ENCODING),
        // Control characters.
        ("/paid%00", CONTROL),
        ("/paid%00.html", CONTROL),
        ("/paid%09", CONTROL),
        ("/pa%0d%0aid", CONTROL),
        ("/paid%7f", CONTROL),
        ("/paid%c2%85", CONTROL),
        ("/paid?x\u{1}", CONTROL),
        // Characters that some file systems drop.
        ("/paid.", ENDING),
        ("/paid..", ENDING),
        ("/paid%2e", ENDING),
        ("/paid%20", ENDING),
        ("/%20paid", ENDING),
        ("/...", ENDING),
        ("/paid%e2%80%8b", ENDING),
        ("/paid%ef%bb%bf", ENDING),
        ("/paid%c2%a0", ENDING),
        ("/%e3%80%80paid", ENDING),
        ("/paid/%c2%a0", ENDING),
        ("/paid/%e2%80%8b/", ENDING),
        ("/paid::$DATA", ENDING),
        // Characters that some servers fold to ASCII, or ignore.
        ("/pa%c2%adid", DOUBT),
        ("/pai%e2%80%8bd", DOUBT),
        ("/p%ef%bb%bfaid", DOUBT),
        ("/%ef%bd%90aid", DOUBT),
        ("/p%c3%a1id", DOUBT),
        ("/pa%c4%b1d", DOUBT),
        ("/PA%c4%b0D", DOUBT),
        ("/%f0%9d%93%85aid", DOUBT),
        // Formats, from frameworks that answer them from the same route.
        ("/paid.json", DOUBT),
        ("/Paid.HTML", DOUBT),
        ("/paid:x", DOUBT),
        // The page of a folder.
        ("/paid/index.html", DOUBT),
        ("/paid/INDEX.php", DOUBT),
        ("/paid/index", DOUBT),
        ("/paid/default.aspx", DOUBT),
        ("/paid.json/index.html", DOUBT),
    ];
    assert!(table.len() >= 60);
    for (unlisted, gate) in ["deny", "pass"].map(|unlisted| (unlisted, gate(&[("UNLISTED", unlisted)]))) {
        for (path, fate) in &table {
            let answer = responded(gate.open(&ask("GET", path, &[])).1);
            let code = body(&answer)["code"].as_str().unwrap().to_string();
            match fate {
                Protected => assert_eq!((answer.status, code.as_str()), (402, "payment_missing"), "{path}"),
                // A path that is not listed needs no doubt to be denied.
                Refused("route_in_doubt") if unlisted == "deny" => assert_eq!(answer.status, 404, "{path}"),
                Refused(expected) => assert_eq!((answer.status, code.as_str()), (400, *expected), "{path}"),
            }
        }
    }
}

#[test]
fn what_was_matched_is_what_is_forwarded() {
    let gate = gate(&[("UNLISTED", "pass")]);
    for (asked, expected) in [
        ("/paid", "/paid"),
        ("/PAID/", "/paid"),
        ("//x/../%70aid?a=%2F&b", "/paid?a=%2F&b"),
        ("/Files/A%20b", "/files/A%20b"),
        ("/files/caf%c3%a9", "/files/caf%C3%A9"),
        ("/files/a,b=c@d!$&'()*+~", "/files/a,b=c@d!$&'()*+~"),
        ("/files/%5Bx%5D", "/files/%5Bx%5D"),
    ] {
        let request = ask("GET", asked, &[("payment-signature", &token())]);
        let (mut flow, verify) = gate.open(&request);
        assert_eq!(called(verify).0, "/api/v1/x402/verify", "{asked}");
        let forward = forwarded(flow.handle_event(valid(), NOW));
        assert_eq!(forward.url, ["https://origin.example", expected].concat(), "{asked}");
    }
    for (asked, expected) in [
        ("/health/", "/health"),
        ("/HEALTH", "/health"),
        ("/open/Page%20one/", "/open/Page%20one"),
        // Passed on, in the canonical spelling.
        ("/free", "/free"),
        ("/Free/", "/Free/"),
        ("//a/./b/../c/?q", "/a/c/?q"),
        ("/%66ree", "/free"),
        ("/%E6%97%A5%E6%9C%AC", "/%E6%97%A5%E6%9C%AC"),
        ("/%CE%B1", "/%CE%B1"),
        ("/paid/more", "/paid/more"),
        ("/prepaid", "/prepaid"),
        ("/paid-more", "/paid-more"),
        ("/files.d/a", "/files.d/a"),
        ("", "/"),
    ] {
        let forward = forwarded(gate.open(&ask("GET", asked, &[])).1);
        assert_eq!(forward.url, ["https://origin.example", expected].concat(), "{asked}");
    }
}

#[test]
fn urls_that_are_none_are_refused() {
    let gate = gate(&[("UNLISTED", "pass")]);
    for url in [
        "",
        "*",
        "/paid",
        "paid",
        "shop.example:443",
        "ftp://shop.example/paid",
        "https:///paid",
        "https://",
        "https://a@shop.example/paid",
        "https://shop.example/paid#x",
        "https://shop.example#/paid",
        "https://shop .example/paid",
        "https://shop%2eexample/paid",
        "https://shop.example\\paid",
        "javascript:alert(1)",
    ] {
        let request = RequestHead { method: "GET".into(), url: url.into(), ..RequestHead::default() };
        assert_eq!(responded(gate.open(&request).1).status, 400, "{url}");
    }
    // A target in absolute form, put after the host as one runtime does it, is a path and no more.
    let request = RequestHead {
        method: "GET".into(),
        url: "https://shop.example/http://shop.example/paid".into(),
        ..RequestHead::default()
    };
    let forward = forwarded(gate.open(&request).1);
    assert_eq!(forward.url, "https://origin.example/http:/shop.example/paid");
    let long = ["/", &"a".repeat(5000)].concat();
    assert_eq!(body(&responded(gate.open(&ask("GET", &long, &[])).1))["code"], "path_too_long");
    let long = ["/paid?", &"a".repeat(13_000)].concat();
    assert_eq!(body(&responded(gate.open(&ask("GET", &long, &[])).1))["code"], "path_too_long");
}

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
fn a_route_beyond_ascii_has_aliases_of_its_own() {
    let routes = "{\"GET /caf\u{e9}\": {\"planId\": \"1\", \"credits\": 1}, \"GET /\u{3b1}/x\": {\"planId\": \"1\", \"credits\": 1}}";
    let gate = gate(&[("UNLISTED", "pass"), ("ROUTES", routes)]);
    for (path, status) in [
        ("/caf%C3%A9", 402),
        ("/CAF%c3%a9/", 402),
        ("/caf\u{e9}", 402),
        // Another case, another normal form.
        ("/caf%C3%89", 400),
        ("/cafe%CC%81", 400),
        ("/%CE%B1/x", 402),
        ("/%CE%91/x", 400),
        ("/%CE%91/X", 400),
    ] {
        assert_eq!(responded(gate.open(&ask("GET", path, &[])).1).status, status, "{path}");
    }
    for path in ["/cafe", "/a/x", "/%CE%91/y", "/%CE%B1/x/y"] {
        forwarded(gate.open(&ask("GET", path, &[])).1);
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

#[test]
fn a_canonical_path_is_a_fixed_point_and_hides_nothing() {
    let pieces = [
        "/", "/", "paid", "PAID", ".", "..", "%2e", "%2F", "%5c", "%25", "%70", ";", "?", "#", "\\", "%",
        "a b", "%20", "\u{e9}", "%c3%a9", "\u{ff0f}", "\u{202e}", "%00", "\u{7f}", "+", "&", "=", ":", "@",
        "~", "x", "%zz", "*", "'",
    ];
    // A generator of no quality and always the same (xorshift).
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below).unwrap()
    };
    let gate = gate(&[("UNLISTED", "pass")]);
    let (mut canonical, mut refused, mut reached) = (0, 0, 0);
    for _ in 0..30_000 {
        let count = 1 + next(7);
        let raw: String = (0..count).map(|_| pieces[next(pieces.len() as u64)]).collect();
        let url = ["https://shop.example/", &raw].concat();
        let Ok(target) = Target::parse(&url) else {
            refused += 1;
            continue;
        };
        canonical += 1;
        let printed = target.path.print();
        assert_eq!(CanonicalPath::parse(&printed).as_ref(), Ok(&target.path), "{raw}");
        assert!(
            printed.is_ascii() && !printed.contains("//") && !printed.contains(['\\', ';', '?', '#', ' ']),
            "{raw}"
        );
        for escape in ["%2F", "%5C", "%25", "%3B", "%3F", "%23", "%00", "%7F"] {
            assert!(!printed.contains(escape), "{raw}");
        }
        assert!(printed.split('/').all(|segment| segment != "." && segment != ".."), "{raw}");
        // Whoever forwards it unpaid does not forward the paid path, in any case or with any slash.
        let request = RequestHead { method: "GET".into(), url, ..RequestHead::default() };
        if let Action::Forward(forward) = gate.open(&request).1 {
            reached += 1;
            let path = forward.url.trim_start_matches("https://origin.example").split('?').next().unwrap();
            assert_ne!(path.trim_end_matches('/').to_ascii_lowercase(), "/paid", "{raw}");
        }
    }
    assert!(canonical > 2000 && refused > 2000 && reached > 1000, "{canonical} {refused} {reached}");
}
