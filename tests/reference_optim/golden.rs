//! The reference files, and what is made of their values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use wengert::prelude::*;

pub type Outcome = std::result::Result<(), String>;

/// What passed, by kind, and what did not, by name.
#[derive(Default)]
pub struct Table {
    kinds: BTreeMap<String, (usize, usize)>,
    failures: Vec<String>,
}

impl Table {
    pub fn add(&mut self, kind: &str, name: &str, outcome: Outcome) {
        let (passed, all) = self.kinds.entry(kind.to_string()).or_default();
        *all += 1;
        match outcome {
            Ok(()) => *passed += 1,
            Err(why) => self.failures.push(format!("{kind} {name}: {why}")),
        }
    }

    /// Prints the table; fails unless all passed and there were as many as the reference has.
    pub fn finish(self, expected: usize) {
        for (kind, (passed, all)) in &self.kinds {
            println!("{kind:>28} {passed:>4} / {all}");
        }
        let all: usize = self.kinds.values().map(|(_, all)| all).sum();
        println!("{:>28} {:>4} / {all}", "all", all - self.failures.len());
        assert!(self.failures.is_empty(), "\n{}", self.failures.join("\n"));
        if std::env::var_os("GOLDEN_DIR").is_none() {
            assert_eq!(all, expected, "the reference has lost or gained runs");
        }
    }
}

/// Whether two lists agree to within `gap`.
pub fn close(got: &[f64], expected: &[f64], gap: f64) -> Outcome {
    if got.len() != expected.len() {
        return Err(format!("{} elements instead of {}", got.len(), expected.len()));
    }
    for (got, expected) in got.iter().zip(expected) {
        let off = (got - expected).abs();
        if off.is_nan() || off > gap {
            return Err(format!("{got:e} instead of {expected:e}, off by {off:e}, more than {gap:e}"));
        }
    }
    Ok(())
}

pub fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |largest, x| x.abs().max(largest))
}

pub fn read(file: &str) -> Vec<Value> {
    let folder = std::env::var("GOLDEN_DIR");
    let folder = folder.unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden").to_string());
    let path = std::path::Path::new(&folder).join(file);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap()
}

pub fn tensor<T: Real>(value: &Value, shape: &[usize]) -> Tensor<T> {
    Tensor::new(shape, numbers(value).into_iter().map(T::of).collect::<Vec<T>>()).unwrap()
}

pub fn numbers(value: &Value) -> Vec<f64> {
    list(value).iter().map(number).collect()
}

pub fn sizes(value: &Value) -> Vec<usize> {
    list(value).iter().map(|n| n.as_u64().unwrap() as usize).collect()
}

pub fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("expected a list, got {value}"))
}

pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("expected a number, got {value}"))
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("expected a text, got {value}"))
}

/// The arguments of a run, each taken once.
pub struct Arguments(pub Map<String, Value>);

impl Arguments {
    pub fn of(run: &Value) -> Arguments {
        Arguments(run["cfg"].as_object().cloned().unwrap_or_default())
    }

    pub fn lr(&mut self, default: f64) -> f64 {
        self.number("lr", default)
    }

    pub fn number(&mut self, name: &str, default: f64) -> f64 {
        self.0.remove(name).map_or(default, |value| number(&value))
    }

    pub fn numbers<const N: usize>(&mut self, name: &str, default: [f64; N]) -> [f64; N] {
        self.0.remove(name).map_or(default, |value| numbers(&value).try_into().unwrap())
    }

    /// A list, or a number as a list of one.
    pub fn list(&mut self, name: &str) -> Vec<f64> {
        self.0.remove(name).map_or(Vec::new(), |value| match value.is_array() {
            true => numbers(&value),
            false => vec![number(&value)],
        })
    }

    pub fn flag(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some_and(|value| value.as_bool().unwrap())
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).map(|value| text(&value).to_string())
    }

    pub fn all_used(&self) -> Outcome {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("unknown argument {name}")),
        }
    }
}
