//! Where operations on shapes, scans and indices have no derivative, or meet zeros, infinities and NaN.

use std::panic::{AssertUnwindSafe, catch_unwind};

use wengert::prelude::*;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Gradient of the sum of `f(x)` weighted with 1, 2, 3, ..
fn gradient(x: &[f64], f: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>) -> Vec<f64> {
    let tape = Tape::new();
    let x = tape.var(x);
    let y = f(x);
    let weights = Tensor::new(y.shape(), (1..=y.size()).map(|i| i as f64).collect::<Vec<_>>()).unwrap();
    // Infinite values must not spoil the sum that is differentiated: the cotangent is given.
    let dy = tape.constant(weights);
    y.vjp(dy, &[x])[0].map_or(vec![0.0; x.size()], |dx| dx.value().to_vec())
}

fn value(x: &[f64], f: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>) -> Vec<f64> {
    let tape = Tape::new();
    f(tape.var(x)).value().to_vec()
}

/// Message of the panic in `f`.
fn panic_message(f: impl FnOnce()) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(()) => panic!("expected a panic"),
        Err(message) => message.downcast_ref::<String>().cloned().unwrap_or_default(),
    }
}

/// The derivative of each running product, product by product.
fn plain_cumprod_gradient(x: &[f64]) -> Vec<f64> {
    let product_without =
        |j: usize, k: usize| (0..=k).filter(|&i| i != j).map(|i| x[i]).product::<f64>() * (k + 1) as f64;
    (0..x.len()).map(|j| (j..x.len()).map(|k| product_without(j, k)).sum()).collect()
}

#[test]
fn running_products_are_differentiated_exactly_through_any_number_of_zeros() {
    for x in [
        [2.0, 3.0, 5.0, 7.0],
        [0.0, 3.0, 5.0, 7.0],
        [2.0, 0.0, 5.0, 7.0],
        [2.0, 0.0, 5.0, 0.0],
        [0.0, 0.0, 5.0, 7.0],
        [0.0; 4],
    ] {
        assert_eq!(gradient(&x, |x| x.cumprod(0)), plain_cumprod_gradient(&x), "{x:?}");
    }
}

#[test]
fn the_second_derivative_of_a_running_product_with_zeros_is_exact() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([0.0, 3.0, 0.0]));
    // The last product x y z has the second derivatives z, y, x off the diagonal.
    let first = x.cumprod(0).select(0, 2).grad(x);
    let row = |i| first.select(0, i).grad(x).value();
    assert_eq!(row(0), Tensor::from([0.0, 0.0, 3.0]));
    assert_eq!(row(1), Tensor::from([0.0, 0.0, 0.0]));
    assert_eq!(row(2), Tensor::from([3.0, 0.0, 0.0]));
}

#[test]
fn a_running_product_neither_overflows_nor_vanishes_before_it_must() {
    assert_eq!(value(&[0.0, 1e200, 1e200], |x| x.cumprod(0)), [0.0; 3]);
    assert_eq!(value(&[1e-200, 1e200, 1e200], |x| x.cumprod(0))[2], 1e200);
}

#[test]
fn an_infinite_cotangent_reaches_the_first_factor_of_a_product() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([0.0, 2.0]));
    // The square root of the first product has an infinite derivative.
    let dx = x.cumprod(0).slice(0, ..1).sqrt().sum().grad(x).value();
    assert_eq!(dx, Tensor::from([INF, 0.0]));
}

#[test]
fn a_running_extreme_gives_the_whole_cotangent_to_the_first_at_a_tie() {
    assert_eq!(gradient(&[1.0, 3.0, 3.0, 2.0], |x| x.cummax(0)), [1.0, 9.0, 0.0, 0.0]);
    assert_eq!(gradient(&[3.0, 1.0, 1.0, 2.0], |x| x.cummin(0)), [1.0, 9.0, 0.0, 0.0]);
    let largest = value(&[1.0, NAN, 3.0], |x| x.cummax(0));
    assert!(largest[0] == 1.0 && largest[1].is_nan() && largest[2].is_nan());
    assert!(value(&[1.0, NAN, -3.0], |x| x.cummin(0))[1..].iter().all(|y| y.is_nan()));
}

#[test]
fn the_logarithm_of_a_running_sum_of_nothing_has_no_derivative() {
    assert_eq!(value(&[-INF, -INF, 1.0], |x| x.logcumsumexp(0)), [-INF, -INF, 1.0]);
    assert_eq!(gradient(&[-INF, -INF, 1.0], |x| x.logcumsumexp(0)), [0.0, 0.0, 3.0]);
    assert_eq!(gradient(&[-INF, -INF], |x| x.logcumsumexp(0)), [0.0, 0.0]);
}

#[test]
fn the_logarithm_of_a_running_sum_neither_overflows_nor_loses_small_terms() {
    assert_eq!(value(&[-800.0, 800.0, -800.0], |x| x.logcumsumexp(0)), [-800.0, 800.0, 800.0]);
    assert_eq!(value(&[-INF, -800.0], |x| x.logcumsumexp(0)), [-INF, -800.0]);
    assert_eq!(value(&[1.0, INF, 1.0], |x| x.logcumsumexp(0))[1..], [INF, INF]);
    let with_nan = value(&[1.0, NAN, 1.0], |x| x.logcumsumexp(0));
    assert!(with_nan[0] == 1.0 && with_nan[1].is_nan() && with_nan[2].is_nan());
}

#[test]
fn no_derivative_flows_through_places() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([1.0, 1.0]));
    assert!(!x.argmax(0).to_real().is_active());
    assert!(!x.argsort(0).one_hot(2).is_active());
}

