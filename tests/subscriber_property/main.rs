//! A buyer against a seller that answers anything, beside a platform with a real ledger (rules 3, 4, 5, 9, 10 and 12).
//!
//! Each run is one seed: random plans, a random policy, one or two tabs, random events in a random order. The seller
//! settles what it was given now, later, twice, for any amount that the plan allows, and says whatever it likes about it.
//! Other agents of the account burn and get credits meanwhile, readings of the balance lag, a tab dies anywhere.
//!
//! `BUYER_RUNS=1000000 cargo test --release --test subscriber_property` runs more seeds, `BUYER_SEED=7` one of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod checks;
#[path = "../support/dice.rs"]
mod dice;
mod records;
mod seller;

use dice::Dice;
use payments_wasm::api::Response;
use payments_wasm::api::plans::PlanPrice;
use payments_wasm::subscriber::{
    Action, Approval, Buyer, CallWork, Command, Event, FetchId, FetchRequest, Finish, Outcome, PlatformCall,
    Policy, PurchaseLimits, Redirected, Redirects, ResponseHead, SendRequest, Target,
};
use payments_wasm::wire::{Credits, DelegationRef, base64};
use records::{Fetch, Order, Pending, Plan, Tab, Token};
use std::collections::BTreeMap;
use std::sync::Arc;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const HOLDER: &str = "0x0000000000000000000000000000000000000001";
const ORIGINS: [&str; 3] = ["https://a.example", "https://b.example", "https://evil.example"];

struct SimulatedPlatform {
    dice: Dice,
    now: u64,
    plans: Vec<Plan>,
    tokens: Vec<Token>,
    orders: Vec<Order>,
    /// Orders that nobody was asked about.
    orders_by_policy: u64,
    policy: Policy,
    has_policy: bool,
    can_ask: bool,
    single_use: Option<bool>,
    platform_gives_single_use: bool,
    shared: Option<String>,
    tabs: Vec<Tab>,
    names: u64,
    /// The last offer of the seller. The seller often makes the same offer again.
    last_offer: String,
    /// True if the simulation prints its events.
    tells: bool,
}

fn credits(amount: u64) -> Credits {
    Credits::from(amount)
}

impl SimulatedPlatform {
    fn new(seed: u64, tells: bool) -> Self {
        let mut dice = Dice(seed);
        let plans = (0..3)
            .map(|_| {
                let least = dice.roll(4);
                let fixed = dice.one_in(3);
                let most = if fixed { least.max(1) } else { least.max(1) + dice.roll(9) };
                let held = dice.roll(40);
                Plan {
                    least: if fixed { most } else { least },
                    most,
                    fixed,
                    time: dice.one_in(6),
                    price: dice.roll(5) * 1_000_000,
                    currency: if dice.one_in(4) { "EUR" } else { "USD" },
                    grants: 1 + dice.roll(30),
                    held,
                    lagging: held,
                }
            })
            .collect();
        let limit = |dice: &mut Dice| dice.maybe(30).map(credits);
        let few = |dice: &mut Dice| dice.maybe(4).map(|n| u32::try_from(n).unwrap());
        let policy = Policy {
            max_credits_per_request: limit(&mut dice),
            max_credits_per_hour: limit(&mut dice),
            max_credits_per_day: limit(&mut dice),
            max_credits_total: limit(&mut dice),
            plans: if dice.one_in(3) { vec!["p0".into(), "p1".into()] } else { vec![] },
            origins: match dice.roll(4) {
                0 => vec![],
                1 => vec![ORIGINS[0].into(), ORIGINS[1].into()],
                _ => vec!["*".into()],
            },
            purchase: *dice.pick(&[None, Some(true), Some(true), Some(false)]),
            max_purchases: PurchaseLimits {
                per_hour: few(&mut dice),
                per_day: few(&mut dice),
                total: few(&mut dice),
            },
            max_price: dice
                .maybe(6)
                .map(|n| PlanPrice { amount: credits(n * 1_000_000), currency: "USD".into() }),
            ..Policy::default()
        };
        let shared = dice.one_in(2).then(String::new);
        let mut world = Self {
            now: 100 * DAY_MS + dice.roll(DAY_MS),
            plans,
            tokens: vec![],
            orders: vec![],
            orders_by_policy: 0,
            policy,
            has_policy: !dice.one_in(5),
            can_ask: dice.one_in(3),
            single_use: *dice.pick(&[None, None, Some(true), Some(false)]),
            platform_gives_single_use: !dice.one_in(4),
            shared,
            tabs: vec![],
            names: 0,
            last_offer: String::new(),
            tells,
            dice,
        };
        world.add_tab();
        if world.shared.is_some() && world.dice.one_in(2) {
            world.add_tab();
        }
        world
    }

    fn add_tab(&mut self) {
        self.names += 1;
        let mut buyer = Buyer::new();
        buyer.log_in(Some(HOLDER.into()), Some(DelegationRef::parse("d-1", "delegationId").unwrap()));
        let tab = Tab {
            buyer,
            name: format!("tab{}", self.names),
            pending: vec![],
            open: BTreeMap::new(),
            read: [None; 3],
            left: [None; 3],
            asked_to_buy: false,
            resumable: vec![],
        };
        self.tabs.push(tab);
    }

