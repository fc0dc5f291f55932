//! The state of an optimizer in a file.
//!
//! `settings/GROUP/SETTING` and `state/PARAMETER/SLOT`. A line of text says which slots each parameter had.

use super::section::format_error;
use super::{Reader, Report, Stateful, Writer};
use crate::error::Result;
use crate::optim::group::Member;
use crate::optim::{Descent, Rule, State};
use crate::tensor::{Real, Tensor};

/// What is remembered of every parameter, and the settings of every group. Options without a number, such as Nesterov's
/// variant, are the program's matter and not kept.
impl<R: Rule<T>, T: Real> Stateful for Descent<R, T> {
    fn kind(&self) -> &str {
        R::NAME
    }

    fn save(&self, section: &mut Writer<'_>) -> Result<()> {
        for (at, group) in self.groups.iter().enumerate() {
            for (name, value) in group.empty().settings() {
                section.number(&setting_key(at, name), *value)?;
            }
            group.members.iter().try_for_each(|member| member.save(&group.rule, section))?;
        }
        Ok(())
    }

    fn load(&mut self, mut section: Reader<'_>) -> Result<Report> {
        let mut loaded = Vec::new();
        for (at, group) in self.groups.iter().enumerate() {
            let mut settings = group.empty();
            for (name, value) in settings.settings() {
                *value = section.number(&setting_key(at, name)).unwrap_or(*value);
            }
            settings.check()?;
            let members = group.members.iter().map(|member| member.load(&group.rule, &mut section));
            loaded.push((settings, members.collect::<Result<Vec<_>>>()?));
        }
        let report = section.finish()?;
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
    fn save<R: Rule<T>>(&self, rule: &R, section: &mut Writer<'_>) -> Result<()> {
        let name = self.param.name();
        section.count(&state_key(name, "count"), self.count)?;
        for (slot, data) in &self.state.tensors {
            let shape = rule.slot_shape(slot, &self.param.shape());
            section.tensor(&state_key(name, slot), &Tensor::new(shape, data.clone())?)?;
        }
        for (number, value) in &self.state.numbers {
            section.number(&state_key(name, number), *value)?;
        }
        let tensors = self.state.tensors.iter().map(|(slot, _)| *slot);
        let slots: Vec<&str> = tensors.chain(self.state.numbers.iter().map(|(number, _)| *number)).collect();
        section.text(&state_key(name, "slots"), &slots.join(","));
        Ok(())
    }

    /// The count and the state in the file; `None` if the file does not hold all of it.
    fn load<R: Rule<T>>(&self, rule: &R, section: &mut Reader<'_>) -> Result<Option<(u64, State<T>)>> {
        let name = self.param.name();
        let faults = section.faults();
        let count = section.count(&state_key(name, "count")).unwrap_or(0);
        let mut state = State::default();
        let slots = section.text(&state_key(name, "slots")).unwrap_or_default();
        for slot in slots.split(',').filter(|slot| !slot.is_empty()) {
            let key = state_key(name, slot);
            if let Some(&slot) = R::SLOTS.iter().find(|known| **known == slot) {
                let data = section.tensor::<T>(&key, &rule.slot_shape(slot, &self.param.shape()));
                state.tensors.extend(data.map(|data| (slot, data.into_vec())));
            } else if let Some(&number) = R::NUMBERS.iter().find(|known| **known == slot) {
                state.numbers.extend(section.number(&key).map(|value| (number, value)));
            }
        }
        // Beyond this no training has ever been; a step more would overflow.
        if count > i64::MAX.cast_unsigned() {
            return Err(format_error(format!("a step count of at least 0 for {name}"), count.cast_signed()));
        }
        Ok((section.faults() == faults).then_some((count, state)))
    }
}

fn setting_key(group: usize, setting: &str) -> String {
    format!("settings/{group}/{setting}")
}

fn state_key(param: &str, slot: &str) -> String {
    format!("state/{param}/{slot}")
}
