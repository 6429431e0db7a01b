//! Damage: what a file suffers on its way, and what an attacker tries.

/// Draws damaged inputs, always the same ones from one seed and corpus.
pub(crate) struct Mutator {
    random: fastrand::Rng,
    corpus: Vec<Vec<u8>>,
}

impl Mutator {
    pub(crate) fn new(seed: u64, corpus: Vec<Vec<u8>>) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), corpus }
    }

    /// The next input: one of the corpus with a few damages, or random bytes.
    pub(crate) fn draw(&mut self) -> Vec<u8> {
        if self.random.u32(0..16) == 0 {
            let length = self.random.usize(0..MAX_RANDOM_BYTES);
            return std::iter::repeat_with(|| self.random.u8(..)).take(length).collect();
        }
        let mut bytes = self.pick();
        for _damage in 0..self.random.usize(1..=MAX_DAMAGES) {
            self.damage(&mut bytes);
        }
        bytes
    }

    fn pick(&mut self) -> Vec<u8> {
        let at = self.random.usize(..self.corpus.len());
        self.corpus[at].clone()
    }

    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random.usize(..=bytes.len());
        match self.random.u32(0..10) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, self.random.u8(..)),
            2 => drop(bytes.splice(at..at, TOKENS[self.random.usize(..TOKENS.len())].iter().copied())),
            3 => {
                let end = self.range_end(at, bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let end = self.range_end(at, bytes.len());
                let copy = bytes[at..end].to_vec();
                let to = self.random.usize(..=bytes.len());
                bytes.splice(to..to, copy);
            }
            5 => {
                // The end of another one: formats that nest are put together from sound pieces.
                let other = self.pick();
                let from = self.random.usize(..=other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            6 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = self.random.u8(..);
                }
            }
            7 => self.replace_digit(bytes, at),
            _most => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.random.u32(0..8);
                }
            }
        }
    }

    /// Numbers that stay numbers reach the checks behind the parser.
    fn replace_digit(&mut self, bytes: &mut [u8], from: usize) {
        if let Some(digit) = bytes.iter_mut().skip(from).find(|byte| byte.is_ascii_digit()) {
            *digit = self.random.u8(b'0'..=b'9');
        }
    }

    fn range_end(&mut self, start: usize, length: usize) -> usize {
        self.random.usize(start..=length.min(start + MAX_RANGE_BYTES))
    }
}

/// What parsers have fallen for.
const TOKENS: [&[u8]; 24] = [
    b"+",
    b"-",
    b"0",
    b"00",
    b"\r",
    b"\n",
    b"\n\n",
    b"\r\n",
    b"\0",
    b" ",
    b"=",
    b"==",
    b"\"",
    b",",
    b"{",
    b"[[[[",
    b"null",
    b"\"a\":1,",
    b"\\ud800",
    b"\xc3\x28",
    b"18446744073709551616",
    b"9223372036854775808",
    b"1e309",
    "\u{2014} ".as_bytes(),
];

/// Longest random input in bytes.
const MAX_RANDOM_BYTES: usize = 512;

/// Longest range that is cut out or doubled, in bytes.
const MAX_RANGE_BYTES: usize = 64;

/// Damages of one input at most.
const MAX_DAMAGES: usize = 3;
