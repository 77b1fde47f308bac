//! Burns credits: those that expire first are taken first.

use crate::catalog::credit_rules;
use crate::context::RequestContext;
use crate::http::error::Result;
use crate::ledger::balances;
use crate::ledger::postings::{self, Account, Kind, Posting};
use payments_wasm::wire::Credits;

/// Burns credits for `tx` and returns the remaining balance. Returns `None`, and burns nothing, if there are too few.
pub(crate) fn burn(
    ctx: &RequestContext,
    tx: &str,
    plan_id: &str,
    holder: &str,
    amount: Credits,
) -> Result<Option<Credits>> {
    let held = balances::lots(ctx, plan_id, holder)?;
    let Some(left) = credit_rules::take(&held, amount) else { return Ok(None) };
    let burned = Account::credits(Kind::Burned, plan_id);
    for lot in &left {
        let before = held.iter().find(|before| before.expires_at == lot.expires_at);
        let taken = before.map_or(Credits::ZERO, |before| before.amount.saturating_sub(lot.amount));
        let posting = Posting { entry: tx, why: "burn", amount: taken };
        postings::post(ctx, posting, &Account::held(plan_id, holder, lot.expires_at), &burned)?;
    }
    Ok(Some(credit_rules::total(&left)))
}
