// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::error;
use super::fields::Fields;
use super::{request, views};
use crate::api::json_text::JsonText;
use crate::api::plans::GetPlanBalance;
use crate::api::retry::pause_before_retry;
use crate::api::{ApiError, Call, Deployment, Response, calls};
use crate::subscriber::{Action, Buyer, CallId, Command, FetchError, poll_pause_ms};
use crate::wire::{Environment, PlanId, WireError, digits};
use alloc::{string::String, vec::Vec};
use wasm_bindgen::prelude::*;

/// The buyer of one session and the address of its platform, as JavaScript holds them.
#[wasm_bindgen(skip_typescript)]
#[derive(Default)]
pub struct Engine {
    buyer: Buyer,
    /// True if notices are wanted.
    listens: bool,
    /// True if commands wait until the budget is stored.
    holds: bool,
    /// The number and the last time of the records that JavaScript has.
    known_records: (usize, u64),
}

#[wasm_bindgen]
impl Engine {
    /// An engine with nobody logged in.
    #[wasm_bindgen(constructor, skip_typescript)]
    pub fn new(listens: bool) -> Self {
        Self { listens, ..Self::default() }
    }

    /// Does one operation. The text is its name and its fields; the result is empty, a text, or JSON, and for an error
    /// `{ "error": { … } }`.
    #[wasm_bindgen(skip_typescript)]
    pub fn call(&mut self, text: &str) -> String {
        let mut fields = Fields::new(text);
        let operation = fields.next();
        self.operate(operation, fields).unwrap_or_else(|error| error::wrong(&error))
    }
}

impl Engine {
    fn operate(&mut self, operation: &str, mut fields: Fields<'_>) -> Result<String, WireError> {
        let buyer = &mut self.buyer;
        match operation {
            // Steps of fetches. The result is their commands.
            "open" => {
                let (now, fetch) = (time(&mut fields), request::fetch_id(&mut fields));
                let request = request::request(&mut fields)?;
                buyer.open_as(fetch, request, now);
                return Ok(self.due());
            }
            "event" => {
                let (now, fetch) = (time(&mut fields), request::fetch_id(&mut fields));
                // How many requests with a token were begun, before the event itself.
                if let Some(begun) = fields.small() {
                    buyer.token_sends(fetch, u8::try_from(begun).unwrap_or(u8::MAX));
                }
                let event = request::event(fields)?;
                buyer.handle_event(fetch, event, now);
                return Ok(self.due());
            }
            "finished" => {
                let (now, call) = (time(&mut fields), CallId::from(fields.small().unwrap_or_default()));
                buyer.call_finished(call, response(fields), now);
                return Ok(self.due());
            }
            "commands" => return Ok(self.commands()),

            // The session.
            "logIn" => {
                let delegation = request::delegation(&mut fields)?;
                buyer.log_in(fields.string(), delegation);
                return Ok(self.due());
            }
            "logOut" => {
                buyer.log_out();
                return Ok(self.due());
            }

            // The stored budget. Once it is stored, `commands` gives the commands of the steps before.
            "hold" => self.holds = fields.is_set(),
            "load" => {
                let tab = fields.next();
                buyer.load(&fields.last_value().unwrap_or_default(), tab);
            }
            "stored" => return Ok(buyer.stored_text(fields.next())),
            "loadOrders" => {
                fields.next();
                buyer.load_orders(&fields.last_value().unwrap_or_default());
            }
            "storedOrders" => return Ok(buyer.stored_orders_text()),
            "storageFailed" => buyer.not_stored(fields.some().is_some()),
            "records" => return Ok(self.new_records()),
            "spend" => {
                let mut json = JsonText::default();
                views::totals(buyer, time(&mut fields), &mut json);
                return Ok(json.done());
            }

            // Calls of the platform for the caller.
            "request" => {
                let name = fields.next();
                let mut given = Vec::new();
                for _ in 0..fields.small().unwrap_or_default() {
                    given.push(fields.value());
                }
                return Ok(request_text(&calls::request(name, &given)?));
            }
            "balance" => {
                let call = GetPlanBalance {
                    plan_id: PlanId::parse(fields.next(), "planId")?,
                    holder: fields.next().into(),
                };
                return Ok(request_text(&call.request()));
            }
            "isAddress" => return Ok(truth(GetPlanBalance::is_address(fields.next()))),
            "recordBalance" => {
                let now = time(&mut fields);
                let plan_id = PlanId::parse(fields.next(), "planId")?;
                if let Some(held) = fields.credits() {
                    buyer.record_balance(&plan_id, held, now);
                }
            }
            "order" => {
                // Its times are the caller's: one step names the time of another.
                let _ = time(&mut fields);
                let plan_id = PlanId::parse(fields.next(), "planId")?;
                buyer.order_by_hand(&plan_id, fields.next(), fields.number());
            }
            "refused" => {
                let (order, repeatable) = (fields.is_set(), fields.is_set());
                let answer = response(fields).unwrap_or_default();
                let error = match answer.is_success() {
                    true => ApiError::garbled(&answer, "not JSON"),
                    false => ApiError::from_response(&answer),
                };
                return Ok(error::of_answer(error, order, repeatable));
            }
            "garbled" => {
                let what = fields.next();
                let answer = Response { status: 200, ..Response::default() };
                return Ok(error::of_answer(ApiError::garbled(&answer, what), false, false));
            }
            "unanswered" => {
                let (order, repeatable) = (fields.is_set(), fields.is_set());
                let error = if order { FetchError::PurchaseUnknown } else { FetchError::PlatformUnreachable };
                return Ok(error::of(&error, repeatable));
            }
            "pauseBeforeRetry" => {
                let status = fields.small().and_then(|status| u16::try_from(status).ok());
                let tries = fields.small().unwrap_or_default();
                let jitter = fields.small().and_then(|byte| u8::try_from(byte).ok()).unwrap_or_default();
                let after = fields.last_value();
                let pause = pause_before_retry(status, tries, after.as_deref(), jitter);
                return Ok(pause.map(digits).unwrap_or_default());
            }
            "pollPause" => return Ok(digits(poll_pause_ms(fields.small().unwrap_or_default()))),
            "deployment" => return deployment(&mut fields),
            _ => {}
        }
        Ok(String::new())
    }

