//! How many connections this process can have open beside the files of the log.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// At most `wanted` connections, and no more than leaves the log its files: a log that cannot open a file stops. The
/// system's limit is raised first, as far as this process may.
pub(super) fn connections(wanted: usize) -> usize {
    let needed = u64::try_from(wanted).unwrap_or(u64::MAX).saturating_add(RESERVED);
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: Some(limit.maximum.map_or(needed, |most| most.min(needed))), ..limit };
    let has = match limit.current {
        Some(current) if current < needed && setrlimit(Resource::Nofile, raised).is_ok() => raised.current,
        current => current,
    };
    let most = within(wanted, has);
    if most < wanted {
        tracing::warn!(wanted, most, "the limit of open files (ulimit -n) allows fewer connections");
    }
    most
}

fn within(wanted: usize, descriptors: Option<u64>) -> usize {
    let Some(descriptors) = descriptors else { return wanted };
    let left = usize::try_from(descriptors.saturating_sub(RESERVED)).unwrap_or(usize::MAX);
    wanted.min(left.max(1))
}

/// Descriptors for everything but connections: the writer opens up to 256 files at once and their folders
/// (`FileBlobs`), recovery reads segments, handlers read up to 512 files at once (threads of the runtime).
const RESERVED: u64 = 896;

#[cfg(test)]
mod tests {
    use super::{RESERVED, within};

    #[test]
    fn the_log_keeps_its_files() {
        assert_eq!(within(10_000, None), 10_000);
        assert_eq!(within(10_000, Some(1 << 20)), 10_000);
        assert_eq!(within(10_000, Some(1_024)), 128);
        assert_eq!(within(10_000, Some(RESERVED)), 1);
        assert_eq!(within(10_000, Some(3)), 1);
    }
}
