//! Rule 19 for things that lie still: what an object of a bucket or a file is answered with, and so what is settled.

use super::*;
use alloc::{format, string::ToString};

const ETAG: &str = "\"v1\"";
const MODIFIED: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn object(size: Option<u64>) -> ObjectHead {
    let headers = [
        ("etag", ETAG),
        ("last-modified", MODIFIED),
        ("content-type", "video/mp4"),
        ("cache-control", "max-age=60"),
    ];
    ObjectHead { size, headers: headers.into_iter().collect() }
}

fn forward(method: &str, headers: &[(&str, &str)]) -> Forward {
    let open = r#"["GET|POST /files/:name"]"#;
    let gate = gate(&[("ROUTES", "{}"), ("OPEN_ROUTES", open)]);
    forwarded(gate.open(&ask(method, "/files/film", headers)).1)
}

#[test]
fn conditions_and_ranges() {
    use ObjectBody::{Nothing, Whole};
    let part = |offset, length| ObjectBody::Part { offset, length };
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    type Row<'a> = (&'a [(&'a str, &'a str)], u16, ObjectBody, Option<&'a str>);
    let table: Vec<Row<'_>> = Vec::from([
        (&[][..], 200, Whole, None),
        // Ranges of 1000 bytes.
        (&[("range", "bytes=0-0")], 206, part(0, 1), Some("bytes 0-0/1000")),
        (&[("range", "bytes=0-499")], 206, part(0, 500), Some("bytes 0-499/1000")),
        (&[("range", "bytes=500-")], 206, part(500, 500), Some("bytes 500-999/1000")),
        (&[("range", "bytes=-1")], 206, part(999, 1), Some("bytes 999-999/1000")),
        (&[("range", "bytes=-5000")], 206, part(0, 1000), Some("bytes 0-999/1000")),
        (&[("range", "bytes=900-5000")], 206, part(900, 100), Some("bytes 900-999/1000")),
        (&[("range", "Bytes = 1-2")], 206, part(1, 2), Some("bytes 1-2/1000")),
        (&[("range", "bytes=0-99999999999999999999999")], 206, part(0, 1000), Some("bytes 0-999/1000")),
        (&[("range", "bytes=1000-")], 416, Nothing, Some("bytes */1000")),
        (&[("range", "bytes=99999999999999999999999-")], 416, Nothing, Some("bytes */1000")),
        (&[("range", "bytes=-0")], 416, Nothing, Some("bytes */1000")),
        // No range that we read: the whole.
        (&[("range", "bytes=0-1,5-6")], 200, Whole, None),
        (&[("range", "bytes=5-4")], 200, Whole, None),
        (&[("range", "bytes=-")], 200, Whole, None),
        (&[("range", "bytes=a-b")], 200, Whole, None),
        (&[("range", "bytes=+1-2")], 200, Whole, None),
        (&[("range", "lines=1-2")], 200, Whole, None),
        (&[("range", "0-1")], 200, Whole, None),
        // If-Range.
        (&[("range", "bytes=0-0"), ("if-range", ETAG)], 206, part(0, 1), Some("bytes 0-0/1000")),
        (&[("range", "bytes=0-0"), ("if-range", MODIFIED)], 206, part(0, 1), Some("bytes 0-0/1000")),
        (&[("range", "bytes=0-0"), ("if-range", "\"v0\"")], 200, Whole, None),
        (&[("range", "bytes=0-0"), ("if-range", "W/\"v1\"")], 200, Whole, None),
        (&[("range", "bytes=0-0"), ("if-range", EARLIER)], 200, Whole, None),
        (&[("range", "bytes=0-0"), ("if-range", LATER)], 200, Whole, None),
        (&[("range", "bytes=0-0"), ("if-range", "v1")], 200, Whole, None),
        // Entity tags.
        (&[("if-none-match", ETAG)], 304, Nothing, None),
        (&[("if-none-match", "W/\"v1\"")], 304, Nothing, None),
        (&[("if-none-match", "\"v0\", \"v1\"")], 304, Nothing, None),
        (&[("if-none-match", "*")], 304, Nothing, None),
        (&[("if-none-match", "\"v0\"")], 200, Whole, None),
        (&[("if-none-match", "v1")], 200, Whole, None),
        (&[("if-none-match", ETAG), ("range", "bytes=0-0")], 304, Nothing, None),
        (&[("if-match", ETAG)], 200, Whole, None),
        (&[("if-match", "*")], 200, Whole, None),
        (&[("if-match", "\"v0\"")], 412, Nothing, None),
        (&[("if-match", "W/\"v1\"")], 412, Nothing, None),
        (&[("if-match", "\"v0\""), ("if-none-match", ETAG)], 412, Nothing, None),
        // Dates, where no entity tag decides.
        (&[("if-modified-since", MODIFIED)], 304, Nothing, None),
        (&[("if-modified-since", LATER)], 304, Nothing, None),
        (&[("if-modified-since", EARLIER)], 200, Whole, None),
        (&[("if-modified-since", "yesterday")], 200, Whole, None),
        (&[("if-modified-since", LATER), ("if-none-match", "\"v0\"")], 200, Whole, None),
        (&[("if-unmodified-since", MODIFIED)], 200, Whole, None),
        (&[("if-unmodified-since", EARLIER)], 412, Nothing, None),
        (&[("if-unmodified-since", EARLIER), ("if-match", ETAG)], 200, Whole, None),
    ]);
    for (headers, status, body, range) in table {
        let answer = forward("GET", headers).for_object(Some(&object(Some(1000))));
        assert_eq!((answer.head.status, answer.body), (status, body), "{headers:?}");
        assert_eq!(answer.head.headers.get("content-range"), range, "{headers:?}");
        let served = status == 200 || status == 206;
        assert_eq!(answer.head.headers.get("accept-ranges").is_some(), served, "{headers:?}");
        let length = match body {
            Nothing => None,
            Whole => Some("1000".to_string()),
            ObjectBody::Part { length, .. } => Some(format!("{length}")),
        };
        assert_eq!(answer.head.headers.get("content-length").map(ToString::to_string), length, "{headers:?}");
        // The answer to HEAD is that to GET without the body; a range is for GET alone.
        let head = forward("HEAD", headers).for_object(Some(&object(Some(1000))));
        let expected = if matches!(status, 206 | 416) { 200 } else { status };
        assert_eq!((head.head.status, head.body), (expected, Nothing), "HEAD {headers:?}");
        assert_eq!(
            head.head.headers.get("content-length"),
            (expected == 200).then_some("1000"),
            "HEAD {headers:?}"
        );
    }
}

