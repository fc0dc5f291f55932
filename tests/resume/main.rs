//! Training that is stopped, saved and resumed gives the same bits as training that never stopped; and no file, however
//! broken, does more harm than an error.

mod hostile;
mod methods;
mod optimizers;
mod python;
mod training;
