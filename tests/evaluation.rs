//! What runs, how often, and how long its values live: seen by an op that watches.

use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use wengert::op::{Jacobian, Kernel, Op, Opaque, Value};
use wengert::prelude::*;

/// The identity, which counts its runs and keeps what it returned.
#[derive(Clone, Default)]
struct Spy(Rc<Seen>);

#[derive(Default)]
struct Seen {
    runs: Cell<usize>,
    returned: RefCell<Vec<Tensor<f64>>>,
    /// At which run to count what is still alive of earlier runs, and that count.
    census: Cell<usize>,
    alive: Cell<usize>,
}

impl PartialEq for Spy {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Hash for Spy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Rc::as_ptr(&self.0).hash(state);
    }
}

impl Op<f64> for Spy {
    fn name(&self) -> &'static str {
        "spy"
    }

    fn shape(&self, x: &[&Shape]) -> wengert::Result<Shape> {
        Ok(x[0].clone())
    }

    fn kernel(&self) -> Kernel<'_, f64> {
        Kernel::Opaque(self)
    }

    fn jacobian(&self) -> Jacobian {
        Jacobian::Diagonal
    }

    fn vjp<'t>(&self, _: usize, dy: Var<'t, f64>, _: &[Var<'t, f64>], _: Var<'t, f64>) -> Var<'t, f64> {
        dy
    }
}

impl Opaque<f64> for Spy {
    fn run(&self, x: &[Value<f64>], _: &Shape) -> wengert::Result<Value<f64>> {
        let Seen { runs, returned, census, alive } = &*self.0;
        runs.set(runs.get() + 1);
        if runs.get() == census.get() {
            alive.set(returned.borrow_mut().drain(..).filter_map(shared).count());
        }
        let y = x[0].real().map(|x| x);
        returned.borrow_mut().push(y.clone());
        Ok(Value::Real(y))
    }
}

/// The tensor, if somebody else holds it too: writing to it makes a copy then, and only then.
fn shared(mut x: Tensor<f64>) -> Option<Tensor<f64>> {
    let before = x.as_slice().as_ptr();
    (x.make_mut().as_ptr() != before).then_some(x)
}

impl Spy {
    fn on<'t>(&self, x: Var<'t, f64>) -> Var<'t, f64> {
        x.tape().apply(self.clone(), &[x])
    }

    fn runs(&self) -> usize {
        self.0.runs.get()
    }
}

#[test]
fn asking_for_the_value_first_does_not_compute_the_forward_part_twice() {
    let (spy, tape) = (Spy::default(), Tape::new());
    let x = tape.var(Tensor::from([1.0, 2.0]));
    let loss = spy.on(x.sin()).exp().sum();
    assert_eq!(spy.runs(), 0, "recording computes nothing");
    let value = loss.item();
    assert_eq!(spy.runs(), 1);
    let gradients = loss.backward();
    assert_eq!((spy.runs(), loss.item()), (1, value));
    let expected = Tensor::from([1.0f64, 2.0]).map(|x| x.cos() * x.sin().exp());
    assert!(gradients.get(x).is_some_and(|dx| dx.allclose(&expected, 1e-15, 0.0)));
}

#[test]
fn only_what_is_asked_for_runs_and_shared_parts_run_once() {
    let (used, unused, tape) = (Spy::default(), Spy::default(), Tape::new());
    let x = tape.var(Tensor::from([1.0, 2.0]));
    let shared = used.on(x);
    let _never = unused.on(shared * 2.0);
    let loss = (shared * shared + shared.sin()).sum();
    tape.evaluate(&[loss, loss.grad(x)]);
    assert_eq!((used.runs(), unused.runs()), (1, 0));
}

#[test]
fn a_gradient_that_does_not_need_the_forward_values_does_not_compute_them() {
    let (spy, tape) = (Spy::default(), Tape::new());
    let x = tape.var(Tensor::from([1.0, 2.0]));
    assert_eq!((spy.on(x) * 3.0).sum().grad(x).value(), Tensor::from([3.0, 3.0]));
    assert_eq!(spy.runs(), 0);
}

/// Values alive at the last of 50 runs of a chain.
fn alive_at_the_end(
    loss: impl for<'t> Fn(&'t Tape<f64>, &Spy) -> Var<'t, f64>,
    run: fn(Var<'_, f64>),
) -> usize {
    let (spy, tape) = (Spy::default(), Tape::new());
    spy.0.census.set(50);
    run(loss(&tape, &spy));
    assert_eq!(spy.runs(), 50);
    spy.0.alive.get()
}

fn chain<'t>(spy: &Spy, x: Var<'t, f64>, step: fn(Var<'t, f64>) -> Var<'t, f64>) -> Var<'t, f64> {
    (0..50).fold(x, |x, _| step(spy.on(x))).sum()
}

#[test]
fn values_are_freed_after_their_last_reader() {
    let data = || Tensor::from([1.0, 2.0]);
    let constant =
        alive_at_the_end(|tape, spy| chain(spy, tape.constant(data()), |x| x.sin()), |y| drop(y.value()));
    assert!(constant <= 2, "{constant} values of a chain of constants are alive");
    let linear =
        alive_at_the_end(|tape, spy| chain(spy, tape.var(data()), |x| x * 0.5), |y| drop(y.backward()));
    assert!(linear <= 2, "{linear} values that no derivative needs are alive");
    // The control: sine's derivative reads every one of them, so a count of 0 is not what the count always is.
    let needed =
        alive_at_the_end(|tape, spy| chain(spy, tape.var(data()), |x| x.sin()), |y| drop(y.backward()));
    assert_eq!(needed, 49);
}

#[test]
fn backward_keeps_nothing_but_the_loss() {
    let (spy, tape) = (Spy::default(), Tape::new());
    let loss = chain(&spy, tape.var(Tensor::from([1.0, 2.0])), |x| x.sin());
    loss.backward();
    assert_eq!(spy.0.returned.take().into_iter().filter_map(shared).count(), 0);
    let runs = spy.runs();
    loss.item();
    assert_eq!(spy.runs(), runs);
}
