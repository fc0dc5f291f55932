//! The state of the methods that look at all parameters at once.
//!
//! Their vectors hold the parameters one after the other, so a line of text keeps the parameters' names in that order.

use std::collections::VecDeque;

use super::section::format_error;
use super::{Reader, Report, Stateful, Writer};
use crate::error::Result;
use crate::optim::lbfgs::{Memory, Pair};
use crate::optim::objective::Objective;
use crate::optim::{Lbfgs, Method, Minimizer};
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
        let lr = section.number("lr").unwrap_or(self.lr);
        if !(lr >= 0.0 && lr.is_finite()) {
            return Err(format_error("a finite learning rate of at least 0", lr));
        }
        let memory = match section.text("memory") {
            Some(_) => load_memory(self.objective.position().len(), &mut section),
            None => None,
        };
        let report = section.finish()?;
        self.objective.evaluations = evaluations;
        (self.lr, self.memory) = (lr, memory);
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

/// What its method remembers beside the count of evaluations.
impl<M: Method, T: Real> Stateful for Minimizer<M, T> {
    fn kind(&self) -> &str {
        M::NAME
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        save_objective(&self.objective, section)?;
        let mut method = self.method.clone();
        method.numbers().into_iter().try_for_each(|(name, number)| section.number(name, *number))?;
        method.counts().into_iter().try_for_each(|(name, count)| section.count(name, *count))
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let evaluations = load_objective(&self.objective, &mut section)?;
        let mut method = self.method.clone();
        for (name, number) in method.numbers() {
            *number = section.number(name).unwrap_or(*number);
            if number.is_nan() || *number < 0.0 {
                return Err(format_error(format!("a {name} of at least 0"), *number));
            }
        }
        for (name, count) in method.counts() {
            *count = section.count(name).unwrap_or(*count);
        }
        let report = section.finish()?;
        (self.objective.evaluations, self.method) = (evaluations, method);
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
