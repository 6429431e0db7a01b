//! A credential of a record for each key of its holder: the one that is in force, or a new one in its place.

use std::collections::HashSet;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sillok_log::UnixSeconds;
use sillok_log::entry::StatusValue;
use sillok_verifier::datetime::parse_date_time_stamp;
use sillok_verifier::key::PublicKey;

use super::content::{Content, Enrolled};
use super::header::{Header, Place, Purpose};
use super::index::{Current, Reserved};
use super::{
    EnrolmentNumber, Entry, MAX_KEYS, MAX_PLACES, Put, RecordError, RecordNumber, Reservation, TypeCode,
    Version, json, request_key,
};
use crate::application::Core;
use crate::compose::date_time_stamp;
use crate::error::{Code, Problem};
use crate::format::{self, Format};
use crate::issue::{Issued, Order, Person, WantedType};
use crate::register::{IssueNumber, Standing};
use crate::subjects::SubjectSlot;
use crate::types::CredentialType;

/// A key of the holder, and what the wallet calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderKey {
    /// The key.
    pub key: PublicKey,
    /// The DID that it is the key of, for forms of a credential that name the holder by one.
    pub did: Option<String>,
}

/// The credentials of a record for some keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Obtained {
    /// One for each key, in their order.
    pub credentials: Vec<Issued>,
    /// The value of an `ETag` (RFC 9110 section 8.8.3), with its quotation marks: the same for the same credentials.
    pub etag: String,
    /// The version of the record now. A credential that is suspended may be of an earlier one.
    pub version: Version,
}

/// What is to be done for a key.
enum Step {
    /// It has the credential that it should.
    Have(Current),
    /// It gets a new one.
    Make(EnrolmentNumber, Purpose),
}

/// What is known before anything is signed.
struct Plan {
    steps: Vec<Step>,
    /// Of the steps that make something, in their order.
    orders: Vec<Order>,
    version: Version,
    /// Nobody else works on these keys meanwhile.
    _reserved: Reservation,
}

impl Core {
    /// The record of a person for a type, by the type's name. It asks memory alone.
    pub fn find_record(&self, subject: &str, type_name: &str) -> Option<RecordNumber> {
        self.records.find(&self.register, subject, TypeCode::of(type_name))
    }

    /// The type of a record. It asks memory alone.
    ///
    /// # Errors
    /// There is no such record, or no longer, or its type is not issued any more.
    pub fn record_type(&self, record: RecordNumber) -> Result<&CredentialType, Problem> {
        let (_subject, code) = self.records.look(&self.register, record)?;
        let found = self.types.iter().find(|kind| TypeCode::of(kind.name()) == code);
        found.ok_or_else(|| {
            Problem::new(Code::TypeUnknown, "credential type of the record is not issued here")
        })
    }

    /// Remembers what an order says of a person, for credentials that are asked for later.
    ///
    /// # Errors
    /// An unknown type, claims that break its schema, a holder's key, or a failed operation.
    //= specs/reissue.md#records
    pub async fn put_record(self: &Arc<Self>, order: Order) -> Result<Put, Problem> {
        if order.holder_key.is_some() || order.holder_did.is_some() {
            return Err(Problem::new(
                Code::RequestMalformed,
                "JSON member options/holderKey is not for a record",
            ));
        }
        if order.document.is_some() {
            let detail = "a record is of claims alone, and its type takes whole documents";
            return Err(Problem::new(Code::RequestMalformed, detail));
        }
        let kind = self.find_type(&order.wanted_type)?;
        let claims = kind.admit(order.claims.clone()).map_err(|error| {
            let detail = format!(
                "claim credential/credentialSubject{} breaks the rule {}",
                error.pointer, error.keyword
            );
            Problem::new(Code::ClaimsInvalid, detail)
        })?;
        let code = TypeCode::of(kind.name());
        let Person::Named(subject) = order.person else {
            return Err(Problem::new(Code::Internal, "record is of nobody by name"));
        };
        let content = Content {
            claims: claims.0,
            facility: order.facility,
            source_event: order.source_event,
            operator: order.operator,
            valid_from: order.valid_from,
        };
        let core = Arc::clone(self);
        let put = move || core.records.put(&core.register, &subject, code, &content, (core.clock)());
        Ok(blocking(put).await??)
    }

