//! Lines along which a function on a grid has one value.

use std::collections::{HashMap, HashSet};

use crate::plot::canvas::Point;
use crate::plot::grid::Grid;

/// A side of a cell: from the grid's point (column, row), to the right or up.
type Side = (usize, usize, bool);

impl Grid {
    /// The lines along which the function, linear between neighbours, is `level`.
    ///
    /// Marching squares (W. E. Lorensen and H. E. Cline, 1987, in the plane): a line crosses a cell's sides between a
    /// corner below the level and one that is not. In a saddle, where it crosses all four, the cell's mean decides
    /// which crossings belong together.
    pub fn level(&self, level: f64) -> Vec<Vec<Point>> {
        let mut neighbours: HashMap<Side, Vec<Side>> = HashMap::new();
        let mut order = Vec::new();
        for row in 0..self.y.len() - 1 {
            for column in 0..self.x.len() - 1 {
                for (a, b) in self.crossings(column, row, level) {
                    neighbours.entry(a).or_default().push(b);
                    neighbours.entry(b).or_default().push(a);
                    order.extend([a, b]);
                }
            }
        }
        // Open lines first, from their ends; what is left are closed ones.
        let ends = order.iter().filter(|side| neighbours[side].len() == 1);
        let starts: Vec<Side> = ends.chain(&order).copied().collect();
        let mut drawn = HashSet::new();
        let lines = starts.into_iter().filter_map(|start| chain(start, &neighbours, &mut drawn));
        lines.map(|line| line.into_iter().map(|side| self.crossing(side, level)).collect()).collect()
    }

    /// The pairs of sides of a cell that are joined by a piece of the line.
    fn crossings(&self, column: usize, row: usize, level: f64) -> Vec<(Side, Side)> {
        let corners = [(0, 0), (1, 0), (1, 1), (0, 1)].map(|(i, j)| self.at(column + i, row + j));
        let above = corners.map(|value| value >= level);
        let sides: [Side; 4] =
            [(column, row, true), (column + 1, row, false), (column, row + 1, true), (column, row, false)];
        let crossed: Vec<Side> =
            (0..4).filter(|&i| above[i] != above[(i + 1) % 4]).map(|i| sides[i]).collect();
        match crossed[..] {
            [a, b] => vec![(a, b)],
            [bottom, right, top, left] => {
                let mean_above = corners.iter().sum::<f64>() / 4.0 >= level;
                match mean_above == above[0] {
                    true => vec![(bottom, right), (top, left)],
                    false => vec![(bottom, left), (top, right)],
                }
            }
            _ => Vec::new(),
        }
    }

    /// Where the line crosses a side.
    fn crossing(&self, (column, row, across): Side, level: f64) -> Point {
        let (right, up) = if across { (1, 0) } else { (0, 1) };
        let (a, b) = (self.at(column, row), self.at(column + right, row + up));
        let t = (level - a) / (b - a);
        let between = |from: f64, to: f64| from + t * (to - from);
        (between(self.x[column], self.x[column + right]), between(self.y[row], self.y[row + up]))
    }
}

/// The sides that follow each other from `start` on, unless they have been drawn.
fn chain(start: Side, neighbours: &HashMap<Side, Vec<Side>>, drawn: &mut HashSet<Side>) -> Option<Vec<Side>> {
    if !drawn.insert(start) {
        return None;
    }
    let mut line = vec![start];
    let mut last = start;
    while let Some(&next) = neighbours[&last].iter().find(|side| !drawn.contains(*side)) {
        drawn.insert(next);
        line.push(next);
        last = next;
    }
    if line.len() > 2 && neighbours[&last].contains(&start) {
        line.push(start);
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(f: impl Fn(f64, f64) -> f64) -> Grid {
        Grid::new(-1.0..1.0, -1.0..1.0, 41, f)
    }

    #[test]
    fn a_circle_is_one_closed_line() {
        let lines = grid(|x, y| x * x + y * y).level(0.5);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].first(), lines[0].last());
        assert!(lines[0].len() > 100);
        assert!(lines[0].iter().all(|(x, y)| (x * x + y * y - 0.5).abs() < 2e-3));
    }

    #[test]
    fn a_saddle_has_two_open_lines() {
        for (level, side) in [(0.101, 1.0), (-0.101, -1.0)] {
            let lines = grid(|x, y| x * y).level(level);
            assert_eq!(lines.len(), 2);
            assert!(lines.iter().flatten().all(|(x, y)| (x * y - level).abs() < 2e-3 && x * y * side > 0.0));
        }
    }

    #[test]
    fn in_a_cell_with_a_saddle_lines_go_round_the_corners_beyond_the_mean() {
        let cell = Grid::new(0.0..1.0, 0.0..1.0, 2, |x, y| if x == y { 1.0 } else { -1.0 });
        for (level, corner) in [(0.1, (0.0, 0.0)), (-0.1, (1.0, 0.0))] {
            let near = |(x, y): &Point| (x - corner.0).abs() + (y - corner.1).abs() < 0.5;
            let lines = cell.level(level);
            assert_eq!(lines.len(), 2);
            assert_eq!(lines.iter().filter(|line| line.iter().all(near)).count(), 1, "{lines:?}");
        }
    }

    #[test]
    fn a_level_that_is_not_reached_has_no_line() {
        assert!(grid(|x, y| x + y).level(3.0).is_empty());
        assert!(grid(|_, _| 1.0).level(1.0).is_empty());
    }
}
