//! What has changed between the kept counts and the new ones.

use crate::callgrind::Counts;
use crate::kept::Kept;
use std::fmt;

/// By how much a count may rise or fall before it is news. Two counts of one program differ by less than two thirds of this.
const NEWS: f64 = 0.03;

/// Old and new counts, side by side.
pub(crate) struct Comparison {
    rows: Vec<Row>,
}

struct Row {
    name: String,
    old: Option<f64>,
    new: Option<f64>,
}

/// What is to say of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    /// Nothing.
    Same,
    /// It takes more than 3 % more.
    Rose,
    /// It takes more than 3 % less.
    Fell,
    /// It was not counted before.
    New,
    /// It is not there any more.
    Gone,
}

impl Comparison {
    /// Compares. `all` says that what was kept and is not counted is no more.
    pub(crate) fn of(kept: &Kept, counted: &Counts, all: bool) -> Comparison {
        let mut rows: Vec<Row> = counted
            .iter()
            .map(|(name, count)| Row {
                name: name.clone(),
                old: kept.counts.get(name).copied(),
                new: Some(*count),
            })
            .collect();
        if all {
            let gone = kept.counts.iter().filter(|(name, _)| !counted.contains_key(*name));
            rows.extend(gone.map(|(name, count)| Row { name: name.clone(), old: Some(*count), new: None }));
        }
        Comparison { rows }
    }

    /// Whether the kept counts may stay as they are.
    pub(crate) fn holds(&self) -> bool {
        !self.has(&[Verdict::Rose, Verdict::New, Verdict::Gone])
    }

    /// What to do now. `foreign` says that the kept counts are of another toolchain.
    pub(crate) fn advice(&self, foreign: bool) -> &'static str {
        if foreign {
            "Such counts do not compare: the table is to look at. Whoever changes the compiler updates all (--update)."
        } else if self.has(&[Verdict::Rose]) {
            "Something takes more than 3 % more instructions. Make it faster, or keep the new counts (--update) and say \
             in the commit what they are for."
        } else if !self.holds() {
            "Paths were added or removed: --update keeps their counts."
        } else if self.has(&[Verdict::Fell]) {
            "Something takes more than 3 % less. Keep that (--update), so that it cannot be lost again unseen."
        } else {
            "Nothing has changed by more than 3 %."
        }
    }

    fn has(&self, verdicts: &[Verdict]) -> bool {
        self.rows.iter().any(|row| verdicts.contains(&row.verdict()))
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<48} {:>10} {:>10} {:>9}", "instructions per operation", "kept", "now", "change")?;
        for row in &self.rows {
            let count = |count: Option<f64>| count.map_or("-".to_owned(), |count| format!("{count:.1}"));
            let change = row.change().map_or(String::new(), |change| format!("{:+.2} %", change * 100.0));
            let remark = match row.verdict() {
                Verdict::Same => "",
                Verdict::Rose => "  ROSE",
                Verdict::Fell => "  fell",
                Verdict::New => "  new",
                Verdict::Gone => "  gone",
            };
            writeln!(
                f,
                "{:<48} {:>10} {:>10} {change:>9}{remark}",
                row.name,
                count(row.old),
                count(row.new)
            )?;
        }
        Ok(())
    }
}

impl Row {
    /// By which share the count is higher than it was.
    fn change(&self) -> Option<f64> {
        Some(self.new? / self.old? - 1.0)
    }

    fn verdict(&self) -> Verdict {
        match (self.old, self.change()) {
            (None, _) => Verdict::New,
            (_, None) => Verdict::Gone,
            (_, Some(change)) if change > NEWS => Verdict::Rose,
            (_, Some(change)) if change < -NEWS => Verdict::Fell,
            _ => Verdict::Same,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts<const N: usize>(counts: [(&str, f64); N]) -> Counts {
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
    }

    fn comparison<const N: usize>(new: [(&str, f64); N], all: bool) -> Comparison {
        let kept = Kept { toolchain: String::new(), counts: counts([("ack", 100.0), ("publish", 1000.0)]) };
        Comparison::of(&kept, &counts(new), all)
    }

    #[test]
    fn a_rise_within_the_bound_holds_and_one_beyond_it_does_not() {
        assert!(comparison([("ack", 102.9), ("publish", 1000.0)], true).holds());
        let rose = comparison([("ack", 103.1), ("publish", 1000.0)], true);
        assert!(!rose.holds());
        assert!(rose.to_string().contains("+3.10 %  ROSE"), "{rose}");
    }

    #[test]
    fn a_fall_holds_but_is_to_be_kept() {
        let fell = comparison([("ack", 90.0), ("publish", 1000.0)], true);
        assert!(fell.holds());
        assert!(fell.advice(false).contains("cannot be lost again"));
        assert!(fell.advice(true).contains("do not compare"));
    }

    #[test]
    fn paths_that_come_and_go_must_be_kept() {
        assert!(!comparison([("ack", 100.0), ("publish", 1000.0), ("nack", 1.0)], true).holds());
        assert!(!comparison([("ack", 100.0)], true).holds());
        // Only some were asked for.
        assert!(comparison([("ack", 100.0)], false).holds());
    }
}
