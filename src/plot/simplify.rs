//! Lines through fewer points that look the same.

use crate::plot::canvas::Point;

/// How far a line may lie from the points that are left out, in units of the figure.
const TOLERANCE: f64 = 0.2;

/// The points that a line needs so as to pass all of them at no more than a fifth of a unit.
///
/// U. Ramer, "An iterative procedure for the polygonal approximation of plane curves" (1972); D. H. Douglas and T. K.
/// Peucker (1973): of the points between two that are kept, the one furthest from the segment is kept too, if it is too
/// far.
pub(super) fn simplified(points: &[Point]) -> Vec<Point> {
    let Some(last) = points.len().checked_sub(1) else { return Vec::new() };
    let mut kept = vec![false; points.len()];
    (kept[0], kept[last]) = (true, true);
    let mut stretches = vec![(0, last)];
    while let Some((start, end)) = stretches.pop() {
        let distance = |i: &usize| distance(points[*i], points[start], points[end]);
        let furthest = (start + 1..end).max_by(|a, b| distance(a).total_cmp(&distance(b)));
        if let Some(middle) = furthest.filter(|middle| distance(middle) > TOLERANCE) {
            kept[middle] = true;
            stretches.extend([(start, middle), (middle, end)]);
        }
    }
    points.iter().zip(kept).filter_map(|(&point, kept)| kept.then_some(point)).collect()
}

/// Distance of a point from the segment between `a` and `b`, which may be a single point.
fn distance((x, y): Point, a: Point, b: Point) -> f64 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = dx * dx + dy * dy;
    let along = if length == 0.0 { 0.0 } else { ((x - a.0) * dx + (y - a.1) * dy) / length };
    let t = along.clamp(0.0, 1.0);
    (x - a.0 - t * dx).hypot(y - a.1 - t * dy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_stay_and_points_on_a_line_go() {
        let line = [(0.0, 0.0), (1.0, 0.05), (2.0, 0.0), (2.0, 5.0), (2.0, 9.0)];
        assert_eq!(simplified(&line), [(0.0, 0.0), (2.0, 0.0), (2.0, 9.0)]);
        assert_eq!(simplified(&[]), []);
        assert_eq!(simplified(&[(1.0, 2.0)]), [(1.0, 2.0)]);
        assert_eq!(simplified(&[(1.0, 2.0); 3]), [(1.0, 2.0); 2]);
    }

    #[test]
    fn a_line_that_goes_back_and_forth_or_around_keeps_its_ends() {
        assert_eq!(simplified(&[(0.0, 0.0), (9.0, 0.0), (3.0, 0.0)]), [(0.0, 0.0), (9.0, 0.0), (3.0, 0.0)]);
        let square = [(0.0, 0.0), (5.0, 0.0), (5.0, 5.0), (0.0, 5.0), (0.0, 0.0)];
        assert_eq!(simplified(&square), square);
    }

    #[test]
    fn every_point_lies_near_what_is_left() {
        let circle: Vec<Point> = (0..=1000)
            .map(|i| 0.002 * std::f64::consts::PI * f64::from(i))
            .map(|t| (50.0 * t.cos(), 50.0 * t.sin()))
            .collect();
        let few = simplified(&circle);
        assert!(few.len() < 80, "{} points", few.len());
        for &point in &circle {
            let nearest =
                few.windows(2).map(|pair| distance(point, pair[0], pair[1])).fold(f64::INFINITY, f64::min);
            assert!(nearest <= TOLERANCE, "{point:?} is {nearest} away");
        }
    }
}
