//! The seller, who answers anything, the wallet and the platform.

use super::*;

impl World {
    /// The offers of an origin: those of plans in the header, and those of other dialects.
    pub(super) fn offers(&mut self, origin: &'static str) -> (Option<String>, Option<String>) {
        if self.dice.one_in(2)
            && let Some(last) = self.last.get(origin)
        {
            return last.clone();
        }
        let dialects = (0..self.dice.roll(4)).map(|_| self.entry(origin)).collect::<Vec<_>>();
        let dialects = match self.dice.roll(12) {
            0 => Some(Dialect::error_text(&WireError::new(WireErrorKind::Missing, "payTo"))),
            1 => Some("[{".to_owned()),
            2 => None,
            _ => Some(dialects.join("\u{1e}")),
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

    pub(super) fn entry(&mut self, origin: &'static str) -> String {
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
        let (amount, handle) = (one.amount.to_string(), format!("h{handle}"));
        let entry = match currency {
            Some(currency) => Dialect::offer_text([
                "exact",
                CURRENCIES[currency],
                "n",
                &amount,
                &handle,
                "",
                "0xA",
                &one.pay_to,
                elsewhere,
            ]),
            None => {
                let plan = format!("p{}", one.plan);
                Dialect::offer_text(["mpp", &plan, "n", &amount, &handle, "", "", "", elsewhere])
            }
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

    pub(super) fn send(&mut self, tab: usize, fetch: FetchId, send: &SendRequest, at: u64) -> Event {
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
        for offer in dialects.iter().flat_map(|text| text.split('\u{1e}')) {
            // The handle is the fifth member.
            let Some(handle) = offer.split('\u{1f}').nth(4) else { continue };
            let handle: usize = handle.trim_start_matches('h').parse().unwrap();
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

    pub(super) fn work(&mut self, tab: usize, call: &PlatformCall) {
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
}
