//! Somebody has copied the key that signs credentials, and what it opens with.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sillok_issuer::sign::{FileSigner, sign_compact};
use sillok_log::checkpoint::Checkpoint;
use sillok_log::entry::{Entry, KeyEvent, origin_hash};
use sillok_log::note::{Note, compose};
use sillok_log::receipt::Receipt;
use sillok_log::tile::{Tile, TileKind, parse_bundle};
use sillok_registry::sealed::{self, KeyKind, Passphrase};
use sillok_verifier::jws::TokenType;
use sillok_verifier::key::Algorithm;
use sillok_verifier::trust::{Container, Root, Standing};

use crate::program::{Ended, run, succeed};
use crate::server::Server;

/// An authority whose six people are certified, and a door that knows its trust bundle.
struct Authority {
    folder: tempfile::TempDir,
    server: Server,
}

impl Authority {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(
            folder.path(),
            "serve",
            &[],
            &["serve", "--data", "data", "--listen", "127.0.0.1:0"],
        );
        let authority = Self { folder, server };
        authority.issue("out", "1", "6");
        authority.fetch_bundle("before");
        authority
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn issue(&self, out: &str, seed: &str, people: &str) {
        let file = format!("{out}.ndjson");
        succeed(self.path(), &["sample", "--people", people, "--seed", seed, "--out", &file]);
        let at = ["import", "--data", "data", "--issuer", &self.server.url];
        succeed(self.path(), &[&at[..], &["--out", out, "--split", &file]].concat());
    }

    fn fetch_bundle(&self, name: &str) {
        fs::write(self.path().join(name), succeed(self.path(), &["trust-bundle", "--data", "data"])).unwrap();
    }

    /// The kid of the key that signed a credential.
    fn kid(&self, credential: &str) -> String {
        let (header, _rest) = credential.split_once('.').unwrap();
        let header: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
        header["kid"].as_str().unwrap().to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap()
    }

    fn receipt(&self, name: &str) -> Receipt {
        Receipt::parse(self.read(name).as_bytes()).unwrap()
    }

    /// A door, which remembers what must not go back.
    fn door(&self, bundle: &str, credential: &str, receipt: Option<&str>) -> Ended {
        let mut arguments = vec!["verify", "--trust", bundle, "--memory", "memory"];
        if let Some(receipt) = receipt {
            arguments.extend(["--receipt", receipt]);
        }
        arguments.push(credential);
        run(self.path(), &[], &arguments)
    }

    /// The key `name` of the data folder, as a thief has it.
    fn steal(&self, name: &str, kind: KeyKind) -> sealed::SecretKey {
        let passphrase = Passphrase::load(&self.path().join("data/passphrase")).unwrap();
        sealed::open(&self.path().join("data/keys"), name, kind, &passphrase).unwrap()
    }

    /// A credential that nobody issued, with a genuine signature.
    fn forge(&self, name: &str) {
        let secret = self.steal("issuer-1", KeyKind::P256);
        let signer = FileSigner::new(Algorithm::Es256, secret.danger_bytes()).unwrap();
        let genuine = self.read("out/1.jwt");
        let payload = genuine.split('.').nth(1).unwrap();
        let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        let (before, rest) = payload.split_once("urn:uuid:").unwrap();
        let forged = format!("{before}urn:uuid:00000000-0000-4000-8000-00000000000f{}", &rest[36..]);
        let jws = sign_compact(&signer, &forged, TokenType::CREDENTIAL).unwrap();
        assert_eq!(self.kid(jws.text()), self.kid(&genuine));
        fs::write(self.path().join(name), jws.text()).unwrap();
    }

    /// Every entry of the log, as an auditor reads them from the public folder.
    fn entries(&self) -> Vec<Entry> {
        let public = self.path().join("data/public");
        let note = fs::read_to_string(public.join("checkpoint")).unwrap();
        let size = Checkpoint::parse_body(Note::parse(&note).unwrap().text()).unwrap().size.0;
        let bundle = |(index, width): (u64, u16)| {
            let tile = Tile::new(TileKind::Entries, index, width).unwrap();
            let bytes = fs::read(public.join(tile.path())).unwrap();
            let entries = parse_bundle(&bytes, width).unwrap();
            entries.into_iter().map(|entry| Entry::parse(entry).unwrap()).collect::<Vec<_>>()
        };
        assert!(size < 256, "one bundle holds it");
        bundle((0, u16::try_from(size).unwrap()))
    }
}

fn assert_verdict(ended: &Ended, exit: i32, code: &str) {
    assert!(ended.code == Some(exit) && ended.out.contains(code), "expected {exit} {code}: {ended:?}");
}

