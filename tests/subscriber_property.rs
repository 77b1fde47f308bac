//! A buyer against a seller that answers anything, beside a platform with a real ledger (rules 3, 4, 5, 9, 10 and 12).
//!
//! Each run is one seed: random plans, a random policy, one or two tabs, random events in a random order. The seller
//! settles what it was given now, later, twice, for any amount that the plan allows, and says whatever it likes about it.
//! Other agents of the account burn and get credits meanwhile, readings of the balance lag, a tab dies anywhere.
//!
//! `BUYER_RUNS=1000000 cargo test --release --test subscriber_property` runs more seeds, `BUYER_SEED=7` one of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use payments_wasm::api::Response;
use payments_wasm::api::plans::PlanPrice;
use payments_wasm::subscriber::{
    Action, Approval, Buyer, CallWork, Command, Event, FetchId, FetchRequest, Finish, Outcome, PlatformCall,
    Policy, PurchaseLimits, Redirected, Redirects, ResponseHead, SendRequest, Target,
};
use payments_wasm::wire::{Credits, DelegationRef, base64};
use std::collections::BTreeMap;
use std::sync::Arc;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const HOLDER: &str = "0x0000000000000000000000000000000000000001";
const ORIGINS: [&str; 3] = ["https://a.example", "https://b.example", "https://evil.example"];

/// Numbers from a seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
    fn maybe(&mut self, sides: u64) -> Option<u64> {
        self.one_in(2).then(|| self.roll(sides))
    }
    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[usize::try_from(self.roll(of.len() as u64)).unwrap()]
    }
}

/// A plan as the platform knows it.
struct Plan {
    least: u64,
    most: u64,
    fixed: bool,
    time: bool,
    price: u64,
    currency: &'static str,
    /// The credits that an order grants.
    grants: u64,
    /// The credits that the buyer's account holds.
    held: u64,
    /// The credits that the account held some time ago. A lagging reading reports this value.
    lagging: u64,
}

impl Plan {
    fn most(&self) -> u64 {
        if self.time { 0 } else { self.most }
    }
    fn burns(&self, asked: u64) -> u64 {
        if self.time { 0 } else { asked.clamp(self.least, self.most) }
    }
    fn json(&self) -> String {
        let amounts = if self.price == 0 { String::new() } else { format!("\"{}\"", self.price) };
        let (least, most, fixed) = (self.least, self.most, self.fixed);
        format!(
            r#"{{"registry":{{"price":{{"amounts":[{amounts}],"isCrypto":false,"currency":"{}"}},"credits":{{"amount":"{}","minAmount":"{least}","maxAmount":"{most}","isRedemptionAmountFixed":{fixed}}}}},"metadata":{{"plan":{{"accessLimit":"{}"}}}}}}"#,
            self.currency,
            self.grants,
            if self.time { "time" } else { "credits" },
        )
    }
}

/// A token that the platform minted, with what became of it.
struct Token {
    plan: usize,
    single_use: bool,
    settled: bool,
    burned: u64,
    /// When it was presented, by which fetch of which tab, to which URL.
    presented: Vec<(u64, (usize, FetchId), String)>,
}

struct Order {
    plan: usize,
    at: u64,
    price: u64,
    currency: &'static str,
}

/// A step that is about to happen: a command that a tab's shell has not done yet, with the time when it was given, or an event
/// that the tab's buyer has not handled yet.
enum Pending {
    Act(FetchId, Box<Action>, u64, Option<u64>),
    Work(PlatformCall, u64),
    Report(FetchId, Event),
}

struct Tab {
    buyer: Buyer,
    name: String,
    pending: Vec<Pending>,
    open: BTreeMap<FetchId, Fetch>,
    /// For each plan: the balance that the platform last told this tab, and the most that the tab has presented since.
    read: [Option<(u64, u64)>; 3],
    /// For each plan: the balance that the platform last told this tab, less the most that the tab's tokens since can cost.
    left: [Option<u64>; 3],
    /// True if somebody who was asked said that a plan may be bought.
    asked_to_buy: bool,
    /// Payments of this tab that can be resumed, and what they were for.
    resumable: Vec<(FetchId, String, &'static str)>,
}

struct Fetch {
    origin: &'static str,
    path: String,
    method: &'static str,
    resumes: bool,
    /// True if an offer that can be read came since a token was last presented.
    offered: bool,
    sends: u64,
    /// How many of them had a token.
    paid_sends: u8,
    redirects: u64,
    ended: bool,
}

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

