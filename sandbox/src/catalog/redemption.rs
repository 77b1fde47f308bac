//! Redemption types of plans.

use crate::http::error::{ApiError, Result};
use crate::http::fields::whole;
use serde_json::{Map, Value};

/// The parties that may redeem credits without the subscriber's token (contract section 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redemption {
    /// The platform only.
    GlobalRole,
    /// The plan's owner.
    Owner,
    /// Accounts with the redeemer role; in the sandbox the owner.
    PlanRole,
    /// The subscriber, or an agent with a verified request of the subscriber.
    Subscriber,
}

impl Redemption {
    pub(super) fn read(config: &Map<String, Value>) -> Result<Self> {
        Ok(match whole(config, "redemptionType")?.unwrap_or(4) {
            0 => Self::GlobalRole,
            1 => Self::Owner,
            2 => Self::PlanRole,
            4 => Self::Subscriber,
            _ => {
                return Err(ApiError::new(
                    403,
                    "BCK.PROTOCOL.0010",
                    "creditsConfig.redemptionType must be 0, 1, 2 or 4",
                ));
            }
        })
    }
}
