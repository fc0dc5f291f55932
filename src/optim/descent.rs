//! What all optimizers have in common: parameters in groups, their settings, and a state for each parameter.

use std::collections::HashSet;

use crate::diff::Gradients;
use crate::error::{Error, OrPanic, Result};
use crate::optim::group::{Group, Member};
use crate::optim::{Domain, Optimizer, Rule, State, Step};
use crate::tape::Param;
use crate::tensor::{Real, Tensor};

/// An optimizer that applies a [`Rule`] to every parameter that has a gradient.
///
/// Parameters stand in groups. The builder methods set up the newest group, and [`group`](Descent::group) opens
/// another one, which starts with the settings of the one before.
///
/// ```
/// use wengert::prelude::*;
///
/// let (weight, bias) = (Param::new("weight", 1.0), Param::new("bias", 1.0));
/// let mut optimizer = Sgd::new([&weight], 0.1).weight_decay(0.5).group([&bias]).weight_decay(0.0);
/// optimizer.step(&Gradients::from_pairs([(&weight, 1.0.into()), (&bias, 1.0.into())]));
/// assert_eq!((weight.value().item(), bias.value().item()), (0.85, 0.9));
/// ```
pub struct Descent<R, T: Real = f32> {
    pub(crate) groups: Vec<Group<R, T>>,
}