    /// The credentials of a record for keys of its holder: those in force, byte for byte, as long as the record's content is
    /// the same and they do not expire soon; else new ones, whose predecessors are then revoked.
    ///
    /// What was begun goes on if nobody waits for the answer any more, and is found when the same is asked again.
    ///
    /// # Errors
    /// Then nothing is handed out for any of the keys.
    //= specs/reissue.md#obtaining
    pub async fn obtain(
        self: &Arc<Self>,
        record: RecordNumber,
        keys: Vec<HolderKey>,
        format: Format,
    ) -> Result<Obtained, Problem> {
        self.admit(keys.len()).await?;
        let core = Arc::clone(self);
        let plan = blocking(move || core.plan(record, &keys, format)).await??;
        self.perform(plan).await
    }

    /// Issues what a plan lacks, and reads the rest.
    async fn perform(self: &Arc<Self>, plan: Plan) -> Result<Obtained, Problem> {
        let Plan { steps, orders, version, _reserved: reserved } = plan;
        let made = if orders.is_empty() { Ok(Vec::new()) } else { self.issue_for(WALLETS, orders).await };
        let core = Arc::clone(self);
        blocking(move || {
            let _reserved = reserved;
            core.gather(&steps, made, version)
        })
        .await?
    }

    /// Notes what became of what was begun, and brings all credentials together.
    fn gather(
        &self,
        steps: &[Step],
        made: Result<Vec<Result<Issued, Problem>>, Problem>,
        version: Version,
    ) -> Result<Obtained, Problem> {
        let now = (self.clock)();
        for step in steps {
            if let Step::Make(enrolment, purpose) = step {
                self.records.conclude(&self.register, *enrolment, purpose, now)?;
            }
        }
        let mut made = made?.into_iter();
        let (mut credentials, mut tag) = (Vec::with_capacity(steps.len()), Vec::new());
        for step in steps {
            let (enrolment, issued) = match step {
                Step::Have(current) => (current.enrolment, self.handed_over(current.issue)?),
                Step::Make(enrolment, _purpose) => {
                    let lost = || Problem::new(Code::Internal, "credential got lost on its way");
                    (*enrolment, made.next().ok_or_else(lost)??)
                }
            };
            tag.extend_from_slice(&enrolment.0.to_be_bytes());
            credentials.push(issued);
        }
        let etag = format!("\"{}\"", Version(self.records.answers.digest(&[&tag])));
        Ok(Obtained { credentials, etag, version })
    }

    /// A credential that was handed over before, with its receipt.
    pub(crate) fn handed_over(&self, issue: IssueNumber) -> Result<Issued, Problem> {
        let loaded = self.register.load(issue).map_err(RecordError::from)?;
        match loaded.and_then(|issued| Some((issued.jws, issued.logged?.receipt))) {
            Some((credential, receipt)) => Ok(Issued { credential, receipt }),
            None => Err(RecordError::Erased.into()),
        }
    }

