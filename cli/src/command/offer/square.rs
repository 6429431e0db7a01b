//! A QR code (ISO/IEC 18004) of half blocks, two modules a character.

use anyhow::anyhow;
use qrcodegen::{QrCode, QrCodeEcc};

/// Draws a text, dark on light whatever the colours of the terminal, within the light border that readers need.
pub(super) fn draw(text: &str) -> anyhow::Result<String> {
    // A screen is not soiled.
    let code = QrCode::encode_text(text, QrCodeEcc::Low)
        .map_err(|_too_long| anyhow!("the link has {} bytes, more than a QR code holds", text.len()))?;
    let rows = (-BORDER..code.size() + BORDER).step_by(2).map(|y| {
        let pairs =
            (-BORDER..code.size() + BORDER).map(|x| (code.get_module(x, y), code.get_module(x, y + 1)));
        let cells = pairs.map(|pair| match pair {
            (false, false) => '█',
            (false, true) => '▀',
            (true, false) => '▄',
            (true, true) => ' ',
        });
        // Light is the foreground, white; dark the background, black.
        format!("{WHITE_ON_BLACK}{}{PLAIN}", cells.collect::<String>())
    });
    Ok(rows.collect::<Vec<_>>().join("\n"))
}

/// ECMA-48 section 8.3.117.
const WHITE_ON_BLACK: &str = "\u{1b}[97;40m";
const PLAIN: &str = "\u{1b}[0m";

/// ISO/IEC 18004 section 6.3.8: four modules.
const BORDER: i32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_border_and_its_corners() {
        let drawn = draw("openid-credential-offer://?credential_offer_uri=x").unwrap();
        let rows: Vec<&str> = drawn.lines().collect();
        let inner = |row: &str| row.trim_start_matches(WHITE_ON_BLACK).trim_end_matches(PLAIN).to_owned();
        let width = inner(rows[0]).chars().count();
        assert!(rows.iter().all(|row| inner(row).chars().count() == width));
        assert!(inner(rows[0]).chars().all(|cell| cell == '█'));
        // The finder pattern: a dark square of seven modules.
        assert_eq!(inner(rows[2]).chars().skip(4).take(7).collect::<String>(), " ▄▄▄▄▄ ");
        assert!(draw(&"x".repeat(3_000)).is_err());
    }
}
