//! Plans are found again when the program is the same but for its numbers, and only then.
//!
//! Each test runs on a thread of its own, and so do its plans.

use wengert::op::{Kernel, Op, Opaque, Value};
use wengert::{PlanStatistics, plan_statistics, prelude::*, release_memory};

use crate::random;

/// Evaluations that found their plan, and those that did not, while `work` ran.
fn hits_and_misses(work: impl FnOnce()) -> (usize, usize) {
    let before = plan_statistics();
    work();
    let after = plan_statistics();
    (after.hits - before.hits, after.misses - before.misses)
}

const HIT: (usize, usize) = (1, 0);
const MISS: (usize, usize) = (0, 1);

/// A step of gradient descent with a penalty; its plan is new or not.
fn step(w: &Tensor<f64>, lr: f64, penalty: f64) -> Tensor<f64> {
    let tape = Tape::new();
    let w = tape.var(w.clone());
    let loss = w.sin().sum() + w.square().sum() * penalty;
    (w - loss.grad(w) * lr).value()
}

#[test]
fn a_second_step_with_other_numbers_finds_its_plan() {
    let w = random([3, 4], 1);
    assert_eq!(hits_and_misses(|| drop(step(&w, 0.1, 0.5))), MISS);
    for i in 1..10 {
        let (lr, penalty) = (0.1 / f64::from(i), 0.5 + f64::from(i));
        let next = |w: f64| w - lr * (w.cos() + 2.0 * penalty * w);
        let mut value = None;
        assert_eq!(hits_and_misses(|| value = Some(step(&w, lr, penalty))), HIT);
        assert!(value.is_some_and(|value| value.allclose(&w.map(next), 1e-14, 1e-14)), "step {i}");
    }
}

/// `x` after an operation with a parameter, times `c`.
fn sliced(x: Tensor<f64>, c: Tensor<f64>, from: usize) -> (usize, usize) {
    hits_and_misses(|| {
        let tape = Tape::new();
        let value = (tape.var(x.clone()).slice(0, from..from + 2).sin() * &c).value();
        let expected = x.rows(from..from + 2).map(f64::sin);
        let same = expected
            .iter()
            .zip(c.iter().cycle())
            .zip(value.iter())
            .all(|((x, c), y)| (x * c - y).abs() < 1e-14);
        assert!(same, "{value} from {from}");
    })
}

#[test]
fn another_shape_parameter_or_constant_is_another_program() {
    let (x, c) = (random([6, 2], 1), random([2], 2));
    assert_eq!(sliced(x.clone(), c.clone(), 1), MISS);
    assert_eq!(sliced(random([6, 2], 3), c.clone(), 1), HIT);
    assert_eq!(sliced(random([7, 2], 3), c.clone(), 1), MISS, "another shape");
    assert_eq!(sliced(x.clone(), c.clone(), 3), MISS, "another parameter");
    assert_eq!(sliced(x.clone(), random([1], 2), 1), MISS, "another constant's shape");
    assert_eq!(sliced(x, c, 1), HIT);
}

#[derive(Clone, Copy, Debug)]
enum Requested {
    Product,
    SineAndProduct,
    Swapped,
}

#[test]
fn another_request_another_input_and_the_mode_are_other_programs() {
    let run = |requested: Requested, check: bool| {
        hits_and_misses(|| {
            let tape = Tape::<f64>::new();
            tape.check_finite(check);
            let x = tape.constant(random([5], 1));
            let y = x.sin();
            let vars = match requested {
                Requested::Product => vec![y * x],
                Requested::SineAndProduct => vec![y, y * x],
                Requested::Swapped => vec![x * y],
            };
            tape.evaluate(&vars);
        })
    };
    let programs = [
        (Requested::Product, false),
        (Requested::SineAndProduct, false),
        (Requested::Swapped, false),
        (Requested::Product, true),
    ];
    for expected in [MISS, HIT] {
        for (requested, check) in programs {
            assert_eq!(run(requested, check), expected, "{requested:?}");
        }
    }
}

#[test]
fn a_value_that_is_known_already_makes_another_program() {
    let run = |first: bool| {
        hits_and_misses(|| {
            let tape = Tape::new();
            let x = tape.var(random::<f64>([4, 5], 1));
            let y = x.t().sin();
            if first {
                y.value();
            }
            let expected = x.value().map(|x| x.sin() * 2.0);
            assert!((y * 2.0).value().allclose(&expected.transpose(), 1e-15, 0.0));
        })
    };
    assert_eq!(run(false), (0, 1));
    assert_eq!(run(true), (0, 2));
    assert_eq!((run(true), run(false)), ((2, 0), (1, 0)));
}

/// The sum of its inputs, with weights 1, 2, 3, ..: of any number of them.
#[derive(PartialEq, Hash)]
struct Weighted;

