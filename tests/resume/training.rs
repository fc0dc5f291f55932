//! Everything else: schedules, averages, generator, order of the data, step.

use rand::{RngExt, SeedableRng};
use wengert::data::DataLoader;
use wengert::io::{ChaCha12Rng, Loading, TensorFile};
use wengert::optim::schedule::{self, *};
use wengert::optim::*;
use wengert::prelude::*;
use wengert::tensor::DataOrder;

use crate::optimizers::{Params, bits, params};

pub type Make = fn() -> Box<dyn Schedule>;

/// Every schedule of a rate.
pub const SCHEDULES: [(&str, Make); 15] = [
    ("lambda", || Box::new(|step: u64, base: f64| base / (1.0 + step as f64))),
    ("multiplicative", || Box::new(multiplicative(|step| if step % 3 == 0 { 0.5 } else { 0.9 }))),
    ("constant", || Box::new(constant(0.25, 9))),
    ("linear", || Box::new(linear(0.1, 1.0, 12))),
    ("polynomial", || Box::new(polynomial(15, 2.0))),
    ("step_decay", || Box::new(step_decay(3, 0.5))),
    ("milestones", || Box::new(milestones([2, 9, 11], 0.5))),
    ("exponential", || Box::new(exponential(0.9))),
    ("cosine", || Box::new(cosine(15, 1e-3))),
    ("cosine_periodic", || Box::new(cosine_periodic(4, 1e-3))),
    ("warm_restarts", || Box::new(warm_restarts(3, 2, 1e-3))),
    ("cyclic", || Box::new(cyclic(0.01, 0.1, 3, 4, Cycle::Halving))),
    ("one_cycle", || Box::new(one_cycle(0.1, 18).three_phases())),
    ("sequence", || Box::new(linear(0.1, 1.0, 4).then(4, exponential(0.9)))),
    ("product", || Box::new(constant(0.5, 9).times(exponential(0.9)))),
];

/// A training with everything that it remembers.
struct Training {
    params: Params,
    optimizer: Adam<f64>,
    rate: Scheduler,
    momentum: Scheduler,
    plateau: Plateau,
    fast: Average<f64>,
    equal: Average<f64>,
    random: ChaCha12Rng,
    order: DataOrder,
    step: u64,
}

impl Training {
    fn new(make: Make) -> Training {
        let params = params();
        let mut random = ChaCha12Rng::seed_from_u64(3);
        let optimizer = Adam::new(&params[..1], 0.05).group(&params[1..]).group_lr(0.02);
        let rate = make();
        Training {
            rate: Scheduler::new(move |step: u64, base: f64| rate.at(step, base), &optimizer),
            momentum: Scheduler::of("beta1", schedule::one_cycle(1.0, 20).momentum(0.95, 0.5), &optimizer),
            plateau: Plateau::falling().factor(0.5).patience(1).cooldown(2),
            fast: Average::exponential(&params, 0.75),
            equal: Average::equal(&params),
            order: DataOrder::shuffled(11, &mut random),
            step: 0,
            params,
            optimizer,
            random,
        }
    }

    fn step(&mut self) {
        if self.order.position() == self.order.size() {
            self.order.shuffle(&mut self.random);
        }
        let drawn: f64 = self.order.next_batch(4).unwrap().iter().map(|&i| i as f64).sum();
        let noise = self.random.random::<f64>();
        self.rate.step(&mut self.optimizer);
        self.momentum.step(&mut self.optimizer);
        let tape = Tape::new();
        let [w, b] = self.params.each_ref().map(|param| tape.param(param));
        let loss = (w.sum() - 0.1 * drawn).square() + (b - noise).square().sum();
        self.optimizer.step(&loss.backward());
        self.plateau.observe(1.0 / (1.0 + self.step.min(5) as f64), &mut self.optimizer);
        self.fast.update();
        self.equal.update();
        self.step = self.step.saturating_add(1);
    }

    fn save(&self) -> TensorFile {
        let mut file = TensorFile::new();
        file.insert_params(&self.params).unwrap();
        file.save("optimizer", &self.optimizer).unwrap();
        file.save("rate", &self.rate).unwrap();
        file.save("momentum", &self.momentum).unwrap();
        file.save("plateau", &self.plateau).unwrap();
        file.save("averages/fast", &self.fast).unwrap();
        file.save("averages/equal", &self.equal).unwrap();
        file.save("random", &self.random).unwrap();
        file.save("order", &self.order).unwrap();
        file.save("step", &self.step).unwrap();
        file
    }

    fn load(&mut self, file: &TensorFile, loading: Loading) -> wengert::Result<()> {
        file.load_params(&self.params, loading)?;
        file.load("optimizer", &mut self.optimizer, loading)?;
        file.load("rate", &mut self.rate, loading)?;
        file.load("momentum", &mut self.momentum, loading)?;
        file.load("plateau", &mut self.plateau, loading)?;
        file.load("averages/fast", &mut self.fast, loading)?;
        file.load("averages/equal", &mut self.equal, loading)?;
        file.load("random", &mut self.random, loading)?;
        file.load("order", &mut self.order, loading)?;
        file.load("step", &mut self.step, loading)?;
        Ok(())
    }
}

pub fn stopped(make: Make, steps: u64) -> TensorFile {
    let mut training = Training::new(make);
    (0..steps).for_each(|_| training.step());
    training.save()
}