#[test]
fn the_largest_few_of_equal_elements_are_the_first_and_take_the_cotangents() {
    assert_eq!(gradient(&[2.0, 2.0, 2.0], |x| x.topk(0, 2).0), [1.0, 2.0, 0.0]);
    assert_eq!(gradient(&[2.0, 1.0, 2.0, 1.0], |x| x.sort(0).0), [3.0, 1.0, 4.0, 2.0]);
    assert_eq!(gradient(&[2.0, NAN, 1.0], |x| x.sort(0).0), [2.0, 3.0, 1.0]);
}

#[test]
fn what_a_triangle_leaves_out_leaves_no_trace() {
    let square = |x: Var<'_, f64>| x.reshape([2, 2]).value();
    let tape = Tape::new();
    let x = tape.var(Tensor::from([4.0, NAN, 9.0, INF]));
    assert_eq!(square(x.reshape([2, 2]).tril(-1)), Tensor::from([[0.0, 0.0], [9.0, 0.0]]));
    // The root of a negative number and the logarithm of 0 have no finite derivative outside the triangle.
    assert_eq!(gradient(&[4.0, -1.0, 9.0, 1.0], |x| x.sqrt().reshape([2, 2]).tril(0))[1], 0.0);
    assert_eq!(gradient(&[1.0, 1.0, 0.0, 1.0], |x| x.ln().reshape([2, 2]).triu(0)), [1.0, 2.0, 0.0, 4.0]);
}

#[test]
fn an_infinity_inside_does_not_touch_the_border() {
    assert_eq!(value(&[INF, -INF], |x| x.pad(&[(1, 1)], 0.0)), [0.0, INF, -INF, 0.0]);
    assert_eq!(value(&[INF], |x| x.diag_embed(1).reshape([4])), [0.0, INF, 0.0, 0.0]);
}

#[test]
fn of_several_writes_to_one_place_the_last_one_stays() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([NAN, 2.0]));
    let src = tape.var(Tensor::from([INF, NAN, 7.0]));
    for y in [x.scatter(0, [0, 0, 0], src), x.index_copy(0, [0, 0, 0], src)] {
        assert_eq!(y.value(), Tensor::from([7.0, 2.0]));
        let grads = y.sum().grads(&[x, src]);
        assert_eq!(grads[0].unwrap().value(), Tensor::from([0.0, 1.0]));
        assert_eq!(grads[1].unwrap().value(), Tensor::from([0.0, 0.0, 1.0]));
    }
}

#[test]
fn a_filled_place_takes_no_gradient_whatever_it_held() {
    let mask = Tensor::from([true, false]);
    let roots = gradient(&[0.0, 4.0], |x| x.sqrt().masked_fill(&mask, 1.0));
    assert_eq!(roots, [0.0, 0.5]);
    assert_eq!(gradient(&[0.0, 4.0], |x| x.sqrt().scatter(0, [0], 1.0)), [0.0, 0.5]);
    assert_eq!(gradient(&[0.0, 4.0], |x| x.sqrt().index_fill(0, [0], 1.0)), [0.0, 0.5]);
}

#[test]
fn what_is_not_selected_takes_a_gradient_of_zero_even_from_an_infinite_slope() {
    // 0 * inf would be NaN: a gather must not multiply.
    assert_eq!(gradient(&[4.0, 9.0], |x| x.index_select(0, [1])), [0.0, 1.0]);
    assert_eq!(gradient(&[4.0, NAN], |x| x.masked_select(&Tensor::from([true, false]))), [1.0, 0.0]);
}

#[test]
fn selecting_a_mask_computes_the_mask_and_nothing_else() {
    let tape = Tape::new();
    tape.check_finite(true);
    let x = tape.var(Tensor::from([1.0, 0.0]));
    // The logarithm would stop the evaluation if it were computed here.
    let y = x.ln().masked_select(x.gt(0.5));
    assert_eq!(y.shape(), Shape::from([1]));
}

#[test]
fn a_computed_index_out_of_range_is_refused_with_the_op_and_the_line() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([1.0, 2.0, 5.0]));
    let (small, line) = (tape.var(Tensor::from([1.0, 2.0])), line!() + 1);
    let selected = [small.index_select(0, x.argmax(0).reshape([1])), small.gather(0, x.argsort(0))];
    for (y, op) in selected.into_iter().zip(["index_select", "gather"]) {
        let message = panic_message(|| drop(y.value()));
        assert!(message.starts_with(&format!("{op}: index 2 is out of range for size 2")), "{message}");
        assert!(message.contains(&format!("structure_kinks.rs:{line}")), "{message}");
    }
    let (added, written) = (small.scatter_add(0, x.argsort(0), 1.0), small.scatter(0, x.argsort(0), 1.0));
    assert!(panic_message(|| drop(added.value())).starts_with("scatter_add: index 2"));
    assert!(panic_message(|| drop(written.value())).starts_with("scatter: index 2"));
    assert!(panic_message(|| drop(x.argsort(0).one_hot(2).value())).starts_with("one_hot: index 2"));
    // The tape stays usable.
    assert_eq!(small.sum().item(), 3.0);
}

#[test]
fn gathers_and_their_transposes_agree_in_forward_and_reverse_mode() {
    let tape = Tape::new();
    let table = tape.var(Tensor::<f64>::arange(6).reshape([3, 2]));
    let direction = tape.constant(Tensor::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]));
    let y = table.embedding(Tensor::from([[2i64, 2], [0, 2]]));
    let dy = tape.constant(Tensor::<f64>::arange(8).reshape([2, 2, 2]));
    let forward = (y.jvp(&[(table, direction)]).unwrap() * dy).sum().item();
    let reverse = (y.vjp(dy, &[table])[0].unwrap() * direction).sum().item();
    assert_eq!(forward, reverse);
}
