//! Structured logs on standard error.

use tracing_subscriber::filter::LevelFilter;

use crate::config::Settings;

/// Starts logging as the settings say. Called once, by commands that serve.
pub(crate) fn start(settings: &Settings) {
    let level = match settings.log_level.as_str() {
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _info => LevelFilter::INFO,
    };
    let builder = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    if settings.log_format == "json" {
        builder.json().init();
    } else {
        builder.with_ansi(false).init();
    }
}

/// Starts logging for commands that serve on the side: errors only.
pub(crate) fn start_quiet() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::ERROR)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}

/// Starts logging for commands that serve without a data folder of settings.
pub(crate) fn start_plain() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::INFO)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}
