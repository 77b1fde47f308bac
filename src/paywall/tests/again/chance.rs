//! However it falls.

use super::*;
use Stands::{Settled, Unpaid, Unresolved};

/// splitmix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % most
    }

    fn fate(&mut self) -> Fate {
        match self.below(12) {
            0 | 1 => Drop,
            2 | 3 => LoseAnswer,
            4 => Late(self.below(QUIET)),
            5 => Busy,
            6 => Dies(true),
            7 => Dies(false),
            8 => Failed,
            _ => Yes,
        }
    }
}

/// Many requests of one payer, however they fall, with a reconciler that fares no better and objects that die: no more is
/// burned than was delivered, and where nobody else is at the plan all that was delivered is paid for, to the credit.
#[test]
fn rules_19_21_and_24_each_answer_is_burned_for_once_however_it_falls() {
    const HELD: u64 = 100_000;
    let (mut again, mut unpaid, mut unresolved) = (0, 0, 0);
    for seed in 0..600 {
        let mut chance = Chance(seed);
        let mut world = World::new(HELD);
        world.fates = (0..40).map(|_| chance.fate()).collect();
        // Others that burn, and orders.
        let (others, orders) = (seed % 2 == 1, seed % 4 > 1);
        let (mut delivered, mut under_way) = (Vec::new(), Vec::new());
        let visits = 1 + chance.below(12);
        for index in 0..visits {
            let visit = index.to_string();
            world.write(&visit, PRICE, |_| ());
            under_way.push(visit);
            while !under_way.is_empty() && chance.below(3) > 0 {
                let visit = under_way.remove(chance.below(under_way.len() as u64) as usize);
                let fate = chance.fate();
                // One that took longer than its lease is given up by its isolate too.
                if world.entry(&visit).stands == Stands::Settling {
                    world.ends(&visit, fate, true);
                    if !matches!(fate, Dies(_) | Failed) {
                        delivered.push(visit);
                    }
                }
            }
            if others && chance.below(4) == 0 {
                world.held -= chance.below(3);
            }
            if orders && chance.below(6) == 0 {
                world.held += 1000;
            }
            world.look(chance.below(20) * SECOND);
        }
        world.look(400 * HOUR);
        let burned: u32 = world.burned.values().sum();
        // What an isolate burned that died: nobody knows whether its answer arrived.
        let lost: u32 = (0..visits)
            .map(|index| index.to_string())
            .filter(|visit| !delivered.contains(visit))
            .filter_map(|visit| world.burned.get(&visit))
            .sum();
        let case = format!("seed {seed}: {:?} {delivered:?} {:?}", world.burned, world.sent);
        assert!(burned <= delivered.len() as u32 + lost, "burned too often: {case}");
        let ended = |visit: &str| world.entry(visit).stands;
        for visit in &delivered {
            let entry = world.entry(visit);
            assert!(entry.again.is_none(), "{case}");
            match entry.stands {
                Settled => again += usize::from(entry.rounds > 0),
                // Settled again as often as makes sense.
                Unpaid if entry.rounds == 6 => {}
                Unpaid if others || orders => unpaid += 1,
                Unresolved if others || orders => unresolved += 1,
                other => panic!("{visit} {other:?}: {case}"),
            }
        }
        if !others && !orders {
            let settled = (0..visits).filter(|index| ended(&index.to_string()) == Settled).count();
            assert_eq!((burned as usize, u64::from(burned) * PRICE), (settled, HELD - world.held), "{case}");
        }
    }
    assert!(
        again > 100 && unresolved > 20,
        "{again} settled again, {unpaid} unpaid, {unresolved} unresolved"
    );
}
