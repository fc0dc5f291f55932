//! What a model holds, and under which names.

use std::fmt::Display;

use crate::nn::summary::{Role, Row, Summary};
use crate::tape::Param;
use crate::tensor::Real;

/// Anything with named parameters: a layer, or a model made of layers.
///
/// One method names the parts; names nest with dots, as in `encoder.0.weight`.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Linear, Module, Visitor};
/// use wengert::prelude::*;
///
/// struct Scaled {
///     scale: Param,
///     layers: Vec<Linear>,
/// }
///
/// impl Module for Scaled {
///     fn visit(&self, visitor: &mut Visitor) {
///         visitor.param("scale", &self.scale);
///         visitor.module("layers", &self.layers);
///     }
/// }
///
/// let mut rng = StdRng::seed_from_u64(0);
/// let layers = vec![Linear::new(2, 3, &mut rng), Linear::new(3, 1, &mut rng).without_bias()];
/// let model = Scaled { scale: Param::new("scale", 1.0), layers };
/// let names: Vec<String> = model.params().iter().map(|param| param.name().to_string()).collect();
/// assert_eq!(names, ["scale", "layers.0.weight", "layers.0.bias", "layers.1.weight"]);
/// ```
pub trait Module<T: Real = f32> {
    /// Names every part to the visitor, in a fixed order.
    fn visit(&self, visitor: &mut Visitor<T>);

    /// The parameters, under their full names. One that stands in two places is given once, under its first name.
    ///
    /// # Example
    /// See [`Module`].
    fn params(&self) -> Vec<Param<T>> {
        let mut params: Vec<Param<T>> = Vec::new();
        for member in members(self) {
            if let Member::Param(param) = member
                && params.iter().all(|known| known.id() != param.id())
            {
                params.push(param);
            }
        }
        params
    }

    /// What the model remembers without training it, such as running means; under full names.
    ///
    /// ```
    /// use wengert::nn::{BatchNorm, Module};
    /// let names = BatchNorm::<f32>::new(3).buffers().iter().map(|buffer| buffer.name().to_string()).collect::<Vec<_>>();
    /// assert_eq!(names, ["running_mean", "running_var"]);
    /// ```
    fn buffers(&self) -> Vec<Param<T>> {
        let buffer = |member| match member {
            Member::Buffer(buffer) => Some(buffer),
            Member::Param(_) | Member::Counter(_) => None,
        };
        members(self).into_iter().filter_map(buffer).collect()
    }

    /// A table of everything that the model holds: names, shapes, sizes.
    ///
    /// # Example
    /// See [`Summary`].
    fn summary(&self) -> Summary {
        let mut seen = Vec::new();
        let mut rows = Vec::new();
        for member in members(self) {
            if let Member::Param(param) = &member {
                if seen.contains(&param.id()) {
                    continue;
                }
                seen.push(param.id());
            }
            rows.push(member.row());
        }
        Summary::new(rows)
    }

    /// Adds everything that the model holds to a file, as PyTorch's `state_dict` does.
    ///
    /// # Errors
    /// If two parts share a name.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::io::{Loading, TensorFile};
    /// use wengert::nn::{Linear, Module};
    ///
    /// let mut rng = StdRng::seed_from_u64(0);
    /// let (saved, loaded) = (Linear::<f32>::new(2, 1, &mut rng), Linear::<f32>::new(2, 1, &mut rng));
    /// let mut file = TensorFile::new();
    /// saved.save(&mut file)?;
    /// loaded.load(&file, Loading::Strict)?;
    /// assert_eq!(saved.params()[0].value(), loaded.params()[0].value());
    /// # Ok::<(), wengert::Error>(())
    /// ```
    #[cfg(feature = "io")]
    fn save(&self, file: &mut crate::io::TensorFile) -> crate::error::Result<()> {
        crate::nn::state::save(&members(self), file)
    }

    /// Sets everything that the model holds to the tensors of its name in a file, such as a state dict of PyTorch.
    ///
    /// # Errors
    /// If loading is strict and something is missing, extra or misshapen; then nothing is changed. What stands in a
    /// section, such as an optimizer's, is not extra.
    ///
    /// # Example
    /// See [`save`](Module::save).
    #[cfg(feature = "io")]
    fn load(
        &self,
        file: &crate::io::TensorFile,
        loading: crate::io::Loading,
    ) -> crate::error::Result<crate::io::Report> {
        crate::nn::state::load(&members(self), file, loading)
    }
}

/// What a [`Module`] names its parts to.
///
/// # Example
/// See [`Module`].
pub struct Visitor<T: Real = f32> {
    /// Path of the module that is being visited, with a dot at its end unless it is empty.
    prefix: String,
    members: Vec<Member<T>>,
}

/// A part of a model, under its full name.
pub(super) enum Member<T> {
    Param(Param<T>),
    Buffer(Param<T>),
    Counter(Param<i64>),
}

