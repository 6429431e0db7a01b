//! A credential anew, in the place of one that was issued: for the holder's key that it is in force for, or as it is.

use std::sync::Arc;

use sillok_log::UnixSeconds;
use sillok_log::entry::StatusValue;

use super::content::{Content, Enrolled};
use super::header::{Header, Purpose};
use super::index::{Current, Reserved};
use super::obtain::{HolderKey, Made, blocking};
use super::{EnrolmentNumber, Entry, RecordError, Reservation, WALLETS, json, request_key};
use crate::application::Core;
use crate::compose::date_time_stamp;
use crate::error::{Code, Problem};
use crate::format;
use crate::issue::{Issued, Order};
use crate::register::{self, IssueNumber, Standing};
use crate::reissue::{Read, Reissued};
use crate::subjects::Sealer;

/// What comes of one number.
enum Step {
    /// Another credential has its place already.
    Have(IssueNumber),
    /// It gets one.
    Make { enrolment: EnrolmentNumber, purpose: Purpose, _reserved: Reservation },
    /// It gets none.
    Refused(Problem),
}

/// Why, and on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) reason: String,
    pub(crate) operator: String,
}

/// An enrolment that is about to begin.
struct Beginning {
    header: Header,
    sealer: Sealer,
    sealed: Vec<u8>,
    order: Order,
    reserved: Reservation,
}

impl Core {
    /// Issues credentials anew, and answers each in the order of the numbers.
    ///
    /// # Errors
    /// Nothing was begun.
    //= specs/reissue.md#re-issue
    pub(crate) async fn issue_anew(
        self: &Arc<Self>,
        numbers: Vec<IssueNumber>,
        cause: Cause,
    ) -> Result<Vec<Result<Reissued, Problem>>, Problem> {
        self.admit(numbers.len()).await?;
        let core = Arc::clone(self);
        let (steps, orders) = blocking(move || core.plan_anew(&numbers, &cause)).await??;
        let made = if orders.is_empty() { Ok(Vec::new()) } else { self.issue_for(WALLETS, orders).await };
        let core = Arc::clone(self);
        blocking(move || core.gather_anew(steps, made)).await
    }

    /// Decides for each number, and begins what is to be issued: when it returns, all of it outlasts a loss of power.
    fn plan_anew(&self, numbers: &[IssueNumber], cause: &Cause) -> Result<(Vec<Step>, Vec<Order>), Problem> {
        let now = (self.clock)();
        let (mut steps, mut begun) = (Vec::with_capacity(numbers.len()), Vec::new());
        for number in numbers {
            match self.decide_anew(*number, cause, now) {
                Ok(Ok(beginning)) => {
                    steps.push(None);
                    begun.push(beginning);
                }
                Ok(Err(heir)) => steps.push(Some(Step::Have(heir))),
                Err(problem) => steps.push(Some(Step::Refused(problem))),
            }
        }
        let entries = begun.iter().map(|one| Entry::sealed(one.header, &one.sealer, one.sealed.clone()));
        // If we crash after this: nothing is issued under these numbers, and they are dropped at the next start.
        self.records.append(entries.collect())?;
        let (mut orders, mut begun) = (Vec::with_capacity(begun.len()), begun.into_iter());
        let steps = steps.into_iter().filter_map(|step| match step {
            Some(step) => Some(step),
            None => {
                let Beginning { header, order, reserved, .. } = begun.next()?;
                let Header::Begun { enrolment, purpose, .. } = header else { return None };
                orders.push(order);
                Some(Step::Make { enrolment, purpose, _reserved: reserved })
            }
        });
        let steps = steps.collect();
        Ok((steps, orders))
    }

