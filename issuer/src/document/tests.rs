//! The rules on documents of a few lines.

use sillok_verifier::json::{Json, Limits};

use super::{DocumentError, check_credential, check_members, check_presentation};

const LIMITS: Limits = Limits { bytes: 16_384, depth: 16, values: 2_048 };

fn parse(text: &str) -> Json {
    Json::parse(text.as_bytes(), &LIMITS).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// A credential with these contexts behind the base context, these types behind its own, and these members.
fn credential(contexts: &str, types: &str, members: &str) -> Result<(), DocumentError> {
    let text = format!(
        r#"{{"@context":["https://www.w3.org/ns/credentials/v2"{contexts}],"type":["VerifiableCredential"{types}],
            "issuer":"https://a.example","credentialSubject":{{"id":"did:example:a"}}{members}}}"#
    );
    check_credential(parse(&text).object().unwrap())
}

fn refused(result: Result<(), DocumentError>, sentence: &str) {
    let said = result.map_err(|error| error.to_string());
    assert_eq!(said, Err(sentence.to_owned()));
}

#[test]
fn a_type_is_a_url_or_a_term_that_stands_for_one() {
    let unmapped = "document member type has a type that no context maps to a URL";
    credential("", r#","https://a.example/#A""#, "").unwrap();
    credential(r#",{"A":"https://a.example/#A"}"#, r#","A""#, "").unwrap();
    credential(r#",{"a":"https://a.example/#","A":{"@id":"a:A"}}"#, r#","A""#, "").unwrap();
    credential(r#",{"a":"https://a.example/#"}"#, r#","a:A""#, "").unwrap();
    credential(r#",{"@vocab":"https://a.example/#"}"#, r#","A""#, "").unwrap();
    credential(r#","https://www.w3.org/ns/credentials/examples/v2""#, r#","A""#, "").unwrap();
    // It may be defined there: nothing is fetched to find out.
    credential(r#","https://a.example/context""#, r#","A""#, "").unwrap();
    refused(credential("", r#","A""#, ""), unmapped);
    refused(credential(r#",{"@vocab":null}"#, r#","A""#, ""), unmapped);
    refused(credential(r#",{"A":"https ://a.example/#A"}"#, r#","A""#, ""), unmapped);
    refused(credential(r#",{"A":null}"#, r#","A""#, ""), unmapped);
    refused(
        credential("", "", r#","evidence":{"type":"Seen"}"#),
        "document member evidence has a type that no context maps to a URL",
    );
}

#[test]
fn a_protected_term_is_not_redefined() {
    let redefines = "document member @context redefines a protected term";
    refused(credential(r#",{"VerifiableCredential":"https://a.example/#V"}"#, "", ""), redefines);
    refused(credential(r#",{"id":"https://a.example/#id"}"#, "", ""), redefines);
    refused(credential(r#",{"issuer":"https://a.example/#issuer"}"#, "", ""), redefines);
    refused(
        credential(r#",{"@protected":true,"A":"https://a.example/#A"},{"A":"https://b.example/#A"}"#, "", ""),
        redefines,
    );
    refused(
        credential(
            r#",{"A":{"@id":"https://a.example/#A","@protected":true}},{"A":"https://b.example/#A"}"#,
            "",
            "",
        ),
        redefines,
    );
    refused(
        credential(
            "",
            "",
            r#","evidence":{"@context":{"id":"https://a.example/#i"},"type":"https://a.example/#E"}"#,
        ),
        redefines,
    );
    // The same again, and what was not protected.
    credential(r#",{"@protected":true,"A":"https://a.example/#A"},{"A":"https://a.example/#A"}"#, "", "")
        .unwrap();
    credential(r#",{"A":"https://a.example/#A"},{"A":"https://b.example/#A"}"#, "", "").unwrap();
    refused(
        credential(r#",{"@import":"https://a.example/c"}"#, "", ""),
        "document member @context imports another, which is never fetched",
    );
}

#[test]
fn digests_of_what_is_known_are_compared() {
    let wrong = "document member relatedResource has a digest that is not that of the resource";
    let resource = |members: &str| {
        let member =
            format!(r#","relatedResource":{{"id":"https://www.w3.org/ns/credentials/v2"{members}}}"#);
        credential("", "", &member)
    };
    // Of the Recommendation, and of the edition before it.
    let sri = r#","digestSRI":"sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU""#;
    let multibase = r#","digestMultibase":"uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k""#;
    resource(sri).unwrap();
    resource(multibase).unwrap();
    // Each is right, and they are of two editions.
    refused(resource(&format!("{sri}{multibase}")), wrong);
    refused(resource(&sri.replace("l/Hr", "l/Hs")), wrong);
    refused(resource(&sri.replace("sha384", "md5")), wrong);
    refused(resource(&multibase.replace("uJKG", "uJKH")), wrong);
    refused(resource(r#","digestMultibase":7,"digestSRI":"x""#), wrong);
    let unknown = r#","relatedResource":[{"id":"https://a.example/r","digestSRI":"sha384-AAAA"}]"#;
    credential("", "", unknown).unwrap();
}

#[test]
fn what_the_data_model_asks_of_members_is_asked_of_everybody() {
    for (members, sentence) in [
        (r#","id":"a""#, "document member id is not an absolute URL"),
        (r#","validFrom":"2027-01-15""#, "document member validFrom is not an xsd:dateTimeStamp with a zone"),
        (
            r#","validFrom":"2027-01-15T00:00:00Z","validUntil":"2027-01-14T23:59:59Z""#,
            "document member validUntil is before validFrom",
        ),
        (r#","credentialStatus":{"id":"did:example:s"}"#, "document member credentialStatus lacks a type"),
        (
            r#","credentialStatus":{"id":["did:example:s"],"type":"BitstringStatusListEntry"}"#,
            "document member credentialStatus has an id that is not an absolute URL",
        ),
        (
            r#","name":{"@value":"a","url":"b"}"#,
            "document member name is neither a string nor a string with its language",
        ),
    ] {
        refused(credential("", "", members), sentence);
    }
    let text = r#"{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],
        "issuer":{"id":"https://a.example","name":{"@value":"a","url":"b"}},"credentialSubject":{"id":"did:example:a"}}"#;
    refused(
        check_credential(parse(text).object().unwrap()),
        "document member name is neither a string nor a string with its language",
    );
    // Without validFrom, and with a status of another kind.
    credential(r#",{"S":"https://a.example/#S"}"#, "", r#","credentialStatus":{"type":"S"}"#).unwrap();
}

#[test]
fn what_is_signed_here_means_something_by_name() {
    let members = |contexts: &str, members: &str| {
        let text = format!(
            r#"{{"@context":["https://www.w3.org/ns/credentials/v2"{contexts}],"type":["VerifiableCredential"],
                "issuer":"https://a.example","credentialSubject":{{"id":"did:example:a"}}{members}}}"#
        );
        check_members(parse(&text).object().unwrap())
    };
    let vocabulary = r#","https://www.w3.org/ns/credentials/examples/v2""#;
    let extension = r#","badExtension":{"huh":"what?"}"#;
    refused(members("", extension), "document has a member that no context defines by name");
    refused(members(vocabulary, extension), "document has a member that no context defines by name");
    members(r#",{"badExtension":"https://a.example/#b"}"#, extension).unwrap();
    members(r#","https://a.example/context""#, extension).unwrap();
    members(
        "",
        r#","evidence":{"type":"https://a.example/#e"},"name":"n","validFrom":"2027-01-15T00:00:00Z""#,
    )
    .unwrap();
}

#[test]
fn presentations_have_holders_and_objects() {
    let presentation = |members: &str| {
        let text = format!(
            r#"{{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiablePresentation"]{members}}}"#
        );
        check_presentation(parse(&text).object().unwrap())
    };
    presentation("").unwrap();
    presentation(r#","holder":"did:example:a","id":"urn:uuid:1","verifiableCredential":{}"#).unwrap();
    presentation(r#","holder":{"id":"did:example:a","name":"A"}"#).unwrap();
    for holder in [r#""a""#, r#"{"name":"A"}"#, "7"] {
        refused(
            presentation(&format!(r#","holder":{holder}"#)),
            "document member holder is neither a URL nor an object whose id is one",
        );
    }
    refused(
        presentation(r#","verifiableCredential":["eyJ"]"#),
        "document member verifiableCredential holds something that is not an object",
    );
    let nobody =
        parse(r#"{"@context":["https://www.w3.org/ns/credentials/v2"],"type":"https://a.example/#A"}"#);
    refused(
        check_presentation(nobody.object().unwrap()),
        "document member type lacks VerifiablePresentation",
    );
    refused(
        check_credential(nobody.object().unwrap()),
        "document member issuer is neither a URL nor an object whose id is one",
    );
}
