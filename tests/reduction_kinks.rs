//! Where reductions, products, norms and losses have no derivative, or only just have one: the documented choice,
//! exactly.

use wengert::prelude::*;

const INF: f64 = f64::INFINITY;

/// The gradient of `f` at `x`.
fn grad(f: impl for<'t> FnOnce(Var<'t, f64>) -> Var<'t, f64>, x: impl Into<Tensor<f64>>) -> Tensor<f64> {
    wengert::diff::grad(f, &x.into())
}

/// Element `i` of a vector.
fn element(x: Var<'_, f64>, i: usize) -> Var<'_, f64> {
    x.slice(0, i..i + 1).sum()
}

/// The gradient with respect to `x` of the gradient's sum, weighted by 1, 2, ..
fn second(f: impl for<'t> FnOnce(Var<'t, f64>) -> Var<'t, f64>, x: impl Into<Tensor<f64>>) -> Tensor<f64> {
    let tape = Tape::new();
    let x = tape.var(x.into());
    let dx = f(x).grad(x);
    let n = x.size();
    let weights = Tensor::new(x.shape(), (1..=n).map(|i| i as f64).collect::<Vec<f64>>()).unwrap();
    (dx * &weights).sum().grad(x).value()
}

#[test]
fn at_a_tie_of_one_axis_the_first_takes_all() {
    let x = [[2.0, 5.0, 5.0], [7.0, 1.0, 7.0]];
    assert_eq!(grad(|x| x.max_axis(1).sum(), x), Tensor::from([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]));
    assert_eq!(grad(|x| (-x).min_axis(-1).sum(), x), Tensor::from([[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]]));
    let equal = Tensor::full([3, 2], 4.0);
    assert_eq!(grad(|x| x.max_keep(0).sum(), equal), Tensor::from([[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]));
}

#[test]
fn at_a_tie_of_all_elements_or_several_axes_each_takes_its_share() {
    let x = [[2.0, 5.0, 5.0], [5.0, 1.0, 5.0]];
    let shares = Tensor::from([[0.0, 0.25, 0.25], [0.25, 0.0, 0.25]]);
    assert_eq!(grad(|x| x.max(), x), shares);
    assert_eq!(grad(|x| x.max_axis([0, 1]), x), shares);
    assert_eq!(grad(|x| (-x).min(), x), shares.map(|share| -share));
    assert_eq!(grad(|x| x.max(), [3.0, 3.0]), Tensor::from([0.5, 0.5]));
}

#[test]
fn the_square_of_a_maximum_has_its_second_derivative_at_the_taker_alone() {
    assert_eq!(second(|x| x.max_axis(0).square(), [5.0, 5.0, 1.0]), Tensor::from([2.0, 0.0, 0.0]));
    // The gradient is (y, y, 0); its sum weighted by 1, 2, 3 is 3 y, of which each takes half.
    assert_eq!(second(|x| x.max().square(), [5.0, 5.0, 1.0]), Tensor::from([1.5, 1.5, 0.0]));
}

#[test]
fn a_nan_is_the_extremum_and_takes_the_cotangent() {
    let x = [[1.0, f64::NAN, f64::NAN], [3.0, 1.0, 2.0]];
    let tape = Tape::new();
    let x = tape.var(Tensor::from(x));
    assert!(x.max().item().is_nan() && x.min().item().is_nan());
    let y = x.max_axis(1).value();
    assert!(y.at([0]).is_nan() && y.at([1]) == 3.0);
    let dx = x.max_axis(1).sum().grad(x).value();
    assert_eq!(dx, Tensor::from([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]));
    assert_eq!(x.min().grad(x).value(), Tensor::from([[0.0, 0.5, 0.5], [0.0, 0.0, 0.0]]));
}

#[test]
fn an_infinite_cotangent_does_not_reach_what_is_not_the_maximum() {
    // d sqrt(max) / d max is infinite at 0; the elements below have no share in that.
    assert_eq!(grad(|x| x.max_axis(0).sqrt(), [0.0, -1.0]), Tensor::from([INF, 0.0]));
    assert_eq!(grad(|x| x.max().sqrt(), [-1.0, 0.0]), Tensor::from([0.0, INF]));
}

/// Rows that a `choose` did not take stay untouched by infinities before and after the op that is chosen from.
fn untaken_row_is_zero(f: impl for<'t> FnOnce(Var<'t, f64>) -> Var<'t, f64>) {
    let dx = grad(
        |x| {
            let taken = x.tape().constant(Tensor::from([0.0, 1.0]));
            // sqrt has an infinite slope in row 0, which is all 0.
            taken.choose(f(x.sqrt()), 0.0).sum()
        },
        [[0.0, 0.0], [4.0, 9.0]],
    );
    assert_eq!(dx.row(0), Tensor::from([0.0, 0.0]), "{dx:?}");
    assert!(dx.row(1).iter().all(|dx| dx.is_finite() && *dx != 0.0), "{dx:?}");
}

