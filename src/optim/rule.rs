//! What one optimizer is: how a parameter changes by its gradient and by what is remembered of earlier ones.

use crate::error::{Error, Result};
use crate::kernel::pages::prefer_large;
use crate::kernel::pieces::OfGradient;
use crate::kernel::squares::{squares, squares_by};
use crate::kernel::update::update_by;
use crate::shape::Shape;
use crate::tensor::Real;

/// The update equations of an optimizer, with its hyper-parameters as fields.
///
/// [`Descent`](crate::optim::Descent) makes an optimizer of it. Nothing here knows of groups, names or files.
///
/// ```
/// use wengert::optim::{Descent, Rule, State, Step};
/// use wengert::prelude::*;
///
/// /// `x <- x - lr sign(g)`.
/// #[derive(Clone)]
/// struct SignDescent;
///
/// impl<T: Real> Rule<T> for SignDescent {
///     const NAME: &'static str = "sign_descent";
///
///     fn update(&self, step: &Step, x: &mut [T], g: &[T], _: &mut State<T>) {
///         let lr = T::of(step.lr);
///         for (x, g) in x.iter_mut().zip(g) {
///             *x -= lr * g.signum();
///         }
///     }
/// }
///
/// let w = Param::new("w", Tensor::from([1.0, -1.0]));
/// let mut optimizer = Descent::with_rule(SignDescent, [&w], 0.25);
/// optimizer.step(&Gradients::from_pairs([(&w, Tensor::from([8.0, -2.0]))]));
/// assert_eq!(w.value(), Tensor::from([0.75, -0.75]));
/// ```
pub trait Rule<T: Real>: Clone + Send + 'static {
    /// The optimizer's name in errors and files.
    const NAME: &'static str;

    /// Names of the tensors that [`update`](Rule::update) may keep in its [`State`].
    const SLOTS: &'static [&'static str] = &[];

    /// Names of the single numbers that it may keep there.
    const NUMBERS: &'static [&'static str] = &[];

    /// One step of one parameter: `x` is changed by the gradient `g`, both of shape `step.shape`.
    fn update(&self, step: &Step, x: &mut [T], g: &[T], state: &mut State<T>);

    /// The hyper-parameters that a schedule can set and a file keeps, by name.
    fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        Vec::new()
    }

    /// The shape of a slot for a parameter of shape `shape`; that shape itself unless said otherwise.
    fn slot_shape(&self, slot: &str, shape: &Shape) -> Shape {
        let _ = slot;
        shape.clone()
    }

    /// Whether the rule can update a parameter of this shape.
    ///
    /// # Errors
    /// Says which shapes it can.
    fn accepts(&self, shape: &Shape) -> Result<()> {
        let _ = shape;
        Ok(())
    }

    /// Whether the hyper-parameters lie in their domains.
    ///
    /// # Errors
    /// Names the one that does not.
    fn check(&self) -> Result<()> {
        Ok(())
    }
}

/// What a rule needs to know about the present step, besides its own hyper-parameters.
///
/// # Example
/// See [`Rule`].
#[derive(Clone, Debug)]
pub struct Step<'s> {
    /// The learning rate of the parameter's group.
    pub lr: f64,
    /// The weight decay of the parameter's group.
    pub weight_decay: f64,
    /// 1 to go down the gradient, -1 to go up.
    pub sign: f64,
    /// Which step of this parameter it is, from 1; steps without a gradient do not count.
    pub count: u64,
    /// The parameter's shape.
    pub shape: &'s Shape,
}

/// Where a weight decay acts.
///
/// # Example
/// See [`Rule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decay {
    /// In the gradient, as an L2 penalty does.
    Coupled,
    /// On the parameter.
    Decoupled,
}

