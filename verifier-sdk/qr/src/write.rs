//! One code for a screen.

use fast_qr::{ECL, QRBuilder};

/// The modules of a code, without the light margin of four modules that belongs around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    side: usize,
    dark: Vec<bool>,
}

impl Code {
    /// The smallest code of a text at level L: a lit screen has no stains, and every module counts.
    ///
    /// `None` if it is longer than a code holds.
    #[must_use]
    pub fn write(text: &str) -> Option<Self> {
        let code = QRBuilder::new(text).ecl(ECL::L).build().ok()?;
        let dark: Vec<bool> =
            code.data.iter().take(code.size * code.size).map(|module| module.value()).collect();
        Some(Self { side: code.size, dark })
    }

    /// How many modules are in a row: 17 and four for each version.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.side
    }

    /// 1 to 40.
    #[must_use]
    pub const fn version(&self) -> usize {
        self.side.saturating_sub(17) / 4
    }

    /// Whether the module is dark; those around the code are not.
    #[must_use]
    pub fn is_dark(&self, row: usize, column: usize) -> bool {
        let is_inside = row < self.side && column < self.side;
        is_inside && self.dark.get(row * self.side + column).copied().unwrap_or_default()
    }

    /// The modules row by row.
    #[must_use]
    pub fn modules(&self) -> &[bool] {
        &self.dark
    }

    /// A picture of it, black on white with its margin, and how many pixels it is wide and high: a byte of brightness a pixel.
    #[must_use]
    pub fn frame(&self, pixels_a_module: usize) -> (Vec<u8>, u32) {
        let side = (self.side + 2 * MARGIN) * pixels_a_module;
        let mut frame = Vec::with_capacity(side * side);
        for row in 0..side {
            for column in 0..side {
                // What lies before the code wraps to beyond it.
                let place = |pixel: usize| (pixel / pixels_a_module).wrapping_sub(MARGIN);
                frame.push(if self.is_dark(place(row), place(column)) { 0 } else { 255 });
            }
        }
        (frame, u32::try_from(side).unwrap_or(u32::MAX))
    }
}

/// ISO/IEC 18004 section 6.3.8.
const MARGIN: usize = 4;
