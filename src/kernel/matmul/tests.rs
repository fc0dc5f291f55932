//! Products of random shapes and strides against a plain loop.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::batch::Batch;
use super::grid::Grid;
use super::product::{Dims, Product, Store};
use super::simd::vectorised;
use super::{Matrix, accumulate, library, matmul, product, tile};
use crate::kernel::layout::{Layout, View};
use crate::kernel::threads::{set_threads, threads};
use crate::shape::Shape;
use crate::tensor::Real;

/// Numbers of both signs.
pub(super) fn numbers<T: Real>(n: usize, random: &mut StdRng) -> Vec<T> {
    (0..n).map(|_| T::of(random.random_range(-1.0..1.0))).collect()
}

/// A product of what [`matrix`] has made, to rows of `c` that begin so many elements apart.
pub(super) fn product_of<T: Real>(
    dims: Dims,
    a: &(Vec<T>, usize, (isize, isize)),
    b: &(Vec<T>, usize, (isize, isize)),
    (c, apart): (&mut [T], usize),
    store: Store,
) -> Product<T> {
    Product {
        dims,
        a: a.0.as_ptr().wrapping_add(a.1),
        a_strides: a.2,
        b: b.0.as_ptr().wrapping_add(b.1),
        b_strides: b.2,
        c: c.as_mut_ptr(),
        c_strides: (apart as isize, 1),
        store,
    }
}

/// A buffer and a view of it as `rows x columns`: row-major, transposed, reversed, sliced or broadcast.
pub(super) fn matrix<T: Real>(
    rows: usize,
    columns: usize,
    random: &mut StdRng,
) -> (Vec<T>, usize, (isize, isize)) {
    let (rows_apart, columns_apart) = ((rows.max(1) - 1) as isize, (columns.max(1) - 1) as isize);
    let step = [1, 1, 1, 2, 3][random.random_range(0..5)];
    let gap = [0, 0, 1, 5][random.random_range(0..4)];
    let (row, column) = match random.random_range(0..6) {
        0 => (0, step),
        1 => (step, 0),
        2 | 3 => (step * (columns as isize + gap), step),
        _ => (step, step * (rows as isize + gap)),
    };
    let row = if random.random_range(0..4) == 0 { -row } else { row };
    let column = if random.random_range(0..4) == 0 { -column } else { column };
    let offset = (-(row * rows_apart).min(0) - (column * columns_apart).min(0)) as usize + 3;
    let high = offset as isize + (row * rows_apart).max(0) + (column * columns_apart).max(0);
    (numbers(high as usize + 1, random), offset, (row, column))
}

fn at<T: Real>((data, offset, (row, column)): Matrix<'_, T>, i: usize, j: usize) -> f64 {
    data[(offset as isize + i as isize * row + j as isize * column) as usize].as_f64()
}

/// Element `i, j` of the product, and how far from it rounding may lead.
fn expected<T: Real>(a: Matrix<'_, T>, b: Matrix<'_, T>, k: usize, i: usize, j: usize) -> (f64, f64) {
    let terms = || (0..k).map(|p| at(a, i, p) * at(b, p, j));
    let size: f64 = terms().map(f64::abs).sum();
    (terms().sum(), (1.0 + size) * (k as f64 + 4.0) * T::epsilon().as_f64())
}

fn length(random: &mut StdRng) -> usize {
    match random.random_range(0..12) {
        0 => 0,
        1 | 2 => 1,
        3..=7 => random.random_range(2..20),
        8..=10 => random.random_range(20..70),
        _ => random.random_range(70..300),
    }
}

