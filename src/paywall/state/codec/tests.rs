//! Each form is read as it is written, and records of earlier versions are read.

use crate::paywall::state::filing::Nonce;
use crate::paywall::state::json::{JsonForm, Unreadable, print, read};
use crate::paywall::state::open_deliveries::Slots;
use crate::paywall::state::{Command, Entry, EntryStatus, Reply, SettlementOutcome};
use alloc::string::ToString;
use serde_json::Value;

const ENTRY: &str = r#"{"id":"v","status":"settling","at":1,"route":"POST /ask","plan":"7","network":"eip155:1","payer":null,"requestId":"r","token":"sha256:0","nonce":"n","credits":"3","again":"{}","delivered":false,"receipt":{"success":true},"why":"late","tries":2,"rounds":1,"quiet":3,"late":4,"sent":true,"open":true,"ends":5,"filed":true}"#;
const SHORT: &str = r#"{"id":"v","status":"owed","at":1,"route":"r","plan":"7","network":"n","payer":"0x","requestId":null,"token":"t","credits":"3","delivered":true,"tries":0,"rounds":0,"quiet":3,"late":0,"sent":false}"#;

/// Reads a text and prints it again. Returns the printed JSON, its members in order, or the error of reading the text.
fn again<T: JsonForm>(text: &str) -> Result<Value, Unreadable> {
    read::<T>(text).map(|value| serde_json::from_str(&print(&value)).unwrap())
}