    fn note(&mut self, text: impl FnOnce() -> String) {
        if self.tells {
            println!("{} {}", self.now, text());
        }
    }

    /// One step of a tab's buyer, with what is shared taken up before it and kept after it.
    fn step<T>(&mut self, tab: usize, step: impl FnOnce(&mut Buyer) -> T) -> T {
        let storage_fails = self.shared.is_some() && self.dice.one_in(40);
        let one = &mut self.tabs[tab];
        if let Some(text) = &self.shared {
            one.buyer.load(text, &one.name);
        }
        let done = step(&mut one.buyer);
        if let Some(text) = &mut self.shared {
            if storage_fails {
                one.buyer.storage_failed();
            } else {
                *text = one.buyer.stored_text(&one.name);
            }
        }
        while let Some(command) = one.buyer.poll_command() {
            match command {
                Command::Do(fetch, action) => {
                    one.pending
                        .retain(|pending| !matches!(pending, Pending::Act(other, ..) if *other == fetch));
                    // The buyer decides by what it knows now; what is read before the shell has sent comes too late.
                    let presented = |action: &Action| match action {
                        Action::Send(SendRequest { token: Some(secret), .. }) => {
                            Some(&self.tokens[name_of(secret.expose()).parse::<usize>().unwrap()])
                        }
                        _ => None,
                    };
                    let held = presented(&action).and_then(|token| {
                        let before = one.pending.iter().filter_map(|pending| match pending {
                            Pending::Act(_, other, ..) => presented(other),
                            _ => None,
                        });
                        let before =
                            before.filter(|other| other.plan == token.plan && other.presented.is_empty());
                        let under_way = before.map(|other| self.plans[other.plan].most()).sum();
                        Some(one.left[token.plan]?.saturating_sub(under_way))
                    });
                    one.pending.push(Pending::Act(fetch, action, self.now, held));
                }
                Command::Run(job) => one.pending.push(Pending::Work(job, self.now)),
                Command::Limit(..) | Command::Tell(_) => {}
            }
        }
        done
    }

    fn open(&mut self, tab: usize) {
        let method = *self.dice.pick(&["GET", "POST"]);
        let origin = *self.dice.pick(&ORIGINS);
        let path = format!("/{}", self.dice.roll(3));
        let resumed = if self.dice.one_in(3) { self.tabs[tab].resumable.pop() } else { None };
        let (resume, url, method) = match resumed {
            Some((payment, url, method)) => (Some(payment), url, method),
            None => (None, format!("{origin}{path}"), method),
        };
        let origin = ORIGINS.into_iter().find(|origin| url.starts_with(origin)).unwrap();
        let path = url.strip_prefix(origin).unwrap().to_owned();
        let target = Target { url: url.clone(), origin: origin.into(), path: path.clone() };
        let request = FetchRequest {
            policy: self.has_policy.then(|| Arc::new(self.policy.clone())),
            can_ask: self.can_ask,
            can_select: self.dice.one_in(5),
            single_use: self.single_use,
            prefetch: u32::try_from(self.dice.roll(2)).unwrap(),
            quote: self.dice.one_in(20),
            redirects: *self.dice.pick(&[Redirects::Follow, Redirects::Manual]),
            resume,
            ..FetchRequest::new(target, method)
        };
        let now = self.now;
        let fetch = self.step(tab, |buyer| buyer.open(request, now));
        let one = Fetch {
            origin,
            path,
            method,
            resumes: resume.is_some(),
            offered: false,
            sends: 0,
            paid_sends: 0,
            redirects: 0,
            ended: false,
        };
        self.tabs[tab].open.insert(fetch, one);
        self.note(|| format!("tab {tab} opens {fetch:?} {method} {url}"));
    }

    /// Something happens.
    fn happen(&mut self) {
        let tab = usize::try_from(self.dice.roll(self.tabs.len() as u64)).unwrap();
        match self.dice.roll(24) {
            0..=3 => self.open(tab),
            4 => self.now += self.dice.roll(3 * 60_000),
            5 if self.dice.one_in(3) => self.now += self.dice.roll(2 * HOUR_MS),
            5 if self.dice.one_in(8) => self.now += self.dice.roll(2 * DAY_MS),
            6 => {
                // Another agent of the account, or a gift.
                let plan = usize::try_from(self.dice.roll(3)).unwrap();
                let (less, more) =
                    (self.dice.roll(4), if self.dice.one_in(4) { self.dice.roll(10) } else { 0 });
                let plan = &mut self.plans[plan];
                plan.held = plan.held.saturating_sub(less) + more;
            }
            7 => self.settle_some_token(),
            8 if self.shared.is_some() && self.dice.one_in(4) => self.crash(tab),
            9 if self.dice.one_in(4) => {
                let fetches: Vec<_> = self.tabs[tab].open.keys().copied().collect();
                if !fetches.is_empty() {
                    let fetch = *self.dice.pick(&fetches);
                    let event = if self.dice.one_in(2) { Event::Aborted } else { Event::TimedOut };
                    self.report(tab, fetch, event);
                }
            }
            _ => self.do_pending(tab),
        }
        for plan in &mut self.plans {
            if self.dice.one_in(4) {
                plan.lagging = plan.held;
            }
        }
    }

