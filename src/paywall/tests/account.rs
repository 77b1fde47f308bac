//! Rule 21: what became of a settlement that nobody answered, of a token that can be used again, as the payer's balance
//! tells it, where it cannot be sent again. Where it can: see `again.rs`.

use super::super::state::*;
use super::state::Map;
use super::*;
use crate::wire::Secret;
use alloc::{boxed::Box, format, string::ToString};

const PAYER: &str = "0x00000000000000000000000000000000000000B1";
const LEASE: u64 = 10_000;

/// What happens to a payer's account.
enum Step {
    /// A settle of so many credits is about to be sent; what is held, where it can be read.
    Write(&'static str, u64, Option<u64>),
    /// Its receipt says that so many are left.
    Paid(&'static str, u64),
    /// Its receipt says that something was bought too.
    Bought(&'static str, u64),
    /// Nobody answered.
    Silent(&'static str),
    Refused(&'static str),
    /// The reconciler looks, and reads so many; nothing where nobody answers.
    Read(Option<u64>),
    /// The reconciler looks, and asks nothing.
    Nothing,
}

use Step::{Bought, Nothing, Paid, Read, Refused, Silent, Write};

struct Account {
    rows: Map,
    now: u64,
    amounts: Vec<(&'static str, u64)>,
}

impl Account {
    fn apply(&mut self, command: Command) {
        self.now += 10;
        assert_eq!(apply(&mut self.rows, &command, self.now).unwrap(), Reply::Done);
    }

    fn close(&mut self, visit: &str, end: End) {
        self.apply(Command::Close { visit: visit.into(), end, after: 1_000 });
    }

    fn receipt(&self, visit: &str, left: u64) -> Value {
        let credits = self.amounts.iter().find(|(known, _)| *known == visit).unwrap().1;
        json!({ "success": true, "creditsRedeemed": credits.to_string(), "remainingBalance": left.to_string() })
    }

    fn go(&mut self, step: Step) {
        match step {
            Write(visit, credits, held) => {
                self.amounts.push((visit, credits));
                let entry = Box::new(Entry {
                    visit: visit.into(),
                    stands: Stands::Settling,
                    at: self.now,
                    route: "GET /r".into(),
                    plan: "1001".into(),
                    network: "n".into(),
                    payer: Some(PAYER.into()),
                    request_id: None,
                    token: "sha256:0".into(),
                    nonce: None,
                    credits: credits.to_string(),
                    again: None,
                    delivered: false,
                    receipt: None,
                    why: None,
                    tries: 0,
                    rounds: 0,
                    quiet: 0,
                    late: 0,
                    blurred: false,
                });
                let command = Command::Write { entry, lease: LEASE };
                self.apply(command.clone());
                let asked = before(&self.rows, &command).unwrap();
                assert_eq!(asked.is_some(), held.is_some(), "{visit}: asked what is held");
                if let Some(job) = asked {
                    assert_eq!(job.call.path, format!("/api/v1/protocol/plans/1001/balance/{PAYER}"));
                    told(&mut self.rows, &job, read(held), self.now, &mut |_| ()).unwrap();
                }
            }
            Paid(visit, left) => self.close(visit, End::Settled { receipt: self.receipt(visit, left) }),
            Bought(visit, left) => {
                let mut receipt = self.receipt(visit, left);
                receipt["orderTx"] = "0x2".into();
                self.close(visit, End::Settled { receipt });
            }
            Silent(visit) => {
                self.close(visit, End::Unknown { why: "facilitator_timeout".into(), delivered: true })
            }
            Refused(visit) => {
                let receipt = json!({ "success": false });
                self.close(visit, End::Refused { receipt, spent: false, delivered: false });
            }
            Read(_) | Nothing => {
                self.now = self.now.max(self.rows.next_due().unwrap().unwrap());
                let mut log = Vec::new();
                let job = due(&mut self.rows, self.now, &mut |line| log.push(line)).unwrap();
                match (job, step) {
                    (Some(job), Read(held)) => {
                        assert_eq!(job.call.path, format!("/api/v1/protocol/plans/1001/balance/{PAYER}"));
                        told(&mut self.rows, &job, read(held), self.now, &mut |line| log.push(line)).unwrap();
                    }
                    (None, Nothing) => {}
                    (Some(_), _) => panic!("asked"),
                    (None, _) => panic!("not asked"),
                }
            }
        }
    }

    fn stands(&self, visit: &str) -> Entry {
        serde_json::from_str(&self.rows.get("entry", visit).unwrap().unwrap()).unwrap()
    }
}

fn read(held: Option<u64>) -> Told {
    held.map_or(Told::Unanswered, |held| {
        let body = json!({ "balance": held.to_string() }).to_string();
        Told::Answered(api::Response { status: 200, body, correlation_id: None })
    })
}

#[test]
fn rule_21_a_balance_tells_what_was_burned() {
    use Stands::{Settled, Unknown, Unpaid, Unresolved};
    type Row = (&'static str, Vec<Step>, Vec<(&'static str, Stands)>);
    let first = || Write("a", 2, Some(100));
    let table: Vec<Row> = Vec::from([
        ("burned", Vec::from([first(), Silent("a"), Read(Some(98))]), Vec::from([("a", Settled)])),
        (
            "not burned, and not a moment later either",
            Vec::from([first(), Silent("a"), Read(Some(100)), Read(Some(100))]),
            Vec::from([("a", Unpaid)]),
        ),
        (
            "not burned at first",
            Vec::from([first(), Silent("a"), Read(Some(100))]),
            Vec::from([("a", Unknown)]),
        ),
        (
            "burned late",
            Vec::from([first(), Silent("a"), Read(Some(100)), Read(Some(98))]),
            Vec::from([("a", Settled)]),
        ),
        (
            "read when it can be",
            Vec::from([first(), Silent("a"), Read(None), Read(None), Read(Some(98))]),
            Vec::from([("a", Settled)]),
        ),
        (
            "two of three",
            Vec::from([
                first(),
                Write("b", 2, None),
                Write("c", 2, None),
                Silent("c"),
                Silent("b"),
                Silent("a"),
                Read(Some(96)),
                Read(Some(96)),
                Read(Some(96)),
                Read(Some(96)),
            ]),
            Vec::from([("a", Settled), ("b", Settled), ("c", Unpaid)]),
        ),
        (
            "different amounts, all",
            Vec::from([first(), Write("b", 3, None), Silent("a"), Silent("b"), Read(Some(95))]),
            Vec::from([("a", Settled), ("b", Settled)]),
        ),
        (
            "different amounts, some: they might add up by chance",
            Vec::from([
                first(),
                Write("b", 3, None),
                Silent("a"),
                Silent("b"),
                Read(Some(98)),
                Read(Some(98)),
                Read(Some(98)),
                Read(Some(98)),
                Read(Some(98)),
                Read(Some(98)),
                Read(Some(98)),
                Nothing,
            ]),
            Vec::from([("a", Unresolved), ("b", Unresolved)]),
        ),
        (
            "burned before one that is known",
            Vec::from([first(), Silent("a"), Write("b", 2, None), Paid("b", 96), Read(Some(96))]),
            Vec::from([("a", Settled), ("b", Settled)]),
        ),
        (
            "not burned, beside one that is known",
            Vec::from([
                first(),
                Silent("a"),
                Write("b", 2, None),
                Paid("b", 98),
                Read(Some(98)),
                Read(Some(98)),
            ]),
            Vec::from([("a", Unpaid), ("b", Settled)]),
        ),
        (
            "not while another is on its way",
            Vec::from([first(), Silent("a"), Write("b", 2, None), Nothing, Paid("b", 96), Read(Some(96))]),
            Vec::from([("a", Settled), ("b", Settled)]),
        ),
        (
            "one that was refused burned nothing",
            Vec::from([first(), Silent("a"), Write("b", 2, None), Refused("b"), Read(Some(98))]),
            Vec::from([("a", Settled), ("b", Stands::Refused)]),
        ),
        (
            "what the receipts say is left is where the next begins, and is not asked",
            Vec::from([
                first(),
                Write("b", 2, None),
                Paid("b", 96),
                Paid("a", 98),
                Write("c", 5, None),
                Silent("c"),
                Read(Some(91)),
            ]),
            Vec::from([("a", Settled), ("b", Settled), ("c", Settled)]),
        ),
        (
            "what was counted is where the next begins",
            Vec::from([
                first(),
                Silent("a"),
                Read(Some(98)),
                Write("b", 2, None),
                Silent("b"),
                Read(Some(96)),
            ]),
            Vec::from([("a", Settled), ("b", Settled)]),
        ),
        (
            "others burn too",
            Vec::from([first(), Silent("a"), Read(Some(95)), Read(Some(95)), Read(Some(95)), Read(Some(95))]),
            Vec::from([("a", Unresolved)]),
        ),
        (
            "something was bought meanwhile",
            Vec::from([
                first(),
                Silent("a"),
                Read(Some(150)),
                Read(Some(150)),
                Read(Some(150)),
                Read(Some(150)),
            ]),
            Vec::from([("a", Unresolved)]),
        ),
        (
            "a receipt says that something was bought",
            Vec::from([first(), Silent("a"), Write("b", 2, None), Bought("b", 196), Nothing]),
            Vec::from([("a", Unresolved), ("b", Settled)]),
        ),
        (
            "others burned between two receipts, so it is read anew before the next",
            Vec::from([
                first(),
                Write("b", 2, None),
                Paid("a", 98),
                Paid("b", 90),
                Write("c", 2, Some(90)),
                Silent("c"),
                Read(Some(88)),
            ]),
            Vec::from([("a", Settled), ("b", Settled), ("c", Settled)]),
        ),
        (
            "others burned since the last receipt",
            Vec::from([
                first(),
                Paid("a", 98),
                Write("b", 2, None),
                Silent("b"),
                Read(Some(90)),
                Read(Some(90)),
                Read(Some(90)),
                Read(Some(90)),
            ]),
            Vec::from([("a", Settled), ("b", Unresolved)]),
        ),
        ("the isolate died: burned", Vec::from([first(), Read(Some(98))]), Vec::from([("a", Settled)])),
        (
            "the isolate died: not burned, and nobody knows that it was delivered",
            Vec::from([first(), Read(Some(100)), Read(Some(100))]),
            Vec::from([("a", Stands::Released)]),
        ),
    ]);
    for (name, steps, expected) in table {
        let mut account = Account { rows: Map::default(), now: NOW, amounts: Vec::new() };
        for step in steps {
            account.go(step);
        }
        for (visit, stands) in expected {
            let entry = account.stands(visit);
            assert_eq!(entry.stands, stands, "{name}: {visit} {entry:?}");
            let receipt = entry.receipt.unwrap_or_default();
            assert_eq!(receipt["success"] == true, stands == Settled, "{name}: {visit}");
        }
    }
}

#[test]
fn rule_21_without_a_balance_it_is_the_sellers_to_look_into() {
    let mut account = Account { rows: Map::default(), now: NOW, amounts: Vec::from([("a", 2)]) };
    let write = |account: &mut Account, payer: &str| {
        account.go(Write("a", 2, Some(100)));
        let mut entry = account.stands("a");
        entry.payer = Some(payer.into());
        account.rows = Map::default();
        account.apply(Command::Write { entry: Box::new(entry), lease: LEASE });
    };
    // A payer that is no address has no balance to be read; of another none was read before.
    for payer in ["0xb1", PAYER] {
        write(&mut account, payer);
        account.go(Silent("a"));
        account.go(Nothing);
        let entry = account.stands("a");
        assert_eq!(
            (entry.stands, entry.why.as_deref()),
            (Stands::Unresolved, Some("facilitator_timeout")),
            "{payer}"
        );
        account.rows = Map::default();
    }
}

#[test]
fn several_that_begin_at_once_read_what_is_held_before_any_of_them_is_sent() {
    for (name, first, second, burned) in [
        ("the first read counts", Some(100), Some(98), true),
        (
            "the first could not be read: what a later one says may not be what was held",
            None,
            Some(98),
            false,
        ),
    ] {
        let mut account = Account { rows: Map::default(), now: NOW, amounts: Vec::new() };
        account.go(Write("a", 2, Some(100)));
        let entry = account.stands("a");
        account.rows = Map::default();
        let write = |visit: &str| {
            let entry = Box::new(Entry { visit: visit.into(), ..entry.clone() });
            Command::Write { entry, lease: LEASE }
        };
        let jobs = ["a", "b"].map(|visit| {
            account.apply(write(visit));
            before(&account.rows, &write(visit)).unwrap().unwrap()
        });
        for (job, held) in jobs.iter().zip([first, second]) {
            told(&mut account.rows, job, read(held), account.now, &mut |_| ()).unwrap();
        }
        account.apply(write("c"));
        assert!(before(&account.rows, &write("c")).unwrap().is_none(), "{name}: one may be sent by now");
        for visit in ["a", "b", "c"] {
            account.go(Silent(visit));
        }
        match burned {
            true => account.go(Read(Some(94))),
            false => (0..3).for_each(|_| account.go(Nothing)),
        }
        let stands = if burned { Stands::Settled } else { Stands::Unresolved };
        assert_eq!(["a", "b", "c"].map(|visit| account.stands(visit).stands), [stands; 3], "{name}");
    }
}

#[test]
fn a_single_use_token_needs_no_balance() {
    let mut account = Account { rows: Map::default(), now: NOW, amounts: Vec::new() };
    account.go(Write("a", 2, Some(100)));
    let mut entry = account.stands("a");
    (entry.visit, entry.nonce, entry.again) = ("b".into(), Some("n".into()), Some(Secret::new("{}")));
    account.rows = Map::default();
    let command = Command::Write { entry: Box::new(entry), lease: LEASE };
    account.apply(command.clone());
    assert!(before(&account.rows, &command).unwrap().is_none());
}
