//! Deltas of trust bundles: one that leads on, and each way in which one does not.

use super::Vector;
use super::world::{LIST, NOW, Plan, SLOTS, World};
use crate::reference::delta::{Bundle, changed, delta, delta_text};
use crate::reference::entry;
use crate::reference::tree::Hash;

/// A bundle and the next one: feed 2, slots 0 and 11 revoked, slot 7 (revoked before) as it was, slot 12 suspended.
struct Step {
    first: World,
    base: Bundle,
    result: Bundle,
    last_file: String,
}

/// Gaps of the changes: 0, 11, and 12 of the suspension plane.
const GAPS: [u64; 3] = [0, 10, SLOTS];

impl Step {
    fn new() -> Self {
        let plan = Plan::default();
        let first = plan.build();
        let mut later = first.clone();
        for (slot, value) in [(0, 1), (11, 1), (12, 2)] {
            later.log.push(entry::status(&LIST, slot, value, 0, NOW));
        }
        let second = later.renewed(&Plan { feed_number: (2, 1), ..plan });
        let (base, result) = (bundle(&first), bundle(&second));
        let last_file = second.published.file.clone();
        Self { first, base, result, last_file }
    }

    fn text(&self) -> String {
        let (snapshot, receipt) = &self.result.snapshots[0];
        delta_text(&self.base, &self.result, &[changed(0, snapshot, receipt, &GAPS)])
    }

    fn delta(&self) -> Vec<u8> {
        self.delta_of(&self.text())
    }

    fn delta_of(&self, text: &str) -> Vec<u8> {
        delta(&self.base.digest(), &self.result.digest(), text)
    }

    fn good(&self, name: &str, comment: &str, delta: &[u8], digest: &Hash) -> Vector {
        self.vector(name, "ok", comment, delta).hex("digest", digest)
    }

    fn vector(&self, name: &str, expect: &str, comment: &str, delta: &[u8]) -> Vector {
        Vector::new("delta", name, expect, "trust-bundle.md#delta", comment)
            .text("base", self.first.trust())
            .hex("delta", delta)
    }

    /// The good delta after a change of its text.
    fn edited(&self, name: &str, code: &str, comment: &str, from: &str, to: &str) -> Vector {
        let text = self.text();
        assert!(text.contains(from), "{from} in {text}");
        self.vector(name, &format!("error {code}"), comment, &self.delta_of(&text.replacen(from, to, 1)))
    }
}

/// What the published container is the digest of. Its receipts are at the log's last size.
fn bundle(world: &World) -> Bundle {
    let published = &world.published;
    let container = &published.container;
    let receipt = world.log.receipt(published.snapshot_index, world.log.size(), None);
    let notes = [&container.root, &container.root_receipt, &container.feed, &container.feed_receipt]
        .map(Clone::clone);
    Bundle { notes, snapshots: vec![(published.snapshot.clone(), receipt)] }
}

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let step = Step::new();
    let (malformed, wrong) = ("trust.delta-malformed", "trust.delta-result");
    let mut all = good(&step);
    all.extend(frames(&step));
    let more = [
        ("from-beyond", malformed, "the base has one snapshot file", "\"from\":0", "\"from\":1"),
        ("member-more", malformed, "a member that a delta does not have", "{", "{\"rules\":[],"),
        ("member-missing", malformed, "no consistency proofs, not even none", ",\"consistency\":[]", ""),
        ("gap-negative", malformed, "a change before the first slot", "[0,10,", "[-1,10,"),
        ("gap-fraction", malformed, "a gap that is no whole number", "[0,10,", "[0.5,10,"),
        ("gap-beyond", malformed, "a change behind the last slot", "[0,10,131072]", "[0,10,262134]"),
        ("both-planes", malformed, "slot 11 revoked and suspended", "[0,10,131072]", "[0,10,131071]"),
        ("other-slot", wrong, "slot 10 in place of slot 11", "[0,10,131072]", "[0,9,131073]"),
        ("fewer-slots", wrong, "a revocation is left out", "[0,10,131072]", "[0,131083]"),
        (
            "other-sequence",
            wrong,
            "a snapshot of another number",
            "\"sequence\":2,\"fold",
            "\"sequence\":3,\"fold",
        ),
        ("file-more", wrong, "the base's snapshot file too", "\"snapshots\":[", "\"snapshots\":[0,"),
        ("root-empty", wrong, "another root", "{", "{\"root\":\"\","),
    ];
    all.extend(more.map(|(name, code, comment, from, to)| step.edited(name, code, comment, from, to)));
    all
}

fn good(step: &Step) -> Vec<Vector> {
    let result = step.result.digest();
    let whole = delta_text(&step.base, &step.result, std::slice::from_ref(&step.last_file));
    let same = delta(&step.base.digest(), &step.base.digest(), "{\"snapshots\":[0],\"consistency\":[]}");
    let empty = Bundle { snapshots: Vec::new(), ..step.base.clone() };
    let dropped = delta(&step.base.digest(), &empty.digest(), "{\"snapshots\":[],\"consistency\":[]}");
    vec![
        step.good("good", "a new feed, three slots changed", &step.delta(), &result),
        step.good("whole-file", "the snapshot file whole", &step.delta_of(&whole), &result),
        step.good("same", "nothing changed", &same, &step.base.digest()),
        step.good("file-dropped", "the snapshot file is not in the result", &dropped, &empty.digest()),
    ]
}

fn frames(step: &Step) -> Vec<Vector> {
    let delta = step.delta();
    let refused = |name: &str, code: &str, comment: &str, bytes: &[u8]| {
        step.vector(name, &format!("error {code}"), comment, bytes)
    };
    let changed = |position: usize, bit: u8| {
        let mut bytes = delta.clone();
        bytes[position] ^= bit;
        bytes
    };
    let malformed = "trust.delta-malformed";
    vec![
        refused("base-other", "trust.delta-base", "leads from another bundle", &changed(29, 1)),
        refused(
            "result-other",
            "trust.delta-result",
            "leads to another bundle than it says",
            &changed(61, 1),
        ),
        refused("kind", malformed, "another version", &changed(27, 3)),
        refused("empty", malformed, "nothing at all", &[]),
        refused("head-only", malformed, "ends before the length", &delta[..95]),
        refused("length-longer", malformed, "the text is shorter than said", &changed(96, 1)),
        refused("length-too-long", malformed, "longer than any stream of this length", &changed(93, 0x80)),
        refused("stream-cut", malformed, "the stream is cut short", &delta[..delta.len() - 1]),
        refused("stream-longer", malformed, "a byte after the stream", &[&delta[..], b"\0"].concat()),
        refused("stream-checksum", malformed, "a wrong checksum", &changed(delta.len() - 1, 1)),
    ]
}
