//! The context of a request: everything that a handler needs.

use crate::http::request::Request;
use crate::primitives::memo::Memo;
use crate::primitives::random::Random;
use crate::settings::Settings;
use crate::storage::store::Store;
use std::rc::Rc;

/// A request and everything needed to serve it.
#[derive(Debug)]
pub(crate) struct RequestContext {
    pub(crate) request: Request,
    pub(crate) store: Store,
    pub(crate) random: Random,
    pub(crate) settings: Settings,
    /// Results that are expensive to compute: parsed terms, keys, verified tokens.
    pub(crate) cache: Rc<Memo>,
    /// True if this request also deletes old rows.
    pub(crate) sweep: bool,
    /// True if fault injection is enabled.
    pub(crate) faults_enabled: bool,
    pub(crate) start_options: StartOptions,
}

/// Options the sandbox was started with.
#[derive(Debug, Clone, Default)]
pub(crate) struct StartOptions {
    /// The secret for the routes under `/sandbox`. Without one they answer on this machine only.
    pub(crate) secret: Option<String>,
    /// The command that starts the sandbox with faults; the dashboard shows it if faults are off.
    pub(crate) command: Option<String>,
}