    /// What is to be issued in the place of a credential, or what has its place already.
    fn decide_anew(
        &self,
        number: IssueNumber,
        cause: &Cause,
        now: UnixSeconds,
    ) -> Result<Result<Beginning, IssueNumber>, Problem> {
        let (heir, place) = {
            let index = self.records.hold();
            (index.heir(number), index.place_of(number))
        };
        if let Some(heir) = heir {
            return Ok(Err(heir));
        }
        let reserved = self.records.reserve(&[place.map_or(Reserved::Issue(number), Reserved::Place)])?;
        let (open, current) = {
            let index = self.records.hold();
            match place {
                Some(place) => (index.place(&place).open, index.place(&place).current),
                None => (index.anew(number), None),
            }
        };
        if let Some(enrolment) = open {
            let purpose = self.records.hold().begun.get(&enrolment).map(|begun| begun.purpose);
            let purpose = purpose.ok_or(RecordError::Unreadable)?;
            match self.records.conclude(&self.register, enrolment, &purpose, now)? {
                Standing::Logged(_) | Standing::Nothing => {}
                Standing::Running => return Err(RecordError::Busy.into()),
                Standing::Open(_) => {
                    self.note_open();
                    return Err(Problem::later(
                        Code::LedgerBusy,
                        "credential that is to have its place is not in the log yet",
                        1,
                    ));
                }
            }
        }
        // Somebody may have been quicker.
        if let Some(heir) = self.records.hold().heir(number) {
            return Ok(Err(heir));
        }
        let (issued, read) = self.readable(number, now)?;
        let beginning = match current.filter(|current| current.issue == number) {
            Some(current) => self.for_holder(&current, &read, cause, now),
            None => self.as_it_is(&issued, read, cause, now),
        };
        beginning
            .map(|(header, sealer, sealed, order)| Ok(Beginning { header, sealer, sealed, order, reserved }))
    }

    /// A credential that is valid, logged and not expired, and what it says.
    fn readable(&self, number: IssueNumber, now: UnixSeconds) -> Result<(register::Issued, Read), Problem> {
        let refuse = |code, detail: &str| Problem::new(code, format!("credential {} {detail}", number.0));
        let found = self.register.find_number(number);
        let found = found.ok_or_else(|| refuse(Code::CredentialUnknown, "was not issued here"))?;
        match found.value {
            StatusValue::Revoked => return Err(refuse(Code::CredentialRevoked, "is revoked")),
            StatusValue::Suspended => return Err(refuse(Code::CredentialSuspended, "is suspended")),
            StatusValue::Valid if found.logged => {}
            StatusValue::Valid => {
                return Err(Problem::later(Code::LedgerBusy, "credential is not in the log yet", 1));
            }
        }
        let issued = self.register.load(number).map_err(RecordError::from)?;
        let issued = issued.ok_or_else(|| refuse(Code::CredentialErased, "was erased"))?;
        let read = Read::parse(&issued.jws)
            .ok_or_else(|| refuse(Code::CredentialRefused, "is a document that was brought whole"))?;
        if read.valid_until <= now {
            return Err(refuse(Code::CredentialExpired, "has expired"));
        }
        Ok((issued, read))
    }

    /// For the key that it is in force for: of the record as it is now.
    fn for_holder(
        &self,
        current: &Current,
        read: &Read,
        cause: &Cause,
        now: UnixSeconds,
    ) -> Result<(Header, Sealer, Vec<u8>, Order), Problem> {
        let place = self.records.hold().place_of(current.issue).ok_or(RecordError::Busy)?;
        let (subject, version, location) = {
            let index = self.records.hold();
            let state = index.record(place.record).ok_or(RecordError::Unknown)?;
            (state.subject, state.version, state.location)
        };
        let kind = self.record_type(place.record)?;
        let content = self.records.open_sealed::<Content>(&self.register, subject, location)?;
        let enrolled = self.records.open_sealed::<Enrolled>(&self.register, subject, current.begun)?;
        let (content, enrolled) = content.zip(enrolled).ok_or(RecordError::Erased)?;
        let holder = read.holder_key.map(|key| HolderKey { key, did: enrolled.did.clone() });
        let holder = holder.filter(|holder| self.records.holder(&holder.key) == place.key);
        let holder = holder.ok_or(RecordError::Unreadable)?;
        let made = Made { kind, subject, content: &content, now };
        let purpose = Purpose::Holder { place, version, alone: false };
        let form = format::from_code(place.format).ok_or(RecordError::Unreadable)?;
        self.beginning(purpose, &made, (Some(&holder), form), cause)
    }

