//! Answers of the platform to the calls that fetches share.

use super::SimulatedPlatform;
use super::values::{signature, token};
use payments_wasm::api::Response;
use payments_wasm::subscriber::{CallWork, PlatformCall};

impl SimulatedPlatform {
    pub fn work(&mut self, job: &PlatformCall) {
        self.now += job.delay_ms;
        self.platform_calls += 1;
        let answer = |status: u16, body: String| Response { status, body, correlation_id: None };
        if self.credits_at.is_some_and(|at| at <= self.now) {
            self.credits_at = None;
            self.balance += self.plan_credits;
        }
        let result = match job.work {
            CallWork::Mint => {
                self.mints += 1;
                self.mint_paths.push(job.request.path.to_string());
                self.mint_bodies.push(job.request.body.clone().unwrap_or_default());
                match self.mint_answer.clone() {
                    Some(given) => given.map(|(status, body)| answer(status, body)),
                    None => {
                        let token = token(&format!("t{}", self.mints), self.single_use);
                        Some(answer(200, format!(r#"{{"accessToken":"{token}"}}"#)))
                    }
                }
            }
            CallWork::Sign => {
                self.signed.push(job.request.body.clone().unwrap_or_default());
                (!self.wallet_refuses).then(|| {
                    let token = signature(&format!("s{}", self.signed.len()));
                    answer(200, format!(r#"{{"accessToken":"{token}"}}"#))
                })
            }
            CallWork::Order => {
                self.orders += 1;
                let good = matches!(&self.order_answer, Some((200..300, body)) if body.contains("true"));
                if good {
                    self.credits_at = Some(self.now.saturating_add(self.credits_after_ms));
                }
                self.order_answer.clone().map(|(status, body)| answer(status, body))
            }
            CallWork::Terms => {
                self.terms_read += 1;
                let (least, most) = self.plan_bounds;
                let plan = job.request.path.split('/').next_back().unwrap_or_default();
                self.plan_price.as_ref().map(|price| {
                    answer(200, format!(
                        r#"{{"id":"{plan}","registry":{{"price":{price},"credits":{{"amount":"{}","minAmount":"{least}","maxAmount":"{most}","isRedemptionAmountFixed":{}}}}},"metadata":{{"plan":{{"accessLimit":"{}"}}}}}}"#,
                        self.plan_credits, least == most, self.plan_access,
                    ))
                })
            }
            CallWork::Balance => {
                let plan = job.request.path.split('/').nth(5).unwrap_or_default();
                match self.plans.get(plan) {
                    None => Some(answer(200, format!(r#"{{"balance":"{}"}}"#, self.balance))),
                    Some(None) => Some(answer(500, "oops".into())),
                    Some(Some((held, price))) => {
                        Some(answer(200, format!(r#"{{"balance":"{held}","pricePerCredit":{price}}}"#)))
                    }
                }
            }
        };
        let now = self.now;
        self.step(|buyer| buyer.call_finished(job.id, result, now));
    }
}
