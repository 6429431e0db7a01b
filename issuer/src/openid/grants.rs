//! Offers, and what wallets were given for them: durable in a journal of their own.
//!
//! An offer is made, fetched as often as a wallet likes, and redeemed once: it is gone before its token is answered. What a
//! wallet holds afterwards is sealed ([`super::token`]) and kept nowhere; the journal remembers which refresh token is the
//! next, and what is deferred.
//!
//! # Invariants
//! Codes and references stand nowhere but with those who were given them: what is looked up is their keyed digest, and a
//! code is its reference and a MAC. Nobody's name is here: an offer names its record by number. All calls block on the
//! journal but [`Grants::find`] of an offer without a description, and [`Grants::is_revoked`].

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use sillok_log::UnixSeconds;
use sillok_verifier::encoding::{decode_base64url_exact, encode_base64url};
use zeroize::Zeroizing;

use super::token::Grant;
use crate::auth::same;
use crate::format::{self, Format};
use crate::journal::{Batch, Journal, SEGMENT_BYTES, StoreError};
use crate::records::{HolderKey, RecordNumber};
use crate::subjects::{DIGEST_BYTES, Digester, Master, NONCE_BYTES, SEAL_BYTES, Sealer, keyed_hash, random};
use index::{Index, Open, Waiting};
use record::Header;

mod index;
mod payload;
mod record;

/// A keyed digest.
pub(super) type Digest = [u8; DIGEST_BYTES];

/// The store.
pub(super) struct Grants {
    journal: Journal,
    names: Digester,
    tags: Digester,
    codes: Digester,
    seals: Zeroizing<[u8; 32]>,
    /// Never held over an operation on a file.
    index: Mutex<Index>,
}

/// What an offer is to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) record: RecordNumber,
    /// 1 to all of them, each once.
    pub(super) formats: Vec<Format>,
    pub(super) tx_code: Option<TxCode>,
    pub(super) expires: UnixSeconds,
}

/// What a wallet is told about the transaction code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TxCode {
    pub(super) length: u8,
    pub(super) numeric: bool,
    pub(super) description: String,
}

/// An offer as it is handed over.
pub(super) struct Offered {
    /// Names it in the URL where it is fetched.
    pub(super) reference: String,
    /// Redeems it.
    pub(super) code: Zeroizing<String>,
    pub(super) terms: Terms,
}

/// Why an offer is not made.
#[derive(Debug)]
pub(super) enum NotOffered {
    /// As many are open as may be.
    Full,
    Store(StoreError),
}

/// Why a code is not redeemed.
#[derive(Debug)]
pub(super) enum NotRedeemed {
    /// What was asked for in particular is refused; nothing was used up.
    Asked(&'static str),
    Store(StoreError),
    /// A transaction code is expected, and there is none.
    TxCodeMissing,
    /// None is expected.
    TxCodeUnexpected,
    /// Another one, and how often one may still be tried.
    TxCodeWrong {
        left: u8,
    },
    /// No such offer, or it was redeemed, has expired, or its transaction code was guessed at too often.
    Unknown,
}

/// What is to become of a refresh token.
#[derive(Debug)]
pub(super) enum NotRefreshed {
    /// An older one was used again: the grant has ended for everybody.
    Repeated,
    /// The grant had ended before.
    Revoked,
    Store(StoreError),
}

/// A request that is answered later.
pub(super) struct Deferred {
    pub(super) format: Format,
    pub(super) keys: Vec<HolderKey>,
}

/// Why a request is not deferred.
#[derive(Debug)]
pub(super) enum NotDeferred {
    /// As many of the grant wait as may be.
    Full,
    Store(StoreError),
}

impl Grants {
    /// Opens the store in its folder, begins one if there is none. One process at a time.
    ///
    /// # Errors
    /// A failed operation, or damage.
    pub(super) fn open(folder: &Path, master: &Master, now: UnixSeconds) -> Result<Self, StoreError> {
        let mut index = Index::default();
        let journal = Journal::open(folder, SEGMENT_BYTES, |location, kind, header| {
            let header = Header::parse(kind, header).ok_or("a record's header is not one")?;
            index.apply(location, &header);
            index.forget(now);
            Ok(())
        })?;
        Ok(Self {
            journal,
            names: Digester::new(&master.derive("sillok/openid/names/v1")),
            tags: Digester::new(&master.derive("sillok/openid/codes/v1")),
            codes: Digester::new(&master.derive("sillok/openid/transaction-codes/v1")),
            seals: master.derive("sillok/openid/seals/v1"),
            index: Mutex::new(index),
        })
    }

