//! What holds for the crate as a whole, whatever ops there are.

mod common;

use std::cell::{Cell, RefCell};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use common::panics::panic_of;
use wengert::diff;
use wengert::op::{Jacobian, Kernel, Op, Opaque, Unary, Value, unary};
use wengert::prelude::*;

/// The identity, which counts its runs and keeps what it returned.
#[derive(Clone, Default)]
struct Spy(Rc<Seen>);

#[derive(Default)]
struct Seen {
    runs: Cell<usize>,
    returned: RefCell<Vec<Tensor<f64>>>,
    most_alive: Cell<usize>,
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
        self.0.runs.set(self.0.runs.get() + 1);
        let y = x[0].real().map(|x| x);
        self.0.returned.borrow_mut().push(y.clone());
        self.0.most_alive.set(self.0.most_alive.get().max(self.alive()));
        Ok(Value::Real(y))
    }
}

impl Spy {
    fn on<'t>(&self, x: Var<'t, f64>) -> Var<'t, f64> {
        x.tape().apply(self.clone(), &[x])
    }

    fn runs(&self) -> usize {
        self.0.runs.get()
    }

    /// How many of the returned tensors somebody else holds: writing to those, and only those, makes a copy.
    fn alive(&self) -> usize {
        let is_shared = |kept: &mut Tensor<f64>| {
            let before = kept.as_slice().as_ptr();
            kept.make_mut().as_ptr() != before
        };
        // A tensor that was found shared is now a copy, so each is asked once at a time: look at clones' originals.
        let mut kept = self.0.returned.borrow_mut();
        let mut shared = 0;
        kept.retain_mut(|kept| {
            let is = is_shared(kept);
            shared += usize::from(is);
            !is
        });
        shared
    }
}
