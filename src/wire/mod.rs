//! Bytes to types and back: x402 headers, access tokens, receipts, credits, networks.
