use super::{WireError, WireErrorKind};
use alloc::string::String;
use core::{fmt, iter::Sum, str::FromStr};
use serde_json::Value;

/// An amount of credits of a plan: a uint256, a decimal string on the wire, a `bigint` in JavaScript.
///
/// Whole credits only: a fraction, a sign or an exponent is refused. Arithmetic is checked; nothing wraps.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Credits {
    /// Most significant limb first, so that the order of the arrays is the numeric one.
    limbs: [u32; 8],
}

impl Credits {
    /// No credits.
    pub const ZERO: Self = Self { limbs: [0; 8] };
    /// The largest amount there is.
    pub const MAX: Self = Self { limbs: [u32::MAX; 8] };

    /// Reads what JSON may hold: a decimal string, or a whole number that JSON carries exactly (Python sends small
    /// amounts as numbers, contract section 1.2). `field` names it for the error.
    ///
    /// # Errors
    /// `WrongType` for anything else, `BadValue` for text that is not a uint256.
    pub fn from_json(value: &Value, field: &'static str) -> Result<Self, WireError> {
        let fail = |kind| WireError::new(kind, field);
        match value {
            Value::String(text) => text.parse().map_err(|_| fail(WireErrorKind::BadValue)),
            Value::Number(number) => {
                number.as_u64().map(Self::from).ok_or_else(|| fail(WireErrorKind::BadValue))
            }
            _ => Err(fail(WireErrorKind::WrongType)),
        }
    }

    /// The sum, or `None` beyond 2^256 - 1.
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let mut sum = self;
        let mut carry = 0u64;
        for (limb, more) in sum.limbs.iter_mut().zip(other.limbs).rev() {
            let total = u64::from(*limb) + u64::from(more) + carry;
            *limb = low(total);
            carry = total >> 32;
        }
        (carry == 0).then_some(sum)
    }

    /// The difference, or `None` below zero.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        let mut rest = self;
        let mut borrow = 0u64;
        for (limb, less) in rest.limbs.iter_mut().zip(other.limbs).rev() {
            let total = (1 << 32) + u64::from(*limb) - u64::from(less) - borrow;
            *limb = low(total);
            borrow = 1 - (total >> 32);
        }
        (borrow == 0).then_some(rest)
    }

    /// The sum, or the largest amount there is: for limits, where more than everything is everything.
    #[must_use]
    pub fn saturating_add(self, other: Self) -> Self {
        self.checked_add(other).unwrap_or(Self::MAX)
    }

    /// The difference, or nothing.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        self.checked_sub(other).unwrap_or(Self::ZERO)
    }

    /// The nearest double: to compare by where exactness does not matter, never to count with.
    #[must_use]
    #[allow(clippy::float_arithmetic)]
    pub fn to_f64(self) -> f64 {
        self.limbs.iter().fold(0.0, |sum, limb| sum * 4_294_967_296.0 + f64::from(*limb))
    }

    /// True for zero credits.
    #[must_use]
    pub fn is_zero(self) -> bool {
        self == Self::ZERO
    }

    /// In decimal digits, as it is on the wire.
    #[must_use]
    pub fn digits(self) -> String {
        let mut rest = self;
        let mut digits = String::new();
        loop {
            digits.insert(0, char::from(b'0' + rest.pop_digit()));
            if rest.is_zero() {
                return digits;
            }
        }
    }

    /// An amount of 128 bits.
    pub(crate) fn from_u128(amount: u128) -> Self {
        let limb = |shift: u32| u32::try_from(amount >> shift & 0xffff_ffff).unwrap_or_default();
        Self { limbs: [0, 0, 0, 0, limb(96), limb(64), limb(32), limb(0)] }
    }

    /// `self * 10 + digit`, or `None` beyond 2^256 - 1.
    fn push_digit(&mut self, digit: u8) -> Option<()> {
        let mut carry = u64::from(digit);
        for limb in self.limbs.iter_mut().rev() {
            let total = u64::from(*limb) * 10 + carry;
            *limb = low(total);
            carry = total >> 32;
        }
        (carry == 0).then_some(())
    }

    /// Divides by ten and hands back the remainder.
    fn pop_digit(&mut self) -> u8 {
        let mut rest = 0u64;
        for limb in &mut self.limbs {
            let total = (rest << 32) + u64::from(*limb);
            *limb = low(total / 10);
            rest = total % 10;
        }
        rest.to_le_bytes().first().copied().unwrap_or_default()
    }
}

/// The low 32 bits of a sum, whose high bits the caller carries.
fn low(total: u64) -> u32 {
    u32::try_from(total & 0xffff_ffff).unwrap_or_default()
}

/// A number in decimal digits. Numbers are printed by this one alone in what ships: the ways of `core::fmt` are another
/// kilobyte of wasm.
#[must_use]
pub(crate) fn digits(number: u64) -> String {
    Credits::from(number).digits()
}

