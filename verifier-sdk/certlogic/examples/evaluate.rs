//! Validates a rule and evaluates it on data:
//! `cargo run -p sillok-certlogic --example evaluate -- RULE.json DATA.json`

use std::process::ExitCode;

use sillok_certlogic::{Expression, ExpressionError, Value};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [rule, data] = arguments.as_slice() else {
        eprintln!("usage: evaluate RULE.json DATA.json");
        return ExitCode::from(64);
    };
    match run(rule, data) {
        Ok(value) => {
            println!("{value}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(rule: &str, data: &str) -> Result<Value, String> {
    let read = |path: &str| std::fs::read(path).map_err(|error| format!("read {path}: {error}"));
    let rule = Expression::parse(&read(rule)?).map_err(|error| match error {
        ExpressionError::Invalid(issues) => {
            let lines: Vec<String> =
                issues.iter().map(|issue| format!("{issue}: {}", issue.expression)).collect();
            lines.join("\n")
        }
        other => other.to_string(),
    })?;
    let data = Value::parse(&read(data)?).map_err(|error| format!("read data: {error}"))?;
    rule.evaluate(&data).map_err(|error| error.to_string())
}
