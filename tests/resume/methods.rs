//! Methods that evaluate the loss themselves.

use wengert::io::{Loading, Stateful, TensorFile};
use wengert::optim::*;
use wengert::prelude::*;

use crate::optimizers::{Params, bits, params};

/// A method with its state; one step, whatever that is for it.
pub trait Method: Stateful {
    fn advance(&mut self, params: &Params);
}

fn smooth<'t>(tape: &'t Tape<f64>, params: &Params) -> Var<'t, f64> {
    let [w, b] = params.each_ref().map(|param| tape.param(param));
    let scale = Tensor::from([[1.0, 20.0, 3.0], [0.5, 7.0, 2.0]]);
    let valley = (b.slice(0, 1..2) - b.slice(0, 0..1).square()).square().sum() * 500.0;
    ((w - 0.3).powi(4) * &scale).sum() + ((w.sum() - b).square()).sum() + valley
}

/// So far away that the region must grow with every step.
fn distant<'t>(tape: &'t Tape<f64>, params: &Params) -> Var<'t, f64> {
    let [w, b] = params.each_ref().map(|param| tape.param(param));
    (w - 1e5).square().sum() + (b - 3.0).powi(4).sum()
}

/// Not linear, and its squares do not all become 0.
fn residuals<'t>(tape: &'t Tape<f64>, params: &Params) -> Var<'t, f64> {
    let [w, b] = params.each_ref().map(|param| tape.param(param));
    let (w, b) = (w.reshape([6, 1]), b.reshape([1, 2]));
    let target: Vec<f64> = (0..12).map(|i| (1.7 * f64::from(i)).sin()).collect();
    w * b.sin() + 0.5 * b + 0.1 * w.square() - Tensor::from(target).reshape([6, 2])
}

impl Method for Lbfgs<f64> {
    fn advance(&mut self, params: &Params) {
        self.step(|tape| smooth(tape, params));
    }
}

impl Method for NonlinearCg<f64> {
    fn advance(&mut self, params: &Params) {
        self.step(|tape| smooth(tape, params));
    }
}

impl Method for NewtonCg<f64> {
    fn advance(&mut self, params: &Params) {
        self.step(|tape| distant(tape, params));
    }
}

impl Method for LevenbergMarquardt<f64> {
    fn advance(&mut self, params: &Params) {
        self.step(|tape| residuals(tape, params));
    }
}

impl Method for GaussNewton<f64> {
    fn advance(&mut self, params: &Params) {
        self.step(|tape| residuals(tape, params));
    }
}

pub type Make = fn(&Params) -> Box<dyn Method>;

/// Name, constructor, and whether it remembers anything that the next step depends on.
pub const METHODS: [(&str, Make, bool); 7] = [
    ("lbfgs", |p| Box::new(Lbfgs::new(p, 0.05).max_iterations(2).history(3)), true),
    ("lbfgs strong wolfe", |p| Box::new(Lbfgs::new(p, 1.0).strong_wolfe().max_iterations(1)), true),
    ("lbfgs backtracking", |p| Box::new(Lbfgs::new(p, 1.0).backtracking().max_iterations(1)), true),
    ("nonlinear_cg", |p| Box::new(NonlinearCg::new(p).max_iterations(2)), false),
    ("newton_cg", |p| Box::new(NewtonCg::new(p).max_iterations(1)), true),
    ("gauss_newton", |p| Box::new(GaussNewton::new(p).max_iterations(1)), false),
    ("levenberg_marquardt", |p| Box::new(LevenbergMarquardt::new(p).max_iterations(1)), true),
];

pub fn stopped(make: Make) -> TensorFile {
    let params = params();
    let mut method = make(&params);
    (0..7).for_each(|_| method.advance(&params));
    let mut file = TensorFile::new();
    file.insert_params(&params).unwrap();
    file.save("method", &*method).unwrap();
    TensorFile::from_bytes(&file.to_bytes().unwrap()).unwrap()
}

/// Three steps after whatever of the file fits.
pub fn go_on(make: Make, file: &TensorFile) {
    let params = params();
    let mut method = make(&params);
    let _ = file.load_params(&params, Loading::Partial);
    let _ = file.load("method", &mut *method, Loading::Partial);
    (0..3).for_each(|_| method.advance(&params));
}

/// The bits after every step from 7 to 20.
fn trajectory(method: &mut dyn Method, params: &Params) -> Vec<Vec<u64>> {
    let step = |_| {
        method.advance(params);
        bits(params)
    };
    (7..20).map(step).collect()
}

#[test]
fn every_method_resumes_to_the_same_bits() {
    for (name, make, remembers) in METHODS {
        let whole = params();
        let mut method = make(&whole);
        (0..7).for_each(|_| method.advance(&whole));
        let expected = trajectory(&mut *method, &whole);
        // Not yet at rest when it is stopped, or the test would show nothing.
        assert_ne!(expected.first(), expected.last(), "{name}");

        let (file, resumed) = (stopped(make), params());
        let mut method = make(&resumed);
        file.load_params(&resumed, Loading::Strict).unwrap();
        file.load("method", &mut *method, Loading::Strict).unwrap();
        assert_eq!(trajectory(&mut *method, &resumed), expected, "{name}");

        let forgetful = params();
        file.load_params(&forgetful, Loading::Strict).unwrap();
        assert_eq!(trajectory(&mut *make(&forgetful), &forgetful) != expected, remembers, "{name}");
    }
}

#[test]
fn the_state_of_other_parameters_is_refused_by_name() {
    let file = stopped(METHODS[0].1);
    let error = file.load("method", &mut Lbfgs::new(&params()[1..], 0.1), Loading::Partial).unwrap_err();
    assert_eq!(error.to_string(), "load: expected the state of bias, got that of layer/weight, bias");
}

#[test]
fn a_damaged_memory_is_misshapen_and_changes_nothing() {
    let file = stopped(METHODS[0].1);
    let mut broken = TensorFile::new();
    for name in file.names().filter(|name| name.starts_with("method/")) {
        match name {
            "method/changes" => broken.insert(name, &Tensor::<f64>::zeros([2, 8])).unwrap(),
            "method/evaluations" => broken.insert(name, &file.get::<i64>(name).unwrap()).unwrap(),
            _ => broken.insert(name, &file.get::<f64>(name).unwrap()).unwrap(),
        }
    }
    for key in ["method/kind", "method/parameters", "method/memory"] {
        broken.set_text(key, file.text(key).unwrap());
    }
    let params = params();
    let mut optimizer = Lbfgs::new(&params, 0.05).max_iterations(2);
    // Three pairs were remembered, and two changes are there.
    let error = broken.load("method", &mut optimizer, Loading::Strict).unwrap_err();
    assert_eq!(error.to_string(), "load: misshapen method/changes (expected f64 [3, 8], got F64 [2, 8])");
    assert_eq!(optimizer.evaluations(), 0);
}
