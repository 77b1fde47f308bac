//! The facilitator with its ledger, and the objects of the state.

use super::*;

impl SimulatedPlatform {
    pub(super) fn token(&self, index: usize, plan: &str, nonce: Option<&str>) -> String {
        let mut authorization = json!({ "from": payer(index), "edition": self.edition[index] });
        if let Some(nonce) = nonce {
            authorization["nonce"] = nonce.into();
        }
        let payload = json!({
            "x402Version": 2,
            "accepted": { "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": plan, "extra": {} },
            "payload": { "signature": "0xfeed", "authorization": authorization },
            "extensions": {},
        });
        base64::encode_url(payload.to_string().as_bytes())
    }

    pub(super) fn tell(&mut self, call: &StateCall) -> Reply {
        let rows = self.objects.entry(call.shard.clone()).or_default();
        // It travels as text.
        let command = Command::from_text(&call.command.to_text()).unwrap();
        let reply = state::apply(rows, &command, self.now).unwrap();
        Reply::from_text(&reply.to_text()).unwrap()
    }

    /// The platform. `asker` is who asks, and nobody where an object does.
    pub(super) fn facilitate(&mut self, asker: Option<usize>, path: &str, body: &str, fate: Fate) -> Event {
        let body: Value = serde_json::from_str(body).unwrap();
        let busy = || answered(429, json!({}));
        if path.ends_with("/verify") {
            return match fate {
                LostBefore | LostAfter | Late => Event::Unanswered(FacilitatorError::TimedOut),
                Busy => busy(),
                Failed => answered(500, json!({})),
                Refused => answered(402, json!({ "code": "BCK.CREDITS.0003", "message": "no" })),
                Fine => match self.refuses(&body) {
                    Some(code) => answered(402, json!({ "code": code, "message": "no" })),
                    None => {
                        if let Some(asker) = asker {
                            self.truths[asker].verified = true;
                        }
                        let (from, _) = holder(&body);
                        answered(200, json!({ "isValid": true, "payer": payer(from) }))
                    }
                },
            };
        }
        let name = settled_for(&body);
        let truth = &mut self.truths[name];
        assert!(truth.worked, "settled, and the origin did not do it");
        // The first settle is allowed, and so is any of a single-use token; any other only after a clear refusal.
        assert!(truth.nonce.is_some() || !truth.doubted, "a reusable token is settled again");
        truth.doubted = true;
        match fate {
            LostBefore => Event::Unanswered(FacilitatorError::Unreachable),
            Late => {
                self.late.push((self.now, body));
                Event::Unanswered(FacilitatorError::TimedOut)
            }
            LostAfter => {
                let _ = self.burn(&body);
                Event::Unanswered(FacilitatorError::TimedOut)
            }
            Busy => self.certain(name, busy()),
            Failed => self.certain(name, answered(500, json!({ "code": "BCK.X402.0009", "message": "no" }))),
            Refused => {
                self.certain(name, answered(402, json!({ "code": "BCK.CREDITS.0003", "message": "no" })))
            }
            Fine => match self.burn(&body) {
                Some(code) => self.certain(name, answered(402, json!({ "code": code, "message": "no" }))),
                None => {
                    let redeemed = PRICE.to_string();
                    answered(
                        200,
                        json!({ "success": true, "transaction": "0x1", "creditsRedeemed": redeemed }),
                    )
                }
            },
        }
    }

    /// A clear no to the settle of a reusable token leaves no doubt about it.
    fn certain(&mut self, name: usize, answer: Event) -> Event {
        self.truths[name].doubted = false;
        answer
    }

    fn refuses(&self, body: &Value) -> Option<&'static str> {
        let (from, edition) = holder(body);
        let nonce = nonce_of(body);
        match () {
            () if nonce.as_ref().is_some_and(|nonce| self.spent.contains(nonce)) => Some("BCK.X402.0059"),
            () if nonce.is_none() && edition != u64::from(self.edition[from]) => Some("BCK.X402.0005"),
            () if self.held[from] < PRICE => Some("BCK.CREDITS.0003"),
            () => None,
        }
    }

    /// Burns what a settle asks for, if it may.
    pub(super) fn burn(&mut self, body: &Value) -> Option<&'static str> {
        if let Some(code) = self.refuses(body) {
            return Some(code);
        }
        self.held[holder(body).0] -= PRICE;
        self.spent.extend(nonce_of(body));
        let truth = &mut self.truths[settled_for(body)];
        truth.burned += 1;
        assert!(truth.burned <= 1, "burned twice: {truth:?}");
        None
    }

    pub(super) fn alarm(&mut self, shard: &str, fate: Fate, dies: bool) -> bool {
        let rows = self.objects.get_mut(shard).unwrap();
        let Some(job) = self.gates[0].due(rows, self.now, &mut |_| ()).unwrap() else { return false };
        let response = match &job.task {
            Task::Tell(call) => {
                if fate != LostBefore {
                    let _ = self.tell(&call.clone());
                }
                if fate == Fine { PlatformResponse::Heard } else { PlatformResponse::Unanswered }
            }
            Task::Call(call) => {
                let (path, body) = (call.path.to_string(), call.body.clone().unwrap());
                match self.facilitate(None, &path, &body, fate) {
                    Event::Answered(answer) => PlatformResponse::Answered(answer),
                    _ => PlatformResponse::Unanswered,
                }
            }
        };
        if !dies {
            let rows = self.objects.get_mut(shard).unwrap();
            state::on_response(rows, &job, response, self.now, &mut |_| ()).unwrap();
        } else if let Task::Call(call) = &job.task
            && call.path.ends_with("/settle")
        {
            // Nobody heard the answer, clear as it was.
            let body: Value = serde_json::from_str(call.body.as_deref().unwrap()).unwrap();
            self.truths[settled_for(&body)].doubted = true;
        }
        true
    }
}
