//! First and second derivatives of the operations with the most intricate rules, on inputs that are views, broadcast,
//! used twice, without elements or of one: against differences, and in `f32` against `f64`.

use wengert::check::{gradcheck, gradgradcheck};
use wengert::ops::{AvgPool, Conv, ConvTranspose, CrossEntropy, MaxPool, einsum};
use wengert::prelude::*;

type In<'a, 't, T> = &'a [Var<'t, T>];

/// A program in both formats, and the shapes of its inputs.
struct Program {
    name: &'static str,
    f64: for<'t> fn(In<'_, 't, f64>) -> Var<'t, f64>,
    f32: for<'t> fn(In<'_, 't, f32>) -> Var<'t, f32>,
    shapes: &'static [&'static [usize]],
}

macro_rules! programs {
    ($($name:ident $shapes:expr;)*) => {
        &[$(Program { name: stringify!($name), f64: $name::<f64>, f32: $name::<f32>, shapes: $shapes }),*]
    };
}

const PROGRAMS: &[Program] = programs! {
    running_product_of_a_reversed_transpose &[&[3, 4]];
    running_sum_of_every_second_row_backwards &[&[5, 2]];
    running_logarithm_of_a_broadcast &[&[1, 3], &[2, 1]];
    running_extremes_of_a_product_with_itself &[&[2, 5]];
    sorted_columns_of_a_transpose_times_the_input &[&[3, 4]];
    largest_of_a_reversed_slice &[&[2, 7]];
    product_over_two_axes_of_a_broadcast &[&[3, 1, 1], &[1, 2, 4]];
    norms_of_a_transpose &[&[3, 2, 2]];
    softmax_over_a_transposed_axis_times_its_logarithm &[&[3, 4]];
    deviation_of_a_reversed_input_times_the_variance_of_all &[&[3, 4]];
    powers_of_itself_and_of_its_reverse &[&[2, 3]];
    angles_and_lengths_against_the_transpose &[&[3, 3]];
    pools_of_flipped_pixels &[&[2, 2, 5, 6]];
    adaptive_pools_of_a_transpose &[&[1, 2, 7, 5]];
    convolution_in_groups_with_holes_by_a_turned_kernel &[&[2, 4, 6, 5], &[2, 2, 3, 2]];
    convolution_by_a_slice_of_the_input_itself &[&[1, 2, 5, 4]];
    transposed_convolution_in_groups &[&[2, 4, 3, 2], &[4, 1, 3, 2]];
    overlapping_windows_of_a_reverse &[&[2, 6]];
    gathers_with_repeated_indices &[&[3, 4]];
    scatters_with_repeated_indices_into_itself &[&[4, 3]];
    writes_of_parts_of_itself &[&[4, 2]];
    sums_of_products_with_a_diagonal &[&[3, 3], &[3, 2]];
    matrix_products_of_one_matrix_in_three_roles &[&[2, 3, 3]];
    kronecker_and_tensor_products_with_itself &[&[2, 2]];
    borders_that_mirror_repeat_and_wrap &[&[2, 4]];
    recurrence_whose_factors_are_its_input_reversed &[&[2, 5]];
    cross_entropy_with_smoothing_of_a_transpose &[&[3, 4]];
    divergence_from_a_softmax_of_the_same_input &[&[2, 3]];
    limits_that_depend_on_the_input &[&[4, 5]];
    logarithms_of_sums_of_shared_terms &[&[2, 3]];
    triangles_diagonals_and_rolls &[&[3, 4]];
    cosines_crosses_and_differences &[&[4, 3], &[3]];
    gated_halves_of_shuffled_pixels &[&[4, 2, 2]];
    remainders_and_quotients_of_the_input &[&[3, 4]];
    masks_that_depend_on_the_input &[&[3, 4]];
};

fn reversed<'t, T: Real>(x: Var<'t, T>) -> Var<'t, T> {
    x.flip(..)
}

fn indices<const N: usize>(list: [i64; N]) -> Tensor<i64> {
    Tensor::from(list)
}

fn running_product_of_a_reversed_transpose<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    reversed(x[0].t()).cumprod(-1) * x[0].t().cumprod(0)
}

fn running_sum_of_every_second_row_backwards<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    x[0].slice_step(0, .., -2).cumsum(0).square() * x[0].narrow(0, 1, 3)
}

