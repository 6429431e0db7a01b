//! Headers and what is sealed, written and read again; the index forgets.

use sillok_verifier::key::Algorithm;

use super::record::{Header, TxCode as HeaderCode};
use super::*;
use crate::sign::{FileSigner, Signer as _};

const NOW: UnixSeconds = UnixSeconds(1_000);

fn open(folder: &Path) -> Grants {
    Grants::open(folder, &Master::new(&[5; 32]), NOW).unwrap()
}

fn terms(tx_code: Option<TxCode>) -> Terms {
    Terms { record: RecordNumber(7), formats: vec![Format::VcJwt], tx_code, expires: UnixSeconds(1_100) }
}

#[test]
fn a_header_is_read_as_it_was_written_and_not_when_it_is_cut() {
    let tx_code = Some(HeaderCode { digest: [3; 16], length: 6, numeric: true });
    let expires = UnixSeconds(9);
    let headers = [
        Header::Deferred { transaction: [1; 16], offer: [2; 16], expires },
        Header::Failed { offer: [2; 16] },
        Header::Obtained { transaction: [1; 16] },
        Header::Offered {
            offer: [2; 16],
            record: RecordNumber(5),
            expires,
            formats: [1, 3, 0, 0, 0, 0, 0, 0],
            tx_code,
        },
        Header::Offered { offer: [2; 16], record: RecordNumber(5), expires, formats: [1; 8], tx_code: None },
        Header::Redeemed { offer: [2; 16] },
        Header::Refreshed { offer: [2; 16], generation: 4, expires },
        Header::Revoked { offer: [2; 16], expires },
    ];
    for header in headers {
        let (kind, bytes) = header.encode();
        assert_eq!(Header::parse(kind, &bytes), Some(header));
        assert_eq!(Header::parse(kind, &bytes[1..]), None);
        assert_eq!(Header::parse(99, &bytes), None);
    }
}

#[test]
fn what_waits_is_read_as_it_was_written() {
    let key = |algorithm| *FileSigner::new(algorithm, &[1; 32]).unwrap().public_key();
    let keys = vec![
        HolderKey { key: key(Algorithm::Es256), did: None },
        HolderKey { key: key(Algorithm::EdDsa), did: Some("did:jwk:x".into()) },
    ];
    let written = payload::encode(&Deferred { format: Format::JwtVcJson, keys: keys.clone() });
    let read = payload::parse(&written).unwrap();
    assert_eq!((read.format, read.keys), (Format::JwtVcJson, keys));
    for cut in 0..written.len() {
        let read = payload::parse(&written[..cut]);
        assert!(read.is_none_or(|read| read.keys.len() == 1), "cut at {cut}");
    }
}

#[test]
fn no_code_reference_or_transaction_is_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let grants = open(folder.path());
    let tx_code = TxCode { length: 8, numeric: false, description: "in the letter".into() };
    let (offered, told) = grants.offer(terms(Some(tx_code)), NOW).unwrap();
    let told = told.unwrap();
    let grant = grants.redeem(&offered.code, Some(&told), |_record, all| Ok(all.to_vec()), NOW).unwrap();
    let key = *FileSigner::new(Algorithm::Es256, &[1; 32]).unwrap().public_key();
    let deferred = Deferred { format: Format::VcJwt, keys: vec![HolderKey { key, did: None }] };
    let transaction = grants.defer(&grant, &deferred, NOW).unwrap();
    drop(grants);
    let name = decode_base64url_exact::<16>(offered.reference.as_bytes()).unwrap();
    let waits = decode_base64url_exact::<16>(transaction.as_bytes()).unwrap();
    let secrets: [&[u8]; 6] = [
        &name,
        &waits,
        told.as_bytes(),
        offered.code.as_bytes(),
        b"in the letter",
        key_text(&key).as_bytes(),
    ]
    .map(|secret| -> &[u8] { Box::leak(secret.to_vec().into_boxed_slice()) });
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for (number, secret) in secrets.iter().enumerate() {
            assert!(!bytes.windows(secret.len()).any(|window| window == *secret), "secret {number}");
        }
    }
}

fn key_text(key: &sillok_verifier::key::PublicKey) -> String {
    key.to_jwk_json()
}

#[test]
fn what_waits_is_of_its_grant_and_is_handed_over_once_over_restarts_too() {
    let folder = tempfile::tempdir().unwrap();
    let grants = open(folder.path());
    let (offered, _none) = grants.offer(terms(None), NOW).unwrap();
    let all = |_record: RecordNumber, formats: &[Format]| Ok(formats.to_vec());
    let grant = grants.redeem(&offered.code, None, all, NOW).unwrap();
    let key = *FileSigner::new(Algorithm::Es256, &[1; 32]).unwrap().public_key();
    let deferred = || Deferred { format: Format::VcJwt, keys: vec![HolderKey { key, did: None }] };
    let transactions: Vec<String> =
        (0..MAX_WAITING).map(|_number| grants.defer(&grant, &deferred(), NOW).unwrap()).collect();
    assert!(matches!(grants.defer(&grant, &deferred(), NOW), Err(NotDeferred::Full)));
    let other = Grant { offer: [9; 16], ..grant.clone() };
    let first = &transactions[0];
    assert!(grants.deferred(first, &other, NOW).unwrap().is_none());
    drop(grants);
    let grants = open(folder.path());
    assert_eq!(grants.deferred(first, &grant, NOW).unwrap().unwrap().keys, deferred().keys);
    assert!(grants.obtained(first).unwrap());
    assert!(!grants.obtained(first).unwrap());
    assert!(grants.deferred(first, &grant, NOW).unwrap().is_none());
    drop(grants);
    let grants = open(folder.path());
    assert!(grants.deferred(first, &grant, NOW).unwrap().is_none());
    assert!(grants.deferred(&transactions[1], &grant, NOW).unwrap().is_some());
    assert!(grants.deferred(&transactions[1], &grant, grant.expires).unwrap().is_none());
    assert!(matches!(grants.redeem(&offered.code, None, all, NOW), Err(NotRedeemed::Unknown)));
}

#[test]
fn what_has_expired_takes_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let grants = open(folder.path());
    for _offer in 0..10 {
        grants.offer(terms(None), NOW).unwrap();
    }
    assert_eq!(grants.hold().open.len(), 10);
    grants.offer(Terms { expires: UnixSeconds(2_000), ..terms(None) }, UnixSeconds(1_100)).unwrap();
    assert_eq!(grants.hold().open.len(), 1);
}

#[test]
fn transaction_codes_are_drawn_evenly() {
    let terms = TxCode { length: 16, numeric: true, description: String::new() };
    let mut counts = [0_u32; 10];
    for _code in 0..500 {
        for digit in draw_code(&terms).unwrap().bytes() {
            counts[usize::from(digit - b'0')] += 1;
        }
    }
    // 8,000 digits: 800 of each, give or take ten standard deviations.
    assert!(counts.iter().all(|count| (530..=1_070).contains(count)), "{counts:?}");
}
