//! The double-entry ledger. Credits, money and the limits of delegations are accounts in it, and only postings change
//! a balance.
//!
//! A posting moves an amount from one account to another of the same unit, so every set of postings is balanced.
//! Balances are stored with their accounts and written in the same transaction as the posting. `GET
//! /sandbox/ledger/check` adds all postings up and compares the sums with the balances (`audit.rs`).
//!
//! | unit | from | to |
//! |---|---|---|
//! | `credits:<plan>` | `issued` | `held` by an account until a time, then `burned` |
//! | `money:<token or currency>` | `outside` | `buyer`, then `seller`; `disputed` if the bank takes it back |
//! | `cents:<delegation>` | `limit` | `free`, then `reserved` during a charge, then `spent` |
//!
//! The first account of each row is a source: its balance is the sum it has issued. All amounts are whole numbers and
//! no balance is negative: a posting that would make one negative fails, and with it the whole request.

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::storage::store::{Store, binds};
use payments_wasm::wire::Credits;
use serde::Deserialize;

/// The kind of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Issued,
    Held,
    Burned,
    Outside,
    Buyer,
    Seller,
    Disputed,
    Limit,
    Free,
    Reserved,
    Spent,
}

impl Kind {
    pub(crate) const ALL: [Self; 11] = [
        Self::Issued,
        Self::Held,
        Self::Burned,
        Self::Outside,
        Self::Buyer,
        Self::Seller,
        Self::Disputed,
        Self::Limit,
        Self::Free,
        Self::Reserved,
        Self::Spent,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Held => "held",
            Self::Burned => "burned",
            Self::Outside => "outside",
            Self::Buyer => "buyer",
            Self::Seller => "seller",
            Self::Disputed => "disputed",
            Self::Limit => "limit",
            Self::Free => "free",
            Self::Reserved => "reserved",
            Self::Spent => "spent",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// True for the sources, which issue what the other accounts of the unit hold.
    pub(crate) fn is_source(self) -> bool {
        matches!(self, Self::Issued | Self::Outside | Self::Limit)
    }
}

/// An account of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) kind: Kind,
    pub(crate) unit: String,
    /// The owner: an address in lower case, a card, or a seller's connected account. Empty for accounts that exist
    /// once per unit.
    pub(crate) owner: String,
    /// Expiry of credits in milliseconds; 0 is never.
    pub(crate) expires_at: i64,
}

impl Account {
    /// A credits account of a plan: `Issued` or `Burned`.
    pub(crate) fn credits(kind: Kind, plan_id: &str) -> Self {
        Self { kind, unit: credits_unit(plan_id), owner: String::new(), expires_at: 0 }
    }

    /// Credits of a plan that expire together.
    pub(crate) fn held(plan_id: &str, holder: &str, expires_at: i64) -> Self {
        let owner = holder.to_ascii_lowercase();
        Self { kind: Kind::Held, unit: credits_unit(plan_id), owner, expires_at }
    }

    /// A money account: `Outside`, `Buyer`, `Seller` or `Disputed`.
    pub(crate) fn money(kind: Kind, currency: &str, owner: &str) -> Self {
        let unit = format!("money:{}", currency.to_ascii_lowercase());
        Self { kind, unit, owner: owner.to_ascii_lowercase(), expires_at: 0 }
    }

    /// An account of a delegation's limit.
    pub(crate) fn cents(kind: Kind, delegation_id: &str) -> Self {
        Self { kind, unit: format!("cents:{delegation_id}"), owner: String::new(), expires_at: 0 }
    }
}

/// The unit of a plan's credits.
pub(crate) fn credits_unit(plan_id: &str) -> String {
    format!("credits:{plan_id}")
}

/// The amount of a posting and its purpose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posting<'a> {
    /// The entry it belongs to, for example a transaction hash. Postings of one entry were made together.
    pub(crate) entry: &'a str,
    pub(crate) why: &'static str,
    pub(crate) amount: Credits,
}

/// Posts an amount from one account to another. An amount of 0 posts nothing.
pub(crate) fn post(ctx: &RequestContext, posting: Posting<'_>, from: &Account, to: &Account) -> Result<()> {
    post_at(&ctx.store, ctx.request.now, posting, from, to)
}

/// The same without a request.
pub(crate) fn post_at(
    store: &Store,
    now: i64,
    posting: Posting<'_>,
    from: &Account,
    to: &Account,
) -> Result<()> {
    let amount = posting.amount;
    if amount.is_zero() {
        return Ok(());
    }
    if from.unit != to.unit || from == to {
        return Err(ApiError::internal("the ledger: a posting between accounts of two units"));
    }
    let (debit, credit) = both(store, from, to)?;
    let (taken, added) = (debit.after(from, amount, false)?, credit.after(to, amount, true)?);
    store.run(
        "UPDATE books SET balance = CASE id WHEN ?1 THEN ?2 ELSE ?4 END WHERE id IN (?1, ?3)",
        binds![debit.id, taken.to_string(), credit.id, added.to_string()],
    )?;
    store.run(
        "INSERT INTO postings (entry, kind, debit, credit, amount, at) VALUES (?, ?, ?, ?, ?, ?)",
        binds![posting.entry, posting.why, debit.id, credit.id, amount.to_string(), now],
    )
}

/// An account with its current balance.
struct AccountBalance {
    id: i64,
    balance: Credits,
}