    /// Makes an offer, and its transaction code if it is to have one.
    ///
    /// # Errors
    /// See [`NotOffered`].
    //= specs/openid.md#offers
    pub(super) fn offer(
        &self,
        terms: Terms,
        now: UnixSeconds,
    ) -> Result<(Offered, Option<Zeroizing<String>>), NotOffered> {
        {
            let mut index = self.hold();
            index.forget(now);
            if index.open.len() >= MAX_OPEN_OFFERS {
                return Err(NotOffered::Full);
            }
        }
        let name: [u8; NAME_BYTES] = random().map_err(NotOffered::Store)?;
        let offer = self.digest(&name);
        let mut told = None;
        if let Some(tx_code) = &terms.tx_code {
            told = Some(draw_code(tx_code).map_err(NotOffered::Store)?);
        }
        let header = Header::Offered {
            offer,
            record: terms.record,
            expires: terms.expires,
            formats: codes_of(&terms.formats),
            tx_code: told.as_ref().zip(terms.tx_code.as_ref()).map(|(code, terms)| record::TxCode {
                digest: self.digest_code(&offer, code),
                length: terms.length,
                numeric: terms.numeric,
            }),
        };
        let description = terms.tx_code.as_ref().map_or("", |tx_code| tx_code.description.as_str());
        let sealed = (!description.is_empty()).then_some((&name, description.as_bytes()));
        self.append(&header, sealed).map_err(NotOffered::Store)?;
        Ok((self.handed_over(&name, terms), told))
    }

    /// The open offer of a reference.
    ///
    /// # Errors
    /// A failed operation.
    //= specs/openid.md#offers
    pub(super) fn find(&self, reference: &str, now: UnixSeconds) -> Result<Option<Offered>, StoreError> {
        let Some(name) = decode_base64url_exact::<NAME_BYTES>(reference.as_bytes()) else { return Ok(None) };
        let open = self.hold().find(&self.digest(&name), now).copied();
        let Some(open) = open else { return Ok(None) };
        let description = match open.tx_code {
            Some(_) => self.description(&name, &open)?,
            None => String::new(),
        };
        let tx_code = open.tx_code.map(|tx_code| TxCode {
            length: tx_code.length,
            numeric: tx_code.numeric,
            description,
        });
        let terms =
            Terms { record: open.record, formats: formats_of(&open.formats), tx_code, expires: open.expires };
        Ok(Some(self.handed_over(&name, terms)))
    }

    /// Redeems a code, once and for ever. `ask` looks at what is offered and says what the wallet gets of it.
    ///
    /// # Errors
    /// See [`NotRedeemed`]. Only [`NotRedeemed::TxCodeWrong`] uses something up, and [`NotRedeemed::Store`] may have.
    //= specs/openid.md#tokens
    pub(super) fn redeem(
        &self,
        code: &str,
        tx_code: Option<&str>,
        ask: impl FnOnce(RecordNumber, &[Format]) -> Result<Vec<Format>, &'static str>,
        now: UnixSeconds,
    ) -> Result<Grant, NotRedeemed> {
        let offer = self.open_code(code).ok_or(NotRedeemed::Unknown)?;
        let (header, answer) = {
            let mut index = self.hold();
            let open = index.find_mut(&offer, now).ok_or(NotRedeemed::Unknown)?;
            match (&open.tx_code, tx_code) {
                (None, None) => {}
                (None, Some(_)) => return Err(NotRedeemed::TxCodeUnexpected),
                (Some(_), None) => return Err(NotRedeemed::TxCodeMissing),
                (Some(expected), Some(given)) if same(&expected.digest, &self.digest_code(&offer, given)) => {
                }
                (Some(_), Some(_)) => {
                    open.failures += 1;
                    let left = MAX_FAILURES.saturating_sub(open.failures);
                    if left == 0 {
                        index.close(&offer);
                    }
                    drop(index);
                    // If we crash before this: one more may be tried.
                    self.write(&Header::Failed { offer }, None).map_err(NotRedeemed::Store)?;
                    return Err(NotRedeemed::TxCodeWrong { left });
                }
            }
            let formats = ask(open.record, &formats_of(&open.formats)).map_err(NotRedeemed::Asked)?;
            let expires = UnixSeconds(now.0.saturating_add(GRANT_SECONDS));
            let grant =
                Grant { offer, record: open.record, formats, identified: false, client: None, expires };
            // From here on nobody else redeems it, whatever becomes of the write.
            index.close(&offer);
            (Header::Redeemed { offer }, grant)
        };
        // If we crash before this, nobody was told: the offer is open. After it, it is gone.
        self.write(&header, None).map_err(NotRedeemed::Store)?;
        Ok(answer)
    }

