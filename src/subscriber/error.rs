use crate::api::ApiError;
use crate::wire::WireError;
use alloc::{string::String, sync::Arc};
use core::fmt;

/// Why a paid fetch ended without the answer it was for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FetchError {
    /// The 402 carried no offer that can be read (rule 2).
    MalformedOffer(WireError),
    /// The 402 offers no scheme of ours that the policy allows.
    NoPayableOffer,
    /// There is an offer, and no user is logged in.
    Unauthorized,
    /// There was no callback to ask, and no policy names the origin (rule 3).
    ConsentRequired,
    /// The answer to the question was no.
    ConsentDenied,
    /// The `approve` callback threw.
    ApproveFailed,
    /// A limit of the policy stands against it, by its name.
    BudgetExceeded(&'static str),
    /// Too few credits, and nobody consented to buying.
    InsufficientCredits,
    /// Too few credits, and the policy that allows purchases names neither plans nor a price.
    PurchaseUnbounded,
    /// Too few credits, and an earlier order of the plan was not answered or its credits have not appeared.
    PurchasePending,
    /// There is no delegation to mint a token from.
    DelegationRequired,
    /// The offer is for a resource of another host than the one that was asked.
    ResourceMismatch,
    /// The offer came over plain HTTP from another machine (rule 6).
    InsecureTarget,
    /// The 402 came after a redirect that may have changed the method.
    AmbiguousRedirect,
    /// The seller answered the paid request with a redirect that cannot be followed safely.
    RedirectedWhilePaying,
    /// The seller refused the payment, twice or for good; what it said.
    PaymentRefused(Option<String>),
    /// The token was on the wire when the connection died (rule 9).
    OutcomeUnknown,
    /// The seller could not be reached, before anything was presented.
    Unreachable,
    /// The seller's answer did not begin in time.
    SendTimeout,
    /// The platform did not answer in time.
    PlatformTimeout,
    /// The question was not answered in time.
    ApproveTimeout,
    /// The code that is asked about a payment wants the like of it to be paid, and would be asked about that first.
    ApproveReentered,
    /// There is no such payment to go on with.
    NotResumable,
    /// The caller's signal fired (rule 8).
    Aborted,
    /// The session ended while the request was under way.
    LoggedOut,
    /// The platform said no, or not now, to a mint, an order or a balance.
    Platform(Arc<ApiError>),
    /// The platform could not be reached.
    PlatformUnreachable,
    /// The wallet did not sign.
    WalletRefused,
    /// The order's outcome is not known: it was sent and no clear answer came.
    PurchaseUnknown,
    /// The plan was bought and its credits did not appear in time.
    CreditsTimeout,
    /// The shared budget could not be stored before the payment.
    NotKept,
}