impl From<u64> for Credits {
    fn from(amount: u64) -> Self {
        Self { limbs: [0, 0, 0, 0, 0, 0, low(amount >> 32), low(amount)] }
    }
}

impl TryFrom<Credits> for u64 {
    type Error = WireError;

    /// The amount as a `u64`; `BadValue` beyond `u64::MAX`.
    fn try_from(amount: Credits) -> Result<Self, WireError> {
        match amount.limbs {
            [0, 0, 0, 0, 0, 0, high, low] => Ok(u64::from(high) << 32 | u64::from(low)),
            _ => Err(WireError::new(WireErrorKind::BadValue, "credits")),
        }
    }
}

/// The sum, or the largest amount there is: see [`Credits::saturating_add`].
impl Sum for Credits {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::saturating_add)
    }
}

impl<'a> Sum<&'a Credits> for Credits {
    fn sum<I: Iterator<Item = &'a Credits>>(amounts: I) -> Self {
        amounts.copied().sum()
    }
}

impl FromStr for Credits {
    type Err = WireError;

    /// Reads a decimal uint256: digits only, leading zeros allowed, at most 78 of them.
    fn from_str(text: &str) -> Result<Self, WireError> {
        let fail = || WireError::new(WireErrorKind::BadValue, "credits");
        if text.is_empty() || text.len() > 78 {
            return Err(fail());
        }
        let mut amount = Self::ZERO;
        for byte in text.bytes() {
            if !byte.is_ascii_digit() {
                return Err(fail());
            }
            amount.push_digit(byte - b'0').ok_or_else(fail)?;
        }
        Ok(amount)
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.digits())
    }
}

impl fmt::Debug for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use serde_json::json;

    const MAX: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

    fn credits(text: &str) -> Credits {
        text.parse().unwrap()
    }

    #[test]
    fn an_amount_of_128_bits_is_the_same_number() {
        for number in [0, 7, 1 << 32, u128::from(u64::MAX), (1 << 96) + 5, u128::MAX] {
            assert_eq!(Credits::from_u128(number), credits(&number.to_string()), "{number}");
        }
    }

    #[test]
    fn amounts_add_up_and_fit_into_a_u64_or_not() {
        for (amounts, sum) in [
            (&[][..], Some(0)),
            (&["1", "18446744073709551614"], Some(u64::MAX)),
            (&["1", "18446744073709551615"], None),
        ] {
            let amounts: Vec<Credits> = amounts.iter().map(|text| text.parse().unwrap()).collect();
            let total: Credits = amounts.iter().sum();
            assert_eq!(total, amounts.into_iter().sum());
            assert_eq!(u64::try_from(total).ok(), sum);
        }
        assert_eq!([Credits::MAX, Credits::from(1)].into_iter().sum::<Credits>(), Credits::MAX);
    }

    #[test]
    fn prints_what_it_reads() {
        for text in ["0", "1", "10", "4294967295", "4294967296", "18446744073709551616", MAX] {
            assert_eq!(credits(text).to_string(), text);
            assert_eq!(alloc::format!("{:?}", credits(text)), text);
        }
        assert_eq!(credits("007").to_string(), "7");
        assert_eq!(Credits::from(u64::MAX).to_string(), "18446744073709551615");
    }

    #[test]
    fn refuses_what_is_not_a_uint256() {
        let over = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
        for text in ["", "-1", "+1", "1.0", "1e3", "0x1", " 1", "1 ", "٣", over, &"1".repeat(79)] {
            assert!(text.parse::<Credits>().is_err(), "{text}");
        }
        for value in [json!(1.5), json!(-1), json!(1e30), json!(true), json!(null), json!([1]), json!("x")] {
            assert!(Credits::from_json(&value, "x").is_err(), "{value}");
        }
        assert_eq!(Credits::from_json(&json!(7), "x").unwrap(), Credits::from(7));
    }

    #[test]
    #[allow(clippy::float_cmp)]
    fn compares_as_a_double() {
        for (text, double) in [
            ("0", 0.0),
            ("5", 5.0),
            ("4294967297", 4_294_967_297.0),
            ("18446744073709551616", 18_446_744_073_709_551_616.0),
        ] {
            assert_eq!(credits(text).to_f64(), double, "{text}");
        }
    }

    #[test]
    fn counts_exactly_and_never_wraps() {
        assert_eq!(credits("4294967295").checked_add(Credits::from(1)).unwrap(), credits("4294967296"));
        assert_eq!(credits("4294967296").checked_sub(Credits::from(1)).unwrap(), credits("4294967295"));
        assert_eq!(credits(MAX).checked_add(Credits::from(1)), None);
        assert_eq!(credits(MAX).saturating_add(Credits::from(1)), credits(MAX));
        assert_eq!(Credits::ZERO.checked_sub(Credits::from(1)), None);
        assert_eq!(Credits::from(3).saturating_sub(Credits::from(5)), Credits::ZERO);
        assert!(credits("4294967296") > credits("4294967295"));
        assert!(credits("10") > credits("9"));
    }
}
