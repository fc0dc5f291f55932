//! Counts of numbers in bins of one width.

/// Width and number of the bins for weights.
pub const WIDTH: f64 = 0.25;
pub const BINS: usize = 22;

/// How many numbers lie in each of some bins around 0; the first and the last bin have no outer end.
pub struct Histogram {
    width: f64,
    pub counts: Vec<usize>,
}

impl Histogram {
    /// Counts of `numbers` in `bins` bins of `width`, as many below 0 as above. A number between two bins is in the
    /// upper one.
    pub fn new<'a>(numbers: impl IntoIterator<Item = &'a f64>, width: f64, bins: usize) -> Histogram {
        let mut counts = vec![0; bins];
        for x in numbers {
            let place = (x / width).floor() + (bins / 2) as f64;
            counts[place.clamp(0.0, (bins - 1) as f64) as usize] += 1;
        }
        Histogram { width, counts }
    }

    /// The numbers that a bin is for.
    pub fn label(&self, bin: usize) -> String {
        let edge = |bin: usize| (bin as f64 - (self.counts.len() / 2) as f64) * self.width;
        match bin {
            0 => format!("{:>5}  below {:5.2}", "", edge(1)),
            _ if bin + 1 == self.counts.len() => format!("{:5.2}  and above  ", edge(bin)),
            _ => format!("{:5.2}  to    {:5.2}", edge(bin), edge(bin + 1)),
        }
    }

    /// A bar for the count of a bin: `longest` characters for the largest count.
    pub fn bar(&self, bin: usize, longest: usize) -> String {
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1);
        "#".repeat((self.counts[bin] * longest + most / 2) / most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_is_in_one_bin_and_the_outermost_take_the_rest() {
        let numbers = [-1e9, -1.01, -1.0, -0.2, 0.0, 0.99, 1.0, 5.0, f64::MAX];
        let histogram = Histogram::new(&numbers, 1.0, 4);
        assert_eq!(histogram.counts, [2, 2, 2, 3]);
        let labels: Vec<String> = (0..4).map(|bin| histogram.label(bin)).collect();
        assert_eq!(
            labels,
            ["       below -1.00", "-1.00  to     0.00", " 0.00  to     1.00", " 1.00  and above  "]
        );
    }

    #[test]
    fn bars_are_in_proportion_to_the_counts() {
        let histogram = Histogram { width: 1.0, counts: vec![0, 4, 5, 50, 100] };
        let bars: Vec<usize> = (0..5).map(|bin| histogram.bar(bin, 10).len()).collect();
        assert_eq!(bars, [0, 0, 1, 5, 10]);
        assert_eq!(Histogram::new(&[], 1.0, 2).bar(1, 10), "");
    }
}