impl<R: Rule<T>, T: Real> Descent<R, T> {
    /// An optimizer of parameters that follow `rule` with learning rate `lr`.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, the rule refuses a shape, or a setting lies outside its domain.
    ///
    /// # Example
    /// See [`Rule`].
    #[track_caller]
    pub fn with_rule<'p>(rule: R, params: impl IntoIterator<Item = &'p Param<T>>, lr: f64) -> Self {
        let group = Group { lr, weight_decay: 0.0, sign: 1.0, rule, members: Vec::new() };
        let mut optimizer = Descent { groups: vec![group] };
        optimizer.join(params.into_iter().cloned().collect()).or_panic();
        optimizer.check().or_panic();
        optimizer
    }

    /// Opens another group with parameters of its own; it starts with the settings of the one before.
    ///
    /// # Panics
    /// If there are no parameters, one is given twice, or the rule refuses a shape.
    ///
    /// # Example
    /// See [`Descent`].
    #[track_caller]
    #[must_use]
    pub fn group<'p>(mut self, params: impl IntoIterator<Item = &'p Param<T>>) -> Self {
        let group = self.newest().empty();
        self.groups.push(group);
        self.join(params.into_iter().cloned().collect()).or_panic();
        self
    }

    /// Learning rate of the newest group.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let (a, b) = (Param::new("a", 1.0), Param::new("b", 1.0));
    /// let optimizer = Sgd::new([&a], 0.1).group([&b]).group_lr(0.01);
    /// assert_eq!(optimizer.lrs(), [0.1, 0.01]);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn group_lr(mut self, lr: f64) -> Self {
        self.newest().lr = lr;
        self.check().or_panic();
        self
    }

    /// Weight decay of the newest group. Whether it acts through the gradient or on the parameter is the rule's matter.
    ///
    /// # Panics
    /// If it is negative or not finite.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 2.0);
    /// let mut optimizer = Sgd::new([&w], 0.1).weight_decay(0.5);
    /// optimizer.step(&Gradients::from_pairs([(&w, 0.0.into())]));
    /// assert_eq!(w.value().item(), 1.9);
    /// ```
    #[track_caller]
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.newest().weight_decay = weight_decay;
        self.check().or_panic();
        self
    }

    /// Makes the newest group go up the gradient.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 2.0);
    /// let mut optimizer = Sgd::new([&w], 0.5).maximize();
    /// optimizer.step(&Gradients::from_pairs([(&w, 1.0.into())]));
    /// assert_eq!(w.value().item(), 2.5);
    /// ```
    #[must_use]
    pub fn maximize(mut self) -> Self {
        self.newest().sign = -1.0;
        self
    }

    /// Sets a hyper-parameter of all groups by name, so that any of them can follow a schedule.
    ///
    /// # Panics
    /// If the rule has none of that name, or the value lies outside its domain.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = Sgd::new([&w], 1.0).momentum(0.9);
    /// optimizer.step(&Gradients::from_pairs([(&w, 1.0.into())]));
    /// optimizer.set("momentum", 0.5);
    /// optimizer.step(&Gradients::from_pairs([(&w, 0.0.into())]));
    /// assert_eq!(w.value().item(), -0.5);
    /// ```
    #[track_caller]
    pub fn set(&mut self, name: &str, value: f64) {
        self.groups.iter_mut().try_for_each(|group| group.set(name, value)).or_panic();
        self.check().or_panic();
    }

    /// Leaves a parameter as it is, whatever its gradient, until [`unfreeze`](Descent::unfreeze).
    ///
    /// # Panics
    /// If the optimizer does not have it.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = Sgd::new([&w], 1.0);
    /// optimizer.freeze(&w);
    /// optimizer.step(&Gradients::from_pairs([(&w, 1.0.into())]));
    /// assert_eq!(w.value().item(), 1.0);
    /// ```
    #[track_caller]
    pub fn freeze(&mut self, param: &Param<T>) {
        self.member(param).or_panic().frozen = true;
    }

    /// Lets a frozen parameter change again.
    ///
    /// # Panics
    /// If the optimizer does not have it.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", 1.0);
    /// let mut optimizer = Sgd::new([&w], 1.0);
    /// optimizer.freeze(&w);
    /// optimizer.unfreeze(&w);
    /// optimizer.step(&Gradients::from_pairs([(&w, 1.0.into())]));
    /// assert_eq!(w.value().item(), 0.0);
    /// ```
    #[track_caller]
    pub fn unfreeze(&mut self, param: &Param<T>) {
        self.member(param).or_panic().frozen = false;
    }

    /// Names of the parameters, frozen ones aside, for which the last step brought no gradient.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let (a, b) = (Param::new("a", 1.0), Param::new("b", 1.0));
    /// let mut optimizer = Sgd::new([&a, &b], 1.0);
    /// optimizer.step(&Gradients::from_pairs([(&a, 1.0.into())]));
    /// assert_eq!(optimizer.missed(), ["b"]);
    /// ```
    pub fn missed(&self) -> Vec<&str> {
        let members = self.groups.iter().flat_map(|group| &group.members);
        members.filter(|member| member.missed && !member.frozen).map(|member| member.param.name()).collect()
    }

    /// Updates every parameter that is not frozen and has a gradient of any kind.
    pub(crate) fn each<'g, G: 'g>(
        &mut self,
        gradient: impl Fn(&Param<T>) -> Option<&'g G>,
        update: impl Fn(&R, &Step, &mut [T], &'g G, &mut State<T>),
    ) {
        for group in &mut self.groups {
            let Group { lr, weight_decay, sign, rule, members } = group;
            for member in members {
                let gradient = gradient(&member.param);
                member.missed = gradient.is_none();
                let Some(gradient) = gradient.filter(|_| !member.frozen) else { continue };
                member.count += 1;
                member.param.modify(|x, shape| {
                    let (lr, weight_decay, sign, count) = (*lr, *weight_decay, *sign, member.count);
                    let step = Step { lr, weight_decay, sign, count, shape };
                    update(rule, &step, x, gradient, &mut member.state);
                });
            }
        }
    }

    /// Whether the optimizer has the parameter.
    pub(crate) fn has(&self, param: &Param<T>) -> bool {
        self.groups.iter().flat_map(|group| &group.members).any(|member| member.param.id() == param.id())
    }

    /// Each parameter that has this slot, which must be of its shape, with the slot's value.
    pub(crate) fn with_slot(&self, name: &str) -> Vec<(Param<T>, Tensor<T>)> {
        let members = self.groups.iter().flat_map(|group| &group.members);
        let found = members.filter_map(|member| Some((member.param.clone(), member.state.slot(name)?)));
        found.map(|(param, slot)| (param.clone(), Tensor::from_parts(param.shape(), slot.to_vec()))).collect()
    }

    /// Sets up the rule of the newest group.
    #[track_caller]
    pub(crate) fn adjust(mut self, change: impl FnOnce(&mut R)) -> Self {
        change(&mut self.newest().rule);
        self.check().or_panic();
        self
    }

    fn newest(&mut self) -> &mut Group<R, T> {
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn join(&mut self, params: Vec<Param<T>>) -> Result<()> {
        if params.is_empty() {
            return Err(Error::value(R::NAME, "at least one parameter", "none"));
        }
        let members = self.groups.iter().flat_map(|group| &group.members);
        let mut known: HashSet<u64> = members.map(|member| member.param.id()).collect();
        for param in params {
            if !known.insert(param.id()) {
                return Err(Error::value(R::NAME, "each parameter once", format!("{} twice", param.name())));
            }
            let group = self.newest();
            match group.rule.accepts(&param.shape()) {
                Ok(()) => group.members.push(Member::new(param)),
                Err(error) => return Err(error.note(format!("parameter {}", param.name()))),
            }
        }
        Ok(())
    }

    fn one_each(&self, name: &str, values: usize) -> Result<()> {
        let groups = self.groups.len();
        let expected = || format!("{groups} values of {name}, one for each group");
        if values == groups { Ok(()) } else { Err(Error::value(R::NAME, expected(), values)) }
    }

    fn check(&self) -> Result<()> {
        self.groups.iter().try_for_each(Group::check)
    }

    fn member(&mut self, param: &Param<T>) -> Result<&mut Member<T>> {
        let mut members = self.groups.iter_mut().flat_map(|group| &mut group.members);
        members
            .find(|member| member.param.id() == param.id())
            .ok_or_else(|| Error::value(R::NAME, "a parameter of this optimizer", param.name()))
    }
}

impl<R: Rule<T>, T: Real> Optimizer<T> for Descent<R, T> {
    fn step(&mut self, gradients: &Gradients<T>) {
        self.each(
            |param| gradients.get(param),
            |rule, step, x, gradient, state| rule.update(step, x, gradient.as_slice(), state),
        );
    }

    fn get(&self, name: &str) -> Vec<f64> {
        self.groups.iter().map(|group| group.get(name)).collect::<Result<_>>().or_panic()
    }

    fn set_all(&mut self, name: &str, values: &[f64]) {
        self.one_each(name, values.len()).or_panic();
        let mut pairs = self.groups.iter_mut().zip(values);
        pairs.try_for_each(|(group, &value)| group.set(name, value)).or_panic();
        self.check().or_panic();
    }

    fn domain(&self, name: &str) -> Domain {
        let (name, groups) = (name.to_string(), self.groups.iter().map(Group::empty).collect::<Vec<_>>());
        Box::new(move |at, value| {
            let Some(group) = groups.get(at) else { return Ok(()) };
            let mut group = group.empty();
            group.set(&name, value)?;
            group.check()
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::prelude::*;

    #[test]
    fn a_parameter_without_gradient_keeps_its_value_and_gets_no_state() {
        let (a, b) = (Param::new("a", 1.0), Param::new("b", 1.0));
        let mut optimizer = Sgd::new([&a, &b], 0.1).momentum(0.9).weight_decay(0.5);
        optimizer.step(&Gradients::from_pairs([(&a, 0.0.into())]));
        assert_eq!((a.value().item(), b.value().item()), (0.95, 1.0));
        let states = optimizer.groups[0].members.iter().map(|b| b.state.contains("momentum"));
        assert_eq!(states.collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    #[should_panic(expected = "sgd: expected each parameter once, got a twice")]
    fn a_parameter_of_two_groups_is_refused() {
        let (a, b) = (Param::new("a", 1.0), Param::new("b", 1.0));
        let _ = Sgd::new([&a, &b], 0.1).group([&a]);
    }

    #[test]
    #[should_panic(expected = "sgd: expected at least one parameter, got none")]
    fn an_empty_list_of_parameters_is_refused() {
        let _ = Sgd::<f32>::new([], 0.1);
    }

    #[test]
    #[should_panic(expected = "sgd: expected a learning rate of at least 0, got -0.1")]
    fn a_negative_rate_is_refused() {
        let _ = Sgd::new([&Param::new("a", 1.0)], -0.1);
    }

    #[test]
    #[should_panic(expected = "sgd: expected a learning rate of at least 0, got NaN")]
    fn a_rate_that_is_no_number_is_refused() {
        Sgd::new([&Param::new("a", 1.0)], 0.1).set_lr(f64::NAN);
    }

    #[test]
    #[should_panic(expected = "expected a setting among lr, weight_decay, momentum, dampening, got beta")]
    fn an_unknown_setting_is_refused_with_the_names_of_the_others() {
        Sgd::new([&Param::new("a", 1.0)], 0.1).set("beta", 0.5);
    }
}