    /// Whether a refresh token of this generation may be used; the generation of the next one. The last one may be used again
    /// until its successor is, for an answer that was lost; an older one ends the grant (RFC 9700 section 4.14.2).
    ///
    /// # Errors
    /// See [`NotRefreshed`].
    //= specs/openid.md#tokens
    pub(super) fn refresh(
        &self,
        grant: &Grant,
        generation: u32,
        now: UnixSeconds,
    ) -> Result<u32, NotRefreshed> {
        let (offer, expires) = (grant.offer, grant.expires);
        let next = {
            let mut index = self.hold();
            index.forget(now);
            if index.is_revoked(&offer) {
                return Err(NotRefreshed::Revoked);
            }
            let current = index.generation(&offer);
            if generation.checked_add(1) == Some(current) {
                return Ok(current);
            }
            match generation.checked_add(1).filter(|_next| generation == current) {
                Some(next) => {
                    index.refreshed(offer, next, expires);
                    Some(next)
                }
                None => {
                    index.revoke(offer, expires);
                    None
                }
            }
        };
        let header = match next {
            Some(generation) => Header::Refreshed { offer, generation, expires },
            None => Header::Revoked { offer, expires },
        };
        self.write(&header, None).map_err(NotRefreshed::Store)?;
        next.ok_or(NotRefreshed::Repeated)
    }

    /// Whether a grant has ended before its time.
    pub(super) fn is_revoked(&self, offer: &Digest) -> bool {
        self.hold().is_revoked(offer)
    }

    /// Remembers a request that is answered later; the transaction by which the wallet asks for it.
    ///
    /// # Errors
    /// See [`NotDeferred`].
    //= specs/openid.md#deferred-issuance
    pub(super) fn defer(
        &self,
        grant: &Grant,
        deferred: &Deferred,
        now: UnixSeconds,
    ) -> Result<String, NotDeferred> {
        {
            let mut index = self.hold();
            index.forget(now);
            if index.waiting_of(&grant.offer) >= MAX_WAITING || index.waiting.len() >= MAX_ALL_WAITING {
                return Err(NotDeferred::Full);
            }
        }
        let name: [u8; NAME_BYTES] = random().map_err(NotDeferred::Store)?;
        let header =
            Header::Deferred { transaction: self.digest(&name), offer: grant.offer, expires: grant.expires };
        let plain = Zeroizing::new(payload::encode(deferred));
        self.append(&header, Some((&name, &plain))).map_err(NotDeferred::Store)?;
        Ok(encode_base64url(&name))
    }

    /// The request of a transaction, if it is of this grant and waits.
    ///
    /// # Errors
    /// A failed operation, or a record that cannot be read.
    pub(super) fn deferred(
        &self,
        transaction: &str,
        grant: &Grant,
        now: UnixSeconds,
    ) -> Result<Option<Deferred>, StoreError> {
        let Some((name, Waiting { location, offer, expires })) = self.waiting(transaction) else {
            return Ok(None);
        };
        if offer != grant.offer || expires <= now {
            return Ok(None);
        }
        let record = self.journal.read(location)?;
        let plain = self.sealer(&name).open(&context(record.kind, &record.header), &record.sealed);
        Ok(plain.and_then(|plain| payload::parse(&plain)))
    }

    /// Ends a transaction: what it was for is about to be handed over. Whether it still waited.
    ///
    /// # Errors
    /// A failed operation.
    pub(super) fn obtained(&self, transaction: &str) -> Result<bool, StoreError> {
        let Some((name, _waiting)) = self.waiting(transaction) else { return Ok(false) };
        let transaction = self.digest(&name);
        if !self.hold().end(&transaction) {
            return Ok(false);
        }
        // If we crash before this: the wallet has no answer, and asks again.
        self.write(&Header::Obtained { transaction }, None)?;
        Ok(true)
    }

    fn waiting(&self, transaction: &str) -> Option<([u8; NAME_BYTES], Waiting)> {
        let name = decode_base64url_exact::<NAME_BYTES>(transaction.as_bytes())?;
        let waiting = self.hold().waiting.get(&self.digest(&name)).copied()?;
        Some((name, waiting))
    }

    fn handed_over(&self, name: &[u8; NAME_BYTES], terms: Terms) -> Offered {
        let mut code = Zeroizing::new(name.to_vec());
        code.extend_from_slice(&self.tags.digest(&[name]));
        Offered { reference: encode_base64url(name), code: Zeroizing::new(encode_base64url(&code)), terms }
    }

    /// Which offer a code is of, if we made it.
    fn open_code(&self, code: &str) -> Option<Digest> {
        let code = Zeroizing::new(decode_base64url_exact::<{ NAME_BYTES + DIGEST_BYTES }>(code.as_bytes())?);
        let (name, tag) = code.split_first_chunk::<NAME_BYTES>()?;
        same(&self.tags.digest(&[name]), tag).then(|| self.digest(name))
    }

