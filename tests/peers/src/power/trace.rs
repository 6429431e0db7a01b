//! What strace wrote, as system calls in the order of their returns.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};

/// One system call that returned. Its moments are line numbers of the trace.
#[derive(Debug)]
pub(super) struct Call {
    /// When it began: it may have had its effect from here on.
    pub(super) start: usize,
    /// When it had returned: it has had its effect.
    pub(super) end: usize,
    pub(super) name: String,
    /// As strace shows them, split at the commas outside of brackets.
    pub(super) arguments: Vec<String>,
    pub(super) result: i64,
}

/// Reads a trace made with `-f -xx`, in which strings hold nothing but `\x..`. `visit` gets each call that succeeded;
/// `first` is the number of its first line.
///
/// # Errors
/// A line that is not understood, a string that strace has cut, or a call that writes and had not returned when the
/// process was killed: nobody knows whether it has had its effect, and the recording is of no use.
pub(super) fn read(path: &Path, first: usize, mut visit: impl FnMut(Call) -> Result<()>) -> Result<usize> {
    let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
    let mut open: HashMap<String, (usize, String)> = HashMap::new();
    let mut at = first;
    for line in BufReader::with_capacity(1 << 20, file).lines() {
        let line = line.context("read the trace")?;
        let (process, rest) = line.split_once(' ').with_context(|| format!("line {at} has no process"))?;
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            at += 1;
            continue;
        }
        if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            if let Some(descriptor) = begun.strip_prefix("close(") {
                // Another thread may be given the number before this one hears that it is free.
                let arguments = vec![descriptor.trim().trim_end_matches(')').to_owned()];
                visit(Call { start: at, end: at, name: "close".into(), arguments, result: 0 })?;
            }
            open.insert(process.into(), (at, begun.into()));
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_name, tail) =
                resumed.split_once(" resumed>").context("a call is resumed without a name")?;
            let (start, begun) =
                open.remove(process).with_context(|| format!("line {at} resumes nothing"))?;
            if !begun.starts_with("close(") {
                visit_line(&(begun + tail), start, at, &mut visit)?;
            }
        } else {
            visit_line(rest, at, at, &mut visit)?;
        }
        at += 1;
    }
    let lost = open.values().find(|(_start, begun)| !harmless(begun));
    if let Some((start, begun)) = lost {
        let begun: String = begun.chars().take(60).collect();
        bail!("line {start}: the process was killed within {begun}");
    }
    Ok(at)
}

/// Whether a call that never returned has had no effect on a file, whatever became of it.
fn harmless(begun: &str) -> bool {
    ["close(", "fcntl(", "fdatasync(", "fsync(", "lseek(", "mmap(", "sendmsg(", "sendto(", "sync_file_range("]
        .iter()
        .any(|name| begun.starts_with(name))
}

fn visit_line(
    text: &str,
    start: usize,
    end: usize,
    visit: &mut impl FnMut(Call) -> Result<()>,
) -> Result<()> {
    let parts = text.split_once('(').and_then(|(name, rest)| Some((name, rest.rsplit_once(") ")?)));
    let (name, (arguments, result)) = parts.with_context(|| format!("line {end} is no system call"))?;
    let result = result.trim_start().trim_start_matches("= ");
    let number = result.split_whitespace().next().unwrap_or_default();
    // `?` is a call that the process did not live to see: the killed one's last.
    if number == "?" {
        ensure!(harmless(text), "line {start}: the process was killed within {name}");
        return Ok(());
    }
    // An address says only that the call succeeded.
    let number = if number.starts_with("0x") { "0" } else { number };
    let result: i64 = number.parse().with_context(|| format!("line {end}: {number:?} is no result"))?;
    if result < 0 {
        return Ok(());
    }
    visit(Call { start, end, name: name.into(), arguments: split(arguments), result })
}

fn split(arguments: &str) -> Vec<String> {
    let (mut depth, mut begin, mut parts) = (0_i32, 0, Vec::new());
    for (at, byte) in arguments.bytes().enumerate() {
        match byte {
            b'[' | b'{' | b'(' => depth += 1,
            b']' | b'}' | b')' => depth -= 1,
            b',' if depth == 0 => {
                parts.push(arguments.get(begin..at).unwrap_or_default().trim().to_owned());
                begin = at + 1;
            }
            _other => {}
        }
    }
    parts.push(arguments.get(begin..).unwrap_or_default().trim().to_owned());
    parts
}

impl Call {
    pub(super) fn argument(&self, position: usize) -> Result<&str> {
        let argument = self.arguments.get(position).map(String::as_str);
        argument.with_context(|| format!("{} at line {} has no argument {position}", self.name, self.end))
    }

    pub(super) fn number(&self, position: usize) -> Result<i64> {
        let text = self.argument(position)?;
        text.parse().with_context(|| format!("{} at line {}: {text:?} is no number", self.name, self.end))
    }

    pub(super) fn text(&self, position: usize) -> Result<String> {
        String::from_utf8(self.bytes(position)?).context("a path is not UTF-8")
    }

    /// The bytes of all strings in an argument, one after the other.
    pub(super) fn bytes(&self, position: usize) -> Result<Vec<u8>> {
        let mut rest = self.argument(position)?;
        let mut bytes = Vec::with_capacity(rest.len() / 4);
        while let Some((_before, string)) = rest.split_once('"') {
            let (string, after) = string.split_once('"').context("a string has no end")?;
            ensure!(!after.starts_with("..."), "{} at line {}: strace has cut a string", self.name, self.end);
            for part in string.as_bytes().chunks(4) {
                bytes.push(byte(part).with_context(|| format!("line {}: {part:?} is no \\x..", self.end))?);
            }
            rest = after;
        }
        Ok(bytes)
    }
}

fn byte(part: &[u8]) -> Option<u8> {
    let [b'\\', b'x', high, low] = part else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}