    /// Decides for each key, and begins what is to be issued.
    fn plan(&self, record: RecordNumber, keys: &[HolderKey], format: Format) -> Result<Plan, Problem> {
        let alone = self.config.one_key_per_person;
        check_keys(keys, alone)?;
        if !format::ISSUED.contains(&format) {
            return Err(Problem::new(
                Code::RequestMalformed,
                format!("{} is not issued here", format.name()),
            ));
        }
        let now = (self.clock)();
        let kind = self.record_type(record)?;
        let places: Vec<Place> = keys
            .iter()
            .map(|holder| Place {
                record,
                key: self.records.holder(&holder.key),
                format: format::code(format),
            })
            .collect();
        let mut wanted: Vec<Reserved> = places.iter().map(|place| Reserved::Place(*place)).collect();
        // Whose key comes last must be the same in the journal and in memory.
        wanted.extend(alone.then_some(Reserved::Record(record)));
        let reserved = self.records.reserve(&wanted)?;
        let mut steps = Vec::with_capacity(keys.len());
        for place in &places {
            steps.push(self.decide(*place, now)?);
        }
        let (subject, version, location) = {
            let index = self.records.hold();
            let state = index.record(record).ok_or(RecordError::Unknown)?;
            let new = steps.iter().filter(|step| step.is_none()).count();
            if new > 0 && index.live_places(record, now) + new > MAX_PLACES {
                let detail = format!("record has credentials for {MAX_PLACES} keys already");
                return Err(Problem::new(Code::RecordFull, detail));
            }
            (state.subject, state.version, state.location)
        };
        if steps.iter().all(Option::is_some) {
            let steps = steps.into_iter().flatten().map(Step::Have).collect();
            return Ok(Plan { steps, orders: Vec::new(), version, _reserved: reserved });
        }
        let content = self.records.open_sealed::<Content>(&self.register, subject, location)?;
        let content = content.ok_or(RecordError::Erased)?;
        let made = Made { kind, subject, content: &content, now };
        let wanted = steps.into_iter().zip(places.into_iter().zip(keys));
        let (steps, orders) = self.begin_all(wanted, &made, (version, alone), format)?;
        Ok(Plan { steps, orders, version, _reserved: reserved })
    }

    /// The credential that is in force at a place and stays so, or nothing if there is to be a new one.
    //= specs/reissue.md#obtaining
    fn decide(&self, place: Place, now: UnixSeconds) -> Result<Option<Current>, Problem> {
        let (bound, mut state) = {
            let index = self.records.hold();
            (index.of_key(&place.key), index.place(&place))
        };
        if bound.is_some_and(|record| record != place.record) {
            return Err(Problem::new(
                Code::HolderKeyBound,
                "holder's key has a credential of another record",
            ));
        }
        if let Some(enrolment) = state.open {
            let purpose = self.records.hold().begun.get(&enrolment).map(|begun| begun.purpose);
            let purpose = purpose.ok_or(RecordError::Unreadable)?;
            match self.records.conclude(&self.register, enrolment, &purpose, now)? {
                Standing::Logged(_) | Standing::Nothing => state = self.records.hold().place(&place),
                Standing::Running => return Err(RecordError::Busy.into()),
                Standing::Open(_) => {
                    self.note_open();
                    return Err(Problem::later(
                        Code::LedgerBusy,
                        "credential for this key is not in the log yet",
                        1,
                    ));
                }
            }
        }
        let ended = || {
            Problem::new(Code::HolderKeyEnded, "credential of the holder's key has ended; use another key")
        };
        if state.replaced {
            return Err(ended());
        }
        let Some(current) = state.current else { return Ok(None) };
        let found = self.register.find_number(current.issue).ok_or(RecordError::Unreadable)?;
        let version = self.records.hold().record(place.record).map(|record| record.version);
        let stays = version == Some(current.version) && now < current.renew;
        match found.value {
            // Whoever has revoked it has meant this holder.
            StatusValue::Revoked => Err(ended()),
            StatusValue::Suspended | StatusValue::Valid if stays => Ok(Some(current)),
            // A new one would not be suspended.
            StatusValue::Suspended => Err(Problem::new(
                Code::CredentialSuspended,
                "credential is suspended, and no other takes its place before it is reinstated",
            )),
            StatusValue::Valid => Ok(None),
        }
    }