impl Step<'_> {
    /// The gradient to go down, from `(g, x)`, with the decay coupled: that of `loss + weight_decay / 2 |x|^2`.
    ///
    /// # Example
    /// See [`Rule`].
    pub fn coupled<T: Real>(&self) -> impl Fn(T, T) -> T + Copy + use<T> {
        self.penalised(self.weight_decay)
    }

    /// The gradient to go down, from `(g, x)`, without the decay.
    ///
    /// # Example
    /// See [`Rule`].
    pub fn uncoupled<T: Real>(&self) -> impl Fn(T, T) -> T + Copy + use<T> {
        self.penalised(0.0)
    }

    /// The gradient to go down, from `(g, x)`, and the factor of `x`, for a decay of either kind.
    ///
    /// # Example
    /// See [`Rule`].
    pub fn decayed<T: Real>(&self, decay: Decay) -> (impl Fn(T, T) -> T + Copy + use<T>, T) {
        match decay {
            Decay::Coupled => (self.penalised(self.weight_decay), T::one()),
            Decay::Decoupled => (self.penalised(0.0), self.shrink()),
        }
    }

    fn penalised<T: Real>(&self, decay: f64) -> impl Fn(T, T) -> T + Copy + use<T> {
        let (sign, decay) = (T::of(self.sign), T::of(decay));
        // Without a decay an infinite x must not make a NaN of a finite gradient.
        move |g, x| if decay == T::zero() { sign * g } else { axpy(decay, x, sign * g) }
    }

    /// The factor of `x` when the decay is decoupled: `1 - lr weight_decay`.
    ///
    /// # Example
    /// See [`Rule`].
    pub fn shrink<T: Real>(&self) -> T {
        T::of(1.0 - self.lr * self.weight_decay)
    }
}

