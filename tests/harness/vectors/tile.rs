//! Paths of tiles and entry bundles.

use super::Vector;

/// The vectors of the topic.
#[must_use]
pub fn vectors() -> Vec<Vector> {
    let good = [
        ("full", "tile/0/000", "0", 0, 256),
        ("deep-index", "tile/1/x001/x234/067", "1", 1_234_067, 256),
        ("partial", "tile/0/000.p/5", "0", 0, 5),
        ("partial-widest", "tile/2/x001/000.p/255", "2", 1_000, 255),
        ("entries-full", "tile/entries/x273/x000/000", "entries", 273_000_000, 256),
        ("entries-partial", "tile/entries/001.p/112", "entries", 1, 112),
    ];
    let bad = [
        ("width-0", "tile/0/000.p/0", "a partial tile has at least one hash"),
        ("width-256", "tile/0/000.p/256", "a partial tile has at most 255 hashes"),
        ("width-leading-zero", "tile/0/000.p/05", "a number has no leading zero"),
        ("width-plus", "tile/0/000.p/+5", "a number has no sign"),
        ("level-64", "tile/64/000", "levels end at 63"),
        ("level-leading-zero", "tile/00/000", "a number has no leading zero"),
        ("level-plus", "tile/+0/000", "a number has no sign"),
        ("index-not-padded", "tile/0/0", "path elements have three digits"),
        ("index-superfluous-element", "tile/0/x000/001", "the first of several elements is not x000"),
        ("index-without-x", "tile/0/001/234", "every element but the last begins with x"),
        ("index-x-last", "tile/0/x001", "the last element does not begin with x"),
        ("index-overflow", "tile/0/x999/x999/x999/x999/x999/x999/999", "2^64 is far below this index"),
        ("index-not-ascii", "tile/0/00\u{661}", "digits are ASCII"),
        ("dot-dot", "tile/0/../000", "no path leads upwards"),
        ("slash-first", "/tile/0/000", "paths are relative to the log's prefix"),
        ("slash-last", "tile/0/000/", "nothing follows the index"),
        ("double-slash", "tile//0/000", "an element is not empty"),
        ("other-folder", "tiles/0/000", "another folder"),
    ];
    let accepted = good.iter().map(|(name, path, level, index, width)| {
        Vector::new(
            "tile",
            &format!("path-{name}"),
            "ok",
            "log.md#static-files",
            "the only spelling of this tile",
        )
        .line("path", path)
        .line("level", level)
        .line("index", index)
        .line("width", width)
    });
    let refused = bad.iter().map(|(name, path, comment)| {
        Vector::new("tile", &format!("path-{name}"), "error", "log.md#static-files", comment)
            .line("path", path)
    });
    accepted.chain(refused).collect()
}
