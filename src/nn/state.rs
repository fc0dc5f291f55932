//! The state of a model in a file, under PyTorch's names.

use crate::error::Result;
use crate::io::{Loading, Report, TensorFile};
use crate::nn::module::Member;
use crate::tensor::Real;

pub(super) fn save<T: Real>(members: &[Member<T>], file: &mut TensorFile) -> Result<()> {
    members.iter().try_for_each(|member| match member {
        Member::Param(x) | Member::Buffer(x) => file.insert(x.name(), &x.value()),
        Member::Counter(n) => file.insert(n.name(), &n.value()),
    })
}

pub(super) fn load<T: Real>(members: &[Member<T>], file: &TensorFile, loading: Loading) -> Result<Report> {
    let mut report = Report::default();
    let (mut known, mut reals, mut counters) = (Vec::new(), Vec::new(), Vec::new());
    for member in members {
        match member {
            Member::Param(x) | Member::Buffer(x) => {
                known.push(x.name());
                reals.extend(file.fetch(x.name(), &x.shape(), &mut report).map(|value| (x, value)));
            }
            Member::Counter(n) => {
                known.push(n.name());
                counters.extend(file.fetch(n.name(), &n.shape(), &mut report).map(|value| (n, value)));
            }
        }
    }
    let extra = file.parameter_names().filter(|name| !known.contains(name));
    report.extra = extra.map(str::to_string).collect();
    let report = report.judged(loading)?;
    reals.into_iter().try_for_each(|(x, value)| x.set(value))?;
    counters.into_iter().try_for_each(|(n, value)| n.set(value))?;
    Ok(report)
}