fn running_logarithm_of_a_broadcast<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    (x[0] * x[1]).logcumsumexp(1) + reversed(x[0] - x[1]).logcumsumexp(0) * x[0]
}

fn running_extremes_of_a_product_with_itself<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let y = x[0] * reversed(x[0]) + x[0];
    y.cummax(1) * y.cummin(0)
}

fn sorted_columns_of_a_transpose_times_the_input<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    x[0].t().sort_descending(0).0 * x[0].t() + x[0].t().sort(-1).0.square()
}

fn largest_of_a_reversed_slice<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    x[0].slice_step(1, .., -2).topk(1, 2).0 * x[0].narrow(1, 2, 2)
}

fn product_over_two_axes_of_a_broadcast<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    (x[0] * x[1]).prod_axis([0, 2]) + x[1].broadcast_to([2, 3, 2, 4]).prod_axis([0, -2]).sum()
}

fn norms_of_a_transpose<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let y = x[0].transpose(0, -1);
    // Away from 0, where the second derivative is infinite.
    let away = y.square() + 0.3;
    y.norm_p_axis(3.0, [0, 1]) * away.norm_p_axis(1.5, [1, 2]).sum() + y.norm_keep(0).sum() * x[0].norm()
}

fn softmax_over_a_transposed_axis_times_its_logarithm<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    x[0].t().softmax(0) * reversed(x[0].t()).log_softmax(1) * x[0].logsumexp_keep(0).t()
}

fn deviation_of_a_reversed_input_times_the_variance_of_all<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    reversed(x[0]).std_keep(0) * x[0].var_keep_with([0, 1], 0.0) * x[0]
}

fn powers_of_itself_and_of_its_reverse<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let base = x[0].square() + 0.5;
    base.pow(x[0]) + base.pow(reversed(x[0])) * x[0].powi(3) + reversed(base).xlogy(base)
}

fn angles_and_lengths_against_the_transpose<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let other = reversed(x[0].t()) + 3.0;
    x[0].atan2(other) * x[0].hypot(other)
}

fn pools_of_flipped_pixels<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let max = MaxPool::new([2, 3]).stride([2, 1]).padding(1).dilation([1, 2]);
    let average = AvgPool::new([3, 2]).stride(2).padding(1).ceil_mode().without_padding();
    x[0].flip([2, 3]).max_pool2d(max).square().sum_keep([2, 3]) * x[0].transpose(2, 3).avg_pool2d(average)
}

fn adaptive_pools_of_a_transpose<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let y = x[0].transpose(2, 3);
    y.adaptive_avg_pool2d([2, 3]) * y.flip(3).adaptive_max_pool2d([2, 3])
}

fn convolution_in_groups_with_holes_by_a_turned_kernel<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let kernel = x[1].flip([2, 3]).transpose(2, 3);
    let options = Conv::<2>::new().groups(2).dilation([2, 1]).stride([1, 2]).padding_sides([(1, 0), (0, 2)]);
    x[0].conv2d(kernel, options).square() * x[1].sum()
}

fn convolution_by_a_slice_of_the_input_itself<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    x[0].conv2d(x[0].slice_step(2, .., -2).narrow(3, 1, 2), Conv::<2>::new().padding(1))
}

fn transposed_convolution_in_groups<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let options = ConvTranspose::<2>::new()
        .groups(2)
        .stride([2, 3])
        .padding([1, 0])
        .output_padding([1, 2])
        .dilation([2, 1]);
    x[0].flip(2).conv_transpose2d(x[1], options) * x[1].square().mean()
}

fn overlapping_windows_of_a_reverse<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    reversed(x[0]).unfold(1, 3, 2) * x[0].unfold(1, 3, 1).narrow(1, 1, 2)
}

fn gathers_with_repeated_indices<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let places = indices([3, 3, 0, 2, 1, 1]).reshape([3, 2]);
    x[0].gather(1, &places)
        * reversed(x[0]).take_along_axis(1, &places)
        * x[0].t().index_select(0, indices([2, 2])).t()
}

fn scatters_with_repeated_indices_into_itself<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let places = indices([0, 2, 0, 0, 2, 1]).reshape([2, 3]);
    let source = x[0].narrow(0, 1, 2).square();
    x[0].scatter_add(0, &places, source) * reversed(x[0]).scatter(0, &places, source.flip(1))
}