#[test]
fn a_row_that_was_not_taken_gets_a_zero_through_every_reduction() {
    untaken_row_is_zero(|x| x.max_axis(1).ln() + x.min_axis(1).ln());
    untaken_row_is_zero(|x| x.prod_axis(1).ln());
    untaken_row_is_zero(|x| x.var_axis(1).ln());
    untaken_row_is_zero(|x| x.std_axis(1).recip());
    untaken_row_is_zero(|x| x.norm_axis(1).ln());
    untaken_row_is_zero(|x| x.norm_p_axis(3.0, 1).ln());
    untaken_row_is_zero(|x| x.logsumexp_axis(1).recip());
    untaken_row_is_zero(|x| x.log_softmax(1).slice(1, ..1).reshape([2]));
    untaken_row_is_zero(|x| x.softmax(1).square().sum_axis(1).ln());
    untaken_row_is_zero(|x| x.cross_entropy_with([1, 0], &CrossEntropy::new().reduction(Reduction::None)));
    untaken_row_is_zero(|x| einsum("ij,ij->i", &[x, x]).ln());
}

#[test]
fn a_row_that_was_not_taken_gets_a_zero_through_a_matrix_product() {
    untaken_row_is_zero(|x| x.matmul(x.tape().constant(Tensor::from([1.0, 2.0]))).ln());
    untaken_row_is_zero(|x| x.tape().constant(Tensor::from([1.0, 2.0])).matmul(x.t()).ln());
    let weights = Tensor::from([[[1.0], [2.0]], [[3.0], [4.0]]]);
    let dx = grad(
        |x| {
            let y = x.sqrt().matmul(&weights);
            y.tape().constant(Tensor::from([[[0.0], [1.0]], [[0.0], [1.0]]])).choose(y.ln(), 0.0).sum()
        },
        [[0.0, 0.0], [4.0, 9.0]],
    );
    assert_eq!(dx.row(0), Tensor::from([0.0, 0.0]));
    assert!(dx.row(1).iter().all(|dx| dx.is_finite() && *dx > 0.0));
}

#[test]
fn a_product_with_zeros_has_exact_derivatives_of_any_order() {
    assert_eq!(grad(|x| x.prod(), [2.0, 0.0, 5.0]), Tensor::from([0.0, 10.0, 0.0]));
    assert_eq!(grad(|x| x.prod(), [0.0, 0.0, 5.0]), Tensor::from([0.0, 0.0, 0.0]));
    assert_eq!(
        grad(|x| x.prod_axis(1).sum(), [[0.0, 3.0], [0.0, 0.0]]),
        Tensor::from([[3.0, 0.0], [0.0, 0.0]])
    );
    let hessian = wengert::diff::hessian(|x| x.prod(), &Tensor::from([0.0, 0.0, 5.0]));
    assert_eq!(hessian, Tensor::from([[0.0, 5.0, 0.0], [5.0, 0.0, 0.0], [0.0, 0.0, 0.0]]));
    let tape = Tape::new();
    let x = tape.var(Tensor::from([0.0, 0.0, 0.0, 7.0, 2.0]));
    let third = element(element(element(x.prod().grad(x), 0).grad(x), 1).grad(x), 2);
    assert_eq!(third.item(), 14.0);
}

#[test]
fn the_deviation_of_equal_numbers_has_derivative_zero() {
    // The mean of three times 0.1 is not 0.1 in binary.
    assert_eq!(grad(|x| x.std(), [0.1, 0.1, 0.1]), Tensor::zeros([3]));
    assert_eq!(second(|x| x.std(), [0.1, 0.1, 0.1]), Tensor::zeros([3]));
    let dx = grad(|x| x.std_axis(1).sum(), [[0.7, 0.7, 0.7], [1.0, 2.0, 3.0]]);
    assert_eq!(dx, Tensor::from([[0.0, 0.0, 0.0], [-0.5, 0.0, 0.5]]));
    let tape = Tape::new();
    let x = tape.var(Tensor::from([f64::NAN, 1.0]));
    assert!(x.std().item().is_nan() && x.var().item().is_nan());
    assert!(tape.var(Tensor::from([1.0])).var().item().is_nan());
}

#[test]
fn every_norm_of_zeros_has_derivative_zero() {
    let zeros = Tensor::<f64>::zeros([3]);
    for p in [0.5, 1.0, 1.5, 2.0, 3.0, INF, -INF] {
        assert_eq!(grad(|x| x.norm_p(p), zeros.clone()), zeros, "p = {p}");
    }
    assert_eq!(grad(|x| x.norm(), zeros.clone()), zeros);
    assert_eq!(second(|x| x.norm(), zeros.clone()), zeros);
    let dx = grad(|x| x.norm_axis(1).sum(), [[0.0, 0.0], [4.0, 0.0]]);
    assert_eq!(dx, Tensor::from([[0.0, 0.0], [1.0, 0.0]]));
}

