//! A buyer against a seller that asks for amounts of assets (x402 `exact`) and makes MPP challenges, beside offers of plans: rules
//! 3, 5, 6, 9 and 12 hold for each dialect.
//!
//! Each run is one seed: a random policy, one or two tabs, offers that change between calls, a wallet that refuses or is slow, a
//! seller that answers anything to what it is paid. Nothing is signed for or presented without consent, above a limit, at another
//! origin than the one that asked, or twice.
//!
//! `DIALECT_RUNS=1000000 cargo test --release --test dialects_property` runs more seeds, `DIALECT_SEED=7` one of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/dice.rs"]
mod dice;

use dice::Dice;
use payments_wasm::api::Response;
use payments_wasm::subscriber::{
    Action, AmountLimit, Approval, Buyer, CallWork, Command, DialectKind, Event, FetchId, FetchRequest,
    Finish, Offer, Outcome, PlatformCall, Policy, Redirected, Redirects, ResponseHead, SendRequest, Target,
};
use payments_wasm::wire::{Credits, DelegationRef, base64};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;
const HOLDER: &str = "0x0000000000000000000000000000000000000001";
const ORIGINS: [&str; 3] = ["https://a.example", "https://b.example", "http://plain.example"];
const CURRENCIES: [&str; 3] = ["eip155:8453:0xusdc", "eip155:84532:0xusdc", "eip155:8453:0xeurc"];
/// The most that one presentation of each plan can cost.
const MOST: [u64; 2] = [2, 5];

/// A way to pay that the seller named in the handle of an offer: where, what and how much.
#[derive(Clone)]
struct Named {
    origin: &'static str,
    currency: Option<usize>,
    plan: usize,
    pay_to: String,
    amount: u64,
    /// How often it was offered.
    times: usize,
}

/// A thing that pays: a signature of the wallet, or a token of the platform.
struct Means {
    /// The handle that the wallet signed for; `None` for a token.
    handle: Option<usize>,
    plan: usize,
    single_use: bool,
}

/// One presentation: when, by which fetch, for which handle, by which means, to which URL.
struct Presentation {
    at: u64,
    by: (usize, FetchId),
    handle: Option<usize>,
    means: usize,
    url: String,
    /// What it can cost: an amount of this currency, or credits.
    currency: Option<usize>,
    most: u64,
    resumes: bool,
}

enum Pending {
    Act(FetchId, Box<Action>, u64),
    Work(PlatformCall),
    Report(FetchId, Event),
}

struct Fetch {
    url: String,
    method: &'static str,
    resumes: bool,
    paid_sends: u8,
}

struct Tab {
    buyer: Buyer,
    name: String,
    pending: Vec<Pending>,
    open: BTreeMap<FetchId, Fetch>,
    /// The offers that somebody said yes to, and whether that holds for more than the one payment.
    agreed: Vec<(FetchId, Arc<Offer>, bool)>,
    resumable: Vec<(FetchId, String, &'static str)>,
}

struct World {
    dice: Dice,
    now: u64,
    policy: Policy,
    has_policy: bool,
    can_ask: bool,
    shared: Option<String>,
    single_use: bool,
    tabs: Vec<Tab>,
    names: usize,
    handles: Vec<Named>,
    means: Vec<Means>,
    /// The last offers that each origin made.
    last: BTreeMap<&'static str, (Option<String>, Option<String>)>,
    presented: Vec<Presentation>,
    tells: bool,
}

fn credits(amount: u64) -> Credits {
    Credits::from(amount)
}

fn index(of: u64) -> usize {
    usize::try_from(of).unwrap()
}

impl World {
    fn new(seed: u64, tells: bool) -> Self {
        let mut dice = Dice(seed);
        let limit = |dice: &mut Dice, most: u64| dice.maybe(most).map(credits);
        let currencies = index(dice.roll(4));
        let max_amounts = CURRENCIES[..currencies]
            .iter()
            .map(|currency| AmountLimit {
                currency: (*currency).into(),
                per_request: limit(&mut dice, 12),
                per_hour: limit(&mut dice, 25),
                per_day: limit(&mut dice, 25),
                total: limit(&mut dice, 30),
            })
            .collect();
        let policy = Policy {
            max_amounts,
            max_credits_per_request: limit(&mut dice, 12),
            max_credits_total: limit(&mut dice, 20),
            origins: match dice.roll(4) {
                0 => vec![],
                1 => vec![ORIGINS[0].into(), ORIGINS[2].into()],
                _ => vec!["*".into()],
            },
            plans: if dice.one_in(4) { vec!["p0".into()] } else { vec![] },
            schemes: if dice.one_in(6) { vec!["exact".into()] } else { vec![] },
            purchase: *dice.pick(&[None, None, Some(false)]),
            ..Policy::default()
        };
        let shared = dice.one_in(2).then(String::new);
        let mut world = Self {
            now: 100 * DAY_MS + dice.roll(DAY_MS),
            has_policy: !dice.one_in(5),
            can_ask: dice.one_in(2),
            single_use: dice.one_in(2),
            policy,
            shared,
            tabs: vec![],
            names: 0,
            handles: vec![],
            means: vec![],
            last: BTreeMap::new(),
            presented: vec![],
            tells,
            dice,
        };
        world.add_tab();
        if world.shared.is_some() && world.dice.one_in(2) {
            world.add_tab();
        }
        world
    }

