//! Line searches: for the strong Wolfe conditions, and back until the function falls enough.

/// A point on the line: the step, the function there, its gradient, and its slope along the line.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub t: f64,
    pub f: f64,
    pub gradient: Vec<f64>,
    pub slope: f64,
}

/// When a step is good enough, and when to give up.
pub(super) struct Wolfe {
    /// The function must fall by this share of what the first slope promises.
    pub decrease: f64,
    /// The slope must flatten to this share of the first.
    pub curvature: f64,
    /// Stop when the bracket moves no element of the parameters by more than this.
    pub smallest: f64,
    pub evaluations: usize,
}

impl Wolfe {
    fn falls_enough(&self, start: &Point, point: &Point) -> bool {
        point.f <= start.f + self.decrease * point.t * start.slope
    }

    fn flat_enough(&self, start: &Point, point: &Point) -> bool {
        point.slope.abs() <= -self.curvature * start.slope
    }

    /// The first point that falls enough, going back from `first`; the start if there is none.
    ///
    /// Nocedal and Wright, "Numerical optimization" (2006), algorithm 3.1; each step is where the parabola through what
    /// is known has its minimum, but at least a tenth of the last and at most half of it.
    pub fn backtrack(&self, start: &Point, first: f64, line: &mut dyn FnMut(f64) -> Point) -> Point {
        let mut t = first;
        for _ in 0..self.evaluations {
            let point = line(t);
            if self.falls_enough(start, &point) {
                return point;
            }
            let minimum = -start.slope * t * t / (2.0 * (point.f - start.f - start.slope * t));
            // Where the function is no number there is no parabola.
            t = if minimum.is_nan() { 0.5 * t } else { minimum.clamp(0.1 * t, 0.5 * t) };
        }
        start.clone()
    }

    /// A point that satisfies both conditions, or the best that was found.
    ///
    /// Nocedal and Wright, "Numerical optimization" (2006), algorithms 3.5 and 3.6, with the interpolation and the
    /// limits of `minFunc`, which PyTorch has taken over.
    ///
    /// `largest` is the largest element of the direction.
    pub fn search(
        &self,
        start: &Point,
        first: f64,
        largest: f64,
        line: &mut dyn FnMut(f64) -> Point,
    ) -> Point {
        let (mut last, mut point) = (start.clone(), line(first));
        let mut n = 0;
        let mut bracket = loop {
            if n == self.evaluations {
                // The best of the start and the last point.
                break [start.clone(), point];
            }
            if !self.falls_enough(start, &point) || n > 1 && point.f >= last.f {
                break [last, point];
            }
            if self.flat_enough(start, &point) {
                return point;
            }
            if point.slope >= 0.0 {
                break [last, point];
            }
            let t = cubic_minimum(&last, &point, point.t + 0.01 * (point.t - last.t), point.t * 10.0);
            (last, point) = (point, line(t));
            n += 1;
        };
        let mut stalled = false;
        while n < self.evaluations && (bracket[1].t - bracket[0].t).abs() * largest >= self.smallest {
            let t;
            (t, stalled) = inside(&bracket, stalled);
            let point = line(t);
            n += 1;
            let low = usize::from(bracket[1].f < bracket[0].f);
            if !self.falls_enough(start, &point) || point.f >= bracket[low].f {
                bracket[1 - low] = point;
                continue;
            }
            if self.flat_enough(start, &point) {
                return point;
            }
            if point.slope * (bracket[1 - low].t - bracket[low].t) >= 0.0 {
                bracket[1 - low] = bracket[low].clone();
            }
            bracket[low] = point;
        }
        let [a, b] = bracket;
        if b.f < a.f { b } else { a }
    }
}

/// A step inside the bracket, and whether it lies near an end. After one that did the next keeps a tenth away.
fn inside([a, b]: &[Point; 2], stalled: bool) -> (f64, bool) {
    let (from, to) = (a.t.min(b.t), a.t.max(b.t));
    let t = cubic_minimum(a, b, from, to);
    let margin = 0.1 * (to - from);
    if (to - t).min(t - from) >= margin {
        return (t, false);
    }
    if !stalled && from < t && t < to {
        return (t, true);
    }
    (if (t - to).abs() < (t - from).abs() { to - margin } else { from + margin }, false)
}

/// Where the cubic through two points and their slopes has its minimum, between `from` and `to`.
fn cubic_minimum(a: &Point, b: &Point, from: f64, to: f64) -> f64 {
    let (a, b) = if a.t <= b.t { (a, b) } else { (b, a) };
    let d1 = a.slope + b.slope - 3.0 * (a.f - b.f) / (a.t - b.t);
    let square = d1 * d1 - a.slope * b.slope;
    if square < 0.0 || square.is_nan() {
        return (from + to) / 2.0;
    }
    let d2 = square.sqrt();
    let t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2));
    t.max(from).min(to)
}
