//! Looks for the first node that goes wrong.

use crate::error::{Error, ErrorKind, Result};
use crate::kernel::Value;
use crate::plan::lie::lie;
use crate::plan::run::Run;
use crate::tensor::Real;

impl<T: Real> Run<'_, T> {
    /// Fails if a node's value holds a NaN or an infinity.
    pub(super) fn check_finite(&self, node: usize) -> Result<()> {
        let value = match self.whole(&self.plan.lies[node]) {
            Value::Index(_) => return Ok(()),
            value => value.real(),
        };
        let Some(at) = value.as_slice().iter().position(|x| !x.is_finite()) else { return Ok(()) };
        let strides = value.shape().strides();
        let index: Vec<usize> = strides.iter().zip(value.shape().iter()).map(|(s, n)| at / s % n).collect();
        let inputs: Vec<String> = (0..self.key.inputs_of(node).len()).map(|i| self.summary(node, i)).collect();
        let got = format!("{} at {index:?} from {}", value.as_slice()[at], inputs.join(" and "));
        let op = self.key.nodes[node].op.name();
        let error = Error::new(ErrorKind::Value, op, format!("expected finite values, got {got}"));
        Err(self.recorded_at(error, node))
    }

    /// What an input held, in a few words.
    fn summary(&self, node: usize, i: usize) -> String {
        let target = self.key.inputs_of(node)[i].target();
        let id = self.origin.id(target);
        let value = match self.whole(&lie(self.key, &self.plan.lies, target)) {
            Value::Index(index) => return format!("%{id} i64{}", index.shape()),
            value => value.real(),
        };
        let finite: Vec<T> = value.iter().copied().filter(|x| x.is_finite()).collect();
        let bad = value.size() - finite.len();
        let low = finite.iter().copied().fold(T::infinity(), T::min);
        let high = finite.iter().copied().fold(T::neg_infinity(), T::max);
        let note = if bad > 0 { format!(", {bad} not finite") } else { String::new() };
        format!("%{id} {}{} in [{low}, {high}]{note}", T::NAME, value.shape())
    }
}