/// Three steps, if the file fits.
pub fn go_on(make: Make, file: &TensorFile) {
    let mut training = Training::new(make);
    if training.load(file, Loading::Partial).is_ok() {
        (0..3).for_each(|_| training.step());
    }
}

#[test]
fn a_whole_training_resumes_to_the_same_bits_under_every_schedule() {
    for (name, make) in SCHEDULES {
        let mut whole = Training::new(make);
        (0..20).for_each(|_| whole.step());

        let mut stopped = Training::new(make);
        (0..7).for_each(|_| stopped.step());
        let bytes = stopped.save().to_bytes().unwrap();
        let mut resumed = Training::new(make);
        resumed.load(&TensorFile::from_bytes(&bytes).unwrap(), Loading::Strict).unwrap();
        (7..20).for_each(|_| resumed.step());
        assert_eq!(bits(&resumed.params), bits(&whole.params), "{name}");
        // What it remembers is what it saves.
        assert!(resumed.save() == whole.save(), "{name}");
    }
}

#[test]
fn each_section_is_needed() {
    let make = SCHEDULES[7].1;
    let mut whole = Training::new(make);
    (0..20).for_each(|_| whole.step());
    let mut stopped = Training::new(make);
    (0..7).for_each(|_| stopped.step());
    let file = stopped.save();
    let sections =
        ["optimizer", "rate", "momentum", "plateau", "averages/fast", "averages/equal", "random", "order"];
    for forgotten in sections {
        let mut resumed = Training::new(make);
        file.load_params(&resumed.params, Loading::Strict).unwrap();
        let parts: [(&str, &mut dyn wengert::io::Stateful); 9] = [
            ("optimizer", &mut resumed.optimizer),
            ("rate", &mut resumed.rate),
            ("momentum", &mut resumed.momentum),
            ("plateau", &mut resumed.plateau),
            ("averages/fast", &mut resumed.fast),
            ("averages/equal", &mut resumed.equal),
            ("random", &mut resumed.random),
            ("order", &mut resumed.order),
            ("step", &mut resumed.step),
        ];
        for (name, part) in parts.into_iter().filter(|(name, _)| *name != forgotten) {
            file.load(name, part, Loading::Strict).unwrap();
        }
        (7..20).for_each(|_| resumed.step());
        assert!(resumed.save() != whole.save(), "without {forgotten}");
    }
}

#[test]
fn an_order_that_is_none_is_refused() {
    let mut file = TensorFile::new();
    file.save("order", &DataOrder::new(2)).unwrap();
    let file = |order: [i64; 2], position: i64| {
        let mut broken = TensorFile::new();
        broken.set_text("order/kind", "data_order");
        broken.insert("order/order", &Tensor::from(order)).unwrap();
        broken.insert("order/position", &Tensor::scalar(position)).unwrap();
        broken.insert("order/epoch", &file.get::<i64>("order/epoch").unwrap()).unwrap();
        broken.load("order", &mut DataOrder::new(2), Loading::Strict).map_err(|error| error.to_string())
    };
    assert!(file([1, 0], 2).is_ok());
    assert_eq!(file([1, 1], 0).unwrap_err(), "load: expected an order with each of 0..2 once, got 1");
    assert_eq!(file([0, -1], 0).unwrap_err(), "load: expected an order with each of 0..2 once, got -1");
    assert_eq!(file([0, 1], 3).unwrap_err(), "load: expected a position of at most 2, got 3");
}

#[test]
fn a_loader_goes_on_where_its_section_says_or_the_section_is_refused() {
    let loader = |seed| DataLoader::new(Tensor::<i64>::arange(10), 3).shuffle(seed);
    let mut batches = loader(7).epoch(4);
    batches.next();
    let mut file = TensorFile::new();
    file.save("loader", &batches.state()).unwrap();
    let file = TensorFile::from_bytes(&file.to_bytes().unwrap()).unwrap();
    let mut state = loader(7).epoch(0).state();
    file.load("loader", &mut state, Loading::Strict).unwrap();
    assert!(loader(7).resume(&state).unwrap().eq(batches));
    assert!(loader(8).resume(&state).is_err());

    let mut broken = TensorFile::new();
    broken.set_text("loader/kind", "loader");
    for text in [None, Some("seed=7 epoch=-1 batch=0 batch_size=3 examples=10")] {
        text.iter().for_each(|text| broken.set_text("loader/state", *text));
        let before = state;
        let error = broken.load("loader", &mut state, Loading::Partial).unwrap_err().to_string();
        assert!(error.starts_with("resume: loader state: expected seed=.. epoch=.."), "{error}");
        assert_eq!(state, before);
    }
}

#[test]
fn what_others_have_made_of_a_rate_survives_a_stop_where_the_rate_is_0() {
    let w = Param::new("w", 1.0);
    let with_pause = |step: u64, base: f64| if step == 2 { 0.0 } else { base };
    let mut optimizer = Sgd::new([&w], 0.6);
    let mut rate = Scheduler::new(with_pause, &optimizer);
    rate.step(&mut optimizer);
    optimizer.set_lr(0.2);
    (0..2).for_each(|_| rate.step(&mut optimizer));
    let mut file = TensorFile::new();
    file.save("rate", &rate).unwrap();
    let mut resumed = Scheduler::new(with_pause, &Sgd::new([&w], 0.6));
    file.load("rate", &mut resumed, Loading::Strict).unwrap();
    resumed.step(&mut optimizer);
    assert_eq!(optimizer.lr(), 0.6 * (0.2 / 0.6));
}