fn writes_of_parts_of_itself<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let rows = indices([3, 0, 3]);
    let part = x[0].narrow(0, 0, 3) * 2.0;
    x[0].index_add(0, &rows, part) * x[0].index_copy(0, &rows, part.square())
        + x[0].index_fill(0, &rows, part.sum())
}

fn sums_of_products_with_a_diagonal<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    einsum("ii,ij,kj->kj", &[x[0], x[0].matmul(x[1]), x[1]]) * einsum("ij,ji->", &[x[0], x[0]])
}

fn matrix_products_of_one_matrix_in_three_roles<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let y = x[0].matmul(x[0].transpose(1, 2)).matmul(x[0].select(0, 1));
    y * x[0].flip(1)
}

fn kronecker_and_tensor_products_with_itself<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    x[0].kron(reversed(x[0])) * x[0].tensordot(x[0].t(), &[0, 1], &[1, 0]) + x[0].inner(x[0]).sum()
}

fn borders_that_mirror_repeat_and_wrap<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let widths = [(0, 1), (3, 2)];
    x[0].pad_reflect(&widths) * reversed(x[0]).pad_circular(&widths) + x[0].pad_replicate(&widths).square()
        - x[0].pad(&[(0, 1), (-1, 6)], x[0].sum()).square()
}

fn recurrence_whose_factors_are_its_input_reversed<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    x[0].recurrence(1, reversed(x[0])) + x[0].t().recurrence(0, x[0].select(0, 0).unsqueeze(1)).t()
}

fn cross_entropy_with_smoothing_of_a_transpose<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let options = CrossEntropy::new().label_smoothing(0.1).ignore_index(2);
    x[0].t().cross_entropy_with(indices([1, 2, 0, 1]), &options) * x[0].cross_entropy(indices([3, 3, 0]))
}

fn divergence_from_a_softmax_of_the_same_input<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let p = reversed(x[0]).softmax(1);
    x[0].log_softmax(1).kl_div(p) + x[0].cross_entropy_soft(p) * x[0].sigmoid().binary_cross_entropy(p)
}

fn limits_that_depend_on_the_input<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let low = x[0].mean_keep(1);
    (x[0] * 3.0).clamp(low, low + 1.0).square() + x[0].maximum(reversed(x[0])) * x[0].minimum(x[0].mean())
}

fn logarithms_of_sums_of_shared_terms<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    x[0].logaddexp(reversed(x[0])) * x[0].logaddexp2(x[0]) + reversed(x[0]).logsumexp() * x[0].softplus()
}

fn triangles_diagonals_and_rolls<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let square = x[0].matmul(x[0].t());
    square.tril(-1) * reversed(square).triu(0).t()
        + x[0].diagonal(1).diag_embed(0) * square.roll(1, 2)
        + square.trace()
}

fn cosines_crosses_and_differences<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let cosine = x[0].cosine_similarity(reversed(x[0]), -1, 1e-8) * x[0].cosine_similarity(x[1], -1, 1e-8);
    cosine.unsqueeze(1) * x[1].cross(reversed(x[0]), -1) + x[0].diff(0).square().sum() * x[0].cross(x[1], -1)
}

fn gated_halves_of_shuffled_pixels<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let y = x[0].pixel_shuffle(2);
    y.glu(1) * y.glu(-1).transpose(1, 2) + y.softshrink(x[0].square().mean() * 0.1).pixel_unshuffle(4).sum()
}

fn remainders_and_quotients_of_the_input<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let divisor = x[0].square().mean() + 0.7;
    x[0].remainder(divisor).square() + (x[0] % divisor) * reversed(x[0])
}

fn masks_that_depend_on_the_input<'t, T: Real>(x: In<'_, 't, T>) -> Var<'t, T> {
    let high = x[0].gt(x[0].mean());
    high.choose(x[0].exp(), x[0].square()).masked_fill(reversed(high), x[0].sum()) * reversed(x[0])
}

/// Random numbers that `f32` holds exactly, the same for each run.
fn inputs(program: &Program) -> Vec<Tensor<f64>> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((state >> 40) as f32 / (1u32 << 22) as f32 - 2.0)
    };
    let input = |shape: &&[usize]| {
        let n = shape.iter().product();
        Tensor::new(*shape, (0..n).map(|_| next()).collect::<Vec<f64>>()).unwrap()
    };
    program.shapes.iter().map(input).collect()
}