impl Op<f64> for Weighted {
    fn name(&self) -> &'static str {
        "weighted"
    }

    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }

    fn vjp<'t>(&self, i: usize, dy: Var<'t, f64>, _: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        dy * (i as f64 + 1.0)
    }
}

impl Opaque<f64> for Weighted {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        let terms = x.iter().zip(1..).map(|(x, i)| x.real().map(|x| x * f64::from(i)));
        Ok(Value::Real(terms.reduce(|a, b| a.zip(&b, |a, b| a + b)).unwrap()))
    }
}

#[test]
fn where_the_inputs_of_a_node_end_tells_programs_apart() {
    let tape = Tape::new();
    let [a, b, c] = [1.0, 10.0, 100.0].map(|x| tape.var(Tensor::from([x])));
    let first = tape.evaluate(&[tape.apply(Weighted, &[a, b]), tape.apply(Weighted, &[c])]);
    assert_eq!(first, [Tensor::from([21.0]), Tensor::from([100.0])]);
    let second = tape.evaluate(&[tape.apply(Weighted, &[a]), tape.apply(Weighted, &[b, c])]);
    assert_eq!(second, [Tensor::from([1.0]), Tensor::from([210.0])]);
}

#[test]
fn what_is_kept_is_bounded_and_the_results_of_alternating_programs_are_right() {
    const PROGRAMS: usize = 150;
    let run = |n: usize| {
        let tape = Tape::new();
        let x = tape.var(random::<f64>([n], 7));
        let loss = (x * n as f64).sin().sum();
        let expected = x.value().map(|x| n as f64 * (n as f64 * x).cos());
        assert!(loss.grad(x).value().allclose(&expected, 1e-13, 1e-13), "{n} elements");
    };
    release_memory();
    assert_eq!(hits_and_misses(|| (1..=PROGRAMS).for_each(run)), (0, PROGRAMS));
    assert_eq!(plan_statistics().plans, 64);
    // The last 64 are still there, in whatever order they are asked for.
    assert_eq!(hits_and_misses(|| (87..=PROGRAMS).rev().for_each(run)), (64, 0));
    assert_eq!(hits_and_misses(|| (0..200).for_each(|i| run(100 + i * 7 % 3))), (200, 0));
    run(1);
    assert_eq!(plan_statistics().plans, 64);
    assert_eq!(hits_and_misses(|| run(87)), HIT);
    assert_eq!(hits_and_misses(|| run(PROGRAMS)), MISS, "the one that was asked for longest ago went");
    let tape = Tape::<f32>::new();
    assert_eq!((tape.var(2.0f32) * 3.0).item(), 6.0);
    assert_eq!(plan_statistics().plans, 65, "f32 has plans of its own");
}

#[test]
fn release_forgets_plans_and_nothing_else() {
    let w = random([3], 1);
    let before = step(&w, 0.1, 0.5);
    step(&w, 0.1, 0.5);
    release_memory();
    let PlanStatistics { plans, hits, misses, .. } = plan_statistics();
    assert_eq!((plans, hits, misses), (0, 1, 1));
    assert_eq!(hits_and_misses(|| assert_eq!(step(&w, 0.1, 0.5), before)), MISS);
    assert_eq!(hits_and_misses(|| assert_eq!(step(&w, 0.1, 0.5), before)), HIT);
}

#[test]
fn statistics_count_nodes_loops_and_bytes() {
    let tape = Tape::new();
    let x = tape.constant(random::<f64>([2000], 1));
    let (y, z) = (x.sin().cos().exp(), x.square());
    tape.evaluate(&[y, z]);
    let PlanStatistics { nodes, loops, peak_bytes, .. } = plan_statistics();
    assert_eq!((nodes, loops, peak_bytes), (4, 1, 2 * 2000 * 8));
    let text = plan_statistics().to_string();
    assert!(text.starts_with("0 hits, 1 misses, 1 plans kept; planned 4 nodes into 1 loops in "), "{text}");
}

/// Identity of a number of its own, which uses a tape when it goes.
#[derive(PartialEq, Hash)]
struct Parting(usize);

impl Drop for Parting {
    fn drop(&mut self) {
        let tape = Tape::new();
        assert_eq!((tape.var(2.0) * self.0 as f64).item(), 2.0 * self.0 as f64);
    }
}

impl Op<f64> for Parting {
    fn name(&self) -> &'static str {
        "parting"
    }
    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }
    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }
    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, _: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        dy * 1.0
    }
}

impl Opaque<f64> for Parting {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        Ok(x[0].clone())
    }
}

#[test]
fn an_operation_may_use_a_tape_when_its_plan_goes() {
    let run = |n: usize| {
        let tape = Tape::new();
        assert_eq!(tape.apply(Parting(n), &[tape.var(3.0)]).square().item(), 9.0);
    };
    // More than are kept; then all that are; then what is left when the thread ends.
    let work = move || {
        (0..100).for_each(run);
        release_memory();
        run(1);
    };
    std::thread::spawn(work).join().unwrap();
}
