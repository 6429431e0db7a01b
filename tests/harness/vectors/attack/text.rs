//! JSON with two readings: duplicate names, numbers that readers round, depth, characters.

use super::super::Vector;
use super::super::world::{ISSUER, Plan};
use super::{
    LIMITS, MALFORMED, NONCONFORMING, PAYLOAD, RULES, by_header, by_payload, header_with, payload_with,
    sound_payload,
};
use crate::reference::json::string;

pub(super) fn vectors() -> Vec<Vector> {
    let mut all = duplicates();
    all.extend(numbers());
    all.extend(depth());
    all.extend(characters());
    all.extend(names());
    all
}

fn duplicates() -> Vec<Vector> {
    let header = |name: &str, comment: &str, from: &str, to: &str| {
        by_header(&header_with(from, to)).vector(&format!("duplicate-{name}"), MALFORMED, LIMITS, comment)
    };
    let payload = |name: &str, comment: &str, member: &str| {
        let text = payload_with(member);
        by_payload(text.as_bytes()).vector(&format!("duplicate-{name}"), MALFORMED, LIMITS, comment)
    };
    let last = |name: &str, comment: &str, member: &str| {
        let text = format!("{},{member}}}", sound_payload().strip_suffix('}').expect("an object"));
        by_payload(text.as_bytes()).vector(&format!("duplicate-{name}"), MALFORMED, LIMITS, comment)
    };
    let many: Vec<String> = (0..100).map(|n| format!("\"m{n}\":{n}")).collect();
    let other = "https://neighbour.example";
    vec![
        header("alg-first", "none, then ES256", "{", "{\"alg\":\"none\","),
        header("alg-last", "ES256, then none", "}", ",\"alg\":\"none\"}"),
        header("alg-escaped", "the same name in another spelling", "{", "{\"\\u0061lg\":\"none\","),
        header("typ", "another type first", "{", "{\"typ\":\"JWT\","),
        header("kid", "another key first", "{", "{\"kid\":\"AAAA\","),
        header("kid-equal", "twice the same", "}", &format!(",\"kid\":\"{}\"}}", super::es256().kid())),
        payload("issuer", "another issuer first", &format!("\"issuer\":\"{other}\"")),
        last("issuer-last", "another issuer last", &format!("\"issuer\":\"{other}\"")),
        last("iss", "another iss last", &format!("\"iss\":\"{other}\"")),
        last("status", "another slot last", &format!("\"credentialStatus\":{}", super::status::at("6"))),
        last("subject", "another person last", "\"credentialSubject\":{\"a\":1}"),
        last("until", "an end that never comes, last", "\"validUntil\":\"9999-01-01T00:00:00Z\""),
        payload("deep", "further down", "\"x\":[{\"y\":{\"a\":1,\"b\":2,\"a\":1}}]"),
        payload("escaped", "in another spelling", "\"x\":{\"a\":1,\"\\u0061\":2}"),
        payload(
            "surrogates",
            "a character and its two halves",
            "\"x\":{\"\u{1f600}\":1,\"\\ud83d\\ude00\":2}",
        ),
        payload("many", "among a hundred", &format!("\"x\":{{{},\"m50\":0}}", many.join(","))),
    ]
}

fn numbers() -> Vec<Vector> {
    let number = |name: &str, comment: &str, digits: &str| {
        let text = payload_with(&format!("\"x\":{digits}"));
        by_payload(text.as_bytes()).vector(&format!("number-{name}"), MALFORMED, LIMITS, comment)
    };
    vec![
        number("1e400", "infinite for most readers", "1e400"),
        number("minus-1e400", "and below", "-1e400"),
        number("2-64", "one more than 64 bits hold", "18446744073709551616"),
        number("2-64-less-1", "the largest of 64 bits", "18446744073709551615"),
        number("2-63", "negative for some", "9223372036854775808"),
        number("2-53", "one more than is exact everywhere", "9007199254740992"),
        number("minus-2-53", "one less than is exact everywhere", "-9007199254740992"),
        number("thousand-digits", "a thousand digits", &"9".repeat(1_000)),
        number("fraction", "a fraction of nothing", "1.0"),
        number("exponent", "an exponent of nothing", "1e0"),
        number("minus-zero", "zero below zero", "-0"),
        number("leading-zero", "octal for some", "010"),
        number("plus", "a sign", "+1"),
        number("hexadecimal", "hexadecimal", "0x10"),
        number("nan", "no number", "NaN"),
        number("infinity", "no number either", "-Infinity"),
        number("separators", "with separators", "1_000"),
        number("full-width", "digits of another script", "\u{ff11}"),
    ]
}

fn depth() -> Vec<Vector> {
    let nested = |open: &str, close: &str, levels: usize| {
        payload_with(&format!("\"x\":{}1{}", open.repeat(levels), close.repeat(levels)))
    };
    let payload = |name: &str, expect: &str, comment: &str, text: String| {
        by_payload(text.as_bytes()).vector(&format!("depth-{name}"), expect, LIMITS, comment)
    };
    let header = header_with("{", &format!("{{\"x\":{}{},", "[".repeat(16), "]".repeat(16)));
    vec![
        payload("16", "valid", "as deep as allowed", nested("[", "]", 15)),
        payload("17", MALFORMED, "a level more", nested("[", "]", 16)),
        payload("17-objects", MALFORMED, "a level more, of objects", nested("{\"a\":", "}", 16)),
        payload("4000", MALFORMED, "as deep as the size allows", nested("[", "]", 4_000)),
        payload("open", MALFORMED, "and never closed", "[".repeat(8_000)),
        by_header(&header).vector("depth-header", MALFORMED, LIMITS, "in the header"),
    ]
}