#[test]
fn first_and_second_derivatives_are_those_of_differences() {
    let mut failures = Vec::new();
    for program in PROGRAMS {
        let x = inputs(program);
        let reports = [gradcheck(program.f64, &x), gradgradcheck(program.f64, &x)];
        failures.extend(
            reports.into_iter().filter_map(|report| Some(format!("{}: {}", program.name, report.err()?))),
        );
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The value, the gradients of a weighted sum of the outputs, and those of a weighted sum of the gradients.
fn derivatives<T: Real>(f: for<'t> fn(In<'_, 't, T>) -> Var<'t, T>, x: &[Tensor<f64>]) -> Vec<Tensor<f64>> {
    let tape = Tape::<T>::new();
    let x: Vec<Var<'_, T>> = x.iter().map(|x| tape.var(x.cast::<T>())).collect();
    // Weights without a pattern that an operation has.
    let weighted = |y: Var<'_, T>| -> Tensor<T> {
        Tensor::new(y.shape(), (0..y.size()).map(|i| T::of((1.7 * i as f64 + 0.3).sin())).collect::<Vec<T>>())
            .unwrap()
    };
    let y = f(&x);
    let gradients: Vec<Var<'_, T>> =
        y.vjp(tape.constant(weighted(y)), &x).into_iter().map(|dx| dx.unwrap()).collect();
    let sum = gradients.iter().map(|&dx| (dx * &weighted(dx)).sum()).reduce(|a, b| a + b).unwrap();
    let second = x.iter().map(|&x| sum.try_grad(x).map_or(Tensor::zeros(x.shape()), |ddx| ddx.value()));
    let all = [y.value()].into_iter().chain(gradients.iter().map(|dx| dx.value())).chain(second);
    all.map(|value| value.cast::<f64>()).collect()
}

fn assert_same_in_single_precision(program: &Program) {
    let x = inputs(program);
    let (double, single) = (derivatives(program.f64, &x), derivatives(program.f32, &x));
    for (i, (expected, y)) in double.iter().zip(&single).enumerate() {
        assert_eq!(expected.shape(), y.shape(), "{}", program.name);
        let scale = expected.iter().fold(1.0f64, |scale, y| scale.max(y.abs()));
        // Not a maximum of differences: that would pass over NaN.
        let same = expected.iter().zip(y.iter()).all(|(a, b)| (a - b).abs() <= 2e-4 * scale);
        assert!(same, "{} of {:?}: result {i} is {y}, expected {expected}", program.name, program.shapes);
    }
}

#[test]
fn single_precision_has_the_same_derivatives() {
    PROGRAMS.iter().for_each(assert_same_in_single_precision);
}

#[test]
fn inputs_without_elements_or_of_one_have_finite_derivatives() {
    const SMALL: &[Program] = programs! {
        running_product_of_a_reversed_transpose &[&[0, 4]];
        running_product_of_a_reversed_transpose &[&[1, 1]];
        running_logarithm_of_a_broadcast &[&[1, 0], &[2, 1]];
        running_logarithm_of_a_broadcast &[&[1, 1], &[1, 1]];
        running_extremes_of_a_product_with_itself &[&[3, 0]];
        sorted_columns_of_a_transpose_times_the_input &[&[0, 3]];
        sorted_columns_of_a_transpose_times_the_input &[&[1, 1]];
        softmax_over_a_transposed_axis_times_its_logarithm &[&[1, 1]];
        powers_of_itself_and_of_its_reverse &[&[0]];
        angles_and_lengths_against_the_transpose &[&[0, 0]];
        sums_of_products_with_a_diagonal &[&[0, 0], &[0, 2]];
        sums_of_products_with_a_diagonal &[&[1, 1], &[1, 0]];
        convolution_in_groups_with_holes_by_a_turned_kernel &[&[0, 4, 6, 5], &[2, 2, 3, 2]];
        transposed_convolution_in_groups &[&[0, 4, 3, 2], &[4, 1, 3, 2]];
        pools_of_flipped_pixels &[&[0, 2, 5, 6]];
        recurrence_whose_factors_are_its_input_reversed &[&[1, 0]];
        recurrence_whose_factors_are_its_input_reversed &[&[1, 1]];
        logarithms_of_sums_of_shared_terms &[&[1]];
        triangles_diagonals_and_rolls &[&[1, 2]];
        cosines_crosses_and_differences &[&[0, 3], &[3]];
        cosines_crosses_and_differences &[&[1, 3], &[3]];
    };
    SMALL.iter().for_each(assert_same_in_single_precision);
}
