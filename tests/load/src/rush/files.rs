//! Open files: many people are many connections, here and in the service that this process starts.

use std::process::{Command, Stdio};

/// Raises the soft limit of this process, which its children inherit, so that it has room for `connections`. Where that
/// is not possible it says so: people then wait for a connection, and their waiting counts.
pub(super) fn raise_limit(connections: usize) {
    let wanted = connections * 2;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    if parse(&limits).is_some_and(|(soft, _hard)| soft >= wanted) {
        return;
    }
    let hard = parse(&limits).map_or(wanted, |(_soft, hard)| hard);
    let (id, limit) = (std::process::id().to_string(), format!("--nofile={}:{hard}", wanted.min(hard)));
    let raised = Command::new("prlimit").args(["--pid", &id, &limit]).stderr(Stdio::null()).status();
    if !raised.is_ok_and(|status| status.success()) || hard < wanted {
        println!("files: fewer than {wanted} may be open; people will wait for connections");
    }
}

/// Soft and hard limit of open files, as `/proc/self/limits` has them.
fn parse(limits: &str) -> Option<(usize, usize)> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let mut numbers = line.split_whitespace().map(|word| match word {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    });
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_read_as_the_kernel_writes_it() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max open files            1024                 1048576              files     \n";
        assert_eq!(parse(text), Some((1_024, 1_048_576)));
        assert_eq!(parse("Max open files   unlimited   unlimited   files"), Some((usize::MAX, usize::MAX)));
        assert_eq!(parse(""), None);
    }
}
