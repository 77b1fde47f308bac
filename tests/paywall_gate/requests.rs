//! Requests on their way through a gate.

use super::*;

impl SimulatedPlatform {
    pub(super) fn ask(&mut self, payer: usize, route: usize, token: u8, instance: usize) {
        let name = self.truths.len();
        let (path, plan, _) = ROUTES[route];
        let nonce = match (token, self.nonces[payer].last()) {
            (0, _) => None,
            // A replay.
            (1, Some(nonce)) => Some(nonce.clone()),
            _ => {
                let nonce = format!("0x{name:x}");
                self.nonces[payer].push(nonce.clone());
                Some(nonce)
            }
        };
        let head = RequestHead {
            method: "GET".into(),
            url: format!("https://api.example{path}/{name}"),
            headers: [("payment-signature", self.token(payer, plan, nonce.as_deref()))].into_iter().collect(),
            seed: (name as u128 + 1).to_be_bytes(),
            now: self.now,
            ..RequestHead::new("", "", [0; 16], 0)
        };
        self.truths.push(Truth { payer, route, nonce, ..Truth::default() });
        let (flow, action) = self.gates[instance].open(&head);
        self.settle_in(Live { name, flow, action, meter: None });
    }

    /// Keeps a request that has something to do; else takes what it leaves.
    pub(super) fn settle_in(&mut self, mut live: Live) {
        let truth = &mut self.truths[live.name];
        truth.at_work = live.flow.payment().is_some_and(|_| {
            matches!(live.action, Action::Forward(_))
                || (truth.at_work && !matches!(live.action, Action::Respond(_)))
        });
        match &live.action {
            Action::Respond(_) | Action::Finish(_) => self.leave(live),
            Action::Deliver(delivery) => {
                let truth = &mut self.truths[live.name];
                truth.delivered |= truth.worked && !truth.gone;
                live.meter.clone_from(&delivery.meter);
                if live.meter.is_none() {
                    truth.at_work = false;
                    return self.leave(live);
                }
                self.live.push(live);
            }
            _ => self.live.push(live),
        }
    }

    pub(super) fn leave(&mut self, mut live: Live) {
        self.truths[live.name].at_work = false;
        self.notes.extend(live.flow.take_deferred());
    }

    pub(super) fn step(&mut self, mut live: Live, fate: Fate) {
        let Some(event) = self.perform(&mut live, fate) else { return self.live.push(live) };
        live.action = live.flow.handle_event(event, self.now);
        self.settle_in(live);
    }

    /// Does what a request asks for. Nothing where that goes on.
    pub(super) fn perform(&mut self, live: &mut Live, fate: Fate) -> Option<Event> {
        let name = live.name;
        Some(match &live.action {
            Action::Respond(_) | Action::Finish(_) => panic!("it is over"),
            Action::Deliver(_) => {
                let renew = live.meter.as_ref().and_then(|meter| meter.renew.clone());
                match (fate, renew) {
                    // It still goes out.
                    (LostBefore | Late, Some(renew)) => {
                        if fate == Late {
                            let _ = self.tell(&renew.call);
                        }
                        return None;
                    }
                    (Refused, _) => {
                        Event::Ended(Ending { how: EndReason::ClientLeft, bytes: 10, ..Ending::default() })
                    }
                    _ => Event::Ended(Ending { how: EndReason::Whole, bytes: 10, ..Ending::default() }),
                }
            }
            Action::Call(call) => {
                let (path, body) = (call.path.to_string(), call.body.clone().unwrap());
                self.facilitate(Some(name), &path, &body, fate)
            }
            Action::State(call) => {
                let call = call.clone();
                if let Command::Admit { claim, open, .. } = &call.command {
                    let verified = self.truths[name].verified;
                    assert!(
                        verified || (claim.is_none() && open.is_none()),
                        "admitted before it was verified"
                    );
                }
                match fate {
                    LostBefore => Event::StateFailed,
                    LostAfter | Late => {
                        let _ = self.tell(&call);
                        Event::StateFailed
                    }
                    _ => Event::State(self.tell(&call)),
                }
            }
            Action::Wait(ms) => {
                let ms = u64::from(*ms);
                self.passes(ms);
                Event::Waited
            }
            Action::Price(_) => panic!("no handler is configured"),
            Action::Forward(_) => {
                let nonce = self.truths[name].nonce.clone();
                let others = self.truths.iter().enumerate().filter(|(other, truth)| {
                    *other != name && truth.at_work && truth.nonce.is_some() && truth.nonce == nonce
                });
                assert_eq!(others.count(), 0, "one single-use token is at work twice");
                match fate {
                    LostBefore | Late => Event::OriginFailed,
                    LostAfter => Event::OriginTimedOut,
                    Refused => Event::Origin(OriginResponse { status: 404, ..OriginResponse::default() }),
                    Busy => Event::OriginUnusable,
                    Failed => Event::Origin(OriginResponse { status: 500, ..OriginResponse::default() }),
                    Fine => {
                        self.truths[name].worked = true;
                        Event::Origin(OriginResponse { status: 200, ..OriginResponse::default() })
                    }
                }
            }
        })
    }
}
