//! Expressions that mostly fit their data, some that do not, and some that are no expressions.

use fastrand::Rng;
use serde_json::{Value as Json, json};

pub(super) struct Generator {
    rng: Rng,
    /// Whether the expression that is being made lies in the second operand of a `reduce`.
    folded: bool,
}

/// What an operation asks of an operand.
#[derive(Clone, Copy)]
enum Wanted {
    Any,
    Array,
    Bool,
    Date,
    Integer,
    Text,
    Time,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: Rng::with_seed(seed), folded: false }
    }

    /// An expression and data.
    pub(super) fn case(&mut self) -> (Json, Json) {
        let wanted = self.pick(&[Wanted::Bool, Wanted::Bool, Wanted::Bool, Wanted::Any]);
        let depth = self.rng.u8(1..6);
        let mut expression = self.expression(wanted, depth);
        if self.one_in(8) {
            self.damage(&mut expression);
        }
        (expression, self.data())
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.rng.u32(..count) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(..from.len())]
    }

    fn many(&mut self, from: usize, to: usize, mut make: impl FnMut(&mut Self) -> Json) -> Vec<Json> {
        let count = self.rng.usize(from..=to);
        (0..count).map(|_item| make(self)).collect()
    }

    fn expression(&mut self, wanted: Wanted, depth: u8) -> Json {
        // Now and then something else than is asked for.
        let wanted = if self.one_in(14) { self.anything() } else { wanted };
        let Some(depth) = depth.checked_sub(1) else { return self.leaf(wanted) };
        if self.one_in(6) {
            return self.leaf(wanted);
        }
        if self.one_in(7) {
            let guard = self.expression(Wanted::Any, depth);
            return json!({ "if": [guard, self.expression(wanted, depth), self.expression(wanted, depth)] });
        }
        match wanted {
            Wanted::Any => {
                let wanted = self.anything();
                self.expression(wanted, depth)
            }
            Wanted::Array => Json::from(self.many(0, 4, |this| this.expression(Wanted::Any, depth))),
            Wanted::Bool => self.test(depth),
            Wanted::Integer if self.one_in(2) => {
                json!({ "+": [self.expression(Wanted::Integer, depth), self.expression(Wanted::Integer, depth)] })
            }
            Wanted::Integer => self.reduction(Wanted::Integer, depth),
            Wanted::Text => {
                let text = self.expression(Wanted::Text, depth);
                json!({ "extractFromUVCI": [text, self.rng.i64(-1..6)] })
            }
            Wanted::Date => self.expression(Wanted::Date, 0),
            Wanted::Time => self.time(depth),
        }
    }

    fn anything(&mut self) -> Wanted {
        self.pick(&[Wanted::Array, Wanted::Bool, Wanted::Date, Wanted::Integer, Wanted::Text, Wanted::Time])
    }

    /// An operation that says yes or no.
    fn test(&mut self, depth: u8) -> Json {
        let operands = |this: &mut Self, wanted| this.many(2, 3, |this| this.expression(wanted, depth));
        match self.rng.u8(..9) {
            0 => json!({ "and": self.many(2, 4, |this| this.expression(Wanted::Bool, depth)) }),
            1 => json!({ "!": [self.expression(Wanted::Any, depth)] }),
            2 => {
                let wanted = self.pick(&[Wanted::Any, Wanted::Integer, Wanted::Text]);
                json!({ "===": [self.expression(wanted, depth), self.expression(wanted, depth)] })
            }
            3 => {
                json!({ "in": [self.expression(Wanted::Any, depth), self.expression(Wanted::Array, depth)] })
            }
            4 | 5 => {
                let operator = self.pick(&["<", ">", "<=", ">="]);
                json!({ operator: operands(self, Wanted::Integer) })
            }
            6 => self.reduction(Wanted::Bool, depth),
            _ => {
                let operator = self.pick(&["after", "before", "not-after", "not-before"]);
                json!({ operator: operands(self, Wanted::Time) })
            }
        }
    }

    fn reduction(&mut self, wanted: Wanted, depth: u8) -> Json {
        let operand = self.expression(Wanted::Array, depth);
        let initial = self.expression(wanted, depth);
        let outside = std::mem::replace(&mut self.folded, true);
        let lambda = self.expression(wanted, depth);
        self.folded = outside;
        json!({ "reduce": [operand, lambda, initial] })
    }

    fn time(&mut self, depth: u8) -> Json {
        let date = self.expression(Wanted::Date, depth);
        if self.one_in(6) {
            return json!({ "dccDateOfBirth": [date] });
        }
        let amount = match self.rng.u8(..8) {
            0 | 1 => 0,
            2 => self.rng.i64(-3_000_000..3_000_000),
            3 => self.rng.i64(-9_007_199_254_740_991..=9_007_199_254_740_991),
            _ => self.rng.i64(-400..400),
        };
        json!({ "plusTime": [date, amount, self.pick(&["year", "month", "day", "hour"])] })
    }

    fn leaf(&mut self, wanted: Wanted) -> Json {
        if self.one_in(2) {
            return json!({ "var": self.path() });
        }
        match wanted {
            Wanted::Any => {
                let wanted = self.anything();
                self.leaf(wanted)
            }
            Wanted::Array => Json::from(self.many(0, 3, |this| this.leaf(Wanted::Integer))),
            Wanted::Bool => json!(self.rng.bool()),
            Wanted::Date => json!(self.date()),
            Wanted::Integer => json!(self.integer()),
            Wanted::Text => json!(self.text()),
            Wanted::Time => {
                json!({ "plusTime": [self.date(), self.rng.i64(-400..400), self.pick(&["year", "month", "day", "hour"])] })
            }
        }
    }

    fn integer(&mut self) -> i64 {
        match self.rng.u8(..12) {
            0 => self.rng.i64(-4_000_000_000_000..4_000_000_000_000),
            _ => self.rng.i64(-3..6),
        }
    }

    fn text(&mut self) -> String {
        let texts = [
            "",
            "a",
            "neg",
            "0",
            "URN:UVCI:01:SE:EHM/V12907267#3",
            "01::a//#",
            "URN:UVCI:",
            "한국",
            "\u{1f600}/\n",
        ];
        self.pick(&texts).to_owned()
    }

    fn path(&mut self) -> String {
        let first: &[&str] = if self.folded {
            &["current", "current", "accumulator", "accumulator", "", "current.a", "a"]
        } else {
            &[
                "a",
                "b",
                "c",
                "list",
                "list.0",
                "list.1.a",
                "dates.0",
                "dates.1",
                "number",
                "flag",
                "",
                "gone",
                "gone.x",
                "nothing.0",
            ]
        };
        let mut path = self.pick(first).to_owned();
        if self.one_in(12) && !path.is_empty() {
            path.push_str(self.pick(&[".a", ".0", ".1", ".x", ".00"]));
        }
        path
    }

    /// A date or a date-time in one of the formats, now and then in none of them.
    fn date(&mut self) -> String {
        let year = if self.one_in(20) { self.rng.u16(..10_000) } else { self.rng.u16(1995..2026) };
        let mut month = self.rng.u8(1..=12);
        let mut day = if self.one_in(3) { self.rng.u8(28..=31) } else { self.rng.u8(1..=28) };
        if self.one_in(60) {
            (month, day) = (self.rng.u8(..20), self.rng.u8(..40));
        }
        match self.rng.u8(..12) {
            0 => return format!("{year:04}"),
            1 => return format!("{year:04}-{month:02}"),
            2..=6 => return format!("{year:04}-{month:02}-{day:02}"),
            7 if self.one_in(4) => return format!("{year:04}-{month}-{day:02}"),
            _ => {}
        }
        let (mut hours, mut minutes, mut seconds) = (self.rng.u8(..24), self.rng.u8(..60), self.rng.u8(..60));
        if self.one_in(20) {
            (hours, minutes, seconds) =
                if self.one_in(2) { (24, 0, 0) } else { (self.rng.u8(20..30), 60, self.rng.u8(50..70)) };
        }
        let mut text = format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}");
        if self.one_in(3) {
            text.push_str(self.pick(&[
                ".0",
                ".5",
                ".12",
                ".999",
                ".9999",
                ".000999999",
                ".",
                ".1234567890123",
            ]));
        }
        let offset = self.rng.u8(..12);
        text.push_str(match offset {
            0..=3 => "Z",
            4..=5 => "",
            _ => self.pick(&[
                "+9", "-09", "+930", "-0930", "+9:30", "+09:00", "-11:59", "+00:00", "+24:00", "+09:", "z",
                "+1:3", " ", "+14",
            ]),
        });
        text
    }

    fn data(&mut self) -> Json {
        let number = match self.rng.u8(..8) {
            0 => json!(0.5),
            1 => json!(-2.25e-3),
            2 => json!(self.text()),
            _ => json!(self.integer()),
        };
        let list = self.many(0, 4, |this| match this.rng.u8(..6) {
            0 => json!({ "a": this.integer() }),
            1 => json!([this.integer()]),
            2 => json!(this.text()),
            _ => json!(this.integer()),
        });
        let mut data = json!({
            "a": self.integer(),
            "b": self.text(),
            "c": { "a": self.integer(), "0": self.text() },
            "list": list,
            "dates": [self.date(), self.date()],
            "number": number,
            "flag": self.rng.bool(),
            "nothing": null,
        });
        if self.one_in(3) {
            let gone = self.pick(&["a", "b", "c", "list", "dates", "flag"]);
            data.as_object_mut().and_then(|members| members.remove(gone));
        }
        match self.rng.u8(..40) {
            0 => Json::Null,
            1 => json!([self.integer(), self.text()]),
            2 => json!(self.date()),
            _ => data,
        }
    }

    /// Makes something ill-formed of one part, most of the time.
    fn damage(&mut self, expression: &mut Json) {
        match expression {
            Json::Array(items) if !items.is_empty() && !self.one_in(4) => {
                let at = self.rng.usize(..items.len());
                self.damage(&mut items[at]);
            }
            Json::Object(members) if !self.one_in(4) => {
                if let Some(operands) = members.values_mut().next() {
                    if let Json::Array(items) = operands
                        && self.one_in(3)
                    {
                        if self.one_in(2) {
                            items.pop();
                        } else {
                            items.push(json!(1));
                        }
                        return;
                    }
                    self.damage(operands);
                }
            }
            _ => {
                let values = [
                    json!(null),
                    json!(1.5),
                    json!({}),
                    json!({ "or": [true, false] }),
                    json!({ "var": 0 }),
                    json!({ "var": "a..b" }),
                    json!({ "var": "a", "if": [] }),
                    json!({ "and": "a" }),
                    json!("week"),
                    json!({ "-": [1, 1] }),
                ];
                *expression = values[self.rng.usize(..values.len())].clone();
            }
        }
    }
}
