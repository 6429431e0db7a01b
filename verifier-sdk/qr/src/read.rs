//! One code out of a frame.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rxing::common::HybridBinarizer;
use rxing::qrcode::QRCodeReader;
use rxing::qrcode::cpp_port::QrReader;
use rxing::{BinaryBitmap, DecodeHints, Luma8Source, Reader as _};

/// The text of a QR code in a frame of `width` by `height` pixels, a byte of brightness each. Of several codes, any.
///
/// `None` if there is none that can be read, the frame has other pixels than it says, or more than [`MAX_PIXELS`].
#[must_use]
pub fn read(luma: &[u8], width: u32, height: u32) -> Option<String> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 || pixels > MAX_PIXELS || u64::try_from(luma.len()) != Ok(pixels) {
        return None;
    }
    // A hundred thousand lines of somebody else's, before strangers: what stops one frame must not stop a door. In a browser
    // nothing can be caught, and the worker around it is begun anew.
    catch_unwind(AssertUnwindSafe(|| decode(luma, width, height))).ok().flatten()
}

/// Brightness is compared with what is around it, as light is seldom even. Two ways to find the corners: the second is for codes
/// that are hardly one.
fn decode(luma: &[u8], width: u32, height: u32) -> Option<String> {
    let source = Luma8Source::new_with_slice(luma, width, height).ok()?;
    let image = &mut BinaryBitmap::new(HybridBinarizer::new(source));
    let hints = DecodeHints { TryHarder: Some(true), ..DecodeHints::default() };
    let result = QrReader
        .decode_with_hints(image, &hints)
        .or_else(|_none| QRCodeReader.decode_with_hints(image, &hints));
    Some(result.ok()?.getText().into())
}

/// Most pixels of a frame: those of a 4K camera, and a photograph of twelve megapixels.
pub const MAX_PIXELS: u64 = 12_582_912;
