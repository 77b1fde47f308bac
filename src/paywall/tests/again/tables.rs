//! Case by case.

use super::*;

/// What happens, one after the other.
enum Step {
    /// A settle is sent of a visit, and this befalls it. Where nobody answers the answer is delivered.
    Sent(&'static str, Fate),
    /// The same for another price.
    Of(&'static str, u64, Fate),
    /// The client is gone, so the answer is not delivered.
    Gone(&'static str, Fate),
    /// A settle is about to be sent.
    Begins(&'static str),
    /// This befell it.
    Ends(&'static str, Fate),
    /// It is paid, and its receipt does not say what is left.
    Unsaid(&'static str),
    /// The route has a margin or a batch.
    Blurred(&'static str, Fate),
    /// The payer is no address.
    Nobody(&'static str, Fate),
    /// Others burn.
    Others(u64),
    /// An order is made.
    Bought(u64),
    /// The plan says this of its credits.
    Plan(Value),
    /// The reconciler looks for so long.
    Look(u64),
}

use Step::{Begins, Blurred, Bought, Ends, Gone, Look, Nobody, Of, Others, Plan, Sent, Unsaid};

impl World {
    fn go(&mut self, step: Step) {
        match step {
            Sent(visit, fate) => self.go(Of(visit, PRICE, fate)),
            Of(visit, credits, fate) => {
                self.write(visit, credits, |_| ());
                self.ends(visit, fate, true);
            }
            Gone(visit, fate) => {
                self.write(visit, PRICE, |_| ());
                self.ends(visit, fate, false);
            }
            Begins(visit) => self.write(visit, PRICE, |_| ()),
            Ends(visit, fate) => self.ends(visit, fate, true),
            Unsaid(visit) => {
                self.write(visit, PRICE, |_| ());
                self.burn(visit, PRICE);
                let receipt = json!({ "success": true, "creditsRedeemed": PRICE.to_string() });
                self.close(visit, End::Settled { receipt });
            }
            Blurred(visit, fate) => {
                self.write(visit, PRICE, |entry| (entry.blurred, entry.again) = (true, None));
                self.ends(visit, fate, true);
            }
            Nobody(visit, fate) => {
                self.write(visit, PRICE, |entry| entry.payer = Some("somebody".into()));
                self.ends(visit, fate, true);
            }
            Others(credits) => self.held -= credits,
            Bought(credits) => self.held += credits,
            Plan(plan) => self.plan = plan,
            Look(ms) => self.look(ms),
        }
    }
}

const A_DAY: Step = Look(24 * HOUR);

/// What happens and what then befalls the reconciler's settles; which it sends, by the letter, and how the visits a, b, ..
/// end.
type Row = (&'static str, Vec<Step>, Vec<Fate>, &'static str, Vec<Stands>);

fn check(table: Vec<Row>) {
    for (name, steps, fates, sent, expected) in table {
        let mut world = World::new(100);
        world.fates = fates.into();
        for step in steps {
            world.go(step);
        }
        assert_eq!(world.sent.concat(), sent, "{name}");
        for (visit, stands) in ["a", "b", "c"].into_iter().zip(expected) {
            let entry = world.entry(visit);
            assert_eq!(entry.stands, stands, "{name}: {visit} {entry:?}");
            // The token is gone as soon as it is over, and is never said.
            assert!(!stands.is_final() || entry.again.is_none(), "{name}: {visit}");
            assert!(!format!("{entry:?}").contains("secret"), "{name}: {visit}");
            let receipt = entry.receipt.unwrap_or_default();
            assert_eq!(receipt["success"] == true, stands == Stands::Settled, "{name}: {visit}");
        }
        assert!(!world.log.concat().contains("secret"), "{name}");
    }
}

use Stands::{Owed, Refused, Released, Settled, Unknown, Unpaid, Unresolved};

#[test]
fn rule_21_what_was_not_burned_is_settled_again() {
    let a = |fate: Fate| Vec::from([Sent("a", fate), A_DAY]);
    check(Vec::from([
        ("not burned: once more", a(Drop), Vec::new(), "a", Vec::from([Settled])),
        ("burned: not again", a(LoseAnswer), Vec::new(), "", Vec::from([Settled])),
        (
            "not while it may be late",
            Vec::from([Sent("a", Drop), Look(QUIET)]),
            Vec::new(),
            "",
            Vec::from([Unknown]),
        ),
        ("late, as late as can be", a(Late(QUIET)), Vec::new(), "", Vec::from([Settled])),
        ("late between two readings", a(Late(QUIET + 3 * SECOND)), Vec::new(), "", Vec::from([Settled])),
        (
            "again, as long as nothing was burned",
            a(Drop),
            Vec::from([Drop, Busy, Failed, Drop]),
            "aaaaa",
            Vec::from([Settled]),
        ),
        ("again, burned, not answered", a(Drop), Vec::from([LoseAnswer]), "a", Vec::from([Settled])),
        ("again, late", a(Drop), Vec::from([Late(QUIET)]), "a", Vec::from([Settled])),
        ("again, and refused: the credits are gone", a(Drop), Vec::from([No]), "a", Vec::from([Refused])),
        (
            "not for ever",
            Vec::from([Sent("a", Drop), Look(200 * HOUR)]),
            Vec::from([Drop; 9]),
            "aaaaaa",
            Vec::from([Unpaid]),
        ),
        (
            "owed, and busy for ever",
            Vec::from([Sent("a", Busy), Look(200 * HOUR)]),
            Vec::from([Busy; 99]),
            "aaaaaaaaaaaaaaaaaaaaaaaa",
            Vec::from([Unpaid]),
        ),
        (
            "it waits for a platform that is busy",
            Vec::from([Sent("a", Drop), Look(QUIET + 8 * SECOND)]),
            Vec::from([Busy]),
            "a",
            Vec::from([Owed]),
        ),
        ("owed, not answered, not burned", a(Busy), Vec::from([Drop]), "aa", Vec::from([Settled])),
        ("owed, not answered, burned", a(Busy), Vec::from([LoseAnswer]), "a", Vec::from([Settled])),
        ("the object dies at it, not burned", a(Drop), Vec::from([Dies(false)]), "aa", Vec::from([Settled])),
        ("the object dies at it, burned", a(Drop), Vec::from([Dies(true)]), "a", Vec::from([Settled])),
        (
            "the isolate died: nobody knows that it was delivered",
            a(Dies(false)),
            Vec::new(),
            "",
            Vec::from([Released]),
        ),
        (
            "the client was gone: it was not delivered",
            Vec::from([Gone("a", Drop), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Released]),
        ),
        (
            "the client was gone, and it was burned",
            Vec::from([Gone("a", LoseAnswer), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Settled]),
        ),
    ]));
}

#[test]
fn rule_21_of_several_as_many_are_settled_again_as_were_not_burned() {
    let all = || Vec::from([Settled; 3]);
    let two = || Vec::from([Settled; 2]);
    check(Vec::from([
        (
            "one of three was burned",
            Vec::from([Sent("a", Drop), Sent("b", LoseAnswer), Sent("c", Drop), A_DAY]),
            Vec::new(),
            "bc",
            all(),
        ),
        (
            "two of three, and the one is not answered either",
            Vec::from([Sent("a", LoseAnswer), Sent("b", Drop), Sent("c", LoseAnswer), A_DAY]),
            Vec::from([LoseAnswer]),
            "c",
            all(),
        ),
        (
            "none of two, and one is not answered either",
            Vec::from([Sent("a", Drop), Sent("b", Drop), A_DAY]),
            Vec::from([LoseAnswer]),
            "ab",
            two(),
        ),
        (
            "what was burned pays for what was delivered first",
            Vec::from([Sent("a", Dies(false)), Sent("b", LoseAnswer), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Released, Settled]),
        ),
        (
            "a request that is on its way is waited for",
            Vec::from([Sent("a", Drop), Begins("b"), Look(LEASE - SECOND), Ends("b", Yes), A_DAY]),
            Vec::new(),
            "a",
            two(),
        ),
        (
            "one that comes while the other waits, and is not answered either",
            Vec::from([Sent("a", Drop), Look(QUIET - SECOND), Sent("b", LoseAnswer), A_DAY]),
            Vec::new(),
            "b",
            two(),
        ),
        (
            "one that begins while the other is settled again",
            Vec::from([
                Sent("a", Drop),
                Look(QUIET + 8 * SECOND),
                Begins("b"),
                Look(SECOND),
                Ends("b", Drop),
                A_DAY,
            ]),
            Vec::from([Drop]),
            "aab",
            two(),
        ),
        (
            "different amounts, none burned",
            Vec::from([Sent("a", Drop), Of("b", 3, Drop), A_DAY]),
            Vec::new(),
            "ab",
            two(),
        ),
        (
            "different amounts, one burned: it may be chance",
            Vec::from([Sent("a", Drop), Of("b", 3, LoseAnswer), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Unresolved; 2]),
        ),
    ]));
}

#[test]
fn rule_21_where_something_else_may_explain_it_nothing_is_settled_again() {
    let plan = |plan: Value, fate: Fate| Vec::from([Plan(plan), Sent("a", fate), A_DAY]);
    check(Vec::from([
        (
            "others burned as much",
            Vec::from([Sent("a", Drop), Others(PRICE), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Settled]),
        ),
        (
            "others burned less",
            Vec::from([Sent("a", Drop), Others(1), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Unresolved]),
        ),
        (
            "something was bought",
            Vec::from([Sent("a", LoseAnswer), Bought(1000), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Unresolved]),
        ),
        (
            "something was bought, others burned most of it, and in between it was looked at",
            Vec::from([
                Sent("a", LoseAnswer),
                Sent("b", Drop),
                Look(3 * SECOND),
                Bought(1000),
                Look(5 * SECOND),
                Others(998),
                A_DAY,
            ]),
            Vec::new(),
            "",
            Vec::from([Unresolved; 2]),
        ),
        (
            "an order that adds no more than is open hides a burn",
            Vec::from([Plan(credits(PRICE, 1, 10, false)), Sent("a", LoseAnswer), Bought(PRICE), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Unpaid]),
        ),
        (
            "so it does of two",
            Vec::from([
                Plan(credits(2 * PRICE, 1, 10, false)),
                Sent("a", LoseAnswer),
                Sent("b", LoseAnswer),
                Bought(2 * PRICE),
                A_DAY,
            ]),
            Vec::new(),
            "",
            Vec::from([Unpaid; 2]),
        ),
        (
            "one that adds more does not",
            plan(credits(PRICE + 1, 1, 10, false), Drop),
            Vec::new(),
            "a",
            Vec::from([Settled]),
        ),
        (
            "a plan that burns more than it is asked to",
            plan(credits(5, 5, 5, true), Drop),
            Vec::new(),
            "",
            Vec::from([Unpaid]),
        ),
        (
            "a plan that burns no less than so many",
            plan(credits(5, 5, 5, false), Drop),
            Vec::new(),
            "",
            Vec::from([Unpaid]),
        ),
        (
            "a plan of which nothing is known",
            plan(json!({ "amount": "1000" }), Drop),
            Vec::new(),
            "",
            Vec::from([Unpaid]),
        ),
        (
            "a plan that burns its own amount: none was burned",
            plan(credits(1000, 1, 1, true), Drop),
            Vec::new(),
            "a",
            Vec::from([Settled]),
        ),
        (
            "a plan that burns its own amount: how many were is not certain",
            Vec::from([
                Plan(credits(1000, 1, 1, true)),
                Sent("a", Drop),
                Sent("b", Drop),
                Others(PRICE),
                A_DAY,
            ]),
            Vec::new(),
            "",
            Vec::from([Settled, Unpaid]),
        ),
        (
            "a margin or a batch",
            Vec::from([Blurred("a", Drop), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Unresolved]),
        ),
        (
            "a margin or a batch before it",
            Vec::from([Blurred("a", Yes), Sent("b", Drop), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Settled, Unresolved]),
        ),
        (
            "what was burned beside it no receipt says for certain",
            Vec::from([Begins("a"), Unsaid("b"), Ends("a", Drop), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Unpaid, Settled]),
        ),
        (
            "the payer is no address",
            Vec::from([Nobody("a", Drop), A_DAY]),
            Vec::new(),
            "",
            Vec::from([Unresolved]),
        ),
        (
            "what was held an hour before",
            Vec::from([Sent("a", Drop), Sent("b", Busy), A_DAY]),
            Vec::from([Busy; 11]),
            "bbbbbbbbbbbb",
            Vec::from([Unpaid, Settled]),
        ),
    ]));
}

#[test]
fn rule_21_a_plan_that_sells_its_credits_one_by_one_is_never_settled_again() {
    // An order is a part of the settle: what is held is the same before and after.
    let mut world = World::new(0);
    (world.plan, world.orders) = (credits(1, 1, 1, false), 1);
    world.go(Of("a", 1, LoseAnswer));
    world.go(A_DAY);
    assert_eq!((world.entry("a").stands, world.sent.len(), world.burned["a"]), (Unpaid, 0, 1));
}

#[test]
fn rule_21_what_is_told_twice_or_late_does_not_begin_anew() {
    let owed = || End::Owed { why: "facilitator_busy".into(), again: Secret::new("{\"visit\":\"a\"}") };
    let rows = [
        ("unknown", unknown(true), unknown(true)),
        ("owed", owed(), owed()),
        ("both", owed(), unknown(true)),
    ];
    for (name, first, second) in rows {
        let mut world = World::new(100);
        world.write("a", PRICE, |_| ());
        world.close("a", first);
        // It is settled again, and the second time it is burned and nobody says so.
        world.fates = [Drop, LoseAnswer].into();
        while world.sent.len() < 2 {
            world.look(SECOND);
        }
        world.close("a", second);
        world.go(A_DAY);
        assert_eq!((world.entry("a").stands, world.burned["a"]), (Settled, 1), "{name}");
    }
    // An isolate that was given up says late that it delivered.
    let mut world = World::new(100);
    world.write("a", PRICE, |_| ());
    world.look(LEASE + SECOND);
    assert_eq!((world.entry("a").stands, world.entry("a").delivered), (Unknown, false));
    world.close("a", unknown(true));
    world.go(A_DAY);
    assert_eq!((world.entry("a").stands, world.burned["a"]), (Settled, 1));
}

#[test]
fn rule_21_what_is_held_is_read_again_after_a_while() {
    let mut world = World::new(100);
    let seen = [
        ("never before", 0, Sent("a", Yes), 1),
        ("a moment ago", 59, Sent("b", Yes), 1),
        ("a while ago", 61, Sent("c", Drop), 2),
        ("a while ago, and others are under way", 0, Sent("d", LoseAnswer), 2),
    ];
    for (name, seconds, step, asked) in seen {
        world.look(seconds * SECOND);
        if name == "a while ago" {
            // Somebody bought, and others burned, since.
            world.held = 777;
        }
        world.go(step);
        assert_eq!(world.asked, asked, "{name}");
    }
    world.go(A_DAY);
    assert_eq!(world.sent, ["d"]);
    assert_eq!(["c", "d"].map(|visit| world.entry(visit).stands), [Settled; 2]);
}
