//! The states of one fetch, and the transitions between them.

use super::choosing::Choosing;
use super::considering::{Considering, Wait};
use super::context::{Context, Fetch};
use super::discovery::Discovery;
use super::paying::Paying;
use super::preparing::Preparing;
use super::progress::{FetchToken, Progress, TokenAtHand, Transition};
use super::refused::Refused;
use super::request::FetchRequest;
use super::resume::resume;
use super::timeouts::Step;
use crate::subscriber::session::Session;
use crate::subscriber::{Action, Event, FetchError, FetchId, Finish, Offer, Purchase, TokenKey};
use crate::wire::Secret;
use alloc::{boxed::Box, sync::Arc, vec::Vec};

/// One fetch: its data and its state.
#[derive(Debug)]
pub(crate) struct FetchMachine {
    pub(crate) fetch: Fetch,
    state: State,
    /// The step that was last given a limit, at which request, and the limit.
    pub(crate) limited: (Step, u32, Option<u32>),
}

#[derive(Debug)]
enum State {
    Discovery(Discovery),
    Choosing(Choosing),
    Considering(Considering),
    Preparing(Preparing),
    Paying(Paying),
    Refused(Refused),
    Done,
}

impl FetchMachine {
    /// A fetch begins.
    pub(crate) fn open(id: FetchId, request: FetchRequest, session: &mut Session, now: u64) -> Self {
        let mut machine =
            Self { fetch: Fetch::new(id, request), state: State::Done, limited: (Step::Send, 0, None) };
        let mut cx = Context { fetch: &mut machine.fetch, session, now };
        let known = cx.session.agreements.known_terms(&cx.fetch.request);
        let first = match (cx.fetch.request.resume, known) {
            (Some(earlier), _) => resume(earlier, &mut cx),
            (None, Some(offer)) => Transition::Consider(offer),
            (None, None) => Transition::SendUnpaid,
        };
        machine.state = run(Progress::Next(first), &mut cx);
        machine
    }