#[test]
fn what_is_not_there_or_has_no_size() {
    let answer = forward("GET", &[("range", "bytes=0-1"), ("if-none-match", "*")]).for_object(None);
    assert_eq!((answer.head.status, answer.body), (404, ObjectBody::Nothing));
    let answer = forward("POST", &[]).for_object(Some(&object(Some(1))));
    assert_eq!((answer.head.status, answer.head.headers.get("allow")), (405, Some("GET, HEAD")));
    let answer = forward("GET", &[("range", "bytes=0-1")]).for_object(Some(&object(None)));
    assert_eq!((answer.head.status, answer.body), (200, ObjectBody::Whole));
    let empty = forward("GET", &[("range", "bytes=0-")]).for_object(Some(&object(Some(0))));
    assert_eq!((empty.head.status, empty.head.headers.get("content-range")), (416, Some("bytes */0")));
    let bare = ObjectHead { size: Some(3), headers: HeaderList::new() };
    for condition in ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"] {
        let answer = forward("GET", &[(condition, "\"v1\"")]).for_object(Some(&bare));
        assert_eq!(answer.head.status, if condition == "if-match" { 412 } else { 200 }, "{condition}");
    }
}

#[test]
fn a_304_says_what_a_cache_needs_and_no_more() {
    let answer = forward("GET", &[("if-none-match", ETAG)]).for_object(Some(&object(Some(1000))));
    let names: Vec<_> = answer.head.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["etag", "last-modified", "cache-control"]);
}

