//! Documents: rustdoc has no warning, and README's first two code blocks are the two commands.

use anyhow::{Result, ensure};

use crate::source;
use crate::workspace::{Workspace, say, succeed};

/// Checks README, then builds the documentation of all our crates.
///
/// # Errors
/// Fails when README's blocks hold anything else, or rustdoc warns.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let readme = source::read(&workspace.root.join("README.md"))?;
    let blocks = code_blocks(&readme);
    for (block, expected) in COMMANDS.iter().enumerate() {
        let found = blocks.get(block).map_or("nothing", String::as_str);
        ensure!(found == *expected, "README.md: code block {} holds `{found}`, not `{expected}`", block + 1);
    }
    say("docs", format_args!("README.md begins with the two commands"));
    let mut command = workspace.cargo_command(&["doc", "--quiet", "--workspace", "--no-deps"]);
    succeed(command.env("RUSTDOCFLAGS", "-Dwarnings"))?;
    say("docs", format_args!("rustdoc has no warning"));
    Ok(())
}

/// The contents of all fenced code blocks, without the fences and surrounding space.
fn code_blocks(document: &str) -> Vec<String> {
    let (mut blocks, mut open) = (Vec::new(), None::<String>);
    for line in document.lines() {
        let is_fence = line.trim_start().starts_with("```");
        match (&mut open, is_fence) {
            (None, true) => open = Some(String::new()),
            (None, false) => {}
            (Some(block), false) => {
                block.push_str(line);
                block.push('\n');
            }
            (Some(block), true) => {
                blocks.push(String::from(block.trim()));
                open = None;
            }
        }
    }
    blocks
}

/// The main job, and the tests; `.ci/run` reads the second from README and runs it word for word.
const COMMANDS: [&str; 2] = ["cargo run --release -- demo", "cargo test --workspace --no-fail-fast"];

#[cfg(test)]
mod tests {
    use super::code_blocks;

    #[test]
    fn blocks_are_read_in_order() {
        let document = "# T\n\n```sh\none\n```\ntext `x`\n```\ntwo\nthree\n```\n```\nnever closed\n";
        assert_eq!(code_blocks(document), ["one", "two\nthree"]);
    }
}