#[test]
fn each_form_is_read_as_it_is_written() {
    let write = [r#"{"do":"write","entry":"#, ENTRY, r#","lease":9}"#].concat();
    let file = [r#"{"do":"file","entry":"#, SHORT, "}"].concat();
    for text in [
        r#"{"do":"admit","id":"v","rates":[{"name":"r","requests":2,"seconds":60}],"claim":{"nonce":"n","lease":9},"allowance":{"name":"a","perDay":3}}"#,
        r#"{"do":"admit","id":"v","rates":[]}"#,
        r#"{"do":"admit","id":"v","rates":[],"open":{"plan":"7","most":2,"lease":9,"settleLease":8}}"#,
        r#"{"do":"release","id":"v","open":"7"}"#,
        r#"{"do":"renew","id":"v","lease":9}"#,
        r#"{"do":"release","id":"v","claim":{"nonce":"n","lease":9}}"#,
        r#"{"do":"release","id":"v","allowance":{"name":"a","perDay":3}}"#,
        &write,
        r#"{"do":"charge","id":"v","credits":"3","again":"{}","lease":9}"#,
        r#"{"do":"charge","id":"v","credits":"3","lease":9}"#,
        r#"{"do":"close","id":"v","end":{"end":"settled","receipt":{"success":true}},"after":9}"#,
        r#"{"do":"close","id":"v","end":{"end":"refused","receipt":{},"spent":true,"delivered":false},"after":9}"#,
        r#"{"do":"close","id":"v","end":{"end":"unknown","why":"late","delivered":false},"after":9}"#,
        r#"{"do":"close","id":"v","end":{"end":"owed","why":"late","again":"{}"},"after":9}"#,
        r#"{"do":"close","id":"v","end":{"end":"owed","why":"no","again":"{}","receipt":{}},"after":9,"round":2}"#,
        r#"{"do":"close","id":"v","end":{"end":"released","why":"gone"},"after":9}"#,
        r#"{"do":"receipt","id":"v"}"#,
        r#"{"do":"journal"}"#,
        r#"{"do":"journal","after":"v"}"#,
        r#"{"do":"journal","book":true}"#,
        &file,
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(again::<Command>(text), Ok(value), "{text}");
        let command = Command::from_text(text).unwrap();
        assert_eq!(serde_json::from_str::<Command>(text).unwrap(), command, "{text}");
        assert_eq!(serde_json::to_value(&command).unwrap(), command.to_json(), "{text}");
    }
    let journal = [r#"{"say":"journal","entries":["#, ENTRY, ",", SHORT, "]}"].concat();
    let owing = [r#"{"say":"owing","entry":"#, ENTRY, "}"].concat();
    for text in [
        r#"{"say":"admitted","free":true}"#,
        r#"{"say":"limited","retryAfter":3}"#,
        r#"{"say":"used"}"#,
        r#"{"say":"inProgress"}"#,
        &owing,
        r#"{"say":"done"}"#,
        r#"{"say":"lost"}"#,
        r#"{"say":"receipt","status":"settled","receipt":{"success":true}}"#,
        r#"{"say":"receipt","status":"unresolved","receipt":null}"#,
        r#"{"say":"nothing"}"#,
        &journal,
    ] {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(again::<Reply>(text), Ok(value), "{text}");
        assert_eq!(Reply::from_text(text).unwrap().to_text().len(), text.len(), "{text}");
    }
    for status in EntryStatus::ALL {
        assert_eq!(EntryStatus::from_json(status.to_json()), Ok(status));
    }
    let known = r#","tries":2,"rounds":1,"quiet":3,"late":4,"sent":true,"open":true,"ends":5,"filed":true"#;
    for (status, sent) in [("settling", true), ("delivering", false), ("abandoned", false), ("owed", true)] {
        let before = ENTRY
            .replace(known, r#","blurred":true"#)
            .replace("settling", status)
            .replace(r#""status""#, r#""stands""#);
        let old = read::<Entry>(&before).unwrap();
        let numbers = (old.tries, old.rounds, old.settle_grace_ms, old.in_flight_until);
        assert_eq!(numbers, (0, 0, 130_000, 0), "an entry from before these were known");
        assert_eq!(
            (old.sent, old.open, old.token_expires_at, old.copied_to_seller),
            (sent, false, None, false),
            "{status}"
        );
    }
    let before = r#"{"do":"close","id":"v","end":{"end":"unknown","why":"late"},"after":9}"#;
    let Ok(Command::Close { end: SettlementOutcome::Unknown { delivered, .. }, .. }) =
        Command::from_text(before)
    else {
        panic!("not read: {before}")
    };
    assert!(delivered, "an end from before a client could be gone");
}

#[test]
fn what_is_not_ours_is_not_read() {
    for (text, member) in [
        ("", "JSON"),
        ("{", "JSON"),
        ("[]", "an object"),
        ("{}", "do"),
        (r#"{"do":7}"#, "do"),
        (r#"{"do":"dance","id":"v"}"#, "do"),
        (r#"{"do":"receipt"}"#, "id"),
        (r#"{"do":"receipt","id":7}"#, "id"),
        (r#"{"do":"admit","id":"v"}"#, "rates"),
        (r#"{"do":"admit","id":"v","rates":[{"name":"r","requests":4294967296,"seconds":1}]}"#, "requests"),
        (r#"{"do":"admit","id":"v","rates":[],"claim":"n"}"#, "an object"),
        (r#"{"do":"admit","id":"v","rates":[],"claim":{"nonce":"n","lease":-1}}"#, "lease"),
        (r#"{"do":"charge","id":"v","credits":3,"lease":1}"#, "credits"),
        (r#"{"do":"close","id":"v","after":1}"#, "an object"),
        (r#"{"do":"close","id":"v","end":{"end":"well"},"after":1}"#, "end"),
        (
            r#"{"do":"close","id":"v","end":{"end":"refused","receipt":{},"spent":1,"delivered":true},"after":1}"#,
            "spent",
        ),
    ] {
        assert_eq!(Command::from_text(text), Err(Unreadable(member)), "{text}");
    }
    for (member, wrong) in [("status", r#""settling""#), ("at", ":1,"), ("delivered", "false")] {
        let text = ENTRY.replacen(wrong, if wrong == ":1," { r#":"1","# } else { r#""x""# }, 1);
        assert_eq!(read::<Entry>(&text), Err(Unreadable(member)), "{text}");
    }
    assert_eq!(Reply::from_text(r#"{"say":"hello"}"#), Err(Unreadable("say")));
    assert_eq!(Unreadable("say").to_string(), "invalid state record: say");
}

#[test]
fn the_id_of_a_request_is_read_under_its_earlier_name() {
    fn reads<T: JsonForm>(texts: &[&str]) {
        for text in texts {
            let earlier = text.replace(r#""id":"#, r#""visit":"#);
            assert_ne!(earlier, *text, "{text}");
            assert_eq!(again::<T>(&earlier), Ok(serde_json::from_str(text).unwrap()), "{earlier}");
        }
    }
    reads::<Entry>(&[ENTRY, SHORT]);
    reads::<Nonce>(&[
        r#"{"is":"Claimed","id":"v","until":9}"#,
        r#"{"is":"Held","id":"v"}"#,
        r#"{"is":"Spent","id":"v"}"#,
    ]);
    reads::<Slots>(&[r#"{"held":[{"id":"v","until":9}],"owed":["w"]}"#]);
    reads::<Command>(&[
        r#"{"do":"admit","id":"v","rates":[]}"#,
        r#"{"do":"release","id":"v","open":"7"}"#,
        r#"{"do":"charge","id":"v","credits":"3","lease":9}"#,
        r#"{"do":"renew","id":"v","lease":9}"#,
        r#"{"do":"close","id":"v","end":{"end":"released","why":"gone"},"after":9}"#,
        r#"{"do":"receipt","id":"v"}"#,
        &[r#"{"do":"write","entry":"#, ENTRY, r#","lease":9}"#].concat(),
        &[r#"{"do":"file","entry":"#, SHORT, "}"].concat(),
    ]);
    reads::<Reply>(&[
        &[r#"{"say":"journal","entries":["#, ENTRY, ",", SHORT, "]}"].concat(),
        &[r#"{"say":"owing","entry":"#, ENTRY, "}"].concat(),
    ]);
}
