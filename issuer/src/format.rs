//! The forms in which credentials are issued.

pub use sillok_verifier::Format;

use crate::error::{Code, Problem};

/// What is issued when a request names no form.
pub const DEFAULT: Format = Format::VcJwt;

/// The forms that are issued.
pub const ISSUED: &[Format] = &Format::ALL;

/// The number of a form in a journal. It is never given to another one.
#[must_use]
pub const fn code(format: Format) -> u8 {
    match format {
        Format::VcJwt => 1,
        Format::JwtVcJson => 2,
        Format::DcSdJwt => 3,
        Format::VcSdJwt => 4,
    }
}

/// The form of this number.
#[must_use]
pub fn from_code(number: u8) -> Option<Format> {
    Format::ALL.into_iter().find(|format| code(*format) == number)
}

/// The form that a request names, or the default.
///
/// # Errors
/// No form that is issued has this name.
pub(crate) fn read(name: Option<&str>) -> Result<Format, Problem> {
    let Some(name) = name else { return Ok(DEFAULT) };
    let known = Format::from_name(name).filter(|format| ISSUED.contains(format));
    known.ok_or_else(|| {
        let names: Vec<&str> = ISSUED.iter().map(|format| format.name()).collect();
        let detail = format!("JSON member options/format is none of {}", names.join(", "));
        Problem::new(Code::RequestMalformed, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_of_one_form() {
        for format in Format::ALL {
            assert_eq!(from_code(code(format)), Some(format));
            assert_eq!(Format::from_name(format.name()), Some(format));
        }
        assert_eq!(from_code(0), None);
        assert_eq!(Format::from_name("VC+JWT"), None);
    }
}