/// What a rule remembers of one parameter: tensors and single numbers, by name. Created when first asked for.
///
/// ```
/// use wengert::optim::State;
///
/// let mut state = State::<f64>::default();
/// let [mean, square] = state.slots(["mean", "square"], 2);
/// mean[0] = 1.0;
/// square[1] = 4.0;
/// assert_eq!(state.slots(["square", "mean"], 2), [&mut [0.0, 4.0], &mut [1.0, 0.0]]);
/// *state.number("product", 1.0) *= 0.5;
/// assert_eq!(*state.number("product", 1.0), 0.5);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State<T> {
    pub(crate) tensors: Vec<(&'static str, Vec<T>)>,
    pub(crate) numbers: Vec<(&'static str, f64)>,
}

impl<T: Real> State<T> {
    /// The slots of these names, `len` zeros each where they are new.
    ///
    /// # Panics
    /// If a name is given twice.
    ///
    /// # Example
    /// See [`Rule`].
    pub fn slots<const N: usize>(&mut self, names: [&'static str; N], len: usize) -> [&mut [T]; N] {
        let at = names.map(|name| self.position(name, len, T::zero()));
        match self.tensors.get_disjoint_mut(at) {
            Ok(slots) => slots.map(|(_, slot)| slot.as_mut_slice()),
            Err(_) => panic!("state: expected different names, got {names:?}"),
        }
    }

    /// One pass: `f` takes each element of the parameter, of its gradient and of the slots of these names, and returns
    /// what becomes of the parameter and of the slots. It runs in vector instructions, and on several threads where that
    /// pays; the bits are the same everywhere.
    ///
    /// # Panics
    /// If a name is given twice, or a slot or the gradient is not as long as the parameter.
    ///
    /// ```
    /// use wengert::optim::State;
    ///
    /// let (mut x, mut state) = ([1.0, 2.0], State::default());
    /// for _ in 0..2 {
    ///     // Momentum descent.
    ///     state.pass(["momentum"], &mut x, &[1.0, 4.0], |x, g, [b]| {
    ///         let b = 0.5 * b + g;
    ///         (x - b, [b])
    ///     });
    /// }
    /// assert_eq!(x, [-1.5, -8.0]);
    /// ```
    pub fn pass<const N: usize>(
        &mut self,
        names: [&'static str; N],
        x: &mut [T],
        g: &[T],
        f: impl Fn(T, T, [T; N]) -> (T, [T; N]) + Copy + Sync,
    ) {
        let slots = self.slots(names, x.len());
        update_by(x, [g], slots, OfGradient(f));
    }

    /// A pass before the one that changes the parameter: `f` takes what it takes in [`pass`](State::pass) and returns what
    /// becomes of the slots, and `M` quantities whose 2-norms over all elements are returned.
    ///
    /// # Panics
    /// If a name is given twice, or a slot or the gradient is not as long as the parameter.
    ///
    /// ```
    /// use wengert::optim::State;
    ///
    /// let [of_x, of_g] = State::default().norms([], &[3.0, 4.0], &[5.0, 12.0], |x, g, []| ([], [x, g]));
    /// assert_eq!((of_x, of_g), (5.0, 13.0));
    /// ```
    pub fn norms<const N: usize, const M: usize>(
        &mut self,
        names: [&'static str; N],
        x: &[T],
        g: &[T],
        f: impl Fn(T, T, [T; N]) -> ([T; N], [T; M]) + Copy + Sync,
    ) -> [f64; M] {
        let slots = self.slots(names, x.len());
        squares_by(x, [g], slots, OfGradient(f)).map(f64::sqrt)
    }

    /// Makes a slot that starts with `len` times `x`, unless there is one.
    ///
    /// # Example
    /// See [`Rule`].
    pub fn start(&mut self, name: &'static str, len: usize, x: T) {
        self.position(name, len, x);
    }

    /// Makes a slot that starts as a copy of `x`, unless there is one.
    ///
    /// # Example
    /// See [`Rule`].
    pub fn start_from(&mut self, name: &'static str, x: &[T]) {
        if !self.contains(name) {
            self.tensors.push((name, x.to_vec()));
        }
    }

    /// The slot of this name, if there is one.
    pub(crate) fn slot(&self, name: &str) -> Option<&[T]> {
        self.tensors.iter().find(|(slot, _)| *slot == name).map(|(_, slot)| slot.as_slice())
    }

    /// Whether there is a slot of this name.
    ///
    /// # Example
    /// See [`Rule`].
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.iter().any(|(slot, _)| *slot == name)
    }

    /// The number of this name, `initial` where it is new.
    ///
    /// # Example
    /// See [`Rule`].
    pub fn number(&mut self, name: &'static str, initial: f64) -> &mut f64 {
        let at = self.numbers.iter().position(|(number, _)| *number == name).unwrap_or_else(|| {
            self.numbers.push((name, initial));
            self.numbers.len() - 1
        });
        &mut self.numbers[at].1
    }

    fn position(&mut self, name: &'static str, len: usize, x: T) -> usize {
        self.tensors.iter().position(|(slot, _)| *slot == name).unwrap_or_else(|| {
            let mut slot = vec![x; len];
            prefer_large(&mut slot);
            self.tensors.push((name, slot));
            self.tensors.len() - 1
        })
    }
}

/// Refuses a hyper-parameter that is negative or not finite.
pub(crate) fn non_negative(rule: &str, name: &str, x: f64) -> Result<()> {
    domain(rule, name, "of at least 0", x, x >= 0.0 && x.is_finite())
}

/// Refuses a hyper-parameter outside a domain that `expected` describes.
pub(crate) fn domain(rule: &str, name: &str, expected: &str, x: f64, inside: bool) -> Result<()> {
    match inside {
        true => Ok(()),
        false => Err(Error::value(rule, format!("{name} {expected}"), x)),
    }
}

/// `a x + y`, rounded once. PyTorch's compiler fuses its loops in this way, and in single precision it shows: where a
/// parameter has passed near 0, two roundings more are 1e-6 of it (RMSprop in `tests/reference_optim`).
pub(crate) fn axpy<T: Real>(a: T, x: T, y: T) -> T {
    a.mul_add(x, y)
}

/// The running mean `m` after `share` of it has been replaced by `g`, rounded as PyTorch's `lerp` is.
pub(crate) fn lerp<T: Real>(m: T, g: T, share: T) -> T {
    // Each side is exact at its own end.
    if share < T::of(0.5) { axpy(share, g - m, m) } else { axpy(share - T::one(), g - m, g) }
}

/// The running mean `v` of squares after `share` of `g^2` has joined what is kept of it.
pub(crate) fn mean_square<T: Real>(v: T, g: T, keep: T, share: T) -> T {
    axpy(share * g, g, keep * v)
}

/// The larger number; NaN if one of them is.
pub(crate) fn maximum<T: Real>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// -1, 0 or 1; NaN stays.
pub(crate) fn sign<T: Real>(x: T) -> T {
    if x == T::zero() { T::zero() } else { x.signum() }
}

/// The 2-norm, in double precision.
pub(crate) fn norm<T: Real>(x: &[T]) -> f64 {
    let [square] = squares(x, [], [], |x, [], []| ([], [x]));
    square.sqrt()
}

/// The nearest number in single precision, for what PyTorch keeps there whatever the parameters are.
pub(crate) fn single(x: f64) -> f64 {
    f64::from(x as f32)
}
