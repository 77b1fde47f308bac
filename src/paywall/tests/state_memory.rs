//! The state in the memory of a process: closed entries make room for newer ones, and nothing else does.

use super::super::state::*;
use super::state::{close, entry, refused, released, settled, write};
use super::*;
use crate::wire::Secret;
use alloc::{boxed::Box, format, vec::Vec};

fn run(store: &mut MemoryStore, object: &str, command: &Command) -> Reply {
    let mut reply = Reply::Nothing;
    store
        .run(object, &mut |mut rows| {
            reply = apply(&mut rows, command, NOW)?;
            Ok(())
        })
        .unwrap();
    reply
}

fn is_kept(store: &mut MemoryStore, object: &str, id: &str) -> bool {
    matches!(run(store, object, &Command::Receipt { id: id.into() }), Reply::Receipt { .. })
}

#[test]
fn the_newest_ten_thousand_closed_entries_are_kept_of_all_payers_together() {
    let mut store = MemoryStore::new();
    let spent = |id: &str| Command::Admit {
        id: id.into(),
        rates: Vec::new(),
        claim: Some(Claim { nonce: "n".into(), lease: 1_000 }),
        allowance: None,
        open: None,
        entry: None,
    };
    // These are kept in any case: an entry that is under way, one to be looked into, one given back, and a debt.
    let unknown = SettlementOutcome::Unknown { why: "timed_out".into(), delivered: true };
    let owed = SettlementOutcome::Owed { why: "x".into(), again: Secret::new("{}"), receipt: None };
    let mut settled_late = entry("late", EntryStatus::Settling, None);
    settled_late.copied_to_seller = true;
    let kept = [
        ("under way", write("under way", EntryStatus::Settling, None), None),
        ("unresolved", write("unresolved", EntryStatus::Settling, None), Some(unknown)),
        ("released", write("released", EntryStatus::Settling, None), Some(released())),
        ("owed", write("owed", EntryStatus::Settling, None), Some(owed)),
        ("late", Command::Write { entry: Box::new(settled_late), lease: 1_000 }, Some(settled())),
    ];
    for (id, write, end) in kept.clone() {
        assert_eq!(run(&mut store, "payer-0", &write), Reply::Done, "{id}");
        if let Some(end) = end {
            assert_eq!(run(&mut store, "payer-0", &close(id, end)), Reply::Done, "{id}");
        }
    }
    // A single-use token whose entry makes room for others stays spent.
    assert_eq!(run(&mut store, "payer-0", &spent("once")), Reply::Admitted { free: false });
    run(&mut store, "payer-0", &write("once", EntryStatus::Settling, Some("n")));
    run(&mut store, "payer-0", &close("once", settled()));
    assert!(is_kept(&mut store, "payer-0", "once"));

    let payer = |index: usize| format!("payer-{}", index % 3);
    for index in 0..10_100 {
        let id = format!("v{index}");
        run(&mut store, &payer(index), &write(&id, EntryStatus::Settling, None));
        run(&mut store, &payer(index), &close(&id, if index % 2 == 0 { settled() } else { refused(true) }));
    }
    for (id, ..) in kept {
        assert!(is_kept(&mut store, "payer-0", id), "{id}");
    }
    assert!(!is_kept(&mut store, "payer-0", "once"));
    assert_eq!(run(&mut store, "payer-0", &spent("another")), Reply::Used);
    let mut standing = |index: usize| is_kept(&mut store, &payer(index), &format!("v{index}"));
    assert_eq!([0, 99, 100, 10_099].map(&mut standing), [false, false, true, true]);
}

#[test]
fn rows_of_one_object_alone_make_room_too() {
    let mut rows = MemoryRows::new();
    for index in 0..10_050 {
        let id = format!("v{index}");
        apply(&mut rows, &write(&id, EntryStatus::Settling, None), NOW).unwrap();
        apply(&mut rows, &close(&id, settled()), NOW).unwrap();
    }
    let is_kept = |index: usize| rows.get("entry", &format!("v{index}")).unwrap().is_some();
    assert_eq!([0, 49, 50, 10_049].map(is_kept), [false, false, true, true]);
}
