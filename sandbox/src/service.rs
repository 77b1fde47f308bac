//! Serving of a request in one transaction.

use crate::checkout::plan_orders;
use crate::context::RequestContext;
use crate::control::call_log;
use crate::http::error::Result;
use crate::http::response::Response;
use crate::ledger::postings;
use crate::metering::agent_requests;
use crate::primitives::time;
use crate::router;
use crate::storage::store::Store;

/// Creates missing tables and columns.
pub(crate) fn prepare(store: &Store, now: i64) -> Result<()> {
    store.prepare()?;
    store.transaction(|| postings::open_books(store, now))
}

/// Serves a request and logs it in one transaction. A success commits everything including the log entry; an error
/// commits only the log entry.
pub(crate) fn serve(ctx: RequestContext, fault: Option<&str>) -> Result {
    let log = |response: &Response| {
        call_log::log(&ctx.store, &ctx.request, response.status, Some(response), fault, ctx.request.now)
    };
    if ctx.sweep {
        call_log::sweep(&ctx.store)?;
        agent_requests::sweep(&ctx.store)?;
    }
    let served = ctx.store.transaction(|| {
        plan_orders::arrive(&ctx)?;
        let response = router::route(&ctx)?;
        log(&response)?;
        Ok(response)
    });
    served.or_else(|error| {
        let response = error.to_response(&ctx.request.correlation, &time::iso(ctx.request.now));
        log(&response)?;
        Ok(response)
    })
}
