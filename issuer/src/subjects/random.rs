//! Random bytes of the operating system, drawn some hundred at a time.

use std::cell::RefCell;

use zeroize::{Zeroize as _, Zeroizing};

use crate::journal::StoreError;

/// Random bytes from the operating system. Each thread draws a few of them ahead, [`POOL_BYTES`] with one call, and
/// wipes those that it gives away.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    let pooled = POOL.try_with(|pool| pool.try_borrow_mut().map(|mut pool| pool.fill(&mut bytes)));
    match pooled {
        Ok(Ok(filled)) => filled?,
        // The thread is ending, and its pool is gone.
        Ok(Err(_)) | Err(_) => draw(&mut bytes)?,
    }
    Ok(bytes)
}

fn draw(bytes: &mut [u8]) -> Result<(), StoreError> {
    getrandom::fill(bytes).map_err(|source| StoreError::Random { source })
}

/// What a thread has drawn ahead. What was given away is zero.
struct Pool {
    bytes: Zeroizing<[u8; POOL_BYTES]>,
    used: usize,
}

impl Pool {
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), StoreError> {
        if bytes.len() > POOL_BYTES {
            return draw(bytes);
        }
        if self.used + bytes.len() > POOL_BYTES {
            // Nothing is left to give away, should the operating system refuse.
            self.used = POOL_BYTES;
            draw(self.bytes.as_mut_slice())?;
            self.used = 0;
        }
        let end = self.used + bytes.len();
        let piece = &mut self.bytes[self.used..end];
        bytes.copy_from_slice(piece);
        piece.zeroize();
        self.used = end;
        Ok(())
    }
}

thread_local! {
    static POOL: RefCell<Pool> =
        RefCell::new(Pool { bytes: Zeroizing::new([0; POOL_BYTES]), used: POOL_BYTES });
}

/// Some twenty nonces or keys: the call to the operating system is then a small part of what one costs, and a copy of
/// the machine that goes on from here shares no more than that with it.
const POOL_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{POOL_BYTES, random};

    #[test]
    fn no_piece_is_given_twice_and_none_is_left_blank() {
        let draw = || (0..1_000).map(|_piece| random::<24>().unwrap()).collect::<Vec<_>>();
        let mut pieces = draw();
        pieces.extend(std::thread::spawn(draw).join().unwrap());
        assert!(pieces.iter().all(|piece| piece.iter().filter(|byte| **byte == 0).count() < 8));
        let (mut halves, count) = (HashSet::new(), pieces.len());
        for piece in pieces {
            halves.extend(piece.as_chunks::<12>().0.iter().copied());
        }
        assert_eq!(halves.len(), 2 * count);
    }

    #[test]
    fn more_than_a_pool_is_drawn_at_once() {
        let long = random::<{ POOL_BYTES + 1 }>().unwrap();
        assert!(long.as_chunks::<27>().0.iter().all(|chunk| *chunk != [0; 27]));
    }
}