    /// As it is: for one that is nobody's enrolment.
    fn as_it_is(
        &self,
        issued: &register::Issued,
        read: Read,
        cause: &Cause,
        now: UnixSeconds,
    ) -> Result<(Header, Sealer, Vec<u8>, Order), Problem> {
        let kind = self.types.find(&read.type_name).filter(|kind| !kind.is_open());
        let kind =
            kind.ok_or_else(|| Problem::new(Code::TypeUnknown, "type of the credential is not issued here"))?;
        let subject = self.register.subject_of(issued.number).ok_or(RecordError::Unreadable)?;
        let from = date_time_stamp(read.valid_from);
        let content = Content {
            claims: read.claims,
            facility: issued.provenance.facility.clone(),
            source_event: issued.provenance.source_event.clone(),
            operator: issued.provenance.operator.clone(),
            valid_from: Some(from.map_err(|error| Problem::new(Code::CredentialRefused, error.to_string()))?),
        };
        let holder = read.holder_key.map(|key| HolderKey { key, did: read.holder_did });
        let made = Made { kind, subject, content: &content, now };
        let purpose = Purpose::Anew { issue: issued.number };
        self.beginning(purpose, &made, (holder.as_ref(), read.format), cause)
    }

    fn beginning(
        &self,
        purpose: Purpose,
        made: &Made<'_>,
        (holder, form): (Option<&HolderKey>, format::Format),
        cause: &Cause,
    ) -> Result<(Header, Sealer, Vec<u8>, Order), Problem> {
        let sealer =
            self.register.key(made.subject).map_err(RecordError::from)?.ok_or(RecordError::Erased)?;
        let enrolment = self.records.hold().reserve_enrolment();
        let enrolled = Enrolled {
            jwk: holder.map(|holder| holder.key.to_jwk_json()),
            did: holder.and_then(|holder| holder.did.clone()),
            reason: Some(cause.reason.clone()).filter(|reason| !reason.is_empty()),
            operator: cause.operator.clone(),
        };
        let header = Header::Begun { enrolment, purpose, renew: made.renewed_from(), time: made.now };
        let order = made.order(&request_key(enrolment, &purpose), holder, form)?;
        Ok((header, sealer, json(&enrolled)?, order))
    }

    /// Notes what became of what was begun. One answer for each step.
    fn gather_anew(
        &self,
        steps: Vec<Step>,
        made: Result<Vec<Result<Issued, Problem>>, Problem>,
    ) -> Vec<Result<Reissued, Problem>> {
        let now = (self.clock)();
        let (mut made, failed) = match made {
            Ok(made) => (made.into_iter(), None),
            Err(problem) => (Vec::new().into_iter(), Some(problem)),
        };
        let answer = |step| match step {
            Step::Refused(problem) => Err(problem),
            Step::Have(number) => reissued(number, self.handed_over(number)?),
            Step::Make { enrolment, purpose, _reserved } => {
                let standing = self.records.conclude(&self.register, enrolment, &purpose, now)?;
                if let Some(problem) = &failed {
                    return Err(problem.clone());
                }
                let lost = || Problem::new(Code::Internal, "credential got lost on its way");
                let issued = made.next().ok_or_else(lost)??;
                match standing {
                    Standing::Logged(number) => reissued(number, issued),
                    Standing::Nothing | Standing::Open(_) | Standing::Running => Err(lost()),
                }
            }
        };
        steps.into_iter().map(answer).collect()
    }
}

fn reissued(number: IssueNumber, issued: Issued) -> Result<Reissued, Problem> {
    let format = Read::parse(&issued.credential).ok_or(RecordError::Unreadable)?.format;
    Ok(Reissued { number, format, issued })
}