#[test]
fn an_element_that_is_zero_takes_nothing_of_a_norm() {
    for p in [0.5, 1.0, 1.5, 3.0] {
        let dx = grad(|x| x.norm_p(p), [0.0, -2.0]);
        assert_eq!(dx, Tensor::from([0.0, -1.0]), "p = {p}");
        assert!(second(|x| x.norm_p(p) * x.sum(), [0.0, -2.0]).all_finite(), "p = {p}");
    }
    assert_eq!(grad(|x| x.norm_p(INF), [-3.0, 3.0, 1.0]), Tensor::from([-0.5, 0.5, 0.0]));
    assert_eq!(grad(|x| x.norm_p(-INF), [-3.0, 3.0, -1.0]), Tensor::from([0.0, 0.0, -1.0]));
    let tape = Tape::new();
    let x = tape.var(Tensor::from([0.0, -2.0, f64::NAN]));
    assert_eq!(x.norm_p(0.0).item(), 2.0);
    assert!([0.5, 1.0, 2.0, INF, -INF].iter().all(|&p| x.norm_p(p).item().is_nan()));
    assert_eq!(tape.var(Tensor::from([0.0, -2.0])).norm_p(-1.0).item(), 0.0);
}

#[test]
fn a_norm_neither_overflows_nor_vanishes() {
    // The smallest numbers have two or three digits.
    for (scale, tolerance) in [(1e-320_f64, 1e-2), (1e-200, 1e-14), (1e200, 1e-14), (1e307, 1e-14)] {
        let x = Tensor::from([3.0 * scale, 4.0 * scale]);
        for p in [2.0, 3.0, 50.0] {
            let (unit_norm, unit_dx) =
                wengert::diff::value_and_grad(|x| x.norm_p(p), &Tensor::from([3.0, 4.0]));
            let (norm, dx) = wengert::diff::value_and_grad(|x| x.norm_p(p), &x);
            assert!((norm / scale / unit_norm - 1.0).abs() < tolerance, "{norm} at {scale}, p = {p}");
            // On its way back the cotangent is multiplied by the scale, and meets a 50th power.
            if scale > 1e-300 || p < 50.0 {
                assert!(dx.allclose(&unit_dx, tolerance, 0.0), "{dx:?} at {scale}, p = {p}");
            }
        }
    }
    let x = Tensor::from([f32::MAX, 0.0]);
    assert_eq!(wengert::diff::value_and_grad(|x| x.norm(), &x), (f32::MAX, Tensor::from([1.0, 0.0])));
    assert_eq!(Tape::new().var(Tensor::from([INF, 1.0])).norm().item(), INF);
}

#[test]
fn logsumexp_takes_infinities() {
    let x = Tensor::from([[-INF, -INF], [INF, 0.0], [INF, INF], [-INF, 2.0], [1e308, 1e308]]);
    let tape = Tape::new();
    let x = tape.var(x);
    let y = x.logsumexp_axis(1);
    assert_eq!(y.value(), Tensor::from([-INF, INF, INF, 2.0, 1e308]));
    let expected = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.5, 0.5]];
    assert_eq!(y.sum().grad(x).value(), Tensor::from(expected));
    assert_eq!(second(|x| x.logsumexp(), [-INF, -INF]), Tensor::zeros([2]));
    assert!(tape.var(Tensor::from([f64::NAN, -INF])).logsumexp().item().is_nan());
}

#[test]
fn softmax_of_infinities_is_what_a_limit_leaves_and_nan_stays_in_its_row() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([[-INF, -INF], [INF, 0.0], [f64::NAN, 0.0], [-INF, 0.0], [1e5, -1e5]]));
    for y in [x.softmax(1).value(), x.log_softmax(1).exp().value()] {
        assert!(y.rows(0..3).iter().all(|y| y.is_nan()), "{y:?}");
        assert_eq!(y.rows(3..5), Tensor::from([[0.0, 1.0], [1.0, 0.0]]));
    }
    let dx = grad(|x| x.log_softmax(0).slice(0, 1..).sum(), [-INF, 0.0, 0.0]);
    assert_eq!(dx, Tensor::zeros([3]));
}

