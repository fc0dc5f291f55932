//! Where pools have no derivative, or meet padding, infinities and NaN; and convolutions of infinities.

use wengert::ops::{Conv, MaxPool};
use wengert::prelude::*;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Value, and gradient of the sum weighted with 1, 10, 100, ..
fn value_and_gradient(
    x: Tensor<f64>,
    f: impl for<'t> Fn(Var<'t, f64>) -> Var<'t, f64>,
) -> (Vec<f64>, Vec<f64>) {
    let tape = Tape::new();
    let x = tape.var(x);
    let y = f(x);
    let weights: Vec<f64> = (0..y.size()).map(|i| 10f64.powi(i as i32)).collect();
    let dy = tape.constant(Tensor::new(y.shape(), weights).unwrap());
    (y.value().to_vec(), y.vjp(dy, &[x])[0].unwrap().value().to_vec())
}

#[test]
fn at_a_tie_the_first_of_a_window_takes_all() {
    // By twos and by threes, which are different loops.
    let (_, dx) = value_and_gradient(Tensor::ones([2, 4]), |x| x.max_pool2d(MaxPool::new(2)));
    assert_eq!(dx, [1.0, 0.0, 10.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let later = Tensor::from([[1.0, 2.0], [2.0, 2.0]]);
    assert_eq!(value_and_gradient(later.clone(), |x| x.max_pool2d(MaxPool::new(2))).1, [0.0, 1.0, 0.0, 0.0]);
    let (_, dx) = value_and_gradient(Tensor::ones([3, 3]), |x| x.max_pool2d(MaxPool::new(2).stride(1)));
    assert_eq!(dx, [1.0, 10.0, 0.0, 100.0, 1000.0, 0.0, 0.0, 0.0, 0.0]);
    let (_, dx) = value_and_gradient(Tensor::ones([3, 3]), |x| x.adaptive_max_pool2d(1));
    assert_eq!(dx, [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn cotangents_of_windows_that_overlap_add_up() {
    let x = Tensor::from([1.0, 5.0, 2.0, 3.0]);
    let (y, dx) = value_and_gradient(x, |x| x.max_pool1d(MaxPool::new(3).stride(1).padding(1)));
    assert_eq!((y, dx), (vec![5.0, 5.0, 5.0, 3.0], vec![0.0, 111.0, 0.0, 1000.0]));
}

#[test]
fn padding_is_never_the_largest() {
    let x = Tensor::from([-3.0, -INF, -7.0]);
    let (y, dx) = value_and_gradient(x, |x| x.max_pool1d(MaxPool::new(2).padding(1)));
    assert_eq!((y, dx), (vec![-3.0, -7.0], vec![1.0, 0.0, 10.0]));
    let (y, dx) =
        value_and_gradient(Tensor::from([-INF, -INF]), |x| x.max_pool1d(MaxPool::new(2).padding(1)));
    assert_eq!((y, dx), (vec![-INF, -INF], vec![1.0, 10.0]));
    // Taps on both sides of the only input.
    let nothing = MaxPool::new(2).padding(1).dilation(2);
    assert_eq!(value_and_gradient(Tensor::from([7.0]), |x| x.max_pool1d(nothing)), (vec![-INF], vec![0.0]));
}

#[test]
fn a_window_that_sees_nan_is_nan_and_the_first_of_them_takes_the_cotangent() {
    for window in [[1.0, NAN, 3.0, NAN], [NAN, NAN, INF, 0.0], [1.0, INF, NAN, 3.0]] {
        let first = window.iter().position(|x| x.is_nan()).unwrap();
        let square = Tensor::new([2, 2], window.to_vec()).unwrap();
        for (x, pool) in [(square.clone(), MaxPool::new(2)), (square.reshape([1, 4]), MaxPool::new([1, 4]))] {
            let (y, dx) = value_and_gradient(x, |x| x.max_pool2d(pool));
            assert!(y[0].is_nan() && dx[first] == 1.0 && dx.iter().sum::<f64>() == 1.0, "{window:?}: {dx:?}");
        }
    }
}

#[test]
fn the_tangent_of_a_pool_comes_from_the_places_that_the_cotangents_go_to() {
    let tape = Tape::new();
    let x = tape.var(Tensor::from([[1.0, 2.0, 2.0], [2.0, 0.0, 1.0]]));
    let dx = tape.constant(Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]));
    let y = x.max_pool2d(MaxPool::new(2).stride(1));
    assert_eq!(y.jvp(&[(x, dx)]).unwrap().value(), Tensor::from([[2.0, 2.0]]));
}

/// As the maximum over an axis.
#[test]
fn an_infinite_or_nan_cotangent_does_not_reach_what_a_pool_did_not_choose() {
    // The slope of the root is infinite at 0, and NaN below.
    let x = Tensor::from([0.0, -1.0, -2.0, -1.0, 1.0, 4.0]);
    for (y, dx) in [
        value_and_gradient(x.clone(), |x| x.max_pool1d(MaxPool::new(2)).sqrt()),
        value_and_gradient(x.clone(), |x| x.reshape([3, 2]).max_pool2d(MaxPool::new([1, 2])).sqrt()),
        value_and_gradient(x.clone(), |x| x.adaptive_max_pool1d(3).sqrt()),
        value_and_gradient(x, |x| x.reshape([3, 2]).max_axis(1).sqrt()),
    ] {
        assert!(y[0] == 0.0 && y[1].is_nan() && y[2] == 2.0, "{y:?}");
        assert!(dx[0] == INF && dx[3].is_nan() && dx[5] == 25.0, "{dx:?}");
        assert_eq!((dx[1], dx[2], dx[4]), (0.0, 0.0, 0.0));
    }
}

/// Places that a `choose` did not take stay untouched by infinities before and after the pool.
#[test]
fn a_structural_zero_comes_through_a_pool_and_its_transpose() {
    let x = Tensor::from([0.0, 0.0, 4.0, 1.0]);
    let taken = Tensor::from([0.0, 1.0]);
    let (_, dx) =
        value_and_gradient(x.clone(), |x| taken_of(&taken, x.sqrt().max_pool1d(MaxPool::new(2)).ln()));
    assert_eq!(dx, [0.0, 0.0, 10.0 / 8.0, 0.0]);
    let tape = Tape::new();
    let x = tape.var(x);
    let y = taken_of(&taken, x.sqrt().max_pool1d(MaxPool::new(2)).ln());
    // ln(x) / 2 has the second derivative -1 / (2 x^2).
    assert_eq!(y.sum().grad(x).sum().grad(x).value(), Tensor::from([0.0, 0.0, -1.0 / 32.0, 0.0]));
}

fn taken_of<'t>(taken: &Tensor<f64>, x: Var<'t, f64>) -> Var<'t, f64> {
    x.tape().constant(taken.clone()).choose(x, 0.0)
}

/// A pool is no branch: it multiplies what it did not choose by a zero that was computed, as the maximum does.
#[test]
fn before_a_pool_zero_times_infinity_stays_nan() {
    let x = Tensor::from([0.0, 4.0, 1.0, 0.25]);
    for (_, dx) in [
        value_and_gradient(x.clone(), |x| x.sqrt().max_pool1d(MaxPool::new(2))),
        value_and_gradient(x, |x| x.sqrt().reshape([2, 2]).max_axis(1)),
    ] {
        assert!(dx[0].is_nan(), "{dx:?}");
        assert_eq!(dx[1..], [0.25, 5.0, 0.0]);
    }
}

/// The loops at the pitch of a bordered image compute a few sums too many: an infinity in those must not be seen.
#[test]
fn an_infinity_reaches_what_sees_it_and_nothing_else() {
    for stride in [1, 2] {
        let mut image = Tensor::<f64>::ones([1, 1, 9, 13]);
        image.make_mut()[4 * 13] = INF;
        let tape = Tape::new();
        let (x, w) = (tape.var(image), tape.var(Tensor::<f64>::ones([8, 1, 3, 3])));
        let y = x.conv2d(w, Conv::new().stride(stride));
        let n = y.shape()[3];
        for (at, y) in y.value().iter().enumerate() {
            let (line, column) = (at / n % y_lines(stride), at % n);
            let sees = (line * stride..line * stride + 3).contains(&4) && column == 0;
            assert_eq!(*y, if sees { INF } else { 9.0 }, "stride {stride}, output {at}");
        }
        let dw = y.sum().grad(w).value();
        for (at, dw) in dw.iter().enumerate() {
            // Only the first column of a kernel meets the first column of the image.
            assert_eq!(dw.is_infinite(), at % 3 == 0 && (stride == 1 || at % 9 != 3), "{dw} at {at}");
            assert!(!dw.is_nan());
        }
    }
}

fn y_lines(stride: usize) -> usize {
    (9 - 3) / stride + 1
}
