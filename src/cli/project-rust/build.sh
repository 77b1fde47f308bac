#!/bin/sh
# Builds the Worker into build/: cargo, then the JavaScript that loads the wasm. `wrangler dev` and `wrangler deploy` run it.
set -eu
version={{wasm-bindgen}}
case "$(wasm-bindgen --version 2>/dev/null || true)" in
  *" $version") ;;
  *) cargo install --locked wasm-bindgen-cli --version "$version" ;;
esac
rustup target add wasm32-unknown-unknown
cargo build --release --target wasm32-unknown-unknown
wasm-bindgen --target web --no-typescript --experimental-reset-state-function --force-enable-abort-handler \
  --out-dir build --out-name gate target/wasm32-unknown-unknown/release/worker_in_rust.wasm
cp src/entry.js build/entry.js
