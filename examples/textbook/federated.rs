//! Federated learning: each owner computes a gradient where the data are, and only gradients travel.

use std::thread;

use wengert::prelude::*;

use crate::descent::{descend, furthest_apart, largest_difference, value};
use crate::points::{Points, mean, weighted_sum};
use crate::table::Section;

/// How many points each owner has.
const AMOUNTS: [usize; 3] = [5, 20, 75];

pub fn section() -> Section {
    let pool = pool();
    let owners = owners_of(&pool);
    let w = Tensor::from([1.0, 1.0, -1.0]);
    let pooled = pool.gradient(&w);
    let gradients = where_the_data_are(&owners, &w);
    let unweighted = largest_difference(&mean(&gradients), &pooled);
    let descent = descend(|w| pool.loss(w), [0.0; 3], 0.1, 100);
    Section::new("Federated learning: owners of 5, 20 and 75 points, each on a thread of its own")
        .at_most(
            "weighted mean of the owners' gradients - pooled gradient",
            largest_difference(&weighted(&gradients), &pooled),
            1e-12,
        )
        .claim("the unweighted mean is off by", format!("{unweighted:.3}"), "> 0.01", unweighted > 0.01)
        .at_most(
            "federated descent - pooled descent, over 100 steps",
            furthest_apart(&federated_descent(&owners, 100, weighted), &descent),
            1e-12,
        )
}

/// The loss over all points, less the lowest there is, along `steps` steps: of descent on the pool, and of federated
/// descent by the weighted and by the unweighted mean.
pub fn losses(steps: usize) -> [Vec<f64>; 3] {
    let pool = pool();
    let owners = owners_of(&pool);
    let descent = descend(|w| pool.loss(w), [0.0; 3], 0.1, steps);
    let loss = |w: &Tensor<f64>| value(|w| pool.loss(w), w.clone());
    let lowest = loss(&descend(|w| pool.loss(w), [0.0; 3], 0.1, 1000)[1000]);
    [descent, federated_descent(&owners, steps, weighted), federated_descent(&owners, steps, mean)]
        .map(|path| path.iter().map(|w| loss(w) - lowest).collect())
}

fn pool() -> Points {
    Points::drawn(AMOUNTS.iter().sum(), 0.3, 8)
}

/// The pool cut into the owners' parts.
fn owners_of(pool: &Points) -> Vec<Points> {
    let mut start = 0;
    let part = |amount| {
        let indices: Vec<usize> = (start..start + amount).collect();
        start += amount;
        pool.take(&indices)
    };
    AMOUNTS.map(part).into()
}

/// The gradient of each owner's loss, computed on that owner's thread.
fn where_the_data_are(owners: &[Points], w: &Tensor<f64>) -> Vec<Tensor<f64>> {
    thread::scope(|scope| {
        let threads: Vec<_> = owners.iter().map(|owner| scope.spawn(|| owner.gradient(w))).collect();
        threads.into_iter().map(|thread| thread.join().expect("an owner's gradient")).collect()
    })
}

/// Mean of the owners' gradients, weighted by how many points each has.
fn weighted(gradients: &[Tensor<f64>]) -> Tensor<f64> {
    let total: usize = AMOUNTS.iter().sum();
    weighted_sum(gradients.iter().zip(AMOUNTS).map(|(gradient, n)| (n as f64 / total as f64, gradient)))
}

/// The weights that `steps` steps from 0 at rate 0.1 visit, with the owners' gradients put together by `mean`.
fn federated_descent(
    owners: &[Points],
    steps: usize,
    mean: impl Fn(&[Tensor<f64>]) -> Tensor<f64>,
) -> Vec<Tensor<f64>> {
    let mut path = vec![Tensor::zeros([3])];
    for step in 0..steps {
        let w = &path[step];
        let gradient = mean(&where_the_data_are(owners, w));
        path.push(w.zip(&gradient, |w, gradient| w - 0.1 * gradient));
    }
    path
}