#[test]
fn the_key_of_an_object_is_the_canonical_path_decoded() {
    let text = |name: &str| match name {
        "NVM_API_KEY" => Some("sandbox:e30.e30.c2ln".to_string()),
        "ROUTES" => Some("{}".to_string()),
        "OPEN_ROUTES" => Some(r#"["GET /Data/*rest"]"#.to_string()),
        "UNLISTED" => Some("deny".to_string()),
        _ => None,
    };
    let gate = Gate::new(Settings::read(text, Bindings { bucket: true, ..Bindings::default() }).unwrap());
    for (path, expected) in [
        ("/Data/a.csv", "Data/a.csv"),
        ("/data//a%20b/./c/../d.csv", "Data/a b/d.csv"),
        ("/data/%E6%97%A5", "Data/\u{65e5}"),
    ] {
        let forward = forwarded(gate.open(&ask("GET", path, &[])).1);
        assert_eq!(forward.origin, Origin::Bucket { key: expected.into() }, "{path}");
    }
}

#[test]
fn a_gate_stands_before_one_origin() {
    let read = |url: &str, bindings: &[&str]| {
        let url = url.to_string();
        let text = move |name: &str| match name {
            "NVM_API_KEY" => Some("sandbox:e30.e30.c2ln".to_string()),
            "ROUTES" => Some("{}".to_string()),
            "UNLISTED" => Some("pass".to_string()),
            "ORIGIN_URL" => Some(url.clone()),
            _ => None,
        };
        let bound = |name: &str| bindings.contains(&name);
        let bindings = Bindings {
            origin: bound("ORIGIN"),
            bucket: bound("BUCKET"),
            assets: bound("ASSETS"),
            ..Bindings::default()
        };
        Settings::read(text, bindings)
            .map(|settings| forwarded(Gate::new(settings).open(&ask("GET", "/a", &[])).1).origin)
    };
    let url = "https://origin.example";
    for (url, bindings, expected) in [
        (url, &[][..], Ok(Origin::Url)),
        (url, &["ORIGIN"], Ok(Origin::Service)),
        ("", &["ORIGIN"], Ok(Origin::Service)),
        ("", &["BUCKET"], Ok(Origin::Bucket { key: "a".into() })),
        ("", &["ASSETS"], Ok(Origin::Assets)),
        ("", &[], Err("ORIGIN_URL")),
        (url, &["BUCKET"], Err("BUCKET")),
        (url, &["ASSETS"], Err("ASSETS")),
        (url, &["ORIGIN", "BUCKET"], Err("BUCKET")),
        ("", &["ORIGIN", "ASSETS"], Err("ASSETS")),
        ("", &["BUCKET", "ASSETS"], Err("ASSETS")),
    ] {
        let read = read(url, bindings);
        assert_eq!(
            read.as_ref().map_err(|error| error.key.as_str()),
            expected.as_ref().map_err(|key| *key),
            "{bindings:?}"
        );
    }
}

#[test]
fn only_a_get_with_a_range_asks_for_a_part() {
    let headers = [
        ("accept", "*/*"),
        ("range", "bytes=0-1"),
        ("if-none-match", ETAG),
        ("If-Range", ETAG),
        ("x-if", "yes"),
    ];
    for (method, headers, part) in [
        ("GET", &headers[..], true),
        ("HEAD", &headers[..], false),
        ("GET", &headers[..1], false),
        ("POST", &headers[..], false),
    ] {
        assert_eq!(forward(method, headers).asks_for_a_part(), part, "{method} {headers:?}");
    }
}