impl<T: Real> Visitor<T> {
    /// A module, whose parts are named below `name`.
    ///
    /// # Example
    /// See [`Module`].
    pub fn module(&mut self, name: impl Display, module: &(impl Module<T> + ?Sized)) {
        let outer = self.prefix.len();
        self.prefix.push_str(&format!("{name}."));
        module.visit(self);
        self.prefix.truncate(outer);
    }

    /// A parameter, which training changes.
    ///
    /// # Example
    /// See [`Module`].
    pub fn param(&mut self, name: impl Display, param: &Param<T>) {
        let param = param.renamed(self.path(name));
        self.members.push(Member::Param(param));
    }

    /// Numbers that the model remembers, saves and loads, and that no optimizer changes.
    ///
    /// ```
    /// use wengert::nn::{Module, Visitor};
    /// use wengert::prelude::*;
    ///
    /// struct Centred(Param);
    ///
    /// impl Module for Centred {
    ///     fn visit(&self, visitor: &mut Visitor) {
    ///         visitor.buffer("mean", &self.0);
    ///     }
    /// }
    /// let model = Centred(Param::new("mean", 0.0));
    /// assert_eq!((model.params().len(), model.buffers().len()), (0, 1));
    /// ```
    pub fn buffer(&mut self, name: impl Display, buffer: &Param<T>) {
        let buffer = buffer.renamed(self.path(name));
        self.members.push(Member::Buffer(buffer));
    }

    /// An integer that the model remembers, saves and loads, such as a number of batches.
    ///
    /// ```
    /// use wengert::nn::{BatchNorm, Module};
    /// // The number of batches is such a counter.
    /// assert!(BatchNorm::<f32>::new(3).summary().to_string().contains("num_batches_tracked"));
    /// ```
    pub fn counter(&mut self, name: impl Display, counter: &Param<i64>) {
        let counter = counter.renamed(self.path(name));
        self.members.push(Member::Counter(counter));
    }

    fn path(&self, name: impl Display) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl<T: Real> Member<T> {
    fn row(&self) -> Row {
        let (role, name, shape) = match self {
            Member::Param(param) => (Role::Parameter, param.name(), param.shape()),
            Member::Buffer(buffer) => (Role::Buffer, buffer.name(), buffer.shape()),
            Member::Counter(counter) => (Role::Buffer, counter.name(), counter.shape()),
        };
        Row { name: name.to_string(), shape, role }
    }
}

/// Everything that a module holds, in its order.
pub(super) fn members<T: Real>(module: &(impl Module<T> + ?Sized)) -> Vec<Member<T>> {
    let mut visitor = Visitor { prefix: String::new(), members: Vec::new() };
    module.visit(&mut visitor);
    visitor.members
}

/// Named by their places: `0`, `1`, ..
impl<T: Real, M: Module<T>> Module<T> for Vec<M> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        for (place, module) in self.iter().enumerate() {
            visitor.module(place, module);
        }
    }
}

/// The module if there is one.
impl<T: Real, M: Module<T>> Module<T> for Option<M> {
    fn visit(&self, visitor: &mut Visitor<T>) {
        if let Some(module) = self {
            module.visit(visitor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Tied {
        encoder: Param<f64>,
        decoder: Param<f64>,
    }

    impl Module<f64> for Tied {
        fn visit(&self, visitor: &mut Visitor<f64>) {
            visitor.param("encoder", &self.encoder);
            visitor.param("decoder", &self.decoder);
        }
    }

    #[test]
    fn a_parameter_in_two_places_is_trained_once() {
        let encoder = Param::new("weight", 1.0);
        let tied = Tied { decoder: encoder.clone(), encoder };
        assert_eq!(tied.params().len(), 1);
        assert_eq!(tied.params()[0].name(), "encoder");
        assert_eq!(tied.summary().parameters(), 1);
        assert_eq!(members(&tied).len(), 2);
    }

    #[test]
    fn names_nest_and_the_prefix_ends_with_its_module() {
        struct Outer(Vec<Tied>, Option<Tied>);
        impl Module<f64> for Outer {
            fn visit(&self, visitor: &mut Visitor<f64>) {
                visitor.module("blocks", &self.0);
                visitor.module("last", &self.1);
            }
        }
        let tied = || Tied { encoder: Param::new("a", 1.0), decoder: Param::new("b", 2.0) };
        let outer = Outer(vec![tied(), tied()], Some(tied()));
        let names: Vec<String> = outer.params().iter().map(|param| param.name().to_string()).collect();
        let expected = ["blocks.0.encoder", "blocks.0.decoder", "blocks.1.encoder", "blocks.1.decoder"];
        assert_eq!(names[..4], expected);
        assert_eq!(names[4..], ["last.encoder", "last.decoder"]);
    }
}
