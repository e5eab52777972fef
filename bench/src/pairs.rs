//! Comparing under a machine that changes its mind: there and back, and ratios of neighbours.

use std::collections::BTreeMap;

/// The order of a pass: there, back, there again and so on, so that whatever drifts steadily hits everybody alike.
/// Two passes are a round.
pub fn in_order_of<T: Copy>(pass: u32, subjects: &[T]) -> Vec<T> {
    match pass % 2 {
        0 => subjects.to_vec(),
        _ => subjects.iter().rev().copied().collect(),
    }
}

/// Several figures of the same thing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The one in the middle, or the mean of the two there.
    pub median: f64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// How many there are.
    pub n: usize,
}

impl Spread {
    /// Of all figures that are numbers; `None` when there are none.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut figures: Vec<f64> = figures.into_iter().filter(|figure| figure.is_finite()).collect();
        figures.sort_by(f64::total_cmp);
        let n = figures.len();
        let (min, max) = (*figures.first()?, *figures.last()?);
        Some(Self { median: f64::midpoint(figures[(n - 1) / 2], figures[n / 2]), min, max, n })
    }

    /// How far they lie apart, as a share of the median.
    pub fn width(&self) -> f64 {
        if self.max == self.min { 0.0 } else { (self.max - self.min) / self.median.abs() }
    }
}

/// Ours by theirs, one ratio for each round in which both have figures: the mean of a round's figures, since each of
/// the two ran on the way there and on the way back.
pub fn ratios(
    ours: impl IntoIterator<Item = (u32, f64)>,
    theirs: impl IntoIterator<Item = (u32, f64)>,
) -> Vec<f64> {
    let theirs = means(theirs);
    means(ours)
        .into_iter()
        .filter_map(|(round, ours)| theirs.get(&round).map(|theirs| ours / theirs))
        .filter(|ratio| ratio.is_finite())
        .collect()
}

fn means(figures: impl IntoIterator<Item = (u32, f64)>) -> BTreeMap<u32, f64> {
    let mut rounds: BTreeMap<u32, Vec<f64>> = BTreeMap::new();
    for (round, figure) in figures {
        rounds.entry(round).or_default().push(figure);
    }
    rounds.into_iter().map(|(round, all)| (round, all.iter().sum::<f64>() / all.len() as f64)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_goes_there_and_back() {
        let passes: Vec<_> = (0..3).flat_map(|pass| in_order_of(pass, &["t", "p", "q"])).collect();
        assert_eq!(passes, ["t", "p", "q", "q", "p", "t", "t", "p", "q"]);
    }

    #[test]
    fn the_middle_and_the_ends() {
        let spread = Spread::of([3.0, 1.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.min, spread.max, spread.n), (2.0, 1.0, 3.0, 3));
        assert_eq!(spread.width(), 1.0);
        assert_eq!(Spread::of([4.0, f64::NAN, 2.0]).unwrap().median, 3.0);
        assert_eq!(Spread::of([0.0]).unwrap().width(), 0.0);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_machine_that_slows_down_steadily_changes_no_ratio() {
        // There and back: T P P T at 100 %, 90 %, 80 %, 70 % of its speed; T is really twice as fast.
        let ours = [(0, 200.0 * 1.0), (0, 200.0 * 0.7)];
        let theirs = [(0, 100.0 * 0.9), (0, 100.0 * 0.8)];
        assert_eq!(ratios(ours, theirs), [2.0]);
    }

    #[test]
    fn a_round_that_one_of_them_lacks_is_no_pair() {
        assert_eq!(ratios([(0, 2.0), (1, 9.0)], [(0, 1.0), (2, 5.0)]), [2.0]);
        assert_eq!(ratios([(0, 2.0)], [(0, 0.0)]), [] as [f64; 0]);
    }
}
