//! The seller's colour, and letters on it that can be read (WCAG 2.2, 1.4.3: a contrast of 4.5 to 1).

use crate::codec::hex::hex;
use alloc::string::String;

/// A colour of sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

impl Colour {
    /// `#rrggbb` or `#rgb`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let mut nibbles = [0_u8; 6];
        let short = digits.len() == 3;
        if !(short || digits.len() == 6) {
            return None;
        }
        for (index, nibble) in nibbles.iter_mut().enumerate() {
            let digit = digits.chars().nth(if short { index / 2 } else { index })?;
            *nibble = u8::try_from(digit.to_digit(16)?).ok()?;
        }
        let [r1, r2, g1, g2, b1, b2] = nibbles;
        Some(Self { red: r1 * 16 + r2, green: g1 * 16 + g2, blue: b1 * 16 + b2 })
    }

    /// Its relative luminance, in hundred-thousandths.
    fn luminance(self) -> u64 {
        (2126 * linear(self.red) + 7152 * linear(self.green) + 722 * linear(self.blue)) / 10_000
    }

    /// The text colour with the better contrast: white or nearly black. One of them always has a contrast of at least
    /// 4.5.
    fn ink(self) -> &'static str {
        // White has (1 + 0.05) / (L + 0.05), black (L + 0.05) / 0.05: even where L + 0.05 is the root of 0.0525.
        if self.luminance() > 17_900 { "#000" } else { "#fff" }
    }

    fn css(self) -> String {
        ["#", &hex(&[self.red, self.green, self.blue])].concat()
    }
}

/// One channel without its gamma, in hundred-thousandths: a cubic that is within 0.003 of the curve of sRGB.
fn linear(channel: u8) -> u64 {
    let c = u64::from(channel);
    (30_531 * c * c * c / 65_025 + 68_217 * c * c / 255 + 1_252 * c) / 255
}

/// The rules that the style sheet adds after its own colours.
pub(super) fn rules(light: Option<Colour>, dark: Option<Colour>) -> String {
    let set =
        |colour: Colour| [":root{--accent:", &colour.css(), ";--on-accent:", colour.ink(), "}"].concat();
    let Some(light) = light else { return String::new() };
    [&set(light), "@media(prefers-color-scheme:dark){", &set(dark.unwrap_or(light)), "}"].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_the_ink_on_them() {
        for (text, css, ink) in [
            ("#0a6b47", "#0a6b47", "#fff"),
            ("#fc0", "#ffcc00", "#000"),
            ("#FFFFFF", "#ffffff", "#000"),
            ("#000", "#000000", "#fff"),
            ("#777777", "#777777", "#000"),
            ("#757575", "#757575", "#fff"),
            ("#48c78e", "#48c78e", "#000"),
            ("#0000ff", "#0000ff", "#fff"),
        ] {
            let colour = Colour::parse(text).unwrap();
            assert_eq!((colour.css().as_str(), colour.ink()), (css, ink), "{text}");
        }
        for text in ["", "#", "0a6b47", "#0a6b4", "#0a6b47ff", "#ggg", "red", "#\u{e4}bc", "#0a6b47;}"] {
            assert_eq!(Colour::parse(text), None, "{text}");
        }
    }
}
