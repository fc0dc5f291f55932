//! The state of the methods that look at all parameters at once.
//!
//! Their vectors hold the parameters one after the other, so a line of text keeps the parameters' names in that order.

use std::collections::VecDeque;

use super::section::format_error;
use super::{Reader, Report, Stateful, Writer};
use crate::error::Result;
use crate::optim::lbfgs::{Memory, Pair};
use crate::optim::objective::Objective;
use crate::optim::{GaussNewton, Lbfgs, LevenbergMarquardt, NewtonCg, NonlinearCg};
use crate::shape::Shape;
use crate::tensor::{Real, Tensor};

impl<T: Real> Stateful for Lbfgs<T> {
    fn kind(&self) -> &str {
        "lbfgs"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        save_objective(&self.objective, section)?;
        section.number("lr", self.lr)?;
        let Some(memory) = &self.memory else { return Ok(()) };
        section.text("memory", "yes");
        section.number("scale", memory.scale)?;
        section.number("t", memory.t)?;
        section.tensor("direction", &Tensor::from(memory.direction.clone()))?;
        section.tensor("gradient", &Tensor::from(memory.gradient.clone()))?;
        let rows = |of: fn(&Pair) -> &Vec<f64>| -> Result<Tensor<f64>> {
            let data: Vec<f64> = memory.pairs.iter().flat_map(|pair| of(pair).clone()).collect();
            Tensor::new([memory.pairs.len(), memory.direction.len()], data)
        };
        section.tensor("steps", &rows(|(step, _, _)| step)?)?;
        section.tensor("changes", &rows(|(_, change, _)| change)?)?;
        let inverses: Vec<f64> = memory.pairs.iter().map(|(_, _, inverse)| *inverse).collect();
        section.tensor("inverses", &Tensor::from(inverses))
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let evaluations = load_objective(&self.objective, &mut section)?;
        let lr = section.number("lr").filter(|lr| *lr >= 0.0 && lr.is_finite());
        let memory = match section.text("memory") {
            Some(_) => load_memory(self.objective.position().len(), &mut section),
            None => None,
        };
        let report = section.finish()?;
        self.objective.evaluations = evaluations;
        (self.lr, self.memory) = (lr.unwrap_or(self.lr), memory);
        Ok(report)
    }
}

/// The memory, if the section holds all of it.
fn load_memory(n: usize, section: &mut Reader<'_>) -> Option<Memory> {
    let (scale, t) = (section.number("scale"), section.number("t"));
    let direction = section.tensor::<f64>("direction", &Shape::from([n]));
    let gradient = section.tensor::<f64>("gradient", &Shape::from([n]));
    let steps = section.rows::<f64>("steps", n);
    // Without any element a matrix may claim any number of rows.
    let count = steps.as_ref().filter(|steps| steps.size() > 0).map_or(0, |steps| steps.dims()[0]);
    let changes = section.tensor::<f64>("changes", &Shape::from([count, n]));
    let inverses = section.tensor::<f64>("inverses", &Shape::from([count]));
    let (steps, changes) = (steps?, changes?);
    let rows = |of: &Tensor<f64>, i: usize| of.as_slice()[i * n..(i + 1) * n].to_vec();
    let inverses = inverses?.into_vec().into_iter().enumerate();
    let pairs = inverses.map(|(i, inverse)| (rows(&steps, i), rows(&changes, i), inverse));
    Some(Memory {
        pairs: pairs.collect::<VecDeque<_>>(),
        scale: scale?,
        direction: direction?.into_vec(),
        t: t?,
        gradient: gradient?.into_vec(),
    })
}

/// It starts anew with every step; only the count goes on.
impl<T: Real> Stateful for NonlinearCg<T> {
    fn kind(&self) -> &str {
        "nonlinear_cg"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        save_objective(&self.objective, section)
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let evaluations = load_objective(&self.objective, &mut section)?;
        let report = section.finish()?;
        self.objective.evaluations = evaluations;
        Ok(report)
    }
}

/// As for [`NonlinearCg`].
impl<T: Real> Stateful for GaussNewton<T> {
    fn kind(&self) -> &str {
        "gauss_newton"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        save_objective(&self.objective, section)
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let evaluations = load_objective(&self.objective, &mut section)?;
        let report = section.finish()?;
        self.objective.evaluations = evaluations;
        Ok(report)
    }
}

/// The radius of the region stays.
impl<T: Real> Stateful for NewtonCg<T> {
    fn kind(&self) -> &str {
        "newton_cg"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        save_objective(&self.objective, section)?;
        section.number("radius", self.method.radius)?;
        section.count("products", self.method.products)
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let evaluations = load_objective(&self.objective, &mut section)?;
        let (radius, products) = (section.number("radius"), section.count("products"));
        if let Some(radius) = radius.filter(|radius| radius.is_nan() || *radius < 0.0) {
            return Err(format_error("a radius of at least 0", radius));
        }
        let report = section.finish()?;
        self.objective.evaluations = evaluations;
        (self.method.radius, self.method.products) =
            (radius.unwrap_or(self.method.radius), products.unwrap_or(self.method.products));
        Ok(report)
    }
}

/// The damping stays.
impl<T: Real> Stateful for LevenbergMarquardt<T> {
    fn kind(&self) -> &str {
        "levenberg_marquardt"
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        save_objective(&self.objective, section)?;
        section.number("damping", self.method.damping)
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let evaluations = load_objective(&self.objective, &mut section)?;
        let damping = section.number("damping");
        if let Some(damping) = damping.filter(|damping| damping.is_nan() || *damping < 0.0) {
            return Err(format_error("a damping of at least 0", damping));
        }
        let report = section.finish()?;
        self.objective.evaluations = evaluations;
        self.method.damping = damping.unwrap_or(self.method.damping);
        Ok(report)
    }
}

fn save_objective<T: Real>(objective: &Objective<T>, section: &mut Writer<'_>) -> Result<()> {
    section.text("parameters", &names(objective));
    section.count("evaluations", objective.evaluations)
}

/// The number of evaluations, if the section is about the same parameters.
fn load_objective<T: Real>(objective: &Objective<T>, section: &mut Reader<'_>) -> Result<u64> {
    let (expected, got) = (names(objective), section.text("parameters").unwrap_or("no parameters"));
    match got == expected {
        true => Ok(section.count("evaluations").unwrap_or(objective.evaluations)),
        false => Err(format_error(format!("the state of {expected}"), format!("that of {got}"))),
    }
}

fn names<T: Real>(objective: &Objective<T>) -> String {
    let names: Vec<&str> = objective.params.iter().map(|param| param.name()).collect();
    names.join(", ")
}
