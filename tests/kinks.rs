//! The crate's convention where there is no derivative, tested exactly.

use wengert::prelude::*;

type Record = for<'t> fn(Var<'t, f64>) -> Var<'t, f64>;
type Record2 = for<'t> fn(Var<'t, f64>, Var<'t, f64>) -> Var<'t, f64>;

/// The first `n` derivatives of `f` at `x`; one that is structurally absent counts as 0.
fn derivatives<const N: usize>(f: Record, x: f64) -> [f64; N] {
    let tape = Tape::new();
    let x = tape.var(x);
    let mut y = Some(f(x));
    std::array::from_fn(|_| {
        y = y.and_then(|y| y.try_grad(x));
        y.map_or(0.0, |dy| dy.item())
    })
}

fn derivative(f: Record, x: f64) -> f64 {
    derivatives::<1>(f, x)[0]
}

fn partials(f: Record2, a: f64, b: f64) -> [f64; 2] {
    let tape = Tape::new();
    let x = [tape.var(a), tape.var(b)];
    let gradients = f(x[0], x[1]).grads(&x);
    [0, 1].map(|i| gradients[i].unwrap().item())
}

/// The same through forward mode, which shares the rules but not the sweep.
fn tangent(f: Record, x: f64) -> f64 {
    let tape = Tape::new();
    let x = tape.var(x);
    f(x).jvp(&[(x, tape.constant(1.0))]).map_or(0.0, |dy| dy.item())
}

#[test]
fn clamp_like_ops_are_flat_at_an_edge() {
    let edges: &[(Record, f64)] = &[
        (|x| x.relu(), 0.0),
        (|x| x.relu(), -0.0),
        (|x| x.relu6(), 0.0),
        (|x| x.relu6(), 6.0),
        (|x| x.hardtanh(), -1.0),
        (|x| x.hardtanh(), 1.0),
        (|x| x.hardsigmoid(), -3.0),
        (|x| x.hardsigmoid(), 3.0),
        (|x| x.hardswish(), -3.0),
        (|x| x.clamp(-0.5, 0.5), -0.5),
        (|x| x.clamp(-0.5, 0.5), 0.5),
    ];
    for (i, &(f, edge)) in edges.iter().enumerate() {
        assert_eq!((derivative(f, edge), tangent(f, edge)), (0.0, 0.0), "case {i}");
    }
    let inside: &[(Record, f64, f64)] = &[
        (|x| x.relu(), 1e-300, 1.0),
        (|x| x.relu6(), 6f64.next_down(), 1.0),
        (|x| x.hardtanh(), 1f64.next_down(), 1.0),
        (|x| x.hardsigmoid(), 3f64.next_down(), 1.0 / 6.0),
        (|x| x.hardsigmoid(), (-3f64).next_up(), 1.0 / 6.0),
        (|x| x.hardswish(), 3.0, 1.0),
        (|x| x.clamp(-0.5, 0.5), 0.5f64.next_down(), 1.0),
    ];
    for (i, &(f, x, expected)) in inside.iter().enumerate() {
        assert_eq!((derivative(f, x), tangent(f, x)), (expected, expected), "case {i}");
    }
}

#[test]
fn leaky_relu_has_its_slope_at_zero_and_elu_its_alpha() {
    assert_eq!(derivative(|x| x.leaky_relu(0.125), 0.0), 0.125);
    assert_eq!(partials(|x, slope| x.leaky_relu(slope), 0.0, 0.125), [0.125, 0.0]);
    assert_eq!(derivative(|x| x.elu(0.25), 0.0), 0.25);
    assert_eq!(derivative(|x| x.celu(0.25), 0.0), 1.0);
}

#[test]
fn abs_and_sign_have_derivative_zero_at_zero() {
    assert_eq!(derivatives(|x| x.abs(), 0.0), [0.0, 0.0]);
    assert_eq!(derivatives(|x| x.abs(), -2.0), [-1.0, 0.0]);
    assert_eq!(derivative(|x| x.sign(), 0.0), 0.0);
    assert_eq!(derivative(|x| x.copysign(-1.0), 0.0), 0.0);
    assert_eq!(derivative(|x| x.softsign(), 0.0), 1.0);
}

#[test]
fn rounding_lets_no_derivative_through() {
    let flat: &[Record] = &[
        |x| x.round(),
        |x| x.floor(),
        |x| x.ceil(),
        |x| x.trunc(),
        |x| x.sign(),
        |x| x.div_trunc(0.3),
        |x| x.div_floor(0.3),
        |x| x.gt(0.5),
        |x| x.abs().grad(x),
    ];
    for (i, f) in flat.iter().enumerate() {
        let tape = Tape::new();
        let x = tape.var(1.0);
        assert!(f(x).try_grad(x).is_none(), "case {i}");
    }
}