/// One product by every way there is, against the plain loop.
fn random_products<T: Real>(rounds: u64) {
    for seed in 0..rounds {
        let random = &mut StdRng::seed_from_u64(seed);
        let (m, k, n) = (length(random), length(random), length(random));
        let a = matrix::<T>(m, k, random);
        let b = matrix::<T>(k, n, random);
        let (a, b) = ((&*a.0, a.1, a.2), (&*b.0, b.1, b.2));
        let mut contiguous = vec![T::nan(); m * n];
        product(a, b, &mut contiguous, (m, k, n));
        // Rows or columns apart, the other way round, among elements that must stay as they are.
        let c_strides =
            [(n as isize + 3, 1), (1, m as isize + 2), (2 * n as isize, -2)][random.random_range(0..3)];
        let before = numbers::<T>(2 * (m + 3) * (n + 3), random);
        let offset = if c_strides.1 < 0 { 2 * n } else { 1 };
        let mut sum = before.clone();
        accumulate(a, b, (&mut sum, offset, c_strides), (m, k, n));
        let mut touched = vec![false; sum.len()];
        for i in 0..m {
            for j in 0..n {
                let case =
                    || format!("seed {seed}: {m} x {k} x {n}, strides {:?}, {:?}, {c_strides:?}", a.2, b.2);
                let (expected, tolerance) = expected(a, b, k, i, j);
                let found = contiguous[i * n + j].as_f64();
                assert!((found - expected).abs() <= tolerance, "{}: {found} for {expected}", case());
                let place = (offset as isize + i as isize * c_strides.0 + j as isize * c_strides.1) as usize;
                let (found, expected) = (sum[place].as_f64(), before[place].as_f64() + expected);
                assert!((found - expected).abs() <= tolerance, "{}: {found} for {expected}", case());
                touched[place] = true;
            }
        }
        for (i, touched) in touched.iter().enumerate() {
            assert!(
                *touched || sum[i] == before[i],
                "seed {seed}: element {i} outside the output was written"
            );
        }
    }
}

#[test]
fn products_of_any_strides_match_a_plain_loop() {
    random_products::<f32>(600);
    random_products::<f64>(600);
}