#[test]
fn losses_at_their_kinks() {
    assert_eq!(grad(|x| x.l1_loss_with(1.0, Reduction::Sum), [1.0, 2.0]), Tensor::from([0.0, 1.0]));
    assert_eq!(grad(|x| x.hinge_loss_with(1.0, Reduction::Sum), [1.0, 0.5]), Tensor::from([0.0, -1.0]));
    let x = [-INF, -2.0, -1.0, 0.0, 0.5, 1.0, INF];
    let expected = Tensor::from([-1.0, -1.0, -1.0, 0.0, 0.5, 1.0, 1.0]);
    assert_eq!(grad(|x| x.huber_loss_with(0.0, 1.0, Reduction::Sum), x), expected);
    assert_eq!(grad(|x| x.smooth_l1_loss_with(0.0, 1.0, Reduction::Sum), x), expected);
    let tape = Tape::new();
    let nan = tape.var(f64::NAN);
    for loss in
        [nan.hinge_loss(1.0), nan.huber_loss(0.0, 1.0), nan.binary_cross_entropy(1.0), nan.kl_div(1.0)]
    {
        assert!(loss.item().is_nan());
    }
    assert!(tape.var(Tensor::zeros([0])).mse_loss(0.0).item().is_nan());
    let target = Tensor::from([0.0, 1.0]);
    let dt = grad(|t| t.tape().constant(Tensor::from([-1.0, -1.0])).kl_div_with(t, Reduction::Sum), target);
    assert_eq!(dt, Tensor::from([1.0, 2.0]));
}

#[test]
fn a_certain_prediction_that_was_wrong_costs_a_hundred_and_passes_nothing_on() {
    let p = Tensor::from([0.0, 0.0, 1.0, 1.0]);
    let t = Tensor::from([0.0, 1.0, 0.0, 1.0]);
    let (loss, dp) = wengert::diff::value_and_grad(|p| p.binary_cross_entropy_with(&t, Reduction::Sum), &p);
    assert_eq!(loss, 200.0);
    assert_eq!(dp, Tensor::from([1.0, 0.0, 0.0, -1.0]));
}

#[test]
fn both_tails_of_the_cross_entropy_of_logits_keep_their_digits() {
    for x in [-700.0, -40.0, 40.0, 700.0] {
        let loss = |target: f64| {
            wengert::diff::value_and_grad(|x| x.binary_cross_entropy_with_logits(target), &Tensor::from(x))
        };
        let ((happened, up), (did_not, down)) = (loss(1.0), loss(0.0));
        // Far out, ln(1 + e^-|x|) and its slope are e^-|x|.
        let small = f64::exp(-f64::abs(x));
        let (likely, unlikely) = if x > 0.0 { (happened, did_not) } else { (did_not, happened) };
        assert!((likely / small - 1.0).abs() < 1e-15, "{likely} at {x}");
        assert_eq!(unlikely, x.abs());
        let (gentle, steep) = if x > 0.0 { (up, down) } else { (down, up) };
        assert!((gentle.item().abs() / small - 1.0).abs() < 1e-15, "{gentle:?} at {x}");
        assert_eq!(steep.item(), x.signum());
    }
}

#[test]
fn weights_smoothing_and_ignored_labels_agree_with_loops() {
    let logits = Tensor::from([[1.0, -2.0, 0.5], [0.1, 0.2, 0.3], [3.0, 1.0, -1.0], [0.0, 2.0, 0.0]]);
    let (labels, weight, smoothing) = ([2, 9, 0, 1], [0.5, 2.0, 1.5], 0.3);
    let tape = Tape::new();
    let options = CrossEntropy::new().weight(Tensor::from(weight)).label_smoothing(smoothing).ignore_index(9);
    let loss = tape.var(logits.clone()).cross_entropy_with(labels, &options).item();
    let (mut sum, mut total) = (0.0, 0.0);
    for (i, &label) in labels.iter().enumerate().filter(|(_, label)| **label != 9) {
        let ln_sum = logits.row(i).iter().map(|&x| f64::exp(x)).sum::<f64>().ln();
        let class = |c: usize| weight[c] * (ln_sum - logits.at([i, c]));
        sum += (1.0 - smoothing) * class(label as usize) + smoothing / 3.0 * (0..3).map(class).sum::<f64>();
        total += weight[label as usize];
    }
    assert!((loss - sum / total).abs() < 1e-14, "{loss} is not {}", sum / total);
}

#[test]
fn labels_that_are_computed_are_checked_when_the_loss_runs() {
    let tape = Tape::new();
    let scores = tape.var(Tensor::from([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]));
    let logits = tape.var(Tensor::zeros([2, 2]));
    let error = tape.try_evaluate(&[logits.cross_entropy(scores.argmax(1))]).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("cross_entropy: expected labels in 0..2, one for each class, got 2"),
        "{message}"
    );
    assert!(message.contains("reduction_kinks.rs"), "{message}");
    assert_eq!(scores.cross_entropy(scores.argmax(1)).item(), scores.cross_entropy([0, 2]).item());
}