#[test]
fn roots_and_logarithms_are_infinitely_steep_at_zero() {
    let steep: &[Record] =
        &[|x| x.sqrt(), |x| x.ln(), |x| x.cbrt(), |x| x.log2(), |x| x.log10(), |x| x.pow(0.5)];
    for (i, f) in steep.iter().enumerate() {
        assert_eq!(derivative(*f, 0.0), f64::INFINITY, "case {i}");
    }
    assert_eq!(derivative(|x| x.rsqrt(), 0.0), f64::NEG_INFINITY);
    assert_eq!(derivative(|x| x.ln_1p(), -1.0), f64::INFINITY);
    assert_eq!(derivative(|x| x.asin(), 1.0), f64::INFINITY);
    assert_eq!(derivative(|x| x.acos(), -1.0), f64::NEG_INFINITY);
    assert_eq!(derivative(|x| x.acosh(), 1.0), f64::INFINITY);
    assert_eq!(derivative(|x| x.atanh(), -1.0), f64::INFINITY);
}

#[test]
fn whole_powers_of_zero_have_their_derivatives_of_every_order() {
    assert_eq!(derivatives(|x| x.pow(0.0), 0.0), [0.0, 0.0]);
    assert_eq!(derivatives(|x| x.pow(1.0), 0.0), [1.0, 0.0, 0.0]);
    assert_eq!(derivatives(|x| x.pow(2.0), 0.0), [0.0, 2.0, 0.0, 0.0]);
    assert_eq!(derivatives(|x| x.pow(3.0), 0.0), [0.0, 0.0, 6.0, 0.0]);
    assert_eq!(derivatives(|x| x.pow(0.5), 0.0), [f64::INFINITY, f64::NEG_INFINITY]);
    assert_eq!(derivatives(|x| x.powi(0), 0.0), [0.0, 0.0]);
    assert_eq!(derivatives(|x| x.powi(1), 0.0), [1.0, 0.0, 0.0]);
    assert_eq!(derivatives(|x| x.powi(2), 0.0), [0.0, 2.0, 0.0, 0.0]);
    assert_eq!(derivatives(|x| x.powi(3), 0.0), [0.0, 0.0, 6.0, 0.0]);
    assert_eq!(derivatives(|x| x.square(), 0.0), [0.0, 2.0, 0.0]);
}

#[test]
fn a_power_at_the_corner_has_no_derivative_by_either_input() {
    assert_eq!(partials(|a, b| a.pow(b), 0.0, 0.0), [0.0, 0.0]);
    assert_eq!(partials(|a, b| a.pow(b), 0.0, 1.0), [1.0, 0.0]);
    assert_eq!(partials(|a, b| a.pow(b), 0.0, 2.0), [0.0, 0.0]);
    assert_eq!(partials(|a, b| a.pow(b), 0.0, -1.0), [f64::NEG_INFINITY, f64::NEG_INFINITY]);
    assert_eq!(partials(|a, b| a.pow(b), f64::INFINITY, -2.0), [0.0, 0.0]);
    assert_eq!(partials(|a, b| a.pow(b), f64::NAN, 0.0)[0], 0.0);
}

#[test]
fn a_power_of_exponent_zero_still_has_its_mixed_derivative() {
    let tape = Tape::new();
    let (a, b) = (tape.var(2.0), tape.var(0.0));
    let y = a.pow(b);
    assert_eq!((y.grad(a).item(), y.grad(a).grad(b).item(), y.grad(b).grad(a).item()), (0.0, 0.5, 0.5));
}

#[test]
fn lengths_and_angles_have_no_derivative_at_the_origin() {
    assert_eq!(partials(|a, b| a.hypot(b), 0.0, 0.0), [0.0, 0.0]);
    assert_eq!(partials(|a, b| a.hypot(b), 0.0, -2.0), [0.0, -1.0]);
    assert_eq!(partials(|a, b| a.atan2(b), 0.0, 0.0), [0.0, 0.0]);
    assert_eq!(partials(|a, b| a.atan2(b), 0.0, -0.0), [0.0, 0.0]);
    assert_eq!(partials(|a, b| a.atan2(b), 2.0, 0.0), [0.0, -0.5]);
}

