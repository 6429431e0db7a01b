//! Pure. Whose code a sample was in, from the object and the symbol that `perf` tells.

/// The kernel's part, a library, or the crate of a Rust function.
pub(super) fn group(object: &str, symbol: &str) -> String {
    if let Some(name) = symbol.strip_prefix("[k] ") {
        let part = KERNEL.iter().find(|(_part, words)| words.iter().any(|word| name.contains(word)));
        return format!("kernel: {}", part.map_or("other", |(part, _words)| *part));
    }
    let name = symbol.strip_prefix("[.] ").unwrap_or(symbol);
    if CRYPTO.iter().any(|word| name.contains(word)) {
        return "hashing and signing".into();
    }
    match path(name) {
        Some("std" | "core" | "alloc" | "hashbrown" | "compiler_builtins") => {
            "Rust's standard library".into()
        }
        Some(name) => name.into(),
        None if object.contains("libc") => "libc".into(),
        None => object.into(),
    }
}

/// The crate of a path such as `<a::B as c::D>::e`: that of the type. Types in front of it, as in `&mut T`, do not count.
fn path(name: &str) -> Option<&str> {
    let name = name.trim_start_matches(['<', '&', '*', '(', '[', '_']);
    let name = ["mut ", "const ", "dyn "].iter().fold(name, |name, word| name.trim_start_matches(word));
    let (first, _rest) = name.split_once("::")?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!first.is_empty() && first.chars().all(plain)).then_some(first)
}

/// Parts of the kernel by what the names of their functions hold; the first that fits.
const KERNEL: [(&str, &[&str]); 5] = [
    ("network", &["tcp", "inet", "ip_", "skb", "sock", "net", "loopback", "qdisc", "sk_"]),
    (
        "files and disk",
        &["ext4", "blk", "bio", "page", "folio", "file", "dentry", "inode", "virtio", "vfs", "iomap"],
    ),
    ("event loop", &["epoll", "eventfd", "ep_"]),
    ("scheduler", &["sched", "futex", "wake", "switch", "rq", "enqueue", "dequeue", "pick_next"]),
    ("entry and exit of system calls", &["syscall", "entry", "exit"]),
];

/// Ours are called from `sillok_log`, but the work is theirs.
const CRYPTO: [&str; 7] = ["sha2", "sha256", "curve25519", "ed25519", "digest::", "sha512", "subtle::"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_has_one_owner() {
        for (object, symbol, owner) in [
            ("[kernel.kallsyms]", "[k] tcp_sendmsg_locked", "kernel: network"),
            ("[kernel.kallsyms]", "[k] do_epoll_wait", "kernel: event loop"),
            ("[kernel.kallsyms]", "[k] clear_bhb_loop", "kernel: other"),
            ("sillok", "[.] sha2::sha256::x86::compress", "hashing and signing"),
            ("sillok", "[.] <actix_http::h1::Dispatcher<T> as core::future::Future>::poll", "actix_http"),
            ("sillok", "[.] core::ptr::drop_in_place<sillok_registry::X>", "Rust's standard library"),
            ("sillok", "[.] <&mut tokio::runtime::X as core::fmt::Debug>::fmt", "tokio"),
            ("libc.so.6", "[.] malloc", "libc"),
            ("sillok", "[.] 0x000000000012", "sillok"),
        ] {
            assert_eq!(group(object, symbol), owner, "{symbol}");
        }
    }
}