    fn description(&self, name: &[u8; NAME_BYTES], open: &Open) -> Result<String, StoreError> {
        let record = self.journal.read(open.location)?;
        if record.sealed.is_empty() {
            return Ok(String::new());
        }
        let plain = self.sealer(name).open(&context(record.kind, &record.header), &record.sealed);
        Ok(plain.and_then(|plain| String::from_utf8(plain.to_vec()).ok()).unwrap_or_default())
    }

    fn digest(&self, name: &[u8; NAME_BYTES]) -> Digest {
        self.names.digest(&[name])
    }

    fn digest_code(&self, offer: &Digest, code: &str) -> Digest {
        self.codes.digest(&[offer, code.as_bytes()])
    }

    /// Under a key that only whoever holds the name can name.
    fn sealer(&self, name: &[u8; NAME_BYTES]) -> Sealer {
        use hmac::Mac as _;
        let key = Zeroizing::new(<[u8; 32]>::from(
            keyed_hash(&self.seals).chain_update(name).finalize().into_bytes(),
        ));
        Sealer::new(&key)
    }

    /// Writes a record, and takes it into the index.
    fn append(&self, header: &Header, sealed: Option<(&[u8; NAME_BYTES], &[u8])>) -> Result<(), StoreError> {
        let location = self.write(header, sealed)?;
        self.hold().apply(location, header);
        Ok(())
    }

    fn write(
        &self,
        header: &Header,
        sealed: Option<(&[u8; NAME_BYTES], &[u8])>,
    ) -> Result<crate::journal::Location, StoreError> {
        let (kind, bytes) = header.encode();
        let mut batch = Batch::default();
        match sealed {
            None => drop(batch.push(kind, &bytes, 0)?),
            Some((name, plain)) => {
                let place = batch.push(kind, &bytes, SEAL_BYTES + plain.len())?;
                if let Some(text) = place.get_mut(NONCE_BYTES..NONCE_BYTES + plain.len()) {
                    text.copy_from_slice(plain);
                }
                self.sealer(name).seal_in_place(&context(kind, &bytes), place)?;
            }
        }
        let path = || Path::new("wallets").to_path_buf();
        self.journal.append(batch)?.pop().ok_or_else(|| StoreError::Stopped { path: path() })
    }

    fn hold(&self) -> MutexGuard<'_, Index> {
        // Every change of it is whole before anything can panic.
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn context(kind: u8, header: &[u8]) -> Vec<u8> {
    let mut context = vec![kind];
    context.extend_from_slice(header);
    context
}

/// A transaction code of letters and digits that nobody mistakes for others, or of digits.
fn draw_code(terms: &TxCode) -> Result<Zeroizing<String>, StoreError> {
    let alphabet: &[u8] = if terms.numeric { b"0123456789" } else { b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ" };
    let mut code = Zeroizing::new(String::new());
    while code.len() < usize::from(terms.length) {
        // Of the numbers of a byte, those that would favour the first characters are drawn again.
        let [drawn] = random::<1>()?;
        let fair = usize::from(u8::MAX) + 1 - (usize::from(u8::MAX) + 1) % alphabet.len();
        if usize::from(drawn) < fair {
            code.extend(alphabet.get(usize::from(drawn) % alphabet.len()).map(|byte| char::from(*byte)));
        }
    }
    Ok(code)
}

fn codes_of(formats: &[Format]) -> [u8; record::FORMATS] {
    let mut codes = [0; record::FORMATS];
    codes.iter_mut().zip(formats).for_each(|(code, format)| *code = format::code(*format));
    codes
}

fn formats_of(codes: &[u8; record::FORMATS]) -> Vec<Format> {
    codes.iter().filter_map(|code| format::from_code(*code)).collect()
}

/// Of a reference: 128 bits that nobody guesses.
const NAME_BYTES: usize = 16;

/// Offers that are open at the same time: 100 MiB, and a month's letters of a middle-sized country are made in portions.
const MAX_OPEN_OFFERS: usize = 1 << 20;

/// Wrong transaction codes, after which an offer is void: of a million codes, five tries find one in 200,000.
pub(super) const MAX_FAILURES: u8 = 5;

/// How long a wallet may ask again without a new offer, in seconds: 400 days, so that a yearly dose is within.
pub(super) const GRANT_SECONDS: u64 = 400 * 86_400;

/// Requests of one grant that wait at the same time.
const MAX_WAITING: u8 = 8;

/// Requests that wait at the same time, of all.
const MAX_ALL_WAITING: usize = 1 << 17;

#[cfg(test)]
mod tests;
