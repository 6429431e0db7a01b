//! The form of a token: sizes, parts, base64url.

use super::super::Vector;
use super::super::world::Plan;
use super::{
    Attack, LIMITS, MALFORMED, by_header, by_payload, es256, header_with, payload_with, sound_payload,
};
use crate::reference::credential::{compact, signing_input};
use crate::reference::encoding::base64url;
use crate::reference::json::string;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = sizes();
    all.extend(encodings());
    all
}

const TOO_LARGE: &str = "cannot tell credential.too-large";

/// CVE-2025-30204, CVE-2025-27144: the work is bounded before there is any.
fn sizes() -> Vec<Vector> {
    let raw = |name: &str, expect: &str, comment: &str, token: String| {
        Attack::of(token, &es256()).vector(&format!("size-{name}"), expect, LIMITS, comment)
    };
    let sound = Plan::default().credential();
    let long = payload_with(&format!("\"x\":{}", string(&"A".repeat(12_000))));
    let wide = payload_with(&format!("\"x\":[{}]", vec!["1"; 2_048].join(",")));
    let header = header_with("}", &format!("}}{}", " ".repeat(1_025 - Plan::default().header.len())));
    vec![
        by_payload(long.as_bytes()).vector(
            "size",
            TOO_LARGE,
            LIMITS,
            "more than 16,384 bytes, and all right",
        ),
        by_header(&header).vector(
            "size-header",
            TOO_LARGE,
            LIMITS,
            "a header of 1,025 bytes, most of them spaces",
        ),
        by_payload(wide.as_bytes()).vector("size-values", MALFORMED, LIMITS, "more than 2,048 values"),
        raw("dots", MALFORMED, "16,384 dots", ".".repeat(16_384)),
        raw("dots-more", TOO_LARGE, "16,385 dots", ".".repeat(16_385)),
        raw("four-parts", MALFORMED, "a part more", format!("{sound}.AAAA")),
        raw("five-parts", MALFORMED, "two parts more", format!("{sound}.AAAA.AAAA")),
        raw("two-parts", MALFORMED, "no signature", signing_input(&Plan::default().header, &sound_payload())),
        raw("one-part", MALFORMED, "no dot", "e30".to_owned()),
        raw("empty-parts", MALFORMED, "three parts of nothing", "..".to_owned()),
        raw("empty", MALFORMED, "nothing", String::new()),
        raw("dot-in-front", MALFORMED, "a dot in front", format!(".{sound}")),
        raw("twice", MALFORMED, "two tokens in one", format!("{sound}{sound}")),
    ]
}

/// One spelling for the bytes: another one would be another text of the same credential.
fn encodings() -> Vec<Vector> {
    let sound = Plan::default().credential();
    let (input, signature) = sound.rsplit_once('.').expect("three parts");
    let (head, body) = input.split_once('.').expect("two parts");
    let raw = |name: &str, comment: &str, token: String| {
        assert_ne!(token, sound);
        Attack::of(token, &es256()).vector(&format!("base64-{name}"), MALFORMED, LIMITS, comment)
    };
    // A payload of 3n + 1 bytes leaves four bits in its last character.
    let padded = format!("{}{}", sound_payload(), " ".repeat((4 - sound_payload().len() % 3) % 3));
    let token = compact(&Plan::default().header, &padded, &es256());
    let stray_body = {
        let (input, signature) = token.rsplit_once('.').expect("three parts");
        format!("{}.{signature}", stray(input))
    };
    vec![
        raw("padding", "padding behind the payload", format!("{head}.{body}=.{signature}")),
        raw("padding-signature", "padding behind the signature", format!("{sound}==")),
        raw("stray-bits-signature", "bits that mean nothing in the last character", stray(&sound)),
        raw("stray-bits-payload", "the same in the payload", stray_body),
        raw("plus", "a character of the other alphabet", format!("{head}.{body}.+{}", &signature[1..])),
        raw("slash", "and the other one", format!("{head}.{body}./{}", &signature[1..])),
        raw("newline", "a newline behind the token", format!("{sound}\n")),
        raw("newline-inside", "a newline after 76 characters", format!("{}\n{}", &sound[..76], &sound[76..])),
        raw(
            "carriage-return",
            "as a mail program breaks lines",
            format!("{}\r\n{}", &sound[..76], &sound[76..]),
        ),
        raw("space", "a space in front", format!(" {sound}")),
        raw("tab", "a tab before a dot", format!("{head}\t.{body}.{signature}")),
        raw("nul", "a NUL at the end", format!("{sound}\0")),
        raw("percent", "percent-encoding", sound.replacen('.', "%2E", 1)),
        raw("full-width-dot", "a dot of another script", sound.replacen('.', "\u{ff0e}", 1)),
        raw("bom", "a byte order mark in front", format!("\u{feff}{sound}")),
        raw("quotes", "in quotes, as JSON", format!("\"{sound}\"")),
        raw("scheme", "behind a scheme of HTTP", format!("Bearer {sound}")),
        raw(
            "impossible-length",
            "a length that no bytes have",
            format!("{head}.{body}.{}", &signature[..85]),
        ),
        raw(
            "twice-encoded",
            "a header that is encoded twice",
            format!("{}.{body}.{signature}", base64url(head.as_bytes())),
        ),
    ]
}

/// The same bytes with another last character.
fn stray(token: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (front, last) = token.split_at(token.len() - 1);
    let at = ALPHABET.iter().position(|known| [*known] == last.as_bytes()).expect("a character of base64url");
    assert_eq!(at % 16, 0, "the last character has four unused bits");
    format!("{front}{}", char::from(ALPHABET[at + 1]))
}
