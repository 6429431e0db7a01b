//! `certlogic-js` and our CertLogic on the same expressions and data: the same issues, and the same value or an error on
//! both sides.
//!
//! What the README of `verifier-sdk/certlogic` lists as stricter is not compared but counted: `driver.js` says so of a case
//! when it meets one.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value as Json, json};
use sillok_certlogic::{EvaluationError, Expression, ExpressionError, Value};

use crate::machine::Machine;
use crate::peer;

mod generator;

use generator::Generator;

/// `cargo xtask peers certlogic [CASES] [SEED]`.
pub(crate) fn run(machine: &Machine, arguments: &[String]) -> Result<()> {
    let number = |at: usize, default: u64| match arguments.get(at) {
        Some(text) => text.parse().with_context(|| format!("`{text}` is no number")),
        None => Ok(default),
    };
    let (cases, seed) = (number(0, CASES)?, number(1, SEED)?);
    let modules = peer::npm(machine, "certlogic-js", VERSION)?;
    let node = peer::debian("node", "nodejs")?;
    let scratch = machine.scratch("certlogic-")?;

    println!("certlogic: {cases} cases from seed {seed}");
    let mut generator = Generator::new(seed);
    let made: Vec<(Json, Json)> = (0..cases).map(|_case| generator.case()).collect();
    let theirs = evaluate_there(&node, &modules, scratch.path(), &made)?;
    ensure!(theirs.len() == made.len(), "{} answers to {} cases", theirs.len(), made.len());

    let mut tally = Tally::default();
    for ((expression, data), theirs) in made.iter().zip(&theirs) {
        let ours = evaluate_here(expression, data)?;
        tally.compare(&ours, theirs).with_context(|| format!("{expression} on {data}"))?;
    }
    tally.print();
    ensure!(tally.is_telling(), "the cases are not spread over values, errors and issues");
    Ok(())
}

/// Answers of `certlogic-js`, in order: `{"issues": [..]}` of an ill-formed expression, else `{"value": ..}`,
/// `{"error": ".."}` or `{"stricter": ".."}`.
fn evaluate_there(node: &Path, modules: &Path, scratch: &Path, cases: &[(Json, Json)]) -> Result<Vec<Json>> {
    let driver = scratch.join("driver.js");
    fs::write(&driver, DRIVER)?;
    let input = scratch.join("cases");
    let lines: Vec<String> =
        cases.iter().map(|(expression, data)| json!([expression, data]).to_string()).collect();
    fs::write(&input, lines.join("\n"))?;
    let output = Command::new(node)
        .args([&driver, &modules.join("certlogic-js"), &input])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("start node")?;
    ensure!(output.status.success(), "node ended with {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    text.lines().map(|line| serde_json::from_str(line).context("an answer is no JSON")).collect()
}

/// Our answer, in the same form.
fn evaluate_here(expression: &Json, data: &Json) -> Result<Ours> {
    let data = Value::parse(data.to_string().as_bytes()).context("read data")?;
    match Expression::parse(expression.to_string().as_bytes()) {
        Ok(expression) => {
            let again = Expression::parse(expression.to_string().as_bytes());
            ensure!(again.as_ref() == Ok(&expression), "what is written is not read as the same");
            Ok(Ours::Result(expression.evaluate(&data).map(|value| tagged(&value))))
        }
        Err(ExpressionError::Invalid(issues)) => {
            Ok(Ours::Issues(issues.iter().map(|issue| tagged(&issue.expression)).collect()))
        }
        Err(error) => Err(error.into()),
    }
}

enum Ours {
    Issues(Vec<Json>),
    Result(Result<Json, EvaluationError>),
}

/// A value as the driver writes it: JSON, and date-times as objects of their own.
fn tagged(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(value) => json!(value),
        Value::Integer(number) => json!(number),
        Value::Decimal(number) => json!(number.get()),
        Value::Text(text) => json!(text),
        Value::Array(items) => items.iter().map(tagged).collect(),
        Value::Object(members) => Json::Object(
            members.iter().map(|(name, value)| (name.clone(), tagged(value))).collect::<Map<_, _>>(),
        ),
        Value::DateTime(at) => json!({ "$date": at.milliseconds() }),
    }
}

/// How often what came out.
#[derive(Default)]
struct Tally {
    counts: BTreeMap<String, u64>,
}

impl Tally {
    fn compare(&mut self, ours: &Ours, theirs: &Json) -> Result<()> {
        let (value, error) = (theirs.get("value"), theirs.get("error"));
        let what = match ours {
            _ if theirs.get("stricter").is_some() => {
                format!("not compared: {}", theirs["stricter"].as_str().unwrap_or_default())
            }
            Ours::Issues(issues) => {
                let found = Json::from(issues.clone());
                ensure!(theirs.get("issues") == Some(&found), "issues: ours {found}, theirs {theirs}");
                "ill-formed on both sides, the same parts".to_owned()
            }
            Ours::Result(Ok(ours)) => {
                ensure!(value == Some(ours), "value: ours {ours}, theirs {theirs}");
                let kind = match ours {
                    Json::Bool(_) => "a boolean",
                    Json::Number(_) => "a number",
                    Json::String(_) => "a string",
                    Json::Null => "null",
                    Json::Array(_) | Json::Object(_) => "something else",
                };
                format!("the same value, {kind}")
            }
            Ours::Result(Err(ours)) => {
                ensure!(error.is_some(), "error: ours `{ours}`, theirs {theirs}");
                "an error on both sides".to_owned()
            }
        };
        *self.counts.entry(what).or_default() += 1;
        Ok(())
    }

    fn print(&self) {
        for (what, count) in &self.counts {
            println!("certlogic: {count:>8} {what}");
        }
    }

    /// Whether a twentieth of the cases or more are in each of the classes, and most are compared.
    fn is_telling(&self) -> bool {
        let of = |start: &str| -> u64 {
            self.counts
                .iter()
                .filter(|(what, _count)| what.starts_with(start))
                .map(|(_what, count)| count)
                .sum()
        };
        let all = of("");
        let enough =
            ["the same value", "an error", "ill-formed"].into_iter().all(|class| of(class) * 20 >= all);
        enough && of("not compared") * 5 <= all
    }
}

const DRIVER: &str = include_str!("certlogic/driver.js");

const VERSION: &str = "1.2.2";

const CASES: u64 = 200_000;

/// Any number.
const SEED: u64 = 20_220_103;
