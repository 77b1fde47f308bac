//! The ledger: accounts, and postings from one to another. Credits, money and what delegations may spend are all in it, and
//! nothing else changes a balance.
//!
//! A posting takes an amount off one account and adds it to another of the same unit, so each is balanced, and so is any
//! number of them. Balances are kept with their accounts and written with the posting, in the one transaction of the call:
//! `GET /sandbox/ledger/check` adds all postings up and holds the balances against them (`audit.rs`).
//!
//! | unit | from | to |
//! |---|---|---|
//! | `credits:<plan>` | `issued` | `held` by an account until a time, then `burned` |
//! | `money:<token or currency>` | `outside` | `buyer`, then `seller`; `disputed` where it is taken back |
//! | `cents:<delegation>` | `limit` | `free`, then `reserved` while a card is charged, then `spent` |
//!
//! The first of each row is a source: where the others get theirs, so its balance is what it gave. All amounts are whole and
//! no balance is below zero: a posting that would make it so fails, and with it the whole call.

use crate::Desk;
use crate::http::error::{Outcome, Problem};
use crate::storage::store::{Store, binds};
use payments_wasm::wire::Credits;
use serde::Deserialize;

/// What an account is for.
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

    /// Whether the others of its unit get theirs from it: its balance is what it gave.
    pub(crate) fn is_source(self) -> bool {
        matches!(self, Self::Issued | Self::Outside | Self::Limit)
    }
}

/// An account of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) kind: Kind,
    pub(crate) unit: String,
    /// Whose it is: an address in lower case, a card, a seller's connected account. Those that are one of a kind have none.
    pub(crate) owner: String,
    /// When credits run out, in milliseconds; 0 is never.
    pub(crate) expires_at: i64,
}

impl Account {
    /// An account of credits of a plan: `Issued` or `Burned`.
    pub(crate) fn credits(kind: Kind, plan_id: &str) -> Self {
        Self { kind, unit: credits_unit(plan_id), owner: String::new(), expires_at: 0 }
    }

    /// Credits of a plan that run out together.
    pub(crate) fn held(plan_id: &str, holder: &str, expires_at: i64) -> Self {
        let owner = holder.to_ascii_lowercase();
        Self { kind: Kind::Held, unit: credits_unit(plan_id), owner, expires_at }
    }

    /// An account of money: `Outside`, `Buyer`, `Seller` or `Disputed`.
    pub(crate) fn money(kind: Kind, currency: &str, owner: &str) -> Self {
        let unit = format!("money:{}", currency.to_ascii_lowercase());
        Self { kind, unit, owner: owner.to_ascii_lowercase(), expires_at: 0 }
    }

    /// An account of what a delegation may spend.
    pub(crate) fn cents(kind: Kind, delegation_id: &str) -> Self {
        Self { kind, unit: format!("cents:{delegation_id}"), owner: String::new(), expires_at: 0 }
    }
}

/// The unit of a plan's credits.
pub(crate) fn credits_unit(plan_id: &str) -> String {
    format!("credits:{plan_id}")
}

/// What is posted, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Posting<'a> {
    /// What it belongs to, a transaction's hash say: postings of one entry came to be together.
    pub(crate) entry: &'a str,
    pub(crate) why: &'static str,
    pub(crate) amount: Credits,
}

/// Takes the amount off one account and adds it to another. Nothing is posted for nothing.
pub(crate) fn post(desk: &Desk, posting: Posting<'_>, from: &Account, to: &Account) -> Outcome<()> {
    post_at(&desk.store, desk.call.now, posting, from, to)
}

/// The same, where there is no call.
pub(crate) fn post_at(
    store: &Store,
    now: i64,
    posting: Posting<'_>,
    from: &Account,
    to: &Account,
) -> Outcome<()> {
    let amount = posting.amount;
    if amount.is_zero() {
        return Ok(());
    }
    if from.unit != to.unit || from == to {
        return Err(Problem::internal("the ledger: a posting between accounts of two units"));
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

/// An account as it stands.
struct Standing {
    id: i64,
    balance: Credits,
}

impl Standing {
    /// What there is on it after an amount came or went.
    fn after(&self, account: &Account, amount: Credits, comes: bool) -> Outcome<Credits> {
        if comes != account.kind.is_source() {
            return self.balance.checked_add(amount).ok_or_else(|| {
                Problem::new(500, "BCK.PROTOCOL.0007", "The balance would be above a uint256")
            });
        }
        self.balance.checked_sub(amount).ok_or_else(|| {
            let (kind, unit) = (account.kind.name(), &account.unit);
            Problem::internal(format!(
                "the ledger: {kind} of {unit} has {}, and {amount} is more",
                self.balance
            ))
        })
    }
}

/// Both accounts; one that is not there yet is opened.
fn both(store: &Store, from: &Account, to: &Account) -> Outcome<(Standing, Standing)> {
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
        Some(row) => Ok(Standing { id: row.id, balance: amount(&row.balance)? }),
        None => open(store, account),
    };
    Ok((find(1, from)?, find(0, to)?))
}

fn open(store: &Store, account: &Account) -> Outcome<Standing> {
    #[derive(Deserialize)]
    struct Row {
        id: i64,
    }
    let row: Option<Row> = store.first(
        "INSERT INTO books (kind, unit, owner, expires_at, balance) VALUES (?, ?, ?, ?, '0') RETURNING id",
        binds![account.kind.name(), account.unit.as_str(), account.owner.as_str(), account.expires_at],
    )?;
    let row = row.ok_or_else(|| Problem::internal("the ledger: an account was not opened"))?;
    Ok(Standing { id: row.id, balance: Credits::ZERO })
}

/// What is on an account.
pub(crate) fn balance(store: &Store, account: &Account) -> Outcome<Credits> {
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

/// An amount as the ledger keeps it.
pub(crate) fn amount(text: &str) -> Outcome<Credits> {
    text.parse().map_err(|_| Problem::internal("the ledger: an amount is not a uint256"))
}

/// Cents as an amount of the ledger.
pub(crate) fn cents(cents: i64) -> Credits {
    Credits::from(u64::try_from(cents).unwrap_or_default())
}

/// Units of money as an amount of the ledger.
pub(crate) fn units(units: u128) -> Outcome<Credits> {
    amount(&units.to_string())
}

/// What a data folder of before the ledger has, as postings: what is held, and what delegations have spent. Purchases of
/// then have no postings, so the check leaves them out.
pub(crate) fn open_books(store: &Store, now: i64) -> Outcome<()> {
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