#[test]
fn x_log_y_vanishes_with_x() {
    assert_eq!(partials(|a, b| a.xlogy(b), 0.0, 0.0), [0.0, 0.0]);
    assert_eq!(partials(|a, b| a.xlogy(b), 0.0, 1.0), [0.0, 0.0]);
    assert_eq!(partials(|a, b| a.xlogy(b), 0.0, 4.0), [4f64.ln(), 0.0]);
    assert_eq!(partials(|a, b| a.xlogy(b), 2.0, 0.0), [f64::NEG_INFINITY, f64::INFINITY]);
    assert_eq!(partials(|a, b| a.xlog1py(b), 0.0, -1.0), [0.0, 0.0]);
    let tape = Tape::new();
    let x = tape.var(0.0);
    assert_eq!((x.xlogy(0.0).item(), x.xlogy(f64::INFINITY).item()), (0.0, 0.0));
    assert!(f64::is_nan(x.xlogy(f64::NAN).item()));
}

#[test]
fn a_log_of_a_sum_of_zeros_has_derivative_zero() {
    let nothing = f64::NEG_INFINITY;
    assert_eq!(partials(|a, b| a.logaddexp(b), nothing, nothing), [0.0, 0.0]);
    assert_eq!(partials(|a, b| a.logaddexp2(b), nothing, nothing), [0.0, 0.0]);
    assert_eq!(partials(|a, b| a.logaddexp(b), nothing, 1.0), [0.0, 1.0]);
    let tape = Tape::new();
    assert_eq!(tape.var(nothing).logaddexp(nothing).item(), nothing);
    assert_eq!(tape.var(f64::INFINITY).logaddexp(f64::INFINITY).item(), f64::INFINITY);
}

#[test]
fn nan_stays_nan() {
    let ops: &[Record] = &[
        |x| x.relu(),
        |x| x.relu6(),
        |x| x.hardtanh(),
        |x| x.hardsigmoid(),
        |x| x.hardswish(),
        |x| x.leaky_relu(0.1),
        |x| x.elu(1.0),
        |x| x.selu(),
        |x| x.abs(),
        |x| x.sign(),
        |x| x.round(),
        |x| x.sigmoid(),
        |x| x.log_sigmoid(),
        |x| x.softplus(),
        |x| x.tanh(),
        |x| x.gelu(),
        |x| x.gelu_tanh(),
        |x| x.normal_cdf(),
        |x| x.erf(),
        |x| x.atan(),
        |x| x.asinh(),
        |x| x.acosh(),
        |x| x.atanh(),
        |x| x.pow(2.0),
        |x| x.hypot(1.0),
        |x| x.logaddexp(0.0),
        |x| x.logit(),
        |x| x.remainder(2.0),
    ];
    let tape = Tape::new();
    let x = tape.var(f64::NAN);
    for (i, f) in ops.iter().enumerate() {
        assert!(f(x).item().is_nan(), "case {i}");
    }
}

#[test]
fn saturated_functions_have_derivatives_zero_of_higher_order_too() {
    let saturated: &[Record] = &[
        |x| x.tanh(),
        |x| x.sigmoid(),
        |x| x.erf(),
        |x| x.erfc(),
        |x| x.normal_cdf(),
        |x| x.gelu_tanh() - x,
        |x| x.softplus() - x,
        |x| x.gelu() - x,
        |x| x.silu() - x,
    ];
    for (i, f) in saturated.iter().enumerate() {
        for x in [1e3, 1e50] {
            assert_eq!(derivatives(*f, x), [0.0, 0.0, 0.0], "case {i} at {x}");
        }
    }
    assert_eq!(derivatives(|x| x.elu(1.0), 1e3), [1.0, 0.0, 0.0]);
}

#[test]
fn halves_round_to_even_and_remainders_take_their_sign_from_either_side() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([
        -2.5,
        -1.5,
        -0.5,
        0.5,
        1.5,
        2.5,
        0.499_999_999_999_999_94,
        4503599627370497.5,
    ]));
    assert_eq!(x.round().value(), x.value().map(f64::round_ties_even));
    let (a, b) = (Tensor::from([7.0, -7.0, 7.0, -7.0]), Tensor::from([3.0, 3.0, -3.0, -3.0]));
    let (a, b) = (tape.var(a), tape.var(b));
    assert_eq!((a % b).value(), Tensor::from([1.0, -1.0, 1.0, -1.0]));
    assert_eq!((a % b).sum().grad(b).value(), Tensor::from([-2.0, 2.0, 2.0, -2.0]));
    assert_eq!(a.remainder(b).value(), Tensor::from([1.0, 2.0, -2.0, -1.0]));
    assert_eq!(a.remainder(b).sum().grad(b).value(), Tensor::from([-2.0, 3.0, 3.0, -2.0]));
}