    fn note(&self, text: impl FnOnce() -> String) {
        if self.tells {
            println!("{} {}", self.now, text());
        }
    }

    fn add_tab(&mut self) {
        self.names += 1;
        let mut buyer = Buyer::new();
        buyer.log_in(Some(HOLDER.into()), Some(DelegationRef::parse("d-1", "delegationId").unwrap()));
        self.tabs.push(Tab {
            buyer,
            name: format!("tab{}", self.names),
            pending: vec![],
            open: BTreeMap::new(),
            agreed: vec![],
            resumable: vec![],
        });
    }

    fn step<T>(&mut self, tab: usize, step: impl FnOnce(&mut Buyer) -> T) -> T {
        let storage_fails = self.shared.is_some() && self.dice.one_in(40);
        let one = &mut self.tabs[tab];
        if let Some(text) = &self.shared {
            one.buyer.load(text, &one.name);
        }
        let done = step(&mut one.buyer);
        match &mut self.shared {
            Some(_) if storage_fails => one.buyer.storage_failed(),
            Some(text) => *text = one.buyer.stored_text(&one.name),
            None => {}
        }
        while let Some(command) = one.buyer.poll_command() {
            match command {
                Command::Do(fetch, action) => {
                    let is_other = |one: &Pending| !matches!(one, Pending::Act(other, ..) if *other == fetch);
                    one.pending.retain(is_other);
                    one.pending.push(Pending::Act(fetch, action, self.now));
                }
                Command::Run(call) => one.pending.push(Pending::Work(call)),
                Command::Limit(..) | Command::Tell(_) => {}
            }
        }
        done
    }

    fn report(&mut self, tab: usize, fetch: FetchId, event: Event) {
        let (now, begun) = (self.now, self.tabs[tab].open.get(&fetch).map(|one| one.paid_sends));
        self.step(tab, |buyer| {
            begun.into_iter().for_each(|begun| buyer.token_sends(fetch, begun));
            buyer.handle_event(fetch, event, now);
        });
    }

    fn happen(&mut self) {
        let tab = index(self.dice.roll(self.tabs.len() as u64));
        match self.dice.roll(20) {
            0..=3 => self.open(tab),
            4 => self.now += self.dice.roll(3 * 60_000),
            5 if self.dice.one_in(4) => self.now += self.dice.roll(2 * HOUR_MS),
            6 if self.dice.one_in(8) => self.now += self.dice.roll(2 * DAY_MS),
            7 if self.dice.one_in(4) => {
                let fetches: Vec<_> = self.tabs[tab].open.keys().copied().collect();
                if !fetches.is_empty() {
                    let fetch = *self.dice.pick(&fetches);
                    let event = if self.dice.one_in(2) { Event::Aborted } else { Event::TimedOut };
                    self.report(tab, fetch, event);
                }
            }
            _ if self.tabs[tab].pending.is_empty() => {}
            _ => {
                let place = index(self.dice.roll(self.tabs[tab].pending.len() as u64));
                match self.tabs[tab].pending.remove(place) {
                    Pending::Work(call) => self.work(tab, &call),
                    Pending::Report(fetch, event) => self.report(tab, fetch, event),
                    Pending::Act(fetch, action, at) => self.act(tab, fetch, *action, at),
                }
            }
        }
    }

