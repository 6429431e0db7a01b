//! Progress bars: on a terminal only, and never on standard output.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar that counts `what`. It draws nothing unless standard error is a terminal.
pub(crate) fn bar(what: &str) -> ProgressBar {
    let template = format!("{{bar:40}} {{human_pos}} of {{human_len}} {what}, {{per_sec}}, {{eta}} left");
    let style =
        ProgressStyle::with_template(&template).unwrap_or_else(|_template| ProgressStyle::default_bar());
    ProgressBar::new(0).with_style(style)
}
