//! The cross table of forms: in each `typ` of a credential the payload of another form, signed, logged and receipted. Named
//! `form-PAYLOAD-as-TYP`.

use super::super::Vector;
use super::super::forms;
use super::super::world::Plan;
use super::{Attack, NONCONFORMING};
use crate::reference::credential::{compact, header};
use crate::reference::json::object;

type Form = (&'static str, &'static str, fn(&mut Plan));

const FORMS: [Form; 4] = [
    ("dc-sd-jwt", "dc+sd-jwt", forms::dc_sd_jwt),
    ("jwt-vc-json", "JWT", forms::jwt_vc_json),
    ("vc-jwt", "vc+jwt", |_plan| ()),
    ("vc-sd-jwt", "vc+sd-jwt", forms::vc_sd_jwt),
];

pub(super) fn vectors() -> Vec<Vector> {
    let pairs = FORMS.iter().flat_map(|payload| FORMS.iter().map(move |typ| (payload, typ)));
    let all = pairs.filter(|((payload, ..), (typ, ..))| payload != typ && !is_either(payload, typ));
    all.map(|(payload, typ)| crossed(payload, typ)).collect()
}

/// The two forms of VC 2.0 have one payload: a digest in it means something in one, and nothing in the other.
fn is_either(payload: &str, typ: &str) -> bool {
    payload.starts_with("vc-") && typ.starts_with("vc-")
}

fn crossed((payload, _own, form): &Form, (place, typ, _other): &Form) -> Vector {
    let mut plan = Plan::default();
    form(&mut plan);
    let own = if place.starts_with("vc-") {
        header(&plan.key).replace("vc+jwt", typ)
    } else {
        forms::header(&plan.key, typ)
    };
    let token = compact(&own, &object(&plan.payload), &plan.key);
    let mut attack = Attack::of(&token, &plan.key);
    if typ.ends_with("sd-jwt") {
        attack.token.push(b'~');
    }
    // Where the form names its issuer in another member, there is no issuer to look for.
    let names_both = plan.payload.iter().any(|(name, _)| *name == "issuer") || !place.starts_with("vc-");
    let expect = if names_both { NONCONFORMING } else { "cannot tell issuer.unknown" };
    attack.vector(
        &format!("form-{payload}-as-{place}"),
        expect,
        "credential.md#forms",
        "the typ decides the form, and a payload of another one is refused",
    )
}
