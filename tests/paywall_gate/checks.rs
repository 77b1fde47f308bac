//! Invariants after each step, and at the end of a story.

use super::*;

impl SimulatedPlatform {
    pub(super) fn entries(&self) -> BTreeMap<usize, (Entry, u64)> {
        let mut entries = BTreeMap::new();
        for map in self.objects.values() {
            for ((kind, _), (value, due)) in &map.0 {
                if kind == "entry" {
                    let entry: Entry = serde_json::from_str(value).unwrap();
                    entries.insert(name_of(&entry.id), (entry, due.unwrap_or(u64::MAX)));
                }
            }
        }
        entries
    }

    /// Invariants that hold at any time.
    pub(super) fn check(&self) {
        let entries = self.entries();
        let mut open: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
        for (name, truth) in self.truths.iter().enumerate() {
            let (path, plan, _) = ROUTES[truth.route];
            if path == "/before" || !truth.delivered || truth.burned > 0 || truth.lapsed {
                continue;
            }
            let known = entries.get(&name).map(|(entry, _)| entry.status);
            if matches!(known, Some(EntryStatus::Delivering | EntryStatus::Settling | EntryStatus::Owed)) {
                open.entry((truth.payer, plan)).or_default().push(name);
            }
        }
        for ((payer, plan), names) in open {
            let most =
                ROUTES.iter().filter(|(_, known, _)| *known == plan).map(|route| route.2).max().unwrap();
            assert!(names.len() <= most, "{names:?} are open of payer {payer} and plan {plan}");
        }
    }

    /// Lets all come to its end, with everybody well again.
    pub(super) fn ends(&mut self) {
        while let Some(live) = self.live.pop() {
            self.step(live, Fine);
            self.check();
        }
        while let Some(note) = self.notes.pop() {
            let _ = self.tell(&note);
        }
        while let Some((_, body)) = self.late.pop() {
            let _ = self.burn(&body);
        }
        for _ in 0..500 {
            let shards: Vec<_> = self.objects.keys().cloned().collect();
            for shard in &shards {
                while self.alarm(shard, Fine, false) {}
            }
            // A refused payment waits for its payer.
            let open = self.entries().into_values().filter(|(entry, _)| {
                let waits = entry.status == EntryStatus::Owed && entry.receipt.is_some();
                !(waits || entry.status.is_final())
            });
            let untold = self.objects.values().flat_map(|map| &map.0).filter(|((kind, _), _)| kind == "file");
            let untold = untold.filter_map(|(_, (_, due))| *due);
            let Some(due) = open.map(|(_, due)| due).chain(untold).min() else { break };
            self.passes(due.saturating_sub(self.now));
        }
        let entries = self.entries();
        let mut served: BTreeMap<&String, u32> = BTreeMap::new();
        for (name, truth) in self.truths.iter().enumerate() {
            let entry = entries.get(&name).map(|(entry, _)| entry);
            let stands = entry.map(|entry| entry.status);
            let case = format!("{name}: {truth:?}\n{entry:?}");
            if truth.delivered && truth.burned == 0 {
                let known = match stands {
                    Some(EntryStatus::Unresolved | EntryStatus::Owed | EntryStatus::Unpaid) => true,
                    // Its token ended, or the facilitator said no to a route that is settled after it was delivered.
                    Some(EntryStatus::Refused) => {
                        ROUTES[truth.route].0 != "/before" && entry.is_some_and(|e| e.delivered)
                    }
                    // Its isolate died before it could say that it had delivered what nobody answered for.
                    Some(EntryStatus::Released) => truth.crashed && truth.nonce.is_some(),
                    _ => false,
                };
                assert!(known, "delivered, neither paid for nor known: {case}");
            }
            if truth.burned > 0 {
                let known = match stands {
                    Some(EntryStatus::Settled) => true,
                    Some(EntryStatus::Unresolved) => truth.nonce.is_none() || truth.crashed,
                    // A settle that was given up came late, after all that could be known.
                    _ => false,
                };
                assert!(known, "burned, and the journal says otherwise: {case}");
            }
            if stands == Some(EntryStatus::Settled) {
                assert_eq!(truth.burned, 1, "the journal says that it was burned: {case}");
            }
            let free = matches!(stands, Some(EntryStatus::Released | EntryStatus::Refused));
            if let Some(nonce) = truth.nonce.as_ref().filter(|_| truth.delivered && !free) {
                *served.entry(nonce).or_default() += 1;
            }
        }
        for (nonce, count) in served {
            assert!(count <= 1, "{nonce} bought {count} answers");
        }
        // The journal holds everything that the seller must know.
        let book: BTreeSet<usize> = self
            .objects
            .values()
            .flat_map(|map| map.0.keys())
            .filter(|(kind, _)| kind == "book")
            .map(|(_, id)| name_of(id))
            .collect();
        for (name, (entry, _)) in &entries {
            let serious = matches!(entry.status, EntryStatus::Unresolved | EntryStatus::Owed);
            assert!(!serious || book.contains(name), "not in the seller's book: {entry:?}");
        }
    }
}