    /// The commands of a step.
    fn due(&mut self) -> String {
        if self.holds { String::new() } else { self.commands() }
    }

    /// The commands that are due, as a list. A fetch whose end is among them is forgotten.
    fn commands(&mut self) -> String {
        let mut json = JsonText::default();
        json.entries(&mut |json| {
            while let Some(command) = self.buyer.poll_command() {
                match command {
                    Command::Do(fetch, action) => {
                        views::action(fetch, &action, json);
                        if matches!(*action, Action::Finish(_)) {
                            self.buyer.forget(fetch);
                        }
                    }
                    Command::Run(call) => views::platform_call(&call, json),
                    Command::Limit(fetch, limit) => views::limit(fetch, limit, json),
                    Command::Tell(notice) if self.listens => views::notice(&notice, json),
                    Command::Tell(_) => {}
                }
            }
        });
        json.done()
    }

    /// The records of payments; empty where they are as they were when this was last asked.
    fn new_records(&mut self) -> String {
        let records = self.buyer.records();
        // A record that is taken out makes the list shorter, a new one is of another time or makes it longer.
        let state = (records.len(), records.last().map_or(0, |last| last.at));
        if core::mem::replace(&mut self.known_records, state) == state {
            return String::new();
        }
        let mut json = JsonText::default();
        json.entries(&mut |json| records.iter().for_each(|one| views::record(one, json)));
        json.done()
    }
}

fn time(fields: &mut Fields<'_>) -> u64 {
    fields.number().unwrap_or_default()
}

fn truth(is_true: bool) -> String {
    if is_true { "1".into() } else { String::new() }
}

fn request_text(request: &crate::api::Request) -> String {
    let mut json = JsonText::default();
    views::request(request, &mut json);
    json.done()
}

/// An answer of the platform; `None` where no status is given, because none came.
fn response(mut fields: Fields<'_>) -> Option<Response> {
    let status = u16::try_from(fields.number()?).ok()?;
    let correlation_id = fields.value();
    Some(Response { status, correlation_id, body: fields.last_value()? })
}

/// The addresses of the platform of an environment.
fn deployment(fields: &mut Fields<'_>) -> Result<String, WireError> {
    let environment = Environment::parse(fields.next()).unwrap_or(Environment::Custom);
    let (backend, frontend, embed) = (fields.some(), fields.some(), fields.some());
    let deployment = match Deployment::hosted(environment) {
        Some(hosted) => hosted,
        None => Deployment::custom(backend, frontend, embed)?,
    };
    let mut json = JsonText::default();
    json.object(&|json| {
        json.text("backend", &deployment.backend);
        json.text("embed", &deployment.embed);
        json.text("network", deployment.network_name());
    });
    Ok(json.done())
}