#[test]
fn a_stolen_key_opens_no_door() {
    let authority = Authority::start();
    let path = authority.path();
    authority.forge("forged.jwt");

    // Before anybody knows of the theft the signature alone is worth nothing: the log has never seen it.
    assert_verdict(&authority.door("before", "out/1.jwt", Some("out/1.tlog-proof")), 0, "valid");
    assert_verdict(&authority.door("before", "forged.jwt", None), 2, "receipt.missing");
    assert_verdict(
        &authority.door("before", "forged.jwt", Some("out/1.tlog-proof")),
        1,
        "inclusion.mismatch",
    );

    // The authority says so, with the place in the log from which on nothing is good.
    let indices: Vec<u64> =
        (1..=6).map(|number| authority.receipt(&format!("out/{number}.tlog-proof")).index.0).collect();
    let mut sorted = indices.clone();
    sorted.sort_unstable();
    let cut = sorted[4];
    let kid = authority.kid(&authority.read("out/1.jwt"));
    let at = ["keys", "compromise", "--data", "data", "--issuer", &authority.server.url];
    let said = succeed(path, &[&at[..], &["--cut", &cut.to_string(), &kid]].concat());
    assert!(said.contains("signs from now on"), "{said}");

    // It stands in the log, with the size, and in the next trust bundle.
    let origin = authority.receipt("out/1.tlog-proof");
    let origin = origin.checkpoint.lines().next().unwrap().to_owned();
    let cuts: Vec<u64> = authority
        .entries()
        .iter()
        .filter_map(|entry| match entry {
            Entry::Key(event) if event.event == KeyEvent::Compromised => {
                assert_eq!(event.cuts.len(), 1);
                assert_eq!(event.cuts[0].origin, origin_hash(&origin).unwrap());
                Some(event.cuts[0].size.0)
            }
            _other => None,
        })
        .collect();
    assert_eq!(cuts, [cut]);
    authority.fetch_bundle("after");

    // Logged before the cut: good. At or after it: not. Never logged: as before.
    for (number, index) in (1..).zip(&indices) {
        let ended =
            authority.door("after", &format!("out/{number}.jwt"), Some(&format!("out/{number}.tlog-proof")));
        if *index < cut {
            assert_verdict(&ended, 0, "valid");
        } else {
            assert_verdict(&ended, 1, "key.compromised");
        }
    }
    assert_verdict(&authority.door("after", "forged.jwt", None), 2, "receipt.missing");
    assert_verdict(&authority.door("after", "forged.jwt", Some("out/1.tlog-proof")), 1, "inclusion.mismatch");

    // The new key goes on, and everything is in order for an auditor.
    authority.issue("later", "2", "2");
    authority.fetch_bundle("later-bundle");
    assert_verdict(&authority.door("later-bundle", "later/1.jwt", Some("later/1.tlog-proof")), 0, "valid");
    let vkey = succeed(path, &["keys", "show", "--data", "data", "--log-vkey"]);
    succeed(path, &["audit", &authority.server.url, "--vkey", vkey.trim()]);

    // Neither the bundle of before nor a later one that brings the key back is taken by whoever has seen the cut, also
    // if it is signed by the root key: what the door remembers stays as it is, byte for byte.
    let memory = fs::read(path.join("memory")).unwrap();
    let root_key = authority.steal("root", KeyKind::Ed25519);
    fs::write(path.join("revived"), revived(&authority.read("later-bundle"), &root_key)).unwrap();
    for (bundle, code) in [("before", "trust.root-rollback"), ("revived", "trust.key-revived")] {
        let ended = authority.door(bundle, "out/1.jwt", Some("out/1.tlog-proof"));
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.out.contains(code) || ended.err.contains(code), "{code}: {ended:?}");
        assert_eq!(fs::read(path.join("memory")).unwrap(), memory);
    }
    assert_eq!(authority.server.stop(), Some(0));
}

/// The next root, in which the compromised key is active again, signed by the root key.
fn revived(bundle: &str, root_key: &sealed::SecretKey) -> String {
    let mut container = Container::parse(bundle.as_bytes()).unwrap();
    let mut root = Root::parse(Note::parse(&container.root).unwrap().text()).unwrap();
    root.sequence += 1;
    let mut revived = 0;
    for key in root.issuers.iter_mut().flat_map(|issuer| &mut issuer.keys) {
        if matches!(key.standing, Standing::Compromised(_)) {
            key.standing = Standing::Active;
            revived += 1;
        }
    }
    assert_eq!(revived, 1);
    let text = root.to_text().unwrap();
    let signer = root_key.signer(root.root_keys[0].name()).unwrap();
    container.root = compose(&text, &[signer.sign(&text).unwrap()]).unwrap();
    container.to_json().unwrap()
}
