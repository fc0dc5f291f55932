//! From numbers to places along an axis, and where its ticks are.

use std::ops::Range;

/// How numbers are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Spread {
    Even,
    /// By decimal logarithms.
    Logarithmic,
}

/// Numbers of `range`, in the axis's own measure: as they are, or their decimal logarithms.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    pub range: Range<f64>,
    pub spread: Spread,
}

impl Scale {
    /// A scale for `numbers`, with a little room on both sides.
    pub fn around(numbers: impl IntoIterator<Item = f64>, spread: Spread) -> Scale {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for x in numbers.into_iter().map(|x| measure(x, spread)) {
            (low, high) = (low.min(x), high.max(x));
        }
        let room = match high - low {
            width if width > 0.0 => 0.04 * width,
            // A single number stands in the middle.
            _ => 0.5 * low.abs().max(1e-3),
        };
        Scale { range: low - room..high + room, spread }
    }

    /// Exactly the numbers of `range`.
    pub fn exactly(range: Range<f64>, spread: Spread) -> Scale {
        Scale { range: measure(range.start, spread)..measure(range.end, spread), spread }
    }

    /// Where `x` lies: 0 at the start of the range, 1 at its end.
    pub fn place(&self, x: f64) -> f64 {
        (measure(x, self.spread) - self.range.start) / (self.range.end - self.range.start)
    }

    /// About `count` round numbers of the range: the places and what to write there.
    pub fn ticks(&self, count: usize) -> Vec<(f64, String)> {
        let width = self.range.end - self.range.start;
        let step = round_step(width / count as f64);
        let step = if self.spread == Spread::Logarithmic { step.max(1.0).round() } else { step };
        let (first, last) = ((self.range.start / step).ceil(), (self.range.end / step).floor());
        let tick = |i: i64| {
            let x = i as f64 * step;
            let text = match self.spread {
                Spread::Even => number(x, step),
                Spread::Logarithmic => format!("1e{x}"),
            };
            ((x - self.range.start) / width, text)
        };
        (first as i64..=last as i64).map(tick).collect()
    }
}

fn measure(x: f64, spread: Spread) -> f64 {
    match spread {
        Spread::Even => x,
        Spread::Logarithmic => x.log10(),
    }
}

/// 1, 2 or 5 times a power of ten, at least `x`.
fn round_step(x: f64) -> f64 {
    let power = 10f64.powf(x.log10().floor());
    let digits = [1.0, 2.0, 5.0].into_iter().find(|digits| digits * power >= x * (1.0 - 1e-9));
    digits.unwrap_or(10.0) * power
}

/// `x` with the digits that tell it from `x + step`.
fn number(x: f64, step: f64) -> String {
    let digits = -step.log10().floor();
    match digits as i32 {
        5.. | ..-5 => format!("{x:.1e}"),
        digits => format!("{x:.*}", digits.max(0) as usize),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(range: Range<f64>, spread: Spread) -> Vec<String> {
        Scale::exactly(range, spread).ticks(5).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn ticks_are_round_numbers_of_the_range() {
        assert_eq!(texts(0.0..1.0, Spread::Even), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(texts(-12.0..31.0, Spread::Even), ["-10", "0", "10", "20", "30"]);
        assert_eq!(texts(1e-3..2e3, Spread::Logarithmic), ["1e-2", "1e0", "1e2"]);
        assert_eq!(texts(0.0..3e7, Spread::Even), ["0.0e0", "1.0e7", "2.0e7", "3.0e7"]);
    }

    #[test]
    fn places_run_from_0_to_1() {
        let scale = Scale::exactly(1.0..100.0, Spread::Logarithmic);
        assert_eq!([1.0, 10.0, 100.0].map(|x| scale.place(x)), [0.0, 0.5, 1.0]);
        let constant = Scale::around([3.0, 3.0], Spread::Even);
        assert_eq!(constant.place(3.0), 0.5);
    }
}