impl FetchError {
    /// The stable code: the platform's own where it named one.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::MalformedOffer(_) => "malformed_offer",
            Self::NoPayableOffer => "no_payable_offer",
            Self::Unauthorized => "not_logged_in",
            Self::ConsentRequired => "consent_required",
            Self::ConsentDenied => "consent_denied",
            Self::ApproveFailed => "approve_failed",
            Self::BudgetExceeded(_) => "budget_exceeded",
            Self::InsufficientCredits => "insufficient_credits",
            Self::PurchaseUnbounded => "purchase_not_allowed",
            Self::PurchasePending => "purchase_pending",
            Self::DelegationRequired => "delegation_required",
            Self::ResourceMismatch => "resource_mismatch",
            Self::InsecureTarget => "insecure_target",
            Self::AmbiguousRedirect => "ambiguous_redirect",
            Self::RedirectedWhilePaying => "redirected_while_paying",
            Self::PaymentRefused(_) => "payment_refused",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Unreachable | Self::PlatformUnreachable => "network_error",
            Self::SendTimeout => "send_timeout",
            Self::PlatformTimeout => "platform_timeout",
            Self::ApproveTimeout => "approve_timeout",
            Self::ApproveReentered => "approve_reentered",
            Self::NotResumable => "not_resumable",
            Self::Aborted => "aborted",
            Self::LoggedOut => "session_ended",
            Self::Platform(error) => &error.code,
            Self::WalletRefused => "wallet_refused",
            Self::PurchaseUnknown => "purchase_outcome_unknown",
            Self::CreditsTimeout => "credits_timeout",
            Self::NotKept => "storage_unavailable",
        }
    }

    /// A message for a person.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::MalformedOffer(error) => ["the 402's offer cannot be read: ", &error.message()].concat(),
            Self::BudgetExceeded(limit) => ["the payment would exceed the policy's ", limit].concat(),
            Self::PaymentRefused(Some(said)) => ["the seller refused the payment: ", said].concat(),
            Self::Platform(error) => error.message.clone(),
            other => other.fixed_message().into(),
        }
    }

    fn fixed_message(&self) -> &'static str {
        match self {
            Self::NoPayableOffer => "the 402 offers no way to pay that is known and allowed here",
            Self::Unauthorized => "this costs credits, and nobody is logged in",
            Self::ConsentRequired => "nobody agreed to this payment",
            Self::ConsentDenied => "the payment was not approved",
            Self::ApproveFailed => "the approve callback failed",
            Self::InsufficientCredits => "the credits held do not cover this request",
            Self::PurchaseUnbounded => {
                "the credits held do not cover this request, and the policy's purchases have no bounds"
            }
            Self::PurchasePending => "an earlier order of this plan is not done yet, so no other was sent",
            Self::ResourceMismatch => "the offer is for a resource of another host",
            Self::DelegationRequired => "there is no delegation to pay from",
            Self::InsecureTarget => "a payment does not go over plain HTTP to another machine",
            Self::AmbiguousRedirect => "the 402 came after a redirect that may have changed the method",
            Self::RedirectedWhilePaying => "the paid request was redirected where it cannot be followed",
            Self::PaymentRefused(_) => "the seller refused the payment",
            Self::OutcomeUnknown => "the connection ended after the payment was sent: it may have been taken",
            Self::Unreachable => "the request failed before anything was paid",
            Self::SendTimeout => "the answer did not begin in time",
            Self::PlatformTimeout => "Nevermined did not answer in time",
            Self::ApproveTimeout => "nobody answered in time",
            Self::ApproveReentered => {
                "approve called a fetch that asks it the same question, before it answered"
            }
            Self::NotResumable => "there is no payment of this request that can be gone on with",
            Self::Aborted => "the request was aborted",
            Self::LoggedOut => "the session ended while the request was under way",
            Self::PlatformUnreachable => "Nevermined could not be reached",
            Self::WalletRefused => "the wallet did not sign the payment",
            Self::PurchaseUnknown => "the order was sent and its outcome is not known",
            Self::CreditsTimeout => "the plan was ordered and its credits have not appeared yet",
            Self::NotKept => "the budget could not be kept, so nothing more was paid",
            Self::MalformedOffer(_) | Self::BudgetExceeded(_) | Self::Platform(_) => "",
        }
    }

    /// A hint on what to do, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        Some(match self {
            Self::Unauthorized => "log in first: payments.connect() in a page, an nvmApiKey elsewhere",
            Self::NoPayableOffer => "look at error.response for the offer as it came",
            Self::ConsentRequired => {
                "give an approve callback, or a policy with the origins that may be paid: policy: { origins: ['https://api.example'] }"
            }
            Self::BudgetExceeded("maxPrice") => {
                "raise policy.maxPrice, or order the plan yourself: its price is the platform's"
            }
            Self::BudgetExceeded(_) => {
                "raise the limit; it counts the most that the plan lets the seller take, whatever the offer says"
            }
            Self::PurchaseUnbounded => "give policy.plans or policy.maxPrice beside policy.purchase",
            Self::PurchasePending => "check the balance; plans.orderPlan orders again",
            Self::InsufficientCredits => {
                "order the plan, or consent to a purchase (approve, or policy.purchase)"
            }
            Self::DelegationRequired => {
                "create one with delegation.createDelegation and pass delegationConfig.delegationId"
            }
            Self::AmbiguousRedirect => "request the final URL itself",
            Self::ApproveReentered => "give the fetch inside approve an approve or a policy of its own",
            Self::OutcomeUnknown => "fetch the same with { resume: error }, or check the balance first",
            Self::RedirectedWhilePaying => "check the balance before trying again",
            Self::PurchaseUnknown | Self::CreditsTimeout => "check the balance before ordering again",
            Self::Platform(error) => return error.hint.as_deref(),
            _ => return None,
        })
    }

    /// True if the same call may succeed later, and costs nothing twice.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable
            | Self::PlatformUnreachable
            | Self::SendTimeout
            | Self::PlatformTimeout
            | Self::NotKept => true,
            Self::Platform(error) => error.retryable,
            _ => false,
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl core::error::Error for FetchError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::MalformedOffer(error) => Some(error),
            Self::Platform(error) => Some(&**error),
            _ => None,
        }
    }
}
