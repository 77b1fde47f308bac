//! Rule 16: nothing unpaid gets through. Rule 26: open routes are listed, not guessed.

mod listed;
mod paths;

use super::*;
use crate::paywall::http::path::{CanonicalPath, Target};
use alloc::string::ToString;

/// The result for a spelling of `/paid`, requested without a token.
#[derive(Debug, PartialEq)]
enum Fate {
    /// 402: protected as `/paid` is.
    Protected,
    /// 400 with this code.
    Refused(&'static str),
}

use Fate::{Protected, Refused};

const TWICE: Fate = Refused("path_encoded_twice");
const SEPARATOR: Fate = Refused("path_encoded_separator");
const BACKSLASH: Fate = Refused("path_backslash");
const PARAMETER: Fate = Refused("path_parameter");
const CONTROL: Fate = Refused("path_control");
const ENDING: Fate = Refused("path_ending");
const ENCODING: Fate = Refused("path_bad_encoding");
const ROOT: Fate = Refused("path_above_root");
const URL: Fate = Refused("path_not_a_url");
const DOUBT: Fate = Refused("route_in_doubt");