    fn open(&mut self, tab: usize) {
        let origin = *self.dice.pick(&ORIGINS);
        let resumed = if self.dice.one_in(3) { self.tabs[tab].resumable.pop() } else { None };
        let (resume, url, method) = match resumed {
            Some((payment, url, method)) => (Some(payment), url, method),
            None => (None, format!("{origin}/{}", self.dice.roll(2)), *self.dice.pick(&["GET", "POST"])),
        };
        let target = place(&url);
        let request = FetchRequest {
            policy: self.has_policy.then(|| Arc::new(self.policy.clone())),
            can_ask: self.can_ask,
            can_select: self.dice.one_in(5),
            redirects: *self.dice.pick(&[Redirects::Follow, Redirects::Manual]),
            resume,
            ..FetchRequest::new(target, method)
        };
        let now = self.now;
        let fetch = self.step(tab, |buyer| buyer.open(request, now));
        let one = Fetch { url: url.clone(), method, resumes: resume.is_some(), paid_sends: 0 };
        self.tabs[tab].open.insert(fetch, one);
        self.note(|| format!("tab {tab} opens {fetch:?} {method} {url}"));
    }

    fn act(&mut self, tab: usize, fetch: FetchId, action: Action, at: u64) {
        let event = match action {
            Action::Send(send) => self.send(tab, fetch, &send, at),
            Action::ReadBody => Event::Body(match self.dice.roll(4) {
                0 => None,
                1 => Some(r#"{"code":"BCK.MPP.0004"}"#.into()),
                2 => Some(r#"{"code":"BCK.MPP.0003"}"#.into()),
                _ => Some("<html>no</html>".into()),
            }),
            Action::Select(offers) => Event::Selected(Some(index(self.dice.roll(offers.len() as u64 + 1)))),
            Action::Ask(offer) => {
                let (approve, remember) = (!self.dice.one_in(4), self.dice.one_in(3));
                if approve {
                    self.tabs[tab].agreed.push((fetch, offer, remember));
                }
                Event::Approved(Approval { approve, remember, ..Approval::default() })
            }
            Action::Finish(finish) => return self.finish(tab, fetch, &finish),
        };
        self.tabs[tab].pending.push(Pending::Report(fetch, event));
    }

    /// The offers of an origin: those of plans in the header, and those of other dialects.
    fn offers(&mut self, origin: &'static str) -> (Option<String>, Option<String>) {
        if self.dice.one_in(2)
            && let Some(last) = self.last.get(origin)
        {
            return last.clone();
        }
        let dialects = (0..self.dice.roll(4)).map(|_| self.entry(origin)).collect::<Vec<_>>();
        let dialects = match self.dice.roll(12) {
            0 => Some(r#"{"error":"missing","field":"payTo"}"#.to_owned()),
            1 => Some("[{".to_owned()),
            2 => None,
            _ => Some(format!("[{}]", dialects.join(","))),
        };
        let header = self.dice.one_in(3).then(|| {
            let (plan, price) = (self.dice.roll(2), self.dice.roll(6));
            let offer = format!(
                r#"{{"x402Version":2,"resource":{{"url":"/x"}},"accepts":[{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"p{plan}","extra":{{"version":"1","credits":"{price}"}}}}],"extensions":{{}}}}"#
            );
            base64::encode_standard(offer.as_bytes())
        });
        self.last.insert(origin, (header.clone(), dialects.clone()));
        (header, dialects)
    }

    fn entry(&mut self, origin: &'static str) -> String {
        let currency = (!self.dice.one_in(3)).then(|| index(self.dice.roll(3)));
        let pay_to = format!("0xshop{}", self.dice.roll(2));
        let one = Named {
            origin,
            currency,
            plan: index(self.dice.roll(2)),
            pay_to,
            amount: self.dice.roll(12),
            times: 0,
        };
        let handle = self.handles.len();
        let elsewhere = if self.dice.one_in(10) { "https://honest.example/x" } else { "/x" };
        let (amount, pay_to) = (one.amount, &one.pay_to);
        let entry = match currency {
            Some(currency) => format!(
                r#"{{"dialect":"exact","planId":"{}","network":"n","credits":"{amount}","handle":"h{handle}","asset":"0xA","payTo":"{pay_to}","resource":"{elsewhere}"}}"#,
                CURRENCIES[currency]
            ),
            None => format!(
                r#"{{"dialect":"mpp","planId":"p{}","network":"n","credits":"{amount}","handle":"h{handle}","resource":"{elsewhere}"}}"#,
                one.plan
            ),
        };
        self.handles.push(one);
        entry
    }

    fn receipt(&mut self) -> String {
        let success = !self.dice.one_in(3);
        let redeemed = self.dice.maybe(9).map(|some| format!(r#","creditsRedeemed":"{some}""#));
        let redeemed = redeemed.unwrap_or_default();
        base64::encode_standard(
            format!(r#"{{"success":{success},"transaction":"0x1"{redeemed}}}"#).as_bytes(),
        )
    }

    fn send(&mut self, tab: usize, fetch: FetchId, send: &SendRequest, at: u64) -> Event {
        let Some(one) = self.tabs[tab].open.get_mut(&fetch) else { return Event::SendFailed };
        let url = send.target.as_ref().map_or_else(|| one.url.clone(), |target| target.url.clone());
        let target = place(&url);
        let origin = ORIGINS.into_iter().find(|origin| *origin == target.origin).unwrap();
        if send.token.is_some() {
            one.paid_sends += 1;
            self.present(tab, fetch, send, origin, url, at);
        }
        if self.dice.one_in(10) {
            return Event::SendFailed;
        }
        let status = *self.dice.pick(&[200, 200, 200, 401, 402, 402, 402, 404, 500, 302, 307]);
        let status = if send.token.is_none() && !self.dice.one_in(3) { 402 } else { status };
        let (offer, dialects) = match status {
            401 | 402 => self.offers(origin),
            _ => (None, None),
        };
        for part in dialects.iter().flat_map(|text| text.split(r#""handle":"h"#).skip(1)) {
            let handle: usize = part.split('"').next().unwrap().parse().unwrap();
            self.handles[handle].times += 1;
        }
        let location = (matches!(status, 302 | 307) && send.redirects == Redirects::Manual)
            .then(|| Redirected::To(place(&format!("{}/0", self.dice.pick(&ORIGINS)))));
        let receipt = (!self.dice.one_in(3)).then(|| self.receipt());
        Event::Answered(ResponseHead {
            status,
            offer,
            dialects,
            receipt,
            location,
            ..ResponseHead::default()
        })
    }

    fn work(&mut self, tab: usize, call: &PlatformCall) {
        let body = call.request.body.clone().unwrap_or_default();
        let answer = |body: String| Some(Response { status: 200, body, correlation_id: None });
        let fails = self.dice.one_in(10);
        let result = match call.work {
            CallWork::Sign => {
                let handle: usize = body.trim_start_matches('h').parse().unwrap();
                self.signed(tab, handle);
                let name = self.means.len();
                self.means.push(Means { handle: Some(handle), plan: 0, single_use: true });
                let payload = format!(
                    r#"{{"x402Version":2,"accepted":{{"scheme":"exact","network":"n"}},"payload":{{"signature":"{name}","authorization":{{"from":"0xme","nonce":"{name}"}}}}}}"#
                );
                answer(format!(r#"{{"accessToken":"{}"}}"#, base64::encode_standard(payload.as_bytes())))
            }
            CallWork::Mint => {
                let plan = usize::from(body.contains("\"p1\""));
                let single_use = self.single_use && body.contains("tokenVersion");
                let name = self.means.len();
                self.means.push(Means { handle: None, plan, single_use });
                let nonce = if single_use { format!(r#","nonce":"{name}""#) } else { String::new() };
                let token = format!(
                    r#"{{"x402Version":2,"accepted":{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"p{plan}","extra":{{}}}},"payload":{{"signature":"{name}","authorization":{{"from":"0xme","sessionKeysProvider":"zerodev","sessionKeys":[]{nonce}}}}},"extensions":{{}}}}"#
                );
                answer(format!(r#"{{"accessToken":"{}"}}"#, base64::encode_url(token.as_bytes())))
            }
            CallWork::Order => panic!("rule 3: nobody agreed to buy a plan"),
            CallWork::Balance => {
                answer(format!(r#"{{"balance":"{}","pricePerCredit":0.1}}"#, self.dice.roll(30)))
            }
            CallWork::Terms => {
                let most = MOST[usize::from(call.request.path.ends_with("p1"))];
                answer(format!(
                    r#"{{"registry":{{"price":{{"amounts":[],"isCrypto":false,"currency":"USD"}},"credits":{{"amount":"9","minAmount":"0","maxAmount":"{most}","isRedemptionAmountFixed":false}}}},"metadata":{{"plan":{{"accessLimit":"credits"}}}}}}"#
                ))
            }
        };
        let (now, id) = (self.now, call.id);
        self.step(tab, |buyer| buyer.call_finished(id, if fails { None } else { result }, now));
    }

    /// True if somebody agreed to it in this tab, or agreed for the session to as much for the same recipient at the same place.
    fn was_agreed(&self, tab: usize, handle: usize, by: Option<FetchId>) -> bool {
        let asked = &self.handles[handle];
        self.tabs[tab].agreed.iter().any(|(fetch, offer, remembered)| {
            let Some(dialect) = offer.dialect() else { return false };
            let same = dialect.handle == format!("h{handle}") && by.is_none_or(|by| by == *fetch);
            let currency = asked.currency.map(|currency| CURRENCIES[currency]);
            let plan = currency.map_or_else(|| format!("p{}", asked.plan), Into::into);
            same || *remembered
                && offer.target.origin == asked.origin
                && offer.plan_id().as_str() == plan
                && dialect.pay_to == (if currency.is_some() { asked.pay_to.as_str() } else { "" })
                && offer.credits().is_some_and(|most| credits(asked.amount) <= most)
        })
    }

    /// Rule 3: an amount of a currency, or credits, that a policy allows without a question.
    fn is_allowed(&self, handle: usize) -> bool {
        let asked = &self.handles[handle];
        let origins = &self.policy.origins;
        let limited = |currency: usize| {
            self.policy.max_amounts.iter().any(|limit| limit.currency == CURRENCIES[currency])
        };
        self.has_policy
            && !self.can_ask
            && origins.iter().any(|name| name == "*" || name == asked.origin)
            && asked.currency.is_none_or(limited)
    }

    /// The wallet was asked to sign.
    fn signed(&self, tab: usize, handle: usize) {
        let asked = &self.handles[handle];
        let currency = asked.currency.expect("a wallet signs for amounts only");
        assert!(
            self.was_agreed(tab, handle, None) || self.is_allowed(handle),
            "rule 3: an amount is signed for without consent"
        );
        assert!(asked.origin.starts_with("https:"), "rule 6: an amount is signed for {}", asked.origin);
        if !self.has_policy {
            return;
        }
        let limits = &self.policy.max_amounts;
        let limit = limits.iter().find(|limit| limit.currency == CURRENCIES[currency]);
        assert!(
            limits.is_empty() || limit.is_some(),
            "rule 12: a currency is signed for that no limit names"
        );
        for most in limit.into_iter().flat_map(|one| [one.per_request, one.per_hour, one.per_day, one.total])
        {
            assert!(most.is_none_or(|most| credits(asked.amount) <= most), "rule 12: signed above {most:?}");
        }
    }

    /// Something that pays is on the wire.
    fn present(
        &mut self,
        tab: usize,
        fetch: FetchId,
        send: &SendRequest,
        origin: &str,
        url: String,
        at: u64,
    ) {
        let by = (tab_number(&self.tabs[tab].name), fetch);
        let secret = send.token.as_ref().unwrap().expose();
        let text = String::from_utf8(base64::decode(secret, 64 * 1024, "token").unwrap()).unwrap();
        let means: usize =
            text.split("\"signature\":\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        let handle =
            send.dialect.as_ref().map(|dialect| dialect.handle.trim_start_matches('h').parse().unwrap());
        let resumes = self.tabs[tab].open[&fetch].resumes;
        assert_eq!(send.redirects, Redirects::Manual, "rule 6");
        let what = &self.means[means];
        let (currency, most) = match handle.map(|handle: usize| &self.handles[handle]) {
            Some(asked) => {
                assert_eq!(
                    asked.origin, origin,
                    "rule 6: what pays goes to another origin than the one that asked"
                );
                match asked.currency {
                    Some(_) => {
                        assert_eq!(what.handle, handle, "a signature pays another offer than it is for")
                    }
                    None => {
                        assert!(
                            what.handle.is_none() && what.plan == asked.plan,
                            "a challenge has another plan's token"
                        );
                        assert_eq!(send.dialect.as_ref().unwrap().kind, DialectKind::Mpp);
                    }
                }
                let most =
                    if asked.currency.is_some() { asked.amount } else { MOST[asked.plan].max(asked.amount) };
                (asked.currency, most)
            }
            None => {
                assert!(what.handle.is_none(), "a signature is sent as the token of a plan");
                (None, MOST[what.plan])
            }
        };
        assert!(origin.starts_with("https:"), "rule 6: paid over plain HTTP");
        // Without a yes a policy pays; a resumed payment was agreed to when it was made.
        if let Some(handle) = handle {
            let agreed = self.was_agreed(tab, handle, None) || self.is_allowed(handle);
            assert!(agreed || resumes, "rule 3: presented without consent");
        }
        // Once, unless the same payment goes on. A challenge that is offered again may be answered again.
        let is_once = what.single_use;
        let is_again = self.presented.iter().any(|before| before.url == url && before.means == means);
        let twice = is_once && self.presented.iter().any(|before| before.means == means);
        assert!(!twice || resumes && is_again, "rule 5: presented twice");
        if let Some(handle) = handle {
            let answered = self.presented.iter().filter(|before| before.handle == Some(handle)).count();
            // To go on with a payment answers its challenge once more.
            let times = self.handles[handle].times
                + self.presented.iter().filter(|one| one.handle == Some(handle) && one.resumes).count();
            assert!(
                answered < times || resumes,
                "rule 5: {answered} payments of {handle} for {times} offers"
            );
        }
        let is_counted = is_once && self.presented.iter().any(|before| before.means == means);
        if !is_counted {
            self.presented.push(Presentation { at, by, handle, means, url, currency, most, resumes });
        }
        let counted = self.counted(tab, currency);
        let presented = self.sum(currency, |_| true);
        assert!(counted >= credits(presented), "rule 12: {presented} presented, {counted} counted");
        self.note(|| format!("tab {tab} {fetch:?} presents {means} for {handle:?}, {currency:?} {most}"));
        self.check_limits(by, currency, at);
    }

    fn sum(&self, currency: Option<usize>, counts: impl Fn(&Presentation) -> bool) -> u64 {
        let all = self.presented.iter().filter(|one| one.currency == currency && counts(one));
        all.map(|one| one.most).sum()
    }

    /// The count of a currency, or of credits, in what is shared too. Credits are counted at their most where a limit is set.
    fn counted(&self, tab: usize, currency: Option<usize>) -> Credits {
        let mut reader = Buyer::new();
        let budget = match &self.shared {
            Some(text) => {
                reader.load(text, "reader");
                reader.budget()
            }
            None => self.tabs[tab].buyer.budget(),
        };
        match currency {
            Some(currency) => {
                let of = budget.by_currency();
                of.iter()
                    .find(|(name, _)| *name == CURRENCIES[currency])
                    .map_or(Credits::ZERO, |(_, sum)| *sum)
            }
            None if !self.limits_credits() => Credits::MAX,
            None => budget.spent(),
        }
    }

    fn limits_credits(&self) -> bool {
        let policy = &self.policy;
        let limited = policy.max_credits_total.or(policy.max_credits_per_request).is_some();
        self.has_policy && (limited || policy.purchase == Some(false))
    }

    fn check_limits(&self, by: (usize, FetchId), currency: Option<usize>, now: u64) {
        if !self.has_policy {
            return;
        }
        let within = |limit: Option<Credits>, sum: u64, name: &str| {
            assert!(limit.is_none_or(|limit| credits(sum) <= limit), "rule 12: {name}: {sum} over {limit:?}");
        };
        let policy = &self.policy;
        let Some(currency) = currency else {
            within(policy.max_credits_total, self.sum(None, |_| true), "maxCreditsTotal");
            within(
                policy.max_credits_per_request,
                self.sum(None, |one| one.by == by),
                "maxCreditsPerRequest",
            );
            return;
        };
        let limit = policy.max_amounts.iter().find(|limit| limit.currency == CURRENCIES[currency]);
        assert!(policy.max_amounts.is_empty() || limit.is_some(), "rule 12: a currency that no limit names");
        let Some(limit) = limit else { return };
        let sum = |counts: &dyn Fn(&Presentation) -> bool| self.sum(Some(currency), counts);
        within(limit.total, sum(&|_| true), "total");
        within(limit.per_hour, sum(&|one| one.at >= now - HOUR_MS && one.at <= now), "perHour");
        within(limit.per_day, sum(&|one| one.at >= now - DAY_MS && one.at <= now), "perDay");
        within(limit.per_request, sum(&|one| one.by == by), "perRequest");
    }

    fn finish(&mut self, tab: usize, fetch: FetchId, finish: &Finish) {
        let by = (tab_number(&self.tabs[tab].name), fetch);
        let mine: Vec<_> = self.presented.iter().filter(|one| one.by == by).collect();
        let spend = &finish.spend;
        assert!(mine.is_empty() || spend.outcome != Outcome::None, "rule 9: nothing happened to a payment");
        let means: BTreeSet<_> = mine.iter().map(|one| one.means).collect();
        assert!(means.len() <= 2, "rule 5: {} payments in one call", means.len());
        for (index, name) in CURRENCIES.iter().enumerate() {
            let sent: u64 = mine.iter().filter(|one| one.currency == Some(index)).map(|one| one.most).sum();
            let of = spend.amounts_presented.iter().find(|(currency, _)| currency == name);
            let said = of.map_or(Credits::ZERO, |(_, amount)| *amount);
            assert!(said >= credits(sent), "rule 9: {sent} presented, {said} said");
        }
        if let Some(payment) = spend.payment {
            let one = &self.tabs[tab].open[&fetch];
            let entry = (payment, one.url.clone(), one.method);
            self.tabs[tab].resumable.push(entry);
        }
        self.note(|| format!("tab {tab} {fetch:?} ends: {:?} {:?}", finish.result, finish.spend));
        self.tabs[tab].buyer.forget(fetch);
        if self.dice.one_in(2) {
            self.tabs[tab].open.remove(&fetch);
        }
    }
}

fn tab_number(name: &str) -> usize {
    name.trim_start_matches("tab").parse().unwrap()
}

fn place(url: &str) -> Target {
    let origin = ORIGINS.into_iter().find(|origin| url.starts_with(origin)).unwrap();
    Target { url: url.into(), origin: origin.into(), path: url.strip_prefix(origin).unwrap().into() }
}

fn run(seed: u64, tells: bool) -> usize {
    let mut world = World::new(seed, tells);
    for _ in 0..20 + world.dice.roll(120) {
        world.happen();
    }
    world.presented.len()
}

#[test]
fn no_seller_makes_a_buyer_pay_by_any_dialect_without_consent_above_a_limit_or_twice() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("DIALECT_SEED") {
        run(seed, true);
        return;
    }
    let runs = number("DIALECT_RUNS").unwrap_or(3_000);
    let mut presented = 0;
    for seed in 0..runs {
        let outcome = std::panic::catch_unwind(|| run(seed, false));
        presented += outcome.unwrap_or_else(|_| panic!("DIALECT_SEED={seed} fails"));
    }
    assert!(presented as u64 > runs / 4, "only {presented} payments in {runs} runs");
}
