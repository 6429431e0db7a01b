//! Credentials that were issued are issued anew: with the present key, in a fresh slot, in the place of the old ones.

use std::sync::Arc;

use sillok_log::entry::{StatusValue, Thumbprint};

use crate::application::Core;
use crate::error::{Code, Problem};
use crate::format::Format;
use crate::issue::Issued;
use crate::records::{Cause, RecordError, blocking};
use crate::register::IssueNumber;

mod read;

pub(crate) use read::Read;

/// What is asked for: credentials by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReissueOrder {
    /// The credentials, at most [`MAX_NUMBERS`].
    pub numbers: Vec<IssueNumber>,
    /// Why; for the authority only.
    pub reason: String,
    /// Who asks.
    pub operator: String,
}

/// A credential that has the place of another.
#[derive(Clone, PartialEq, Eq)]
pub struct Reissued {
    /// Its number.
    pub number: IssueNumber,
    /// Its form.
    pub format: Format,
    /// What it is.
    pub issued: Issued,
}

/// Which credentials are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// Those that this key has signed.
    Key(Thumbprint),
    /// Those of the type of this name.
    Type(String),
}

/// Numbers of credentials that are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuePage {
    /// In ascending order.
    pub numbers: Vec<IssueNumber>,
    /// Where the next page begins; nothing after the last one.
    pub next: Option<IssueNumber>,
    /// All numbers that are looked at are below this one.
    pub before: IssueNumber,
}

impl Core {
    /// Issues credentials anew, and answers each in the order of the numbers.
    ///
    /// # Errors
    /// Nothing was begun.
    //= specs/reissue.md#re-issue
    pub async fn reissue(
        self: &Arc<Self>,
        order: ReissueOrder,
    ) -> Result<Vec<Result<Reissued, Problem>>, Problem> {
        let ReissueOrder { numbers, reason, operator } = order;
        self.issue_anew(numbers, Cause { reason, operator }).await
    }

    /// A page of credentials that can be issued anew.
    ///
    /// # Errors
    /// An unknown type, a key that still signs, or a failed operation.
    //= specs/reissue.md#re-issue
    pub async fn due(
        self: &Arc<Self>,
        due: Due,
        from: IssueNumber,
        before: Option<IssueNumber>,
    ) -> Result<DuePage, Problem> {
        let core = Arc::clone(self);
        blocking(move || core.look_for_due(&due, from, before)).await?
    }

    fn look_for_due(
        &self,
        due: &Due,
        from: IssueNumber,
        before: Option<IssueNumber>,
    ) -> Result<DuePage, Problem> {
        match due {
            Due::Key(key) if self.signer()?.thumbprint() == *key => {
                let detail = "key still signs: what is issued anew would be due again; rotate it first";
                return Err(Problem::new(Code::KeyWrongState, detail));
            }
            Due::Type(name) if self.types.get(name).is_none() => {
                return Err(Problem::new(Code::TypeUnknown, "no credential type has this name; see /types"));
            }
            Due::Key(_) | Due::Type(_) => {}
        }
        let end = self.register.next_number();
        let before = before.map_or(end, |before| before.min(end));
        let until = IssueNumber(from.0.saturating_add(PAGE_NUMBERS)).min(before);
        let mut numbers = Vec::new();
        for number in (from.0..until.0).map(IssueNumber) {
            if self.is_due(due, number)? {
                numbers.push(number);
            }
        }
        Ok(DuePage { numbers, next: Some(until).filter(|until| *until < before), before })
    }

    fn is_due(&self, due: &Due, number: IssueNumber) -> Result<bool, Problem> {
        let found = self.register.find_number(number);
        // Most that are not due are seen in memory.
        let valid = found.is_some_and(|found| found.logged && found.value == StatusValue::Valid);
        if !valid || self.records.is_superseded(number) {
            return Ok(false);
        }
        let Some(issued) = self.register.load(number).map_err(RecordError::from)? else { return Ok(false) };
        if let Due::Key(key) = due
            && issued.entry.issuer_key != *key
        {
            return Ok(false);
        }
        let Some(read) = Read::parse(&issued.jws) else { return Ok(false) };
        let kind = self.types.find(&read.type_name).filter(|kind| !kind.is_open());
        let wanted = match due {
            Due::Key(_) => kind.is_some(),
            Due::Type(name) => kind.is_some_and(|kind| kind.name() == name),
        };
        Ok(wanted && read.valid_until > (self.clock)())
    }
}

/// Most credentials of a request: each of them is read, composed and signed.
pub const MAX_NUMBERS: usize = 100;

/// Numbers that are looked at for a page: a few tens of milliseconds of reading.
const PAGE_NUMBERS: u64 = 1_000;