    /// A tab is gone, with all that it had not done yet; what it had reserved goes with it.
    fn crash(&mut self, tab: usize) {
        let name = self.tabs[tab].name.clone();
        if let Some(text) = &mut self.shared {
            let dead = format!("r {name} ");
            let living: String = text
                .lines()
                .filter(|line| !line.starts_with(&dead))
                .map(|line| format!("{line}\n"))
                .collect();
            *text = living;
        }
        self.tabs.remove(tab);
        self.add_tab();
        self.note(|| format!("{name} dies"));
    }

    fn do_pending(&mut self, tab: usize) {
        if self.tabs[tab].pending.is_empty() {
            return;
        }
        let index = usize::try_from(self.dice.roll(self.tabs[tab].pending.len() as u64)).unwrap();
        match self.tabs[tab].pending.remove(index) {
            Pending::Work(job, at) => self.work(tab, &job, at),
            Pending::Report(fetch, event) => self.report(tab, fetch, event),
            Pending::Act(fetch, action, at, held) => self.act(tab, fetch, *action, at, held),
        }
    }

    /// A shell reports an event, and how many requests with a token it has begun to send.
    fn report(&mut self, tab: usize, fetch: FetchId, event: Event) {
        let (now, begun) = (self.now, self.tabs[tab].open.get(&fetch).map(|one| one.paid_sends));
        self.step(tab, |buyer| {
            if let Some(begun) = begun {
                buyer.token_sends(fetch, begun);
            }
            buyer.handle_event(fetch, event, now);
        });
    }

    fn act(&mut self, tab: usize, fetch: FetchId, action: Action, at: u64, held: Option<u64>) {
        let event = match action {
            Action::Send(send) => self.send(tab, fetch, &send, at, held),
            Action::ReadBody => match self.dice.roll(4) {
                0 => Event::Body(None),
                1 => Event::Body(Some("<html>no</html>".into())),
                2 => Event::Body(Some(r#"{"error":"card_declined"}"#.into())),
                _ => {
                    self.offered(tab, fetch);
                    Event::Body(Some(self.offer()))
                }
            },
            Action::Select(offers) => {
                Event::Selected(Some(usize::try_from(self.dice.roll(offers.len() as u64 + 1)).unwrap()))
            }
            Action::Ask(_) => {
                let approve = !self.dice.one_in(4);
                let purchase = *self.dice.pick(&[None, Some(true), Some(false)]);
                self.tabs[tab].asked_to_buy |= approve && purchase == Some(true);
                Event::Approved(Approval {
                    approve,
                    purchase,
                    remember: self.dice.one_in(3),
                    delegation_id: None,
                })
            }
            Action::Finish(finish) => return self.finish(tab, fetch, &finish),
        };
        self.tabs[tab].pending.push(Pending::Report(fetch, event));
    }
}

fn tab_number(name: &str) -> usize {
    name.trim_start_matches("tab").parse().unwrap()
}

fn token(index: usize, plan: usize, single_use: bool) -> String {
    let nonce = if single_use { format!(r#","nonce":"{index}""#) } else { String::new() };
    base64::encode_url(
        format!(
            r#"{{"x402Version":2,"accepted":{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"p{plan}","extra":{{}}}},"payload":{{"signature":"{index}","authorization":{{"from":"0xme","sessionKeysProvider":"zerodev","sessionKeys":[]{nonce}}}}},"extensions":{{}}}}"#
        )
        .as_bytes(),
    )
}

fn name_of(secret: &str) -> String {
    let text = String::from_utf8(base64::decode(secret, 64 * 1024, "token").unwrap()).unwrap();
    text.split("\"signature\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

/// The total of credits that a kept text counts as spent.
fn total_of(text: &str) -> Credits {
    let line = text.lines().find_map(|line| line.strip_prefix("s - ").or_else(|| line.strip_prefix("? - ")));
    line.map_or(Credits::ZERO, |total| total.parse().unwrap())
}

fn run(seed: u64, tells: bool) {
    let mut world = SimulatedPlatform::new(seed, tells);
    let events = 20 + world.dice.roll(120);
    for _ in 0..events {
        world.happen();
    }
    world.end();
}

#[test]
fn no_seller_makes_a_buyer_spend_more_than_its_limits() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("BUYER_SEED") {
        return run(seed, true);
    }
    for seed in 0..number("BUYER_RUNS").unwrap_or(4_000) {
        let outcome = std::panic::catch_unwind(|| run(seed, false));
        assert!(outcome.is_ok(), "BUYER_SEED={seed} fails");
    }
}
