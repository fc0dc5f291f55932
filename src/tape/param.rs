//! A named value that training changes.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::error::{Error, Result};
use crate::kernel::pages::in_large_pages;
use crate::kernel::pool;
use crate::shape::Shape;
use crate::tensor::{Element, Real, Tensor};

/// A parameter: a name and a current value. Cloning makes another handle to the same parameter.
///
/// A handle may be shared between threads; each thread records it on a tape of its own.
///
/// ```
/// # use wengert::prelude::*;
/// let w = Param::new("w", Tensor::from([0.5, 1.0]));
/// let same = w.clone();
/// same.set(Tensor::from([0.0, 2.0])).unwrap();
/// assert_eq!(w.value(), Tensor::from([0.0, 2.0]));
/// assert_eq!(w.name(), "w");
/// ```
pub struct Param<T = f32> {
    identity: Arc<Identity>,
    value: Arc<RwLock<Tensor<T>>>,
}

struct Identity {
    /// Unique in the process: parameters may share a name but are never mixed up.
    id: u64,
    name: String,
}

impl<T> Clone for Param<T> {
    fn clone(&self) -> Self {
        Param { identity: self.identity.clone(), value: self.value.clone() }
    }
}

impl<T: Element> Param<T> {
    /// A new parameter.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let bias = Param::new("bias", Tensor::<f32>::zeros([10]));
    /// assert_eq!(bias.shape(), Shape::from([10]));
    /// ```
    pub fn new(name: impl Into<String>, value: impl Into<Tensor<T>>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Param {
            identity: Arc::new(Identity { id, name: name.into() }),
            value: Arc::new(RwLock::new(in_large_pages(value.into()))),
        }
    }

    /// The current value; shares the data.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// assert_eq!(Param::new("w", 2.0f32).value().item(), 2.0);
    /// ```
    pub fn value(&self) -> Tensor<T> {
        self.value.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the value.
    ///
    /// # Errors
    /// If the shape differs from the current one.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let w = Param::new("w", Tensor::from([0.5, 1.0]));
    /// assert!(w.set(Tensor::from([1.0, 2.0])).is_ok());
    /// let error = w.set(Tensor::from([1.0, 2.0, 3.0])).unwrap_err();
    /// assert_eq!(error.to_string(), "param w: expected shape [2], got [3]");
    /// ```
    pub fn set(&self, value: impl Into<Tensor<T>>) -> Result<()> {
        let value = value.into();
        let mut current = self.value.write().unwrap_or_else(PoisonError::into_inner);
        if current.shape() != value.shape() {
            let expected = format!("shape {}", current.shape());
            return Err(Error::shape(format!("param {}", self.name()), expected, value.shape()));
        }
        *current = value;
        Ok(())
    }

    /// The shape of the value.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// assert_eq!(Param::new("w", Tensor::from([[1.0, 2.0]])).shape(), Shape::from([1, 2]));
    /// ```
    pub fn shape(&self) -> Shape {
        self.value.read().unwrap_or_else(PoisonError::into_inner).shape().clone()
    }
}

impl<T: Real> Param<T> {
    /// Changes the value in place, or a copy of it if a tape or a caller still holds it. The shape stays.
    pub(crate) fn modify(&self, change: impl FnOnce(&mut [T], &Shape)) {
        let mut value = self.value.write().unwrap_or_else(PoisonError::into_inner);
        if value.is_shared() {
            let mut copy = pool::take(value.size());
            copy.copy_from_slice(value.as_slice());
            *value = Tensor::from_parts(value.shape().clone(), copy);
        }
        let (shape, x) = value.parts_mut();
        change(x, shape);
    }
}

impl<T> Param<T> {
    /// The name given at creation, used in prints, errors and files.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// assert_eq!(Param::new("layer1.weight", 0.0f32).name(), "layer1.weight");
    /// ```
    pub fn name(&self) -> &str {
        &self.identity.name
    }

    /// A handle to the same parameter under another name: a model names its parts by where they stand in it.
    ///
    /// ```
    /// # use wengert::prelude::*;
    /// let weight = Param::new("weight", 1.0f32);
    /// let nested = weight.renamed("encoder.0.weight");
    /// nested.set(2.0)?;
    /// assert_eq!((nested.name(), weight.value().item()), ("encoder.0.weight", 2.0));
    /// # Ok::<(), Error>(())
    /// ```
    #[must_use]
    pub fn renamed(&self, name: impl Into<String>) -> Self {
        let identity = Arc::new(Identity { id: self.identity.id, name: name.into() });
        Param { identity, value: self.value.clone() }
    }

    pub(crate) fn id(&self) -> u64 {
        self.identity.id
    }

    /// The parameter's identity without its value, for a tape's leaf.
    pub(crate) fn handle(&self) -> ParamId {
        ParamId(self.identity.clone())
    }
}

/// Which parameter a leaf or a gradient belongs to.
#[derive(Clone)]
pub(crate) struct ParamId(Arc<Identity>);

impl PartialEq for ParamId {
    /// Whether they come from the same handle: a renamed one has another name to print.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl ParamId {
    pub fn id(&self) -> u64 {
        self.0.id
    }

    pub fn name(&self) -> &str {
        &self.0.name
    }
}

impl<T> fmt::Debug for Param<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Param({})", self.name())
    }
}
