//! What was to be reached, and what was.

use std::fmt;

/// Targets with their figures, in the order in which they were measured.
#[derive(Default)]
pub(super) struct Summary(Vec<Row>);

struct Row {
    what: String,
    wanted: String,
    figure: String,
    reached: bool,
}

impl Summary {
    /// At least `least`.
    pub(super) fn least(&mut self, what: &str, figure: f64, least: f64) {
        self.push(what, format!("at least {least}"), format!("{figure:.3}"), figure >= least);
    }

    /// At most `most` of a unit.
    pub(super) fn most(&mut self, what: &str, figure: f64, most: f64, unit: &str) {
        self.push(what, format!("at most {most} {unit}"), format!("{figure:.1} {unit}"), figure <= most);
    }

    /// Something else.
    pub(super) fn push(&mut self, what: &str, wanted: String, figure: String, reached: bool) {
        self.0.push(Row { what: what.into(), wanted, figure, reached });
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "targets:")?;
        for Row { what, wanted, figure, reached } in &self.0 {
            let reached = if *reached { "reached" } else { "NOT REACHED" };
            writeln!(f, "  {what:<63} {wanted:<18} {figure:>12}  {reached}")?;
        }
        Ok(())
    }
}
