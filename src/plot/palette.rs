//! Colours that readers with any colour vision tell apart, and that differ in lightness as well.

/// Red, green and blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub [u8; 3]);

pub(super) const BLACK: Color = Color([0, 0, 0]);
pub(super) const WHITE: Color = Color([255, 255, 255]);
/// Frames and ticks.
pub(super) const DARK: Color = Color([70, 70, 70]);
/// Lines that guide the eye along ticks.
pub(super) const FAINT: Color = Color([228, 228, 228]);

/// The series' colours: M. Okabe and K. Ito, "Color universal design" (2008), without the yellow, which is hard to see on
/// white.
const SERIES: [Color; 7] = [
    Color([0, 114, 178]),
    Color([213, 94, 0]),
    Color([0, 158, 115]),
    Color([204, 121, 167]),
    Color([230, 159, 0]),
    Color([86, 180, 233]),
    BLACK,
];

/// The colour of the series at `index`; after the last the first comes again, with other marks.
pub(super) fn series(index: usize) -> Color {
    SERIES[index % SERIES.len()]
}

/// Dark blue at 0, grey-green in the middle, yellow at 1: lightness rises all the way.
pub(super) fn ramp(t: f64) -> Color {
    const STOPS: [[f64; 3]; 4] =
        [[30.0, 50.0, 110.0], [60.0, 120.0, 140.0], [130.0, 180.0, 130.0], [250.0, 225.0, 110.0]];
    let place = t.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let below = (place as usize).min(STOPS.len() - 2);
    mix(STOPS[below], STOPS[below + 1], place - below as f64)
}

/// The colour for lines of a level, from dark grey at 0 to light grey at 1.
pub(super) fn grey(t: f64) -> Color {
    mix([95.0; 3], [195.0; 3], t)
}

/// The colour, darker.
pub(super) fn shade(Color(rgb): Color) -> Color {
    mix(rgb.map(f64::from), [0.0; 3], 0.25)
}

fn mix(a: [f64; 3], b: [f64; 3], t: f64) -> Color {
    Color(std::array::from_fn(|i| (a[i] + t * (b[i] - a[i])).round() as u8))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance without the correction for the display: enough to compare.
    fn lightness(Color([red, green, blue]): Color) -> f64 {
        0.299 * f64::from(red) + 0.587 * f64::from(green) + 0.114 * f64::from(blue)
    }

    #[test]
    fn the_ramp_gets_lighter_all_the_way() {
        let steps: Vec<f64> = (0..=50).map(|i| lightness(ramp(f64::from(i) / 50.0))).collect();
        assert!(steps.windows(2).all(|pair| pair[1] > pair[0]), "{steps:?}");
        assert_eq!((ramp(-1.0), ramp(2.0)), (ramp(0.0), ramp(1.0)));
    }
}