fn characters() -> Vec<Vector> {
    let bytes = |name: &str, comment: &str, payload: &[u8]| {
        by_payload(payload).vector(&format!("unicode-{name}"), MALFORMED, LIMITS, comment)
    };
    let with = |value: &[u8]| [b"{\"x\":\"", value, b"\",", &sound_payload().as_bytes()[1..]].concat();
    let utf16: Vec<u8> = sound_payload().encode_utf16().flat_map(u16::to_le_bytes).collect();
    vec![
        bytes("bom", "a byte order mark", format!("\u{feff}{}", sound_payload()).as_bytes()),
        bytes("utf-16", "another encoding", &utf16[..utf16.len().min(10_000)]),
        bytes("overlong", "a slash in two bytes", &with(b"\xc0\xaf")),
        bytes("overlong-nul", "a NUL in two bytes", &with(b"\xc0\x80")),
        bytes("surrogate-bytes", "half a character in UTF-8", &with(b"\xed\xa0\x80")),
        bytes("beyond", "a character beyond the last", &with(b"\xf4\x90\x80\x80")),
        bytes("cut", "a character that breaks off", &with(b"\xe2\x82")),
        bytes("lone-surrogate", "half a character, escaped", &with(b"\\ud800")),
        bytes("lone-low-surrogate", "the other half", &with(b"\\udc00")),
        bytes("surrogates-exchanged", "both, the wrong way around", &with(b"\\udc00\\ud800")),
        bytes("control", "a control character that is not escaped", &with(b"\x1b[2J")),
        bytes("escape-unknown", "an escape that JSON does not have", &with(b"\\x41")),
        bytes("trailing", "another value behind the object", format!("{}{{}}", sound_payload()).as_bytes()),
        bytes("comment", "a comment", format!("{}/**/", sound_payload()).as_bytes()),
        bytes("trailing-comma", "a comma too many", sound_payload().replacen("\"}", "\",}", 1).as_bytes()),
        bytes("single-quotes", "the quotes of JavaScript", sound_payload().replace('"', "'").as_bytes()),
        by_payload(&with(b"\\u0000")).vector(
            "unicode-nul",
            "valid",
            LIMITS,
            "an escaped NUL is a character like others",
        ),
        by_payload(&with("\u{202e}\u{200b}\u{1f600}".as_bytes())).vector(
            "unicode-invisible",
            "valid",
            LIMITS,
            "so are those that nobody sees, where nothing is compared",
        ),
    ]
}

/// Names that look like the issuer's, or that some readers take for it.
fn names() -> Vec<Vector> {
    let issuer = |name: &str, comment: &str, url: &str| {
        let text = sound_payload().replace(&format!(":{}", string(ISSUER)), &format!(":{}", string(url)));
        assert_ne!(text, sound_payload());
        by_payload(text.as_bytes()).vector(
            &format!("unicode-issuer-{name}"),
            "cannot tell issuer.unknown",
            RULES,
            comment,
        )
    };
    let iss = |name: &str, comment: &str, url: &str| {
        let mut plan = Plan::default();
        plan.set("iss", string(url));
        let text = crate::reference::json::object(&plan.payload);
        by_payload(text.as_bytes()).vector(
            &format!("unicode-iss-{name}"),
            "not valid credential.issuer-mismatch",
            PAYLOAD,
            comment,
        )
    };
    let types = sound_payload().replacen("VerifiableCredential", "VerifiableCredential\u{200b}", 1);
    vec![
        issuer("cyrillic", "a letter of another script", "https://\u{456}ssuer.example"),
        issuer("full-width", "letters of another width", "https://\u{ff49}ssuer.example"),
        issuer("zero-width", "a character that nobody sees", "https://issuer.example\u{200b}"),
        issuer("upper-case", "a host in upper case", "https://ISSUER.example"),
        issuer("slash", "a slash at the end", "https://issuer.example/"),
        issuer("dot", "a dot at the end of the host", "https://issuer.example."),
        issuer("port", "the port that is meant anyway", "https://issuer.example:443"),
        issuer("user", "the issuer as the name of a user", "https://issuer.example@evil.example"),
        issuer("percent", "percent-encoding", "https://issuer%2eexample"),
        issuer("http", "another scheme", "http://issuer.example"),
        issuer("space", "a space", "https://issuer.example "),
        issuer("nul", "a NUL and more", "https://issuer.example\u{0}.evil.example"),
        iss("upper-case", "iss in upper case", "https://ISSUER.example"),
        iss("slash", "iss with a slash", "https://issuer.example/"),
        by_payload(types.as_bytes()).vector(
            "unicode-type",
            NONCONFORMING,
            PAYLOAD,
            "a type with a character that nobody sees",
        ),
    ]
}
