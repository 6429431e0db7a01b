//! Pure. Entry bundles: each entry with its length as a big-endian u16 before it (C2SP tlog-tiles, "Log entries").

use alloc::vec::Vec;

use super::TileError;

/// Writes entries one after another, as the file of a bundle has them.
///
/// # Errors
/// [`TileError::EntryTooLong`] for an entry above 65,535 bytes.
pub fn encode_bundle<I>(entries: I) -> Result<Vec<u8>, TileError>
where
    I: IntoIterator<Item: AsRef<[u8]>>,
{
    let mut bundle = Vec::new();
    for (position, entry) in entries.into_iter().enumerate() {
        let entry = entry.as_ref();
        let Ok(length) = u16::try_from(entry.len()) else {
            return Err(TileError::EntryTooLong { position, bytes: entry.len() });
        };
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// Reads exactly `width` entries, which must be all that there is.
///
/// # Errors
/// [`TileError::Truncated`], [`TileError::TrailingBytes`].
pub fn parse_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    let mut rest = bytes;
    let mut entries = Vec::with_capacity(usize::from(width));
    for position in 0..width {
        let truncated = TileError::Truncated { position, width };
        let (length, after_length) = rest.split_first_chunk::<2>().ok_or(truncated)?;
        let length = usize::from(u16::from_be_bytes(*length));
        let (entry, after_entry) = after_length.split_at_checked(length).ok_or(truncated)?;
        entries.push(entry);
        rest = after_entry;
    }
    if rest.is_empty() { Ok(entries) } else { Err(TileError::TrailingBytes { width, bytes: rest.len() }) }
}