    /// Begins an enrolment for each key that is to get a credential: when it returns, all of them outlast a loss of power.
    fn begin_all<'a>(
        &self,
        wanted: impl Iterator<Item = (Option<Current>, (Place, &'a HolderKey))>,
        made: &Made<'_>,
        (version, alone): (Version, bool),
        format: Format,
    ) -> Result<(Vec<Step>, Vec<Order>), Problem> {
        let sealer =
            self.register.key(made.subject).map_err(RecordError::from)?.ok_or(RecordError::Erased)?;
        let (mut steps, mut orders, mut entries) = (Vec::new(), Vec::new(), Vec::new());
        for (current, (place, holder)) in wanted {
            if let Some(current) = current {
                steps.push(Step::Have(current));
                continue;
            }
            let enrolment = self.records.hold().reserve_enrolment();
            let purpose = Purpose::Holder { place, version, alone };
            let enrolled = Enrolled {
                jwk: Some(holder.key.to_jwk_json()),
                did: holder.did.clone(),
                reason: None,
                operator: made.content.operator.clone(),
            };
            let header = Header::Begun { enrolment, purpose, renew: made.renewed_from(), time: made.now };
            entries.push(Entry::sealed(header, &sealer, json(&enrolled)?));
            steps.push(Step::Make(enrolment, purpose));
            orders.push(made.order(&request_key(enrolment, &purpose), Some(holder), format)?);
        }
        // If we crash after this: nothing is issued under these numbers, and they are dropped at the next start.
        self.records.append(entries)?;
        Ok((steps, orders))
    }
}

/// What new credentials are made of.
pub(super) struct Made<'a> {
    pub(super) kind: &'a CredentialType,
    pub(super) subject: SubjectSlot,
    pub(super) content: &'a Content,
    pub(super) now: UnixSeconds,
}

impl Made<'_> {
    /// From when on they are valid: the later of the record's time and now.
    fn valid_from(&self) -> UnixSeconds {
        let from = self.content.valid_from.as_deref().and_then(parse_date_time_stamp);
        from.map_or(self.now, |from| from.max(self.now))
    }

    //= specs/reissue.md#obtaining
    /// From when on they are renewed: when less than a tenth of their validity is left.
    pub(super) fn renewed_from(&self) -> UnixSeconds {
        let validity = u64::from(self.kind.validity_days()) * DAY_SECONDS;
        UnixSeconds(self.valid_from().0.saturating_add(validity - validity / 10))
    }

    /// What is issued for a key.
    pub(super) fn order(
        &self,
        key: &str,
        holder: Option<&HolderKey>,
        format: Format,
    ) -> Result<Order, Problem> {
        let valid_from = date_time_stamp(self.valid_from());
        let valid_from =
            valid_from.map_err(|error| Problem::new(Code::CredentialRefused, error.to_string()))?;
        Ok(Order {
            client: WALLETS.into(),
            operator: self.content.operator.clone(),
            idempotency_key: key.into(),
            digest: Sha256::digest(key).into(),
            wanted_type: WantedType::Name(self.kind.name().into()),
            claims: self.content.claims.clone(),
            valid_from: Some(valid_from),
            holder_key: holder.map(|holder| holder.key),
            holder_did: holder.and_then(|holder| holder.did.clone()),
            format,
            person: Person::Known(self.subject),
            facility: self.content.facility.clone(),
            source_event: self.content.source_event.clone(),
            document: None,
        })
    }
}

fn check_keys(keys: &[HolderKey], alone: bool) -> Result<(), Problem> {
    if keys.is_empty() || keys.len() > MAX_KEYS {
        let detail = format!("request has {} keys of the holder and not 1 to {MAX_KEYS}", keys.len());
        return Err(Problem::new(Code::RequestMalformed, detail));
    }
    if alone && keys.len() > 1 {
        return Err(Problem::new(
            Code::HolderKeySeveral,
            "a person has one key here, and several were shown",
        ));
    }
    let mut seen = HashSet::new();
    if !keys.iter().all(|holder| seen.insert(holder.key.thumbprint().0)) {
        return Err(Problem::new(Code::RequestMalformed, "one key of the holder was shown twice"));
    }
    Ok(())
}

/// Runs what reads or writes files where it holds nobody up.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Problem::internal("working on a record", &error))
}

/// Who asks for the credentials of wallets, as the register and the queue have it. No client has a space in its id.
pub(crate) const WALLETS: &str = "wallets of holders";

const DAY_SECONDS: u64 = 86_400;
