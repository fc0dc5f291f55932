//! Trajectories of PyTorch's optimizers and schedules: `tests/golden/optim.json` and `sched.json`, or those in the
//! folder that the environment variable `GOLDEN_DIR` names.
//!
//! Every run counts. One whose optimizer or argument is unknown has failed, by name.

mod first_order;
mod golden;
mod lbfgs;
mod schedules;
