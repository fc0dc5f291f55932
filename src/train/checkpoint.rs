//! Files from which training goes on.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::io::{Loading, Stateful, TensorFile};
use crate::nn::Module;
use crate::tensor::Real;

/// A file that holds everything it takes to go on: the model, and a section for each part of the training that remembers
/// something, such as the optimizer, [`Training`](crate::train::Training), a generator, a schedule, an order of data.
///
/// Saving replaces the file as a whole or not at all: if the disk is full or the process is killed, the checkpoint
/// before is still there. The model's part is a state dict that PyTorch reads.
///
/// ```
/// use rand::{SeedableRng, rngs::StdRng};
/// use wengert::nn::{Linear, Module};
/// use wengert::prelude::*;
/// use wengert::train::{Checkpoint, Training};
///
/// # let folder = std::env::temp_dir().join(format!("wengert-checkpoint-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// let checkpoint = Checkpoint::new(folder.join("last.safetensors"));
/// let train = |until: u64| {
///     let model = Linear::<f64>::new(3, 1, &mut StdRng::seed_from_u64(0));
///     let mut optimizer = Sgd::new(&model.params(), 0.1).momentum(0.9);
///     let mut training = Training::new(until);
///     checkpoint.resume(&model, &mut [("optimizer", &mut optimizer), ("training", &mut training)])?;
///     let began = training.epoch();
///     while training.next_epoch() {
///         let tape = Tape::new();
///         let loss = (model.forward(tape.constant(Tensor::ones([3]))) - 2.0).square().sum();
///         optimizer.step(&loss.backward());
///         training.batch(1, &[])?;
///         training.end_epoch()?;
///         checkpoint.save(&model, &[("optimizer", &optimizer), ("training", &training)])?;
///     }
///     Ok((began, model.params()[0].value()))
/// };
/// assert_eq!(train(3)?.0, 0); // there is no file: it begins
/// let (began, interrupted) = train(5)?;
/// assert_eq!(began, 3); // it goes on
/// # std::fs::remove_file(folder.join("last.safetensors")).unwrap();
/// assert_eq!(interrupted, train(5)?.1); // with the bits of training that was never interrupted
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
}

impl Checkpoint {
    /// A checkpoint in this file.
    ///
    /// # Example
    /// See [`Checkpoint`].
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Checkpoint { path: path.into() }
    }

    /// The file.
    ///
    /// ```
    /// # use wengert::train::Checkpoint;
    /// assert_eq!(Checkpoint::new("last.safetensors").path().to_str(), Some("last.safetensors"));
    /// ```
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the model and each part under its name.
    ///
    /// # Errors
    /// If two parts of the model or of the training share a name, or the system refuses; then the file is as it was
    /// before.
    ///
    /// # Example
    /// See [`Checkpoint`].
    pub fn save<T: Real>(
        &self,
        model: &(impl Module<T> + ?Sized),
        parts: &[(&str, &dyn Stateful)],
    ) -> Result<()> {
        let mut file = TensorFile::new();
        model.save(&mut file)?;
        parts.iter().try_for_each(|(name, part)| file.save(name, *part))?;
        file.write(&self.path)
    }

    /// Reads the file, if there is one; everything in it must fit.
    ///
    /// # Errors
    /// If the file cannot be read, or something in it is missing, extra or misshapen. A part that was read before may
    /// have been changed.
    ///
    /// # Example
    /// See [`Checkpoint`].
    pub fn resume<T: Real>(
        &self,
        model: &(impl Module<T> + ?Sized),
        parts: &mut [(&str, &mut dyn Stateful)],
    ) -> Result<()> {
        if !self.path.exists() {
            return Ok(());
        }
        let file = TensorFile::read(&self.path)?;
        let known = |section: &&str| parts.iter().any(|(name, _)| name == section);
        if let Some(section) = file.sections().find(|section| !known(section)) {
            return Err(Error::new(ErrorKind::Format, "load", format!("extra section {section}")));
        }
        model.load(&file, Loading::Strict)?;
        parts.iter_mut().try_for_each(|(name, part)| file.load(name, *part, Loading::Strict).map(drop))
    }

    /// Reads the model alone, to use what was trained; it does not matter which parts of the training the file has.
    ///
    /// # Errors
    /// If there is no file or it cannot be read, or something of the model is missing, extra or misshapen; then the model
    /// is as it was before.
    ///
    /// ```
    /// use rand::{SeedableRng, rngs::StdRng};
    /// use wengert::nn::{Linear, Module};
    /// use wengert::prelude::*;
    /// use wengert::train::Checkpoint;
    ///
    /// # let path = std::env::temp_dir().join(format!("wengert-load-model-{}", std::process::id()));
    /// let checkpoint = Checkpoint::new(&path);
    /// let trained = Linear::<f64>::new(3, 1, &mut StdRng::seed_from_u64(0));
    /// let optimizer = Sgd::new(&trained.params(), 0.1).momentum(0.9);
    /// checkpoint.save(&trained, &[("optimizer", &optimizer)])?;
    ///
    /// let model = Linear::<f64>::new(3, 1, &mut StdRng::seed_from_u64(1));
    /// checkpoint.load_model(&model)?;
    /// assert_eq!(model.params()[0].value(), trained.params()[0].value());
    /// # std::fs::remove_file(path).unwrap();
    /// # Ok::<(), Error>(())
    /// ```
    pub fn load_model<T: Real>(&self, model: &(impl Module<T> + ?Sized)) -> Result<()> {
        let file = TensorFile::read(&self.path)?;
        model.load(&file, Loading::Strict).map_err(|error| error.note(self.path.display())).map(drop)
    }
}
