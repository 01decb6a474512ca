//! Collects figures; prints them as text or JSON.

use std::fmt::Write;

/// One comparison: a figure, its floor, and the bound on their ratio.
struct Line {
    name: &'static str,
    value: f64,
    floor: f64,
    unit: &'static str,
    ratio: f64,
    bound: Bound,
}

pub enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Report {
    /// Rounds of (figure, floor), measured in turns.
    pub fn add(
        &mut self,
        name: &'static str,
        unit: &'static str,
        rounds: &[(f64, f64)],
        bound: Bound,
    ) {
        let over = |part: fn(&(f64, f64)) -> f64| median(rounds.iter().map(part).collect());
        self.lines.push(Line {
            name,
            value: over(|round| round.0),
            floor: over(|round| round.1),
            unit,
            ratio: over(|round| round.0 / round.1),
            bound,
        });
    }

    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let (holds, bound) = line.judged();
            let verdict = if holds { "" } else { "  MISSED" };
            let _ = writeln!(
                text,
                "{:<44} {:>14.1} {:<14} floor {:>14.1}  ratio {:>6.2} ({bound}){verdict}",
                line.name, line.value, line.unit, line.floor, line.ratio
            );
        }
        text
    }

    pub fn to_json(&self) -> String {
        let lines = self.lines.iter().map(|line| {
            let (holds, bound) = line.judged();
            format!(
                r#"{{"name":"{}","value":{:.3},"floor":{:.3},"unit":"{}","ratio":{:.4},"bound":"{bound}","holds":{holds}}}"#,
                line.name, line.value, line.floor, line.unit, line.ratio
            )
        });
        format!("[{}]\n", lines.collect::<Vec<_>>().join(","))
    }
}

impl Line {
    fn judged(&self) -> (bool, String) {
        match self.bound {
            Bound::AtMost(most) => (self.ratio <= most, format!("at most {most}")),
            Bound::AtLeast(least) => (self.ratio >= least, format!("at least {least}")),
        }
    }
}
