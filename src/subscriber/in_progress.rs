//! The facts that fetches have to know of each other while they are under way.

use super::{FetchId, Offer};
use crate::wire::PlanId;
use alloc::{sync::Arc, vec::Vec};

/// Payments that are prepared or on the wire, and so may take credits of a plan.
#[derive(Debug, Default)]
pub(crate) struct Commitments {
    /// In the order of their fetches.
    list: Vec<Commitment>,
}

#[derive(Debug)]
pub(crate) struct Commitment {
    pub(crate) fetch: FetchId,
    pub(crate) offer: Arc<Offer>,
    /// True if the offer's price is taken for what it can cost: see [`Policy::count_price`](super::Policy::count_price).
    pub(crate) trusts_price: bool,
    pub(crate) is_on_wire: bool,
}

impl Commitments {
    /// Adds a commitment, or replaces that of the same fetch.
    pub(crate) fn set(&mut self, commitment: Commitment) {
        match self.place(commitment.fetch) {
            Ok(index) => {
                if let Some(known) = self.list.get_mut(index) {
                    *known = commitment;
                }
            }
            Err(index) => self.list.insert(index, commitment),
        }
    }

    pub(crate) fn remove(&mut self, fetch: FetchId) {
        if let Ok(index) = self.place(fetch) {
            self.list.remove(index);
        }
    }

    fn place(&self, fetch: FetchId) -> Result<usize, usize> {
        self.list.binary_search_by_key(&fetch, |one| one.fetch)
    }

    /// The commitments of a plan that come before those of `fetch`: all that are on the wire, and older ones in preparation.
    pub(crate) fn before<'a>(
        &'a self,
        fetch: FetchId,
        plan_id: &'a PlanId,
    ) -> impl Iterator<Item = &'a Commitment> {
        let counts =
            move |one: &&Commitment| (one.is_on_wire || one.fetch < fetch) && one.offer.plan_id() == plan_id;
        self.list.iter().filter(counts)
    }
}

/// Open questions to the user, so that the same question is not asked twice at the same time.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    open: Vec<Question>,
    /// Fetches that were begun by the code that is asked about another fetch.
    nested: Vec<(FetchId, FetchId)>,
}

#[derive(Debug)]
struct Question {
    fetch: FetchId,
    asks: u32,
    offer: Arc<Offer>,
}

impl Questions {
    pub(crate) fn open(&mut self, fetch: FetchId, asks: u32, offer: Arc<Offer>) {
        self.open.push(Question { fetch, asks, offer });
    }

    pub(crate) fn close(&mut self, fetch: FetchId) {
        self.open.retain(|question| question.fetch != fetch);
    }

    /// The fetch for which the same callback is asked about the same plan at the same place.
    pub(crate) fn same_as(&self, asks: u32, offer: &Offer) -> Option<FetchId> {
        let same = |question: &&Question| question.asks == asks && question.offer.same_question(offer);
        self.open.iter().find(same).map(|question| question.fetch)
    }

    /// `fetch` is begun by the code that is asked about `outer`, which is older.
    pub(crate) fn nest(&mut self, fetch: FetchId, outer: FetchId) {
        if outer < fetch {
            self.nested.push((fetch, outer));
        }
    }

    /// A fetch is forgotten.
    pub(crate) fn forget(&mut self, fetch: FetchId) {
        self.nested.retain(|(inner, _)| *inner != fetch);
    }

    /// True if `fetch` was begun by the code that is being asked about `question`, however deep inside.
    pub(crate) fn is_within(&self, mut fetch: FetchId, question: FetchId) -> bool {
        while let Some((_, outer)) = self.nested.iter().find(|(inner, _)| *inner == fetch) {
            if *outer == question {
                return true;
            }
            fetch = *outer;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fetch_is_within_the_question_of_which_it_was_begun_however_deep() {
        let [one, two, three, four] = [1, 2, 3, 4].map(FetchId::from);
        let mut questions = Questions::default();
        questions.nest(two, one);
        questions.nest(three, two);
        // A fetch that begins later, or the fetch itself, is no outer fetch.
        questions.nest(four, four);
        questions.nest(one, four);
        for (fetch, question, within) in [
            (two, one, true),
            (three, one, true),
            (three, two, true),
            (one, two, false),
            (one, four, false),
            (four, four, false),
            (four, one, false),
        ] {
            assert_eq!(questions.is_within(fetch, question), within, "{fetch:?} in {question:?}");
        }
        questions.forget(two);
        assert!(questions.is_within(three, two), "another stays");
        assert!(!questions.is_within(three, one) && !questions.is_within(two, one));
    }
}
