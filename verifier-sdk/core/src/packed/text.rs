//! Pure. The JSON texts of a presentation as raw DEFLATE (RFC 1951) behind a dictionary that is fixed: most of a credential
//! is what all credentials say.

use alloc::vec::Vec;

use miniz_oxide::deflate::core::deflate_flags::TDEFL_FORCE_ALL_STATIC_BLOCKS;
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

/// The shorter of two streams: one with Huffman codes of its own, one with the fixed ones.
//= specs/presentation.md#packed-text
pub(super) fn deflate(text: &[u8]) -> Option<Vec<u8>> {
    // `10` and `-15`: the most effort, and no header.
    let own = create_comp_flags_from_zip_params(10, -15, 0);
    let streams = [own, own | TDEFL_FORCE_ALL_STATIC_BLOCKS].map(|flags| deflate_with(flags, text));
    streams.into_iter().flatten().min_by_key(Vec::len)
}

fn deflate_with(flags: u32, text: &[u8]) -> Option<Vec<u8>> {
    let mut compressor = CompressorOxide::new(flags);
    // A sync flush ends the dictionary on a whole byte, and leaves it in the window; what it compresses to is nobody's.
    let (status, _read) = compress_to_output(&mut compressor, DICTIONARY, TDEFLFlush::Sync, |_dropped| true);
    if status != TDEFLStatus::Okay {
        return None;
    }
    let mut stream = Vec::new();
    let (status, _read) = compress_to_output(&mut compressor, text, TDEFLFlush::Finish, |bytes| {
        stream.extend_from_slice(bytes);
        true
    });
    (status == TDEFLStatus::Done).then_some(stream)
}

/// The text of a stream that ends where the bytes do. `None` for one that is none, or of more than [`MAX_TEXT_BYTES`].
//= specs/presentation.md#packed-text
pub(super) fn inflate(stream: &[u8]) -> Option<Vec<u8>> {
    let mut window = Vec::with_capacity(DICTIONARY.len().checked_add(MAX_TEXT_BYTES)?);
    window.extend_from_slice(DICTIONARY);
    window.resize(window.capacity(), 0);
    // The output begins behind the dictionary, which distances reach like anything before them.
    let (status, read, written) = decompress(
        &mut DecompressorOxide::new(),
        stream,
        &mut window,
        DICTIONARY.len(),
        TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
    );
    let is_whole = status == TINFLStatus::Done && read == stream.len();
    let text = window.get(DICTIONARY.len()..)?.get(..written)?;
    is_whole.then(|| text.to_vec())
}

/// What both sides have in their window before the stream begins: the bytes of the file.
const DICTIONARY: &[u8] = include_bytes!("../../../../specs/packed/dictionary-1.txt");

/// `specs/presentation.md#packed-text`: a large credential and a receipt that some witnesses cosigned.
pub(super) const MAX_TEXT_BYTES: usize = 32_768;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        let long: Vec<u8> = b"abcdefg".iter().copied().cycle().take(MAX_TEXT_BYTES).collect();
        for text in [&b""[..], b"a", DICTIONARY, &long] {
            assert_eq!(inflate(&deflate(text).expect("a stream")).as_deref(), Some(text));
        }
        // A text of the dictionary is a few distances.
        assert!(deflate(DICTIONARY).expect("a stream").len() < 64);
    }

    #[test]
    fn a_stream_is_bounded_and_ends_where_it_says() {
        let long = [b'a'; MAX_TEXT_BYTES + 1];
        assert_eq!(inflate(&deflate(&long).expect("a stream")), None);
        let stream = deflate(b"{}").expect("a stream");
        for cut in 0..stream.len() {
            assert_eq!(stream.get(..cut).and_then(inflate), None, "{cut}");
        }
        let mut longer = stream;
        longer.push(0);
        assert_eq!(inflate(&longer), None);
        // A distance to before the dictionary.
        assert_eq!(inflate(&[0x03, 0xff, 0xff, 0xff]), None);
    }
}
