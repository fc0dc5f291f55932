//! Parameters with common settings, and what is remembered of each of them.

use crate::error::{Error, Result};
use crate::optim::rule::non_negative;
use crate::optim::{Rule, State};
use crate::tape::Param;
use crate::tensor::Real;

/// Parameters with common settings.
pub(crate) struct Group<R, T: Real> {
    pub lr: f64,
    pub weight_decay: f64,
    pub sign: f64,
    pub rule: R,
    pub members: Vec<Member<T>>,
}

/// A parameter and what is remembered of it.
pub(crate) struct Member<T: Real> {
    pub param: Param<T>,
    pub count: u64,
    pub state: State<T>,
    pub frozen: bool,
    /// Whether the last step brought no gradient for it.
    pub missed: bool,
}

impl<R: Rule<T>, T: Real> Group<R, T> {
    /// A group of the same settings, without parameters.
    pub fn empty(&self) -> Self {
        Group { rule: self.rule.clone(), members: Vec::new(), ..*self }
    }

    pub fn check(&self) -> Result<()> {
        non_negative(R::NAME, "a learning rate", self.lr)?;
        non_negative(R::NAME, "a weight decay", self.weight_decay)?;
        self.rule.check()
    }

    /// All numbers that a schedule can set and a file keeps.
    pub fn settings(&mut self) -> Vec<(&'static str, &mut f64)> {
        let mut settings = vec![("lr", &mut self.lr), ("weight_decay", &mut self.weight_decay)];
        settings.extend(self.rule.settings());
        settings
    }

    pub fn get(&self, name: &str) -> Result<f64> {
        Ok(*named::<R, T>(&mut self.empty().settings(), name)?)
    }

    pub fn set(&mut self, name: &str, value: f64) -> Result<()> {
        *named::<R, T>(&mut self.settings(), name)? = value;
        Ok(())
    }
}

/// The setting of this name.
fn named<'s, R: Rule<T>, T: Real>(
    settings: &'s mut [(&'static str, &mut f64)],
    name: &str,
) -> Result<&'s mut f64> {
    let names: Vec<&str> = settings.iter().map(|(name, _)| *name).collect();
    match settings.iter_mut().find(|(setting, _)| *setting == name) {
        Some((_, setting)) => Ok(setting),
        None => Err(Error::value(R::NAME, format!("a setting among {}", names.join(", ")), name)),
    }
}

impl<T: Real> Member<T> {
    pub fn new(param: Param<T>) -> Self {
        Member { param, count: 0, state: State::default(), frozen: false, missed: false }
    }
}
