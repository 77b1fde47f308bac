//! The Cloudflare Workers shell of the paywall.