    fn offered(&mut self, tab: usize, fetch: FetchId) {
        if let Some(one) = self.tabs[tab].open.get_mut(&fetch) {
            one.offered = true;
        }
    }

    /// An offer for some plan at some price.
    fn offer(&mut self) -> String {
        if self.last_offer.is_empty() || self.dice.one_in(2) {
            self.last_offer = self.another_offer();
        }
        self.last_offer.clone()
    }

    fn another_offer(&mut self) -> String {
        let entries: Vec<String> = (0..=self.dice.roll(2))
            .map(|_| {
                let plan = self.dice.roll(3);
                let price = match self.dice.roll(4) {
                    0 => String::new(),
                    _ => format!(r#","credits":"{}""#, self.dice.roll(8)),
                };
                let agent = if self.dice.one_in(3) { r#","agentId":"9""# } else { "" };
                format!(r#"{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"p{plan}","extra":{{"version":"1"{price}{agent}}}}}"#)
            })
            .collect();
        let url = if self.dice.one_in(8) { "https://honest.example/x" } else { "/ask" };
        format!(
            r#"{{"x402Version":2,"resource":{{"url":"{url}"}},"accepts":[{}],"extensions":{{}}}}"#,
            entries.join(",")
        )
    }

    fn receipt(&mut self) -> String {
        let success = !self.dice.one_in(3);
        let mut members = format!(r#""success":{success},"transaction":"0x1","network":"eip155:84532""#);
        let amount = |dice: &mut Dice| match dice.roll(4) {
            0 => "0".to_owned(),
            1 => "115792089237316195423570985008687907853269984665640564039457584007913129639935".to_owned(),
            _ => dice.roll(12).to_string(),
        };
        for name in ["creditsRedeemed", "remainingBalance"] {
            if self.dice.one_in(2) {
                members.push_str(&format!(r#","{name}":"{}""#, amount(&mut self.dice)));
            }
        }
        if self.dice.one_in(4) {
            members.push_str(r#","orderTx":"0xfake""#);
        }
        if !success && self.dice.one_in(2) {
            members.push_str(r#","errorReason":"not_settled""#);
        }
        base64::encode_standard(format!("{{{members}}}").as_bytes())
    }

    /// The seller's answer to a request, and what it does with the token.
    fn send(&mut self, tab: usize, fetch: FetchId, send: &SendRequest, at: u64, held: Option<u64>) -> Event {
        let Some(one) = self.tabs[tab].open.get_mut(&fetch) else { return Event::SendFailed };
        one.sends += 1;
        one.paid_sends += u8::from(send.token.is_some());
        let origin = send.target.as_ref().map_or(one.origin, |target| {
            ORIGINS.into_iter().find(|origin| *origin == target.origin).unwrap()
        });
        if let Some(secret) = &send.token {
            let url = send
                .target
                .as_ref()
                .map_or_else(|| format!("{}{}", one.origin, one.path), |target| target.url.clone());
            self.present((tab, fetch, at), held, origin, secret.expose(), url);
        }
        if self.dice.one_in(10) {
            return Event::SendFailed;
        }
        let status = *self.dice.pick(&[200, 200, 200, 401, 402, 402, 402, 404, 429, 500, 503, 302, 307]);
        let status = if send.token.is_none() && self.dice.one_in(2) { 402 } else { status };
        let offer = match self.dice.roll(5) {
            _ if status != 402 && status != 401 => None,
            0 => None,
            1 => Some("!!!".to_owned()),
            _ => {
                self.offered(tab, fetch);
                Some(base64::encode_standard(self.offer().as_bytes()))
            }
        };
        let location = (matches!(status, 302 | 307) && send.redirects == Redirects::Manual).then(|| {
            let (to, path) = (*self.dice.pick(&ORIGINS), format!("/{}", self.dice.roll(3)));
            Redirected::To(Target { url: format!("{to}{path}"), origin: to.into(), path })
        });
        if let (Some(_), Some(one)) = (&location, self.tabs[tab].open.get_mut(&fetch)) {
            one.redirects += 1;
        }
        let receipt = (!self.dice.one_in(3)).then(|| self.receipt());
        Event::Answered(ResponseHead { status, offer, receipt, location, ..ResponseHead::default() })
    }

    /// A token is on the wire: here is what must be true of it.
    fn present(
        &mut self,
        (tab, fetch, at): (usize, FetchId, u64),
        held: Option<u64>,
        origin: &str,
        secret: &str,
        url: String,
    ) {
        let index: usize = name_of(secret).parse().unwrap();
        let who = (tab_number(&self.tabs[tab].name), fetch);
        let one = &self.tabs[tab].open[&fetch];
        let named = self.has_policy && self.policy.origins.iter().any(|name| name == "*" || name == origin);
        assert!(named || self.can_ask, "rule 3: {origin} was named by nobody");
        let plan = &self.plans[self.tokens[index].plan];
        let token = &self.tokens[index];
        if token.single_use && !token.presented.is_empty() {
            let (_, _, before) = &token.presented[0];
            assert!(
                one.resumes && *before == url,
                "rule 5: a single-use token is presented twice without being resumed"
            );
        }
        // Counted before it is sent, in what is shared too.
        let counted: Credits = match &self.shared {
            Some(text) => total_of(text),
            None => self.tabs[tab].buyer.budget().spent(),
        };
        let most = plan.most();
        let other = self.tokens.iter().any(|token| token.presented.iter().any(|(_, by, _)| *by == who))
            && self.tokens[index].presented.iter().all(|(_, by, _)| *by != who);
        let one = self.tabs[tab].open.get_mut(&fetch).unwrap();
        assert!(!other || one.offered, "rule 5: another token after a refusal without an offer");
        one.offered = false;
        // A single-use token is burned once, however often it is presented.
        let is_new = !self.tokens[index].single_use || self.tokens[index].presented.is_empty();
        if self.has_policy && self.policy.purchase == Some(false) && is_new {
            let held = held.expect("rule 3: only what is held may be spent, and nobody looked");
            assert!(
                held >= most,
                "rule 3: {held} are left of what is held, and the platform can take {most}"
            );
            let left = &mut self.tabs[tab].left[self.tokens[index].plan];
            *left = left.map(|left| left.saturating_sub(most));
        }
        if let Some((_, since)) = &mut self.tabs[tab].read[self.tokens[index].plan] {
            *since += most.max(8);
        }
        self.tokens[index].presented.push((at, who, url));
        if self.limited() {
            let presented = self.presented_since(0);
            assert!(counted >= credits(presented), "rule 12: {presented} presented, {counted} counted");
        }
        self.note(|| format!("tab {tab} {fetch:?} presents token {index} (most {most})"));
        self.check_limits(who, at);
        if self.dice.one_in(2) {
            self.settle(index);
        }
        if self.dice.one_in(8) {
            self.settle(index);
        }
    }

    fn limited(&self) -> bool {
        let policy = &self.policy;
        let limits = [
            policy.max_credits_per_request,
            policy.max_credits_per_hour,
            policy.max_credits_per_day,
            policy.max_credits_total,
        ];
        self.has_policy && limits.iter().any(Option::is_some)
    }

    /// The most that what was presented since then can cost: a single-use token once, a reusable one each time.
    fn presented_since(&self, since: u64) -> u64 {
        self.presented_by(|at, _| at >= since)
    }

    fn presented_in(&self, since: u64, until: u64) -> u64 {
        self.presented_by(|at, _| at >= since && at <= until)
    }

    fn presented_by(&self, counts: impl Fn(u64, (usize, FetchId)) -> bool) -> u64 {
        let times = |token: &Token| {
            let all = token.presented.iter().filter(|(at, who, _)| counts(*at, *who)).count() as u64;
            let first = token.presented.first().is_some_and(|(at, who, _)| counts(*at, *who));
            if token.single_use { u64::from(first) } else { all }
        };
        self.tokens.iter().map(|token| times(token) * self.plans[token.plan].most()).sum()
    }

    fn check_limits(&self, who: (usize, FetchId), now: u64) {
        if !self.has_policy {
            return;
        }
        let within = |limit: Option<Credits>, presented: u64, name: &str| {
            assert!(
                limit.is_none_or(|limit| credits(presented) <= limit),
                "rule 12: {name}: {presented} over {limit:?}"
            );
        };
        let policy = &self.policy;
        within(policy.max_credits_total, self.presented_since(0), "total");
        within(policy.max_credits_per_hour, self.presented_in(now - HOUR_MS, now), "hour");
        within(policy.max_credits_per_day, self.presented_in(now - DAY_MS, now), "day");
        within(policy.max_credits_per_request, self.presented_by(|_, by| by == who), "request");
    }

    /// The seller settles a token for any amount; the platform takes what the plan allows, once where it is single-use.
    fn settle(&mut self, index: usize) {
        let asked = self.dice.roll(14);
        let token = &mut self.tokens[index];
        if token.presented.is_empty() || token.single_use && token.settled {
            return;
        }
        let plan = &mut self.plans[token.plan];
        let burn = plan.burns(asked);
        if plan.held < burn {
            // From the delegation, within its own limit.
            if self.dice.one_in(2) {
                return;
            }
            plan.held += plan.grants.max(burn);
        }
        plan.held -= burn;
        token.settled = true;
        token.burned += burn;
    }

    fn settle_some_token(&mut self) {
        if !self.tokens.is_empty() {
            let index = usize::try_from(self.dice.roll(self.tokens.len() as u64)).unwrap();
            self.settle(index);
        }
    }

    fn work(&mut self, tab: usize, job: &PlatformCall, at: u64) {
        let consents = self.can_ask || self.has_policy && !self.policy.origins.is_empty();
        assert!(consents, "rule 3: the platform is asked for {:?} though nobody can consent", job.work);
        let answer = |body: String| Some(Response { status: 200, body, correlation_id: None });
        let plan_of = |path: &str| {
            let name = path.split('/').find(|part| part.len() == 2 && part.starts_with('p'));
            usize::from(name.unwrap().as_bytes()[1] - b'0')
        };
        let fails = self.dice.one_in(12);
        let result = match job.work {
            CallWork::Mint => {
                let body = job.request.body.clone().unwrap();
                let plan = (0..3).find(|plan| body.contains(&format!("\"p{plan}\""))).unwrap();
                let single_use = self.platform_gives_single_use && body.contains("tokenVersion");
                let index = self.tokens.len();
                self.tokens.push(Token { plan, single_use, settled: false, burned: 0, presented: vec![] });
                answer(format!(r#"{{"accessToken":"{}"}}"#, token(index, plan, single_use)))
            }
            // No seller here asks for an amount.
            CallWork::Sign => None,
            CallWork::Order => {
                let index = plan_of(&job.request.path);
                let (held, since) =
                    self.tabs[tab].read[index].expect("rule 10: an order without a reading of the balance");
                let open = self.tabs[tab].open.len() as u64 + 1;
                let wanted = since + open * self.plans[index].most().max(8);
                assert!(
                    held < wanted,
                    "rule 10: an order though the platform said {held}, and {wanted} are wanted at the most"
                );
                let plan = &self.plans[index];
                let (price, currency) = (plan.price, plan.currency);
                // A clear no buys nothing and does not count.
                if self.dice.one_in(6) {
                    let body = r#"{"code":"BCK.PROTOCOL.0005","message":"no"}"#.to_owned();
                    Some(Response { status: 400, body, correlation_id: None })
                } else {
                    let asked = self.tabs[tab].asked_to_buy;
                    self.orders.push(Order { plan: index, at, price, currency });
                    self.orders_by_policy += u64::from(!asked);
                    self.check_orders(asked);
                    self.tabs[tab].read[index] = None;
                    let late = self.dice.one_in(4);
                    let plan = &mut self.plans[index];
                    plan.held += plan.grants;
                    if !late {
                        plan.lagging = plan.held;
                    }
                    answer(r#"{"success":true,"txHash":"0xorder"}"#.into())
                }
            }
            CallWork::Balance => {
                let index = plan_of(&job.request.path);
                let plan = &self.plans[index];
                let held = if self.dice.one_in(4) { plan.lagging } else { plan.held };
                answer(format!(r#"{{"balance":"{held}","pricePerCredit":0.1}}"#))
            }
            CallWork::Terms => answer(self.plans[plan_of(&job.request.path)].json()),
        };
        let result = if fails { None } else { result };
        if let (CallWork::Balance, Some(told)) = (job.work, &result) {
            let held = told.body.split('"').nth(3).unwrap().parse().unwrap();
            self.tabs[tab].read[plan_of(&job.request.path)] = Some((held, 0));
            self.tabs[tab].left[plan_of(&job.request.path)] = Some(held);
        }
        let (now, id) = (self.now, job.id);
        self.step(tab, |buyer| buyer.call_finished(id, result, now));
    }

    fn check_orders(&self, asked: bool) {
        let order = self.orders.last().unwrap();
        let now = order.at;
        let count = |since: u64| {
            self.orders.iter().filter(|order| order.at >= since && order.at <= now).count() as u64
        };
        let policy = &self.policy;
        if !asked {
            assert!(
                self.has_policy && policy.purchase == Some(true),
                "rule 3: an order without consent to buy"
            );
            assert!(
                !policy.plans.is_empty() || policy.max_price.is_some(),
                "rule 3: an order without plans or maxPrice"
            );
        }
        if !self.has_policy {
            return;
        }
        let limits = policy.max_purchases;
        let within = |limit: Option<u32>, number: u64, name: &str| {
            assert!(
                limit.is_none_or(|limit| number <= limit.into()),
                "rule 3: {name}: {number} over {limit:?}"
            );
        };
        within(limits.total, count(0), "maxPurchasesTotal");
        within(limits.per_hour, count(now - HOUR_MS), "maxPurchasesPerHour");
        within(limits.per_day, count(now - DAY_MS), "maxPurchasesPerDay");
        let is_unlimited = limits == PurchaseLimits::default();
        if !asked && is_unlimited && self.orders_by_policy == self.orders.len() as u64 {
            within(Some(1), count(now - HOUR_MS), "one an hour");
        }
        if let Some(most) = &policy.max_price {
            let fits =
                order.price == 0 || order.currency == most.currency && credits(order.price) <= most.amount;
            assert!(
                fits,
                "rule 3: an order for {} {} of plan {} over {most:?}",
                order.price, order.currency, order.plan
            );
        }
    }

    fn finish(&mut self, tab: usize, fetch: FetchId, finish: &Finish) {
        let who = (tab_number(&self.tabs[tab].name), fetch);
        let presented: u64 = self
            .tokens
            .iter()
            .map(|token| {
                let times = token.presented.iter().filter(|(_, by, _)| *by == who).count() as u64;
                times * self.plans[token.plan].most()
            })
            .sum();
        let sent: Vec<_> =
            self.tokens.iter().filter(|token| token.presented.iter().any(|(_, by, _)| *by == who)).collect();
        assert!(sent.len() <= 2, "rule 5: {} tokens in one call", sent.len());
        let spend = &finish.spend;
        let one = &self.tabs[tab].open[&fetch];
        assert!(
            spend.outcome != Outcome::None || sent.is_empty(),
            "rule 9: nothing happened to {} tokens: {:?}",
            sent.len(),
            finish.result
        );
        assert!(one.sends <= 3 + one.redirects + u64::from(one.resumes), "rule 5: {} sends", one.sends);
        if self.limited() {
            assert!(
                spend.credits_presented >= credits(presented),
                "rule 9: {presented} presented, {spend:?}"
            );
        }
        for purchase in spend.purchases.iter().filter(|purchase| purchase.confirmed) {
            let known =
                self.orders.iter().any(|order| format!("p{}", order.plan) == purchase.plan_id.as_str());
            assert!(known, "rule 12: {purchase:?} is confirmed, and the platform knows no order");
        }
        let (url, method) = (format!("{}{}", one.origin, one.path), one.method);
        if let Some(payment) = spend.payment {
            self.tabs[tab].resumable.push((payment, url, method));
        }
        self.tabs[tab].buyer.forget(fetch);
        self.tabs[tab].open.get_mut(&fetch).unwrap().ended = true;
        self.note(|| {
            format!(
                "tab {tab} {fetch:?} ends: {:?} {:?}",
                finish.result.as_ref().map_err(|e| e.code().to_owned()),
                finish.spend
            )
        });
        if self.dice.one_in(2) {
            self.tabs[tab].open.remove(&fetch);
        }
    }

    /// At the end the seller settles all that it has, for as much as it can: the ledger keeps the limits all the same.
    fn end(&mut self) {
        for index in 0..self.tokens.len() {
            let plan = &self.plans[self.tokens[index].plan];
            let token = &mut self.tokens[index];
            if token.single_use && !token.presented.is_empty() && !token.settled {
                token.settled = true;
                token.burned += plan.burns(u64::MAX);
            }
        }
        let burned: u64 = self.tokens.iter().filter(|token| token.single_use).map(|token| token.burned).sum();
        if self.has_policy {
            let limit = self.policy.max_credits_total;
            assert!(
                limit.is_none_or(|limit| credits(burned) <= limit),
                "rule 12: {burned} burned over {limit:?}"
            );
        }
        if self.limited() {
            let presented = self.presented_since(0);
            let counted = match &self.shared {
                Some(text) => total_of(text),
                None => self.tabs[0].buyer.budget().spent(),
            };
            assert!(
                counted >= credits(presented),
                "rule 12: {presented} presented in all, {counted} counted"
            );
        }
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
