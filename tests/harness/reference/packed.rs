//! The packed form, written by `specs/presentation.md#packed-form`: base45 by division, and DEFLATE with fixed codes and the
//! longest match by trying all.

use super::encoding::{base64url, unbase64url};
use super::landmark::LandmarkReceipt;
use super::presentation::KeyBinding;

/// What stands in the window before the stream begins.
pub const DICTIONARY: &[u8] = include_bytes!("../../../specs/packed/dictionary-1.txt");

/// Every field of a code; each can be changed.
#[derive(Clone)]
pub struct Packed {
    /// Before base45.
    pub prefix: String,
    /// The first byte.
    pub form: u8,
    /// Of the credential.
    pub signature: Vec<u8>,
    /// Of the key-binding token, in bytes: `iat`, nonce, signature.
    pub token: Vec<Vec<u8>>,
    /// Of the receipt, in bytes: log, landmark, index, hours, nonce, provenance, count, proof.
    pub receipt: Vec<Vec<u8>>,
    /// What the stream is of.
    pub lines: String,
    /// The stream.
    pub stream: Vec<u8>,
}

impl Packed {
    /// The code of a credential: header and payload as JSON, and its signature.
    #[must_use]
    pub fn new(header: &str, payload: &str, signature: &[u8]) -> Self {
        Self {
            prefix: "SLK1:".into(),
            form: 0,
            signature: signature.into(),
            token: Vec::new(),
            receipt: Vec::new(),
            lines: format!("{header}\n{payload}"),
            stream: deflate(format!("{header}\n{payload}").as_bytes()),
        }
    }

    /// The code of what is shown as text, without key-binding token.
    #[must_use]
    pub fn of(shown: &str) -> Self {
        let text = |part: &str| String::from_utf8(unbase64url(part).expect("base64url")).expect("text");
        let mut parts = shown.split('~');
        let token: Vec<&str> = parts.next().unwrap_or_default().split('.').collect();
        let (header, payload) = (text(token[0]), text(token[1]));
        let disclosures: Vec<String> = parts.filter(|part| !part.is_empty()).map(text).collect();
        let disclosures: Vec<&str> = disclosures.iter().map(String::as_str).collect();
        let packed = Self::new(&header, &payload, &unbase64url(token[2]).expect("base64url"));
        if shown.contains('~') { packed.shown(&header, &payload, &disclosures) } else { packed }
    }

    /// The same in a presentation, with these disclosures as JSON.
    #[must_use]
    pub fn shown(mut self, header: &str, payload: &str, disclosures: &[&str]) -> Self {
        self.form |= 2;
        let lines = [&[header, payload], disclosures].concat();
        self.lines = lines.join("\n");
        self.stream = deflate(self.lines.as_bytes());
        self
    }

    /// The same with a key-binding token: `bits` is 4 or 8, and 16 more for EdDSA.
    #[must_use]
    pub fn bound(mut self, bits: u8, issued: u64, nonce: &[u8; 16], signature: &[u8]) -> Self {
        self.form |= bits;
        self.token = vec![number(issued), nonce.to_vec(), signature.to_vec()];
        self
    }

    /// The same with a landmark receipt of an issuance.
    #[must_use]
    pub fn logged(mut self, receipt: &LandmarkReceipt) -> Self {
        self.form |= 1;
        let bytes = receipt.bytes();
        let extra = &receipt.extra;
        let seconds = u64::from_be_bytes(extra[65..].try_into().expect("73 bytes of extra"));
        self.receipt = vec![
            bytes[4..12].to_vec(),
            number(receipt.number),
            number(receipt.index),
            number(seconds / 3_600),
            extra[1..33].to_vec(),
            extra[33..65].to_vec(),
            vec![u8::try_from(receipt.proof.len()).expect("a short proof")],
            receipt.proof.concat(),
        ];
        self
    }

    /// The same with a tlog-proof.
    #[must_use]
    pub fn proved(mut self, receipt: &str) -> Self {
        self.form |= 32;
        self.stream = deflate(format!("{}\n\n{receipt}", self.lines).as_bytes());
        self
    }

    /// The bytes of the code.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let fields = [self.token.concat(), self.receipt.concat(), self.stream.clone()].concat();
        [&[self.form], &self.signature[..], &fields].concat()
    }

    /// The text of the code.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}{}", self.prefix, base45(&self.bytes()))
    }
}

/// The token that a code has room for: its nonce is 16 bytes.
#[must_use]
pub fn key_binding(
    algorithm: &str,
    shown: &str,
    issued: u64,
    audience: &str,
    nonce: &[u8; 16],
) -> KeyBinding {
    KeyBinding::new(algorithm, shown, issued, audience, &base64url(nonce))
}

