use super::machine::FetchMachine;
use super::request::FetchRequest;
use crate::subscriber::session::Session;
use crate::subscriber::{Command, FetchError, FetchId};
use alloc::{boxed::Box, vec::Vec};

/// The fetches under way, found by their id.
#[derive(Debug, Default)]
pub(crate) struct FetchTable {
    /// In the order of their ids. Boxed: to take one out moves pointers, not machines.
    #[allow(clippy::vec_box)]
    list: Vec<Box<FetchMachine>>,
    /// The fetches that were handed out since their limits were last looked at.
    touched: Vec<FetchId>,
}

impl FetchTable {
    pub(crate) fn open(&mut self, id: FetchId, request: FetchRequest, session: &mut Session, now: u64) {
        let machine = Box::new(FetchMachine::open(id, request, session, now));
        let index = self.place(id).unwrap_or_else(|index| index);
        self.list.insert(index, machine);
        self.touched.push(id);
    }

    fn place(&self, id: FetchId) -> Result<usize, usize> {
        self.list.binary_search_by_key(&id, |machine| machine.fetch.id)
    }

    /// A fetch that has not ended.
    pub(crate) fn get(&mut self, id: FetchId) -> Option<&mut FetchMachine> {
        let index = self.place(id).ok()?;
        let machine = self.list.get_mut(index).filter(|machine| !machine.is_done())?;
        self.touched.push(id);
        Some(machine)
    }

    /// Takes out a fetch that has ended.
    pub(crate) fn take_ended(&mut self, id: FetchId) -> Option<Box<FetchMachine>> {
        let index = self.place(id).ok()?;
        self.list.get(index)?.is_done().then(|| self.list.remove(index))
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    /// The fetches in a state, the oldest first.
    pub(crate) fn ids(&self, wanted: impl Fn(&FetchMachine) -> bool) -> Vec<FetchId> {
        self.list.iter().filter(|machine| wanted(machine)).map(|machine| machine.fetch.id).collect()
    }

    /// No fetch presents a token that has ended.
    pub(crate) fn drop_ended_tokens(&mut self, session: &mut Session) {
        for ended in core::mem::take(&mut session.ended_tokens) {
            for machine in &mut self.list {
                machine.drop_token(&ended);
            }
        }
    }

    /// All fetches end, and none that has ended can be resumed.
    pub(crate) fn log_out(&mut self, session: &mut Session) {
        for machine in &mut self.list {
            machine.fail(FetchError::LoggedOut, session);
            machine.fetch.open = None;
            self.touched.push(machine.fetch.id);
        }
    }

    /// Tells the shell the limit of each fetch that is at another step than before.
    pub(crate) fn limit_steps(&mut self, session: &mut Session) {
        for id in core::mem::take(&mut self.touched) {
            let Some(machine) = self.place(id).ok().and_then(|index| self.list.get_mut(index)) else {
                continue;
            };
            if machine.is_done() {
                continue;
            }
            let step = machine.current_step(session);
            let (before, request, had) = machine.limited;
            // Each request has its own time.
            if (before, request) != (step, machine.fetch.spend.requests) {
                let limit = machine.fetch.request.timeouts.of(step);
                machine.limited = (step, machine.fetch.spend.requests, limit);
                if limit.or(had).is_some() {
                    session.command(Command::Limit(id, limit));
                }
            }
        }
    }
}
