//! Random inputs from the domains of the table.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use wengert::ops::table::Domain;
use wengert::prelude::*;

/// A seeded generator.
pub struct Sampler(Xoshiro256PlusPlus);

impl Sampler {
    pub fn new(seed: u64) -> Self {
        Sampler(Xoshiro256PlusPlus::seed_from_u64(seed))
    }
}

/// A tensor of numbers from `domain`: away from its holes, and its elements apart from each other if it says so.
pub fn draw(sampler: &mut Sampler, shape: impl Into<Shape>, domain: &Domain) -> Tensor<f64> {
    let shape = shape.into();
    let n = shape.size();
    let apart = domain.gap > 0.0 && domain.holes.is_empty();
    let elements =
        if apart { spread(sampler, domain, n) } else { (0..n).map(|_| one(sampler, domain)).collect() };
    match Tensor::new(shape, elements) {
        Ok(tensor) => tensor,
        Err(error) => panic!("{error}"),
    }
}

fn one(sampler: &mut Sampler, domain: &Domain) -> f64 {
    let Domain { low, high, holes, gap } = *domain;
    for _ in 0..1000 {
        let x = low + (high - low) * sampler.0.random::<f64>();
        if holes.iter().all(|hole| (x - hole).abs() >= gap) {
            return x;
        }
    }
    panic!("the domain [{low}, {high}] without {holes:?} by {gap} is all holes")
}

/// One number from each of `n` cells, in random order, at least `gap` apart.
fn spread(sampler: &mut Sampler, domain: &Domain, n: usize) -> Vec<f64> {
    let Domain { low, high, gap, .. } = *domain;
    let cell = (high - low) / n.max(1) as f64;
    assert!(n < 2 || cell > gap, "{n} numbers in [{low}, {high}] cannot be {gap} apart");
    let mut elements: Vec<f64> =
        (0..n).map(|i| low + cell * i as f64 + (cell - gap).max(0.0) * sampler.0.random::<f64>()).collect();
    for i in (1..n).rev() {
        elements.swap(i, sampler.0.random_range(0..=i));
    }
    elements
}