/// Unsigned LEB128 in its shortest form.
#[must_use]
pub fn number(value: u64) -> Vec<u8> {
    let low = u8::try_from(value % 128).expect("seven bits");
    if value < 128 { vec![low] } else { [vec![low + 128], number(value / 128)].concat() }
}

/// Base45, RFC 9285 section 4.
#[must_use]
pub fn base45(bytes: &[u8]) -> String {
    let character = |digit: u32| char::from(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"[digit as usize]);
    let mut text = String::new();
    for pair in bytes.chunks(2) {
        let value = pair.iter().fold(0, |value, byte| value * 256 + u32::from(*byte));
        text.push(character(value % 45));
        text.push(character(value / 45 % 45));
        if pair.len() == 2 {
            text.push(character(value / 2_025));
        }
    }
    text
}

/// One block with fixed codes (RFC 1951 section 3.2.6), behind the dictionary.
#[must_use]
pub fn deflate(text: &[u8]) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(1, 1);
    bits.push(1, 2);
    bits.block(text);
    bits.bytes()
}

/// Blocks that are stored (RFC 1951 section 3.2.4), each of at most so many bytes.
#[must_use]
pub fn stored(text: &[u8], most: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    let blocks: Vec<&[u8]> = text.chunks(most).collect();
    for (at, block) in blocks.iter().enumerate() {
        let length = u16::try_from(block.len()).expect("a block").to_le_bytes();
        stream.push(u8::from(at + 1 == blocks.len()));
        stream.extend([length[0], length[1], !length[0], !length[1]]);
        stream.extend_from_slice(block);
    }
    stream
}

/// A block with fixed codes that is one literal and a distance from behind it.
#[must_use]
pub fn reaching(distance: usize) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.push(1, 1);
    bits.push(1, 2);
    bits.symbol(u32::from(b'{'));
    bits.copy(3, distance);
    bits.symbol(256);
    bits.bytes()
}

/// Bits, the lowest of each byte first.
#[derive(Default)]
struct Bits(Vec<bool>);

impl Bits {
    /// A number, its lowest bit first.
    fn push(&mut self, value: usize, count: u32) {
        self.0.extend((0..count).map(|bit| value >> bit & 1 == 1));
    }

    /// A Huffman code, its highest bit first.
    fn code(&mut self, code: u32, count: u32) {
        self.0.extend((0..count).rev().map(|bit| code >> bit & 1 == 1));
    }

    fn symbol(&mut self, symbol: u32) {
        match symbol {
            0..=143 => self.code(0x30 + symbol, 8),
            144..=255 => self.code(0x190 + symbol - 144, 9),
            256..=279 => self.code(symbol - 256, 7),
            _more => self.code(0xc0 + symbol - 280, 8),
        }
    }

    fn copy(&mut self, length: usize, distance: usize) {
        // RFC 1951 section 3.2.5: 258 has a code of its own.
        if length == 258 {
            self.symbol(285);
        } else {
            let (code, base, extra) = place(&LENGTHS, length);
            self.symbol(257 + code);
            self.push(length - base, extra);
        }
        let (code, base, extra) = place(&DISTANCES, distance);
        self.code(code, 5);
        self.push(distance - base, extra);
    }

    fn block(&mut self, text: &[u8]) {
        let window = [DICTIONARY, text].concat();
        let mut at = DICTIONARY.len();
        while at < window.len() {
            let common = |start: usize| {
                let pairs = window[start..].iter().zip(&window[at..]).take(258);
                pairs.take_while(|(left, right)| left == right).count()
            };
            // The nearest of the longest.
            let best =
                (at.saturating_sub(32_768)..at).map(|start| (common(start), start)).max().expect("a window");
            if best.0 < 3 {
                self.symbol(u32::from(window[at]));
                at += 1;
            } else {
                self.copy(best.0, at - best.1);
                at += best.0;
            }
        }
        self.symbol(256);
    }

    fn bytes(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| bits.iter().rev().fold(0, |byte, bit| byte * 2 + u8::from(*bit));
        self.0.chunks(8).map(byte).collect()
    }
}

/// The code whose interval holds a value, where that begins, and its extra bits.
fn place(extra_bits: &[u32], value: usize) -> (u32, usize, u32) {
    let mut base = if extra_bits.len() == LENGTHS.len() { 3 } else { 1 };
    for (code, extra) in (0..).zip(extra_bits) {
        if value < base + (1 << extra) {
            return (code, base, *extra);
        }
        base += 1 << extra;
    }
    panic!("{value} is beyond all codes")
}

/// Extra bits of the codes 257 to 284.
const LENGTHS: [u32; 28] =
    [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5];

/// Extra bits of the codes 0 to 29.
const DISTANCES: [u32; 30] =
    [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
