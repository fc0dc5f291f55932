//! The state of an optimizer in a file: methods of every [`Descent`].
//!
//! Everything is a tensor, so that every bit survives: `optimizer/settings/GROUP/SETTING` and
//! `optimizer/state/PARAMETER/SLOT`. Lines of text say which optimizer it was and which slots each parameter had.

use super::file::OPTIMIZER;
use super::{Loading, Report, TensorFile};
use crate::error::{Error, ErrorKind, Result};
use crate::optim::group::Member;
use crate::optim::{Descent, Rule, State};
use crate::shape::Shape;
use crate::tensor::{Real, Tensor};

/// The line of text with the rule's name.
const RULE: &str = "optimizer";

impl<R: Rule<T>, T: Real> Descent<R, T> {
    /// Adds what is remembered of every parameter, and the settings of every group, to a file.
    ///
    /// Options without a number, such as Nesterov's variant, are the program's matter and not kept.
    ///
    /// # Errors
    /// If two parameters share a name.
    ///
    /// # Example
    /// See [`io`](crate::io).
    pub fn save(&self, file: &mut TensorFile) -> Result<()> {
        file.set_text(RULE, R::NAME);
        for (at, group) in self.groups.iter().enumerate() {
            for (name, value) in group.empty().settings() {
                file.insert(setting_key(at, name), &Tensor::scalar(*value))?;
            }
            for member in &group.members {
                member.save(&group.rule, file)?;
            }
        }
        Ok(())
    }

    /// Restores what [`save`](Descent::save) has written: training goes on with the same bits.
    ///
    /// The parameters themselves are loaded by [`TensorFile::load_params`].
    ///
    /// # Errors
    /// If the file is of another optimizer, a setting lies outside its domain, or loading is strict and something is
    /// missing, extra or misshapen. Then nothing is changed.
    ///
    /// ```
    /// use wengert::io::{Loading, TensorFile};
    /// use wengert::optim::Adam;
    /// use wengert::prelude::*;
    ///
    /// let w = Param::new("w", 1.0);
    /// let mut file = TensorFile::new();
    /// Sgd::new([&w], 0.1).save(&mut file)?;
    /// let error = Adam::new([&w], 0.1).load(&file, Loading::Partial).unwrap_err();
    /// assert_eq!(error.to_string(), "load: expected the state of adam, got that of sgd");
    /// # Ok::<(), Error>(())
    /// ```
    pub fn load(&mut self, file: &TensorFile, loading: Loading) -> Result<Report> {
        let rule = file.text(RULE).unwrap_or("no optimizer");
        if rule != R::NAME {
            let message = format!("expected the state of {}, got that of {rule}", R::NAME);
            return Err(Error::new(ErrorKind::Format, "load", message));
        }
        let mut report = Report::default();
        let mut known = Vec::new();
        let mut loaded = Vec::new();
        for (at, group) in self.groups.iter().enumerate() {
            let mut settings = group.empty();
            for (name, value) in settings.settings() {
                known.push(setting_key(at, name));
                let stored = file.fetch(&setting_key(at, name), &Shape::default(), &mut report);
                *value = stored.map_or(*value, |stored| stored.item());
            }
            settings.check()?;
            let mut members = Vec::new();
            for member in &group.members {
                members.push(member.load(&group.rule, file, &mut known, &mut report)?);
            }
            loaded.push((settings, members));
        }
        let extra = file.names().filter(|name| name.starts_with(OPTIMIZER));
        report.extra =
            extra.filter(|name| !known.iter().any(|key| key == name)).map(str::to_string).collect();
        let report = report.judged(loading)?;
        for (group, (settings, members)) in self.groups.iter_mut().zip(loaded) {
            (group.lr, group.weight_decay, group.rule) = (settings.lr, settings.weight_decay, settings.rule);
            for (member, loaded) in group.members.iter_mut().zip(members) {
                if let Some((count, state)) = loaded {
                    (member.count, member.state) = (count, state);
                }
            }
        }
        Ok(report)
    }
}

impl<T: Real> Member<T> {
    fn save<R: Rule<T>>(&self, rule: &R, file: &mut TensorFile) -> Result<()> {
        let name = self.param.name();
        let count = Tensor::scalar(self.count as i64);
        file.insert(state_key(name, "count"), &count)?;
        for (slot, data) in &self.state.tensors {
            let shape = rule.slot_shape(slot, &self.param.shape());
            file.insert(state_key(name, slot), &Tensor::new(shape, data.clone())?)?;
        }
        for (number, value) in &self.state.numbers {
            file.insert(state_key(name, number), &Tensor::scalar(*value))?;
        }
        let tensors = self.state.tensors.iter().map(|(slot, _)| *slot);
        let slots: Vec<&str> = tensors.chain(self.state.numbers.iter().map(|(number, _)| *number)).collect();
        file.set_text(state_key(name, "slots"), slots.join(","));
        Ok(())
    }

    /// The count and the state in the file; `None` if the file does not hold all of it.
    fn load<R: Rule<T>>(
        &self,
        rule: &R,
        file: &TensorFile,
        known: &mut Vec<String>,
        report: &mut Report,
    ) -> Result<Option<(u64, State<T>)>> {
        let name = self.param.name();
        let faults = report.missing.len() + report.misshapen.len();
        let count = state_key(name, "count");
        let stored = file.fetch::<i64>(&count, &Shape::default(), report).map_or(0, |count| count.item());
        known.push(count);
        let mut state = State::default();
        let slots = file.text(&state_key(name, "slots")).unwrap_or_default();
        for slot in slots.split(',').filter(|slot| !slot.is_empty()) {
            let key = state_key(name, slot);
            if let Some(&slot) = R::SLOTS.iter().find(|known| **known == slot) {
                let shape = rule.slot_shape(slot, &self.param.shape());
                let data = file.fetch::<T>(&key, &shape, report);
                state.tensors.extend(data.map(|data| (slot, data.into_vec())));
                known.push(key);
            } else if let Some(&number) = R::NUMBERS.iter().find(|known| **known == slot) {
                let value = file.fetch::<f64>(&key, &Shape::default(), report);
                state.numbers.extend(value.map(|value| (number, value.item())));
                known.push(key);
            }
        }
        if report.missing.len() + report.misshapen.len() > faults {
            return Ok(None);
        }
        match u64::try_from(stored) {
            Ok(count) => Ok(Some((count, state))),
            Err(_) => {
                let message = format!("expected a step count of at least 0 for {name}, got {stored}");
                Err(Error::new(ErrorKind::Format, "load", message))
            }
        }
    }
}

fn setting_key(group: usize, setting: &str) -> String {
    format!("{OPTIMIZER}settings/{group}/{setting}")
}

fn state_key(param: &str, slot: &str) -> String {
    format!("{OPTIMIZER}state/{param}/{slot}")
}
