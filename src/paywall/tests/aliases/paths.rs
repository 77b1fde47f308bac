//! Aliases of a path, and what is forwarded.

use super::*;

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
