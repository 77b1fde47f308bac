//! The tables of the sandbox.

/// uint256 amounts are decimal TEXT, since SQLite's integers reach JavaScript as doubles. Times are in milliseconds,
/// and the money of delegations is in cents: both are far below 2^53.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS accounts (
  id TEXT PRIMARY KEY, address TEXT NOT NULL, name TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS plans (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, org TEXT, terms TEXT NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS plans_by_owner ON plans (owner, created_at);
CREATE TABLE IF NOT EXISTS agents (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, org TEXT, metadata TEXT NOT NULL, api TEXT NOT NULL,
  created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS agents_by_owner ON agents (owner, created_at);
CREATE TABLE IF NOT EXISTS agent_plans (
  agent_id TEXT NOT NULL, plan_id TEXT NOT NULL, PRIMARY KEY (agent_id, plan_id));
CREATE INDEX IF NOT EXISTS agents_by_plan ON agent_plans (plan_id);
CREATE TABLE IF NOT EXISTS purchases (
  tx TEXT PRIMARY KEY, plan_id TEXT NOT NULL, holder TEXT NOT NULL, kind TEXT NOT NULL, quantity TEXT NOT NULL,
  cents INTEGER NOT NULL, delegation_id TEXT, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS purchases_by_holder ON purchases (plan_id, holder);
CREATE TABLE IF NOT EXISTS settlements (
  tx TEXT PRIMARY KEY, plan_id TEXT NOT NULL, holder TEXT NOT NULL, credits TEXT NOT NULL, permission TEXT NOT NULL,
  order_tx TEXT, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS delegations (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, provider TEXT NOT NULL, payment_method TEXT, currency TEXT NOT NULL,
  limit_cents INTEGER NOT NULL, spent_cents INTEGER NOT NULL, transactions INTEGER NOT NULL,
  max_transactions INTEGER, plan_id TEXT, api_key_id TEXT, revoked INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS delegations_by_owner ON delegations (owner, created_at);
CREATE TABLE IF NOT EXISTS permissions (
  credential TEXT PRIMARY KEY, hash TEXT NOT NULL, holder TEXT NOT NULL, plan_id TEXT NOT NULL, agent_id TEXT,
  delegation_id TEXT NOT NULL, network TEXT NOT NULL, token TEXT NOT NULL, single_use INTEGER NOT NULL,
  spent INTEGER NOT NULL, expires_at INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS checkouts (
  id TEXT PRIMARY KEY, plan_id TEXT NOT NULL, holder TEXT NOT NULL, paid INTEGER NOT NULL,
  expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS consents (
  account TEXT NOT NULL, document TEXT NOT NULL, version TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (account, document, version));
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS faults (
  id INTEGER PRIMARY KEY AUTOINCREMENT, rule TEXT NOT NULL, seed TEXT NOT NULL, seen INTEGER NOT NULL,
  struck INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS arrivals (
  tx TEXT PRIMARY KEY, plan_id TEXT NOT NULL, holder TEXT NOT NULL, kind TEXT NOT NULL, cents INTEGER NOT NULL,
  due_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS keys (id TEXT PRIMARY KEY, account TEXT NOT NULL, revoked INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS methods (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, provider TEXT NOT NULL, brand TEXT NOT NULL, last4 TEXT NOT NULL,
  exp_month INTEGER NOT NULL, exp_year INTEGER NOT NULL, alias TEXT, api_keys TEXT, declines INTEGER NOT NULL,
  removed INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS methods_by_owner ON methods (owner, created_at);
CREATE TABLE IF NOT EXISTS widgets (
  token TEXT PRIMARY KEY, owner TEXT NOT NULL, return_url TEXT NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS intents (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, provider TEXT NOT NULL, used INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
  id TEXT PRIMARY KEY, agent_id TEXT, plan_id TEXT NOT NULL, holder TEXT NOT NULL, price INTEGER, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, request_id TEXT NOT NULL, credits TEXT NOT NULL, tag TEXT, description TEXT,
  status TEXT NOT NULL, settled_by TEXT, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS tasks_by_request ON tasks (request_id);
CREATE TABLE IF NOT EXISTS charges (
  id TEXT PRIMARY KEY, delegation_id TEXT NOT NULL, plan_id TEXT NOT NULL, cents INTEGER NOT NULL, order_tx TEXT,
  at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS charges_by_delegation ON charges (delegation_id);
CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS signers (account TEXT PRIMARY KEY, secret TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS challenges (
  id TEXT PRIMARY KEY, tx TEXT NOT NULL, result TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS organizations (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, kind TEXT NOT NULL, active INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS members (
  id TEXT PRIMARY KEY, org_id TEXT NOT NULL, account TEXT NOT NULL, address TEXT NOT NULL, role TEXT NOT NULL,
  active INTEGER NOT NULL, external_id TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (org_id, account), UNIQUE (org_id, external_id));
CREATE INDEX IF NOT EXISTS members_by_account ON members (account);
CREATE TABLE IF NOT EXISTS customers (
  org_id TEXT NOT NULL, account TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (org_id, account));
CREATE TABLE IF NOT EXISTS events (
  id TEXT PRIMARY KEY, org_id TEXT NOT NULL, event TEXT NOT NULL, actor TEXT, subject TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_org ON events (org_id, at);
CREATE TABLE IF NOT EXISTS sales (
  id TEXT PRIMARY KEY, org_id TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL,
  refunded INTEGER NOT NULL, description TEXT, buyer_ref TEXT, intent TEXT NOT NULL, secret TEXT NOT NULL,
  expires_at INTEGER NOT NULL, idempotency_key TEXT, line_items TEXT, metadata TEXT, at INTEGER NOT NULL,
  UNIQUE (org_id, idempotency_key));
CREATE TABLE IF NOT EXISTS oauth_grants (
  id TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, account TEXT NOT NULL, client TEXT NOT NULL,
  redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL, scope TEXT NOT NULL, resource TEXT, nonce TEXT,
  plan_id TEXT NOT NULL, agent_id TEXT, delegation_id TEXT NOT NULL, used INTEGER NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS oauth_tokens (hash TEXT PRIMARY KEY, grant_id TEXT NOT NULL, scope TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS oauth_tokens_by_grant ON oauth_tokens (grant_id);
CREATE TABLE IF NOT EXISTS oauth_refresh (token TEXT PRIMARY KEY, grant_id TEXT NOT NULL, used INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS oauth_refresh_by_grant ON oauth_refresh (grant_id);
CREATE TABLE IF NOT EXISTS widget_keys (
  id TEXT PRIMARY KEY, org_id TEXT NOT NULL, name TEXT NOT NULL, secret TEXT NOT NULL, origins TEXT NOT NULL,
  revoked INTEGER NOT NULL, created_at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS widget_keys_by_org ON widget_keys (org_id);
CREATE TABLE IF NOT EXISTS visitors (
  org_id TEXT NOT NULL, user_id TEXT NOT NULL, address TEXT NOT NULL, PRIMARY KEY (org_id, user_id));
CREATE TABLE IF NOT EXISTS seeded (
  kind TEXT NOT NULL, name TEXT NOT NULL, id TEXT NOT NULL, said TEXT NOT NULL, PRIMARY KEY (kind, name));
CREATE TABLE IF NOT EXISTS books (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, unit TEXT NOT NULL, owner TEXT NOT NULL, expires_at INTEGER NOT NULL,
  balance TEXT NOT NULL, UNIQUE (unit, kind, owner, expires_at));
CREATE TABLE IF NOT EXISTS postings (
  id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL, kind TEXT NOT NULL, debit INTEGER NOT NULL,
  credit INTEGER NOT NULL, amount TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS postings_by_entry ON postings (entry);
CREATE INDEX IF NOT EXISTS postings_by_debit ON postings (debit);
CREATE INDEX IF NOT EXISTS postings_by_credit ON postings (credit);
CREATE TABLE IF NOT EXISTS opened (
  purchases INTEGER NOT NULL, settlements INTEGER NOT NULL, charges INTEGER NOT NULL, sales INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS calls (
  id INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL,
  at INTEGER NOT NULL);
";

/// Columns that were added later: an older data folder gets them when it is opened.
pub(crate) const ADDED: [(&str, &str, &str); 22] = [
    ("permissions", "sessions", "TEXT NOT NULL DEFAULT '[]'"),
    ("accounts", "email", "TEXT"),
    ("widgets", "widget_key", "TEXT"),
    ("widgets", "origins", "TEXT"),
    ("permissions", "protocol", "TEXT NOT NULL DEFAULT 'x402'"),
    ("delegations", "merchant", "TEXT"),
    ("calls", "fault", "TEXT"),
    ("permissions", "revoked_at", "INTEGER NOT NULL DEFAULT 0"),
    ("settlements", "kind", "TEXT NOT NULL DEFAULT 'settle'"),
    ("settlements", "request", "TEXT"),
    ("plans", "listed", "INTEGER NOT NULL DEFAULT 1"),
    ("agents", "listed", "INTEGER NOT NULL DEFAULT 1"),
    ("signers", "address", "TEXT NOT NULL DEFAULT ''"),
    ("calls", "query", "TEXT"),
    ("calls", "correlation", "TEXT"),
    ("calls", "account", "TEXT"),
    ("calls", "request", "TEXT"),
    ("calls", "response", "TEXT"),
    ("keys", "key", "TEXT"),
    ("keys", "org", "TEXT"),
    ("keys", "expires_at", "INTEGER"),
    ("keys", "created_at", "INTEGER"),
];