    /// Lets the state handle something, and goes through the states that follow.
    fn step(
        &mut self,
        session: &mut Session,
        now: u64,
        handle: impl FnOnce(State, &mut Context<'_>) -> Progress<State>,
    ) {
        let state = core::mem::replace(&mut self.state, State::Done);
        let mut cx = Context { fetch: &mut self.fetch, session, now };
        let progress = handle(state, &mut cx);
        self.state = run(progress, &mut cx);
    }

    pub(crate) fn handle_event(&mut self, event: Event, session: &mut Session, now: u64) {
        match event {
            Event::Aborted => return self.fail(FetchError::Aborted, session),
            Event::TimedOut => return self.fail(self.limited.0.timeout_error(), session),
            _ => {}
        }
        self.step(session, now, |state, cx| match state {
            State::Discovery(state) => state.handle(event, cx).map(State::Discovery),
            State::Choosing(state) => state.handle(event, cx).map(State::Choosing),
            State::Considering(state) => state.handle(event, cx).map(State::Considering),
            State::Paying(state) => state.handle(event, cx).map(State::Paying),
            State::Refused(state) => state.handle(event, cx).map(State::Refused),
            State::Preparing(_) | State::Done => Progress::Stay(state),
        });
    }

    /// Ends the fetch with an error, whatever its state.
    pub(crate) fn fail(&mut self, error: FetchError, session: &mut Session) {
        // An end has no time of its own.
        self.step(session, 0, |state, cx| {
            match state {
                State::Done => return Progress::Stay(state),
                State::Preparing(mut state) => state.release(cx),
                State::Paying(state) => state.failed(&error, cx),
                _ => {}
            }
            Progress::fail(error)
        });
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    pub(crate) fn is_preparing(&self) -> bool {
        matches!(self.state, State::Preparing(_))
    }

    /// The offer at hand, while credits and a token are got for it.
    pub(crate) fn offer(&self) -> Option<&Arc<Offer>> {
        match &self.state {
            State::Considering(state) => Some(state.offer()),
            State::Preparing(state) => Some(&state.agreement().offer),
            State::Paying(state) => Some(state.offer()),
            _ => None,
        }
    }

    /// True if the user is being asked.
    pub(crate) fn is_asking(&self) -> bool {
        matches!(&self.state, State::Considering(state) if state.wait() == Wait::Answer)
    }

    /// True if the fetch waits for the answer to the same question of another.
    pub(crate) fn is_queued(&self) -> bool {
        matches!(&self.state, State::Considering(state) if state.wait() == Wait::Queue)
    }

    /// True if the fetch may be waiting for a platform call.
    pub(crate) fn waits_for_platform(&self) -> bool {
        match &self.state {
            State::Preparing(_) | State::Choosing(_) => true,
            State::Considering(state) => state.wait() == Wait::Terms,
            _ => false,
        }
    }

    /// The step that the fetch waits for.
    pub(crate) fn current_step(&self, session: &Session) -> Step {
        match &self.state {
            State::Discovery(_) | State::Paying(_) | State::Refused(_) => Step::Send,
            State::Considering(state) => match state.wait() {
                Wait::Terms => Step::Platform,
                Wait::Queue if self.fetch.request.timeouts.approve.is_none() => Step::Queue,
                Wait::Answer | Wait::Queue => Step::Approve,
            },
            State::Choosing(_) if self.fetch.request.can_select => Step::Approve,
            State::Preparing(_) => session.calls.purchase_step(self.fetch.id).unwrap_or(Step::Platform),
            State::Choosing(_) | State::Done => Step::Platform,
        }
    }

    /// The same question of another fetch was answered.
    pub(crate) fn question_answered(&mut self, session: &mut Session, now: u64) {
        self.considering(Wait::Queue, session, now);
    }

    /// The platform has stated the terms of the plan.
    pub(crate) fn terms_read(&mut self, session: &mut Session, now: u64) {
        if matches!(&self.state, State::Considering(state) if state.wait() == Wait::Terms) {
            self.fetch.price_read = false;
            return self.considering(Wait::Terms, session, now);
        }
        self.fetch.price_read = true;
        self.step(session, now, |state, cx| match state {
            State::Preparing(state) => state.terms_read(cx).map(State::Preparing),
            other => Progress::Stay(other),
        });
    }

    fn considering(&mut self, wait: Wait, session: &mut Session, now: u64) {
        self.step(session, now, |state, cx| match state {
            State::Considering(state) => state.decide_anew(wait, cx).map(State::Considering),
            other => Progress::Stay(other),
        });
    }

    /// A balance was read, or could not be.
    pub(crate) fn balance_read(&mut self, error: Option<&FetchError>, session: &mut Session, now: u64) {
        if let (Some(error), State::Preparing(_)) = (error, &self.state) {
            return self.fail(error.clone(), session);
        }
        self.step(session, now, |state, cx| match state {
            // An offer of which nothing can be learned is still one of the others.
            State::Choosing(state) => state.choose(cx).map(State::Choosing),
            State::Preparing(state) => state.balance_read(cx).map(State::Preparing),
            other => Progress::Stay(other),
        });
    }

    /// The fetch waits no longer for a token of `key`; with a token, it has one. Gives whether it waited.
    pub(crate) fn token_minted(&mut self, key: &TokenKey, token: Option<FetchToken>) -> bool {
        let terms = match &self.state {
            State::Preparing(state) => Some((&*state.agreement().offer, &state.agreement().delegation_id)),
            State::Considering(state) => state.token_terms(),
            _ => None,
        };
        let is_for_this = terms.is_some_and(|(offer, id)| *self.fetch.token_key(offer, id) == *key);
        match self.at_hand().filter(|at_hand| is_for_this && at_hand.is_awaited) {
            None => false,
            Some(at_hand) => {
                *at_hand = TokenAtHand { token, is_awaited: false };
                true
            }
        }
    }

    /// A token has ended: the fetch gets another.
    pub(crate) fn drop_token(&mut self, ended: &Secret) {
        if let Some(at_hand) = self.at_hand() {
            at_hand.token.take_if(|token| token.secret == *ended);
        }
    }

    fn at_hand(&mut self) -> Option<&mut TokenAtHand> {
        match &mut self.state {
            State::Preparing(state) => Some(state.at_hand()),
            State::Considering(state) => Some(state.at_hand()),
            _ => None,
        }
    }

    /// Goes on if nothing is missing any more.
    pub(crate) fn advance(&mut self, session: &mut Session, now: u64) {
        self.step(session, now, |state, cx| match state {
            State::Preparing(state) => state.advance(cx).map(State::Preparing),
            other => Progress::Stay(other),
        });
    }

    /// The plan was bought.
    pub(crate) fn bought(&mut self, purchase: Option<Purchase>) {
        self.fetch.purchased = true;
        self.fetch.spend.purchases.extend(purchase);
    }

    /// The shell has begun to send a request with a token so many times.
    pub(crate) fn token_sends(&mut self, begun: u8, session: &mut Session) {
        let mut cx = Context { fetch: &mut self.fetch, session, now: 0 };
        if let State::Paying(state) = &mut self.state
            && cx.fetch.presentations > begun
        {
            state.not_sent(&mut cx);
        }
    }

    /// The command to send the token is not carried out, because the budget could not be stored.
    pub(crate) fn send_cancelled(&mut self, session: &mut Session) {
        self.step(session, 0, |state, cx| match state {
            State::Paying(mut state) => {
                state.not_sent(cx);
                Progress::fail(FetchError::NotKept)
            }
            other => Progress::Stay(other),
        });
    }
}

/// Enters one state after another until one waits.
fn run(mut progress: Progress<State>, cx: &mut Context<'_>) -> State {
    loop {
        match progress {
            Progress::Stay(state) => return state,
            Progress::Next(transition) => {
                cx.session.commitments.remove(cx.fetch.id);
                progress = enter(transition, cx);
            }
        }
    }
}

fn enter(transition: Transition, cx: &mut Context<'_>) -> Progress<State> {
    match transition {
        Transition::SendUnpaid => Discovery::start(cx).map(State::Discovery),
        Transition::TakeOffer(offers) => Choosing::start(&offers, cx).map(State::Choosing),
        Transition::Consider(offer) => Considering::start(offer, cx).map(State::Considering),
        Transition::Ask(agreement, at_hand) => {
            Considering::ask_anew(agreement, at_hand, cx).map(State::Considering)
        }
        Transition::Prepare(agreement, at_hand) => {
            Preparing::start(agreement, at_hand, cx).map(State::Preparing)
        }
        Transition::Retry(agreement) => Preparing::retry(agreement, cx).map(State::Preparing),
        Transition::Pay(payment) => Paying::start(payment, cx).map(State::Paying),
        Transition::Refuse(payment, status, headers) => {
            Refused::start(payment, status, &headers, cx).map(State::Refused)
        }
        Transition::Finish(result) => {
            finish(result, cx);
            Progress::Stay(State::Done)
        }
    }
}

fn finish(result: Result<Vec<Arc<Offer>>, FetchError>, cx: &mut Context<'_>) {
    cx.session.questions.close(cx.fetch.id);
    if result.is_err() {
        cx.fetch.spend.purchases.extend(cx.session.calls.purchase_awaited_by(cx.fetch.id));
    }
    let open = cx.fetch.open.as_ref().map(|open| open.fetch);
    cx.fetch.spend.payment = match cx.fetch.resumed.take() {
        // Nothing new went out: the earlier payment is as open as it was.
        Some(earlier) if cx.fetch.presented_at == 0 => {
            let fetch = earlier.fetch;
            cx.session.open_payments.push(earlier);
            Some(fetch)
        }
        Some(earlier) => {
            cx.forget_record_of(&earlier);
            open
        }
        None => open,
    };
    cx.close_record();
    let (result, offers) = match result {
        Ok(offers) => (Ok(()), offers),
        Err(error) => (Err(error), Vec::new()),
    };
    let (spend, receipt) = (cx.fetch.spend.clone(), cx.fetch.receipt.take());
    cx.act(Action::Finish(Box::new(Finish { result, receipt, spend, offers })));
}
