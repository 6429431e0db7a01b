//! The text of a new `sillok.toml`: every setting with its meaning, those that differ from their default set.

use std::fmt::Write as _;

use toml::Value;

use super::SETTINGS;

/// Composes the file. `values` are the settings that are set, `tables` the text of the lists after them.
pub(crate) fn compose_file(values: &[(&str, &str)], tables: &str) -> String {
    let mut text = String::from(HEAD);
    for setting in SETTINGS {
        for line in setting.meaning.lines() {
            push(&mut text, format_args!("# {line}\n"));
        }
        let set = values.iter().find(|(name, _value)| *name == setting.name);
        match set {
            Some((name, value)) => push(&mut text, format_args!("{name} = {}\n\n", Value::from(*value))),
            None => push(&mut text, format_args!("#{} = {}\n\n", setting.name, setting.default_value())),
        }
    }
    text.push_str(tables);
    text
}

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    text.write_fmt(line).unwrap_or_default();
}

const HEAD: &str = "\
# Settings of this data folder. A flag goes before a variable SILLOK_<NAME>, that before this file, and
# this file before the default, which is what the commented lines show. `sillok config` prints all of it.

";