impl AccountBalance {
    /// The balance after the amount is added or removed.
    fn after(&self, account: &Account, amount: Credits, comes: bool) -> Result<Credits> {
        if comes != account.kind.is_source() {
            return self.balance.checked_add(amount).ok_or_else(|| {
                ApiError::new(500, "BCK.PROTOCOL.0007", "The balance would be above a uint256")
            });
        }
        self.balance.checked_sub(amount).ok_or_else(|| {
            let (kind, unit) = (account.kind.name(), &account.unit);
            ApiError::internal(format!(
                "the ledger: {kind} of {unit} holds {}, less than {amount}",
                self.balance
            ))
        })
    }
}

/// Loads both accounts and opens missing ones.
fn both(store: &Store, from: &Account, to: &Account) -> Result<(AccountBalance, AccountBalance)> {
    #[derive(Deserialize)]
    struct Row {
        debit: i64,
        id: i64,
        balance: String,
    }
    let rows: Vec<Row> = store.rows(
        "SELECT 1 AS debit, id, balance FROM books WHERE unit = ?1 AND kind = ?2 AND owner = ?3 AND expires_at = ?4
         UNION ALL
         SELECT 0, id, balance FROM books WHERE unit = ?1 AND kind = ?5 AND owner = ?6 AND expires_at = ?7",
        binds![
            from.unit.as_str(),
            from.kind.name(),
            from.owner.as_str(),
            from.expires_at,
            to.kind.name(),
            to.owner.as_str(),
            to.expires_at,
        ],
    )?;
    let find = |debit: i64, account: &Account| match rows.iter().find(|row| row.debit == debit) {
        Some(row) => Ok(AccountBalance { id: row.id, balance: amount(&row.balance)? }),
        None => open(store, account),
    };
    Ok((find(1, from)?, find(0, to)?))
}

fn open(store: &Store, account: &Account) -> Result<AccountBalance> {
    #[derive(Deserialize)]
    struct Row {
        id: i64,
    }
    let row: Option<Row> = store.first(
        "INSERT INTO books (kind, unit, owner, expires_at, balance) VALUES (?, ?, ?, ?, '0') RETURNING id",
        binds![account.kind.name(), account.unit.as_str(), account.owner.as_str(), account.expires_at],
    )?;
    let row = row.ok_or_else(|| ApiError::internal("the ledger: an account was not opened"))?;
    Ok(AccountBalance { id: row.id, balance: Credits::ZERO })
}

/// The balance of an account.
pub(crate) fn balance(store: &Store, account: &Account) -> Result<Credits> {
    #[derive(Deserialize)]
    struct Row {
        balance: String,
    }
    let row: Option<Row> = store.first(
        "SELECT balance FROM books WHERE unit = ? AND kind = ? AND owner = ? AND expires_at = ?",
        binds![account.unit.as_str(), account.kind.name(), account.owner.as_str(), account.expires_at],
    )?;
    row.map_or(Ok(Credits::ZERO), |row| amount(&row.balance))
}

/// Parses a stored amount.
pub(crate) fn amount(text: &str) -> Result<Credits> {
    text.parse().map_err(|_| ApiError::internal("the ledger: an amount is not a uint256"))
}

/// Converts cents to a ledger amount.
pub(crate) fn cents(cents: i64) -> Credits {
    Credits::from(u64::try_from(cents).unwrap_or_default())
}

/// Converts money units to a ledger amount.
pub(crate) fn units(units: u128) -> Result<Credits> {
    amount(&units.to_string())
}

/// Migrates a data folder from before the ledger: held credits and delegations become postings. Purchases of that
/// time have no postings, so the audit skips them.
pub(crate) fn open_books(store: &Store, now: i64) -> Result<()> {
    #[derive(Deserialize)]
    struct Lot {
        plan_id: String,
        holder: String,
        expires_at: i64,
        amount: String,
    }
    #[derive(Deserialize)]
    struct Spent {
        id: String,
        limit_cents: i64,
        spent_cents: i64,
        revoked: i64,
    }
    if !store.has_table("lots")? {
        return Ok(());
    }
    let entry = "opening";
    for lot in store
        .rows::<Lot>("SELECT plan_id, holder, expires_at, amount FROM lots WHERE amount <> '0'", binds![])?
    {
        let posting = Posting { entry, why: "opening", amount: amount(&lot.amount)? };
        let held = Account::held(&lot.plan_id, &lot.holder, lot.expires_at);
        post_at(store, now, posting, &Account::credits(Kind::Issued, &lot.plan_id), &held)?;
    }
    let delegations = "SELECT id, limit_cents, spent_cents, revoked FROM delegations";
    for row in store.rows::<Spent>(delegations, binds![])? {
        let given = if row.revoked == 0 { row.limit_cents } else { row.spent_cents };
        let of = |kind| Account::cents(kind, &row.id);
        let posting = |amount| Posting { entry, why: "opening", amount: cents(amount) };
        post_at(store, now, posting(given), &of(Kind::Limit), &of(Kind::Free))?;
        post_at(store, now, posting(row.spent_cents), &of(Kind::Free), &of(Kind::Spent))?;
    }
    store.run(
        "INSERT INTO opened (purchases, settlements, charges, sales) SELECT
         (SELECT COALESCE(MAX(rowid), 0) FROM purchases), (SELECT COALESCE(MAX(rowid), 0) FROM settlements),
         (SELECT COALESCE(MAX(rowid), 0) FROM charges), (SELECT COALESCE(MAX(rowid), 0) FROM sales)",
        binds![],
    )?;
    store.run("DROP TABLE lots", binds![])
}
