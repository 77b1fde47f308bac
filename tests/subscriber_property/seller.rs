//! The seller, who answers anything, and the platform with its ledger.

use super::*;

impl SimulatedPlatform {
    pub(super) fn offered(&mut self, tab: usize, fetch: FetchId) {
        if let Some(one) = self.tabs[tab].open.get_mut(&fetch) {
            one.offered = true;
        }
    }

    /// An offer for some plan at some price.
    pub(super) fn offer(&mut self) -> String {
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
    pub(super) fn send(
        &mut self,
        tab: usize,
        fetch: FetchId,
        send: &SendRequest,
        at: u64,
        held: Option<u64>,
    ) -> Event {
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

    /// The seller settles a token for any amount; the platform takes what the plan allows, once where it is single-use.
    pub(super) fn settle(&mut self, index: usize) {
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

    pub(super) fn settle_some_token(&mut self) {
        if !self.tokens.is_empty() {
            let index = usize::try_from(self.dice.roll(self.tokens.len() as u64)).unwrap();
            self.settle(index);
        }
    }

    pub(super) fn work(&mut self, tab: usize, job: &PlatformCall, at: u64) {
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
        if let (CallWork::Balance, Some(answer)) = (job.work, &result) {
            let held = answer.body.split('"').nth(3).unwrap().parse().unwrap();
            self.tabs[tab].read[plan_of(&job.request.path)] = Some((held, 0));
            self.tabs[tab].left[plan_of(&job.request.path)] = Some(held);
        }
        let (now, id) = (self.now, job.id);
        self.step(tab, |buyer| buyer.call_finished(id, result, now));
    }
}
