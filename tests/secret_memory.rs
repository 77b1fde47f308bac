//! Rule of money 13: the memory of this very process is looked through for a secret that was dropped.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use payments_wasm::wire::{AccessToken, Secret, base64};
use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;

/// A text of 64 letters that is made here and stands nowhere else, and never as a whole with all its bits flipped.
fn text(seed: u8) -> String {
    (0..64u8).map(|at| char::from(b'a' + (at.wrapping_mul(7).wrapping_add(seed) ^ (at / 3)) % 26)).collect()
}

/// True if 24 letters in a row from the middle of `text(seed)` are in writable memory. The search pattern is stored
/// with its bits flipped, so that the search does not find itself.
fn stands(seed: u8) -> bool {
    let mut wanted: Vec<u8> = Vec::with_capacity(24);
    wanted.extend(text_flipped(seed).get(20..44).unwrap());
    let memory = File::open("/proc/self/mem").unwrap();
    let maps = read_to_string("/proc/self/maps").unwrap();
    let mut page = vec![0u8; 1 << 16];
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let (from, rest) = line.split_once('-').unwrap();
        let (to, _) = rest.split_once(' ').unwrap();
        let (mut at, end) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        while at < end {
            // Nothing of what was read before is left to be found.
            page.fill(0);
            let Ok(read) = memory.read_at(&mut page, at) else { break };
            if read == 0 {
                break;
            }
            // Flipped where they stand: no copy of what is found stays here.
            let bytes = page.get_mut(..read).unwrap();
            bytes.iter_mut().for_each(|byte| *byte = !*byte);
            let found = bytes.windows(24).any(|window| window == wanted);
            page.fill(0);
            if found {
                return true;
            }
            // So that what lies over two pages is seen.
            at += (read as u64).saturating_sub(if at + read as u64 == end { 0 } else { 64 }).max(1);
        }
    }
    false
}

fn text_flipped(seed: u8) -> Vec<u8> {
    (0..64u8).map(|at| !(b'a' + (at.wrapping_mul(7).wrapping_add(seed) ^ (at / 3)) % 26)).collect()
}

// One test: two at a time would look through each other's memory.
#[test]
fn rule_13_a_secret_is_overwritten_when_it_is_dropped() {
    let plain = text(1);
    assert!(stands(1), "what is there is found");
    drop(plain);

    let secret = Secret::new(text(2));
    assert!(stands(2));
    let copy = secret.clone();
    drop(secret);
    assert!(stands(2), "a copy is its own");
    drop(copy);
    assert!(!stands(2), "a secret");

    // The decoded form of a token is as secret as the token.
    let token = {
        let signature = Secret::new(text(3));
        let front = r#"{"x402Version":2,"accepted":{"scheme":"nvm:erc4337","network":"n","planId":"1"},"payload":{"signature":""#;
        let json = Secret::new([front, signature.expose(), r#""}}"#].concat());
        let encoded = Secret::new(base64::encode_url(json.expose().as_bytes()));
        AccessToken::decode(encoded.expose()).unwrap()
    };
    assert!(stands(3));
    drop(token);
    assert!(!stands(3), "what a token holds");
}