/// Each loop by itself, whatever the size: the one that small products take, and both libraries.
fn every_loop<T: Real>(rounds: u64) {
    // SAFETY: whoever calls one answers for the pointers, as for `Product::run`.
    type Run<T> = unsafe fn(&Product<T>);
    let tiles: Run<T> = |product| {
        // SAFETY: the caller answers for the pointers.
        unsafe { vectorised::<T>(tile::Tiles(*product)) };
    };
    let plain: Run<T> = |product| {
        use super::simd::Loop;
        // SAFETY: as above.
        unsafe { tile::Tiles(*product).run::<super::simd::Fused>() };
    };
    let mut runs = vec![tiles, plain, library::portable::run];
    if library::is_available() {
        runs.push(library::run);
    }
    for seed in 0..rounds {
        let random = &mut StdRng::seed_from_u64(seed);
        let [m, k, n] = [length(random), length(random), length(random)].map(|length| length.max(1));
        let (a, b) = (matrix::<T>(m, k, random), matrix::<T>(k, n, random));
        for (which, run) in runs.iter().enumerate() {
            for store in [Store::Replace, Store::Add] {
                let mut c = vec![T::one(); m * n];
                let product = product_of(Dims { m, k, n }, &a, &b, (&mut c, n), store);
                // SAFETY: `matrix` makes buffers for the strides that it returns.
                unsafe { run(&product) };
                let start = if store == Store::Add { 1.0 } else { 0.0 };
                for (i, found) in c.iter().enumerate() {
                    let (a, b) = ((&*a.0, a.1, a.2), (&*b.0, b.1, b.2));
                    let (expected, tolerance) = expected(a, b, k, i / n, i % n);
                    let difference = (found.as_f64() - start - expected).abs();
                    assert!(
                        difference <= tolerance,
                        "loop {which}, seed {seed}: {m} x {k} x {n} is off by {difference}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_loop_can_compute_every_product() {
    every_loop::<f32>(150);
    every_loop::<f64>(150);
}

/// A layout of `shape` in a buffer: permuted, reversed or broadcast.
fn layout(shape: &Shape, random: &mut StdRng) -> (Layout, usize) {
    let rank = shape.rank();
    let mut axes: Vec<usize> = (0..rank).collect();
    for i in (1..rank).rev() {
        if random.random_range(0..3) == 0 {
            axes.swap(i, random.random_range(0..=i));
        }
    }
    let stored: Vec<usize> = {
        let mut stored = vec![0; rank];
        axes.iter().enumerate().for_each(|(to, &from)| stored[from] = shape[to]);
        stored
    };
    let whole = Layout::contiguous(&Shape::from(&stored[..]));
    let mut layout = whole.view(View::Permute(&axes), shape).unwrap();
    for axis in 0..rank {
        if random.random_range(0..6) == 0 && shape.size() > 0 {
            let mut ranges: Vec<(usize, isize)> = vec![(0, 1); rank];
            ranges[axis] = (shape[axis] - 1, -1);
            layout = layout.view(View::Slice(&ranges), shape).unwrap();
        }
        if random.random_range(0..8) == 0 {
            layout.strides[axis] = 0;
        }
    }
    (layout, shape.size())
}

/// The offset of the matrix at `index` of a batch of `out`.
fn matrix_at<'a, T: Real>(data: &'a [T], own: &Layout, out: &Shape, mut index: usize) -> Matrix<'a, T> {
    let (rank, added) = (own.shape.rank(), out.rank() - own.shape.rank());
    let mut offset = own.offset as isize;
    for axis in (0..out.rank() - 2).rev() {
        let i = index % out[axis];
        index /= out[axis];
        if axis >= added && own.shape[axis - added] > 1 {
            offset += i as isize * own.strides[axis - added];
        }
    }
    (data, offset as usize, (own.strides[rank - 2], own.strides[rank - 1]))
}

fn random_batches<T: Real>(rounds: u64) {
    for seed in 0..rounds {
        let random = &mut StdRng::seed_from_u64(seed);
        let sizes = |random: &mut StdRng| [0, 1, 1, 2, 3, 5, 8, 17][random.random_range(0..8)];
        let [m, k, n] = [sizes(random), sizes(random), sizes(random) * [1, 9][random.random_range(0..2)]];
        let batch: Vec<usize> = (0..random.random_range(0..4)).map(|_| sizes(random)).collect();
        let mut own = |rows: usize, columns: usize| {
            let drop = random.random_range(0..=batch.len());
            let mut shape = batch[drop..].to_vec();
            shape.iter_mut().for_each(|n| {
                if random.random_range(0..3) == 0 {
                    *n = 1
                }
            });
            shape.extend([rows, columns]);
            layout(&Shape::from(&shape[..]), random)
        };
        let ((a_layout, a_size), (b_layout, b_size)) = (own(m, k), own(k, n));
        let out = Shape::from(&[&batch[..], &[m, n]].concat()[..]);
        let (a, b) = (numbers::<T>(a_size, random), numbers::<T>(b_size, random));
        let mut c = vec![T::nan(); out.size()];
        matmul((&a, &a_layout), (&b, &b_layout), &out, &mut c);
        for (i, c) in c.iter().enumerate() {
            let (a, b) =
                (matrix_at(&a, &a_layout, &out, i / (m * n)), matrix_at(&b, &b_layout, &out, i / (m * n)));
            let (expected, tolerance) = expected(a, b, k, i / n % m, i % n);
            let difference = (c.as_f64() - expected).abs();
            assert!(
                difference <= tolerance,
                "seed {seed}: {a_layout:?} x {b_layout:?} is off by {difference}"
            );
        }
    }
}

#[test]
fn batches_of_any_layout_match_a_plain_loop() {
    random_batches::<f32>(500);
    random_batches::<f64>(500);
}

#[test]
fn a_batch_with_one_right_operand_is_a_single_product() {
    let dims = |a: &[usize], b: &[usize], out: &[usize]| {
        let [a, b, out] = [a, b, out].map(Shape::from);
        let batch = Batch::new(&Layout::contiguous(&a), &Layout::contiguous(&b), &out);
        (batch.count, batch.dims.m)
    };
    assert_eq!(dims(&[4, 5, 6], &[6, 7], &[4, 5, 7]), (1, 20));
    assert_eq!(dims(&[2, 4, 5, 6], &[1, 1, 6, 7], &[2, 4, 5, 7]), (1, 40));
    assert_eq!(dims(&[4, 1, 6], &[6, 7], &[4, 1, 7]), (1, 4));
    assert_eq!(dims(&[2, 4, 5, 6], &[2, 1, 6, 7], &[2, 4, 5, 7]), (2, 20));
    assert_eq!(dims(&[5, 6], &[4, 6, 7], &[4, 5, 7]), (4, 5));
}

/// Shapes of `a`, `b` and the output that are cut into several pieces.
const LARGE: [[&[usize]; 3]; 10] = [
    [&[290, 100], &[100, 300], &[290, 300]],
    [&[2, 130, 300], &[2, 300, 700], &[2, 130, 700]],
    [&[300, 200], &[200, 500], &[300, 500]],
    [&[70, 900], &[900, 70], &[70, 70]],
    [&[33, 130], &[130, 2000], &[33, 2000]],
    [&[40, 64, 32], &[40, 32, 64], &[40, 64, 64]],
    [&[900, 700], &[700, 1], &[900, 1]],
    [&[1, 700], &[700, 900], &[1, 900]],
    [&[900, 1], &[1, 700], &[900, 700]],
    [&[300, 8, 8], &[300, 8, 300], &[300, 8, 300]],
];

#[test]
fn the_bits_are_the_same_at_any_number_of_threads() {
    let random = &mut StdRng::seed_from_u64(7);
    let before = threads();
    for [a_shape, b_shape, out] in LARGE.map(|shapes| shapes.map(Shape::from)) {
        let (a, b) = (numbers::<f32>(a_shape.size(), random), numbers::<f32>(b_shape.size(), random));
        let (a_layout, b_layout) = (Layout::contiguous(&a_shape), Layout::contiguous(&b_shape));
        let results = [1, 2, 3, 8].map(|n| {
            set_threads(n);
            let mut c = vec![f32::NAN; out.size()];
            matmul((&a, &a_layout), (&b, &b_layout), &out, &mut c);
            c
        });
        for (i, c) in results[0].iter().enumerate() {
            let n = out[out.rank() - 1];
            let m = out[out.rank() - 2];
            let (a, b) =
                (matrix_at(&a, &a_layout, &out, i / (m * n)), matrix_at(&b, &b_layout, &out, i / (m * n)));
            let k = a_shape[a_shape.rank() - 1];
            let (expected, tolerance) = expected(a, b, k, i / n % m, i % n);
            assert!((c.as_f64() - expected).abs() <= tolerance, "{a_shape} x {b_shape}: {c} for {expected}");
        }
        let bits = results.map(|c| c.iter().map(|x| x.to_bits()).collect::<Vec<_>>());
        assert!(
            bits.iter().all(|other| *other == bits[0]),
            "{a_shape} x {b_shape}: bits depend on the threads"
        );
    }
    set_threads(before);
}

#[test]
fn the_parts_of_a_grid_cover_each_element_once() {
    let random = &mut StdRng::seed_from_u64(3);
    for _ in 0..300 {
        let [m, k, n] = [1, 1, 1].map(|_| [1, 31, 64, 200, 513, 1100][random.random_range(0..6)]);
        let mut c = vec![0u32; m * n];
        let a = vec![0.0f32; m.max(n) * k];
        let whole = Product {
            dims: Dims { m, k, n },
            a: a.as_ptr(),
            a_strides: (k as isize, 1),
            b: a.as_ptr(),
            b_strides: (n as isize, 1),
            c: c.as_mut_ptr().cast::<f32>(),
            c_strides: (n as isize, 1),
            store: Store::Replace,
        };
        let grid = [Grid::new(&whole, 1), Grid::for_panels(&whole, 1, 4)][random.random_range(0..2)];
        let start = c.as_ptr() as usize;
        for part in 0..grid.parts() {
            // SAFETY: the three buffers are as large as the dimensions say.
            let part = unsafe { grid.part(&whole, part) };
            let first = (part.c as usize - start) / size_of::<f32>();
            for i in 0..part.dims.m {
                c[first + i * n..][..part.dims.n].iter_mut().for_each(|count| *count += 1);
            }
        }
        assert!(c.iter().all(|&count| count == 1), "{m} x {k} x {n}: parts overlap or leave gaps");
    }
}

#[test]
#[should_panic(expected = "a matrix spans 0 to 7 of 6 elements")]
fn an_operand_that_leaves_its_buffer_is_refused() {
    product((&[0.0f32; 6], 0, (3, 2)), (&[0.0; 6], 0, (2, 1)), &mut [0.0; 4], (2, 3, 2));
}

#[test]
#[should_panic(expected = "overlap")]
fn an_output_whose_elements_share_a_place_is_refused() {
    let mut c = [0.0f32; 6];
    accumulate((&[0.0; 4], 0, (2, 1)), (&[0.0; 4], 0, (2, 1)), (&mut c, 0, (1, 1)), (2, 2, 2));
}
