//! Learning from data that stay where they are, against learning from all of them in one place.

mod privacy;
mod rounds;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wengert::data::{Dataset, Pairs};
use wengert::error::ErrorKind;
use wengert::federated::{Client, Model, Participant, Privacy, Server, Training, Update};
use wengert::optim::Adam;
use wengert::prelude::*;
use wengert::{Result, set_threads};

type Points = Pairs<Tensor<f64>, Tensor<f64>>;

type Batch = (Tensor<f64>, Tensor<f64>);
type Loss = Box<dyn for<'t> Fn(&'t Tape<f64>, &Batch) -> Var<'t, f64> + Send>;

/// A client of a linear model with a bias, in a box as those of different losses would be.
type AnyClient = Box<dyn Participant<f64>>;

/// `n` points, as no two seeds have them.
fn points(n: usize, seed: u64) -> Points {
    let mut rng = StdRng::seed_from_u64(seed);
    let x = Tensor::normal([n, 3], seed as f64, 1.0, &mut rng);
    Pairs::new(x, Tensor::normal([n], 0.0, 2.0, &mut rng)).unwrap()
}

fn params() -> [Param<f64>; 2] {
    [Param::new("w", Tensor::from([0.3, -0.2, 0.1])), Param::new("b", 0.5)]
}

fn loss<'t>(tape: &'t Tape<f64>, [w, b]: &[Param<f64>; 2], (x, y): &Batch) -> Var<'t, f64> {
    (tape.constant(x.clone()).matmul(w) + b - y).square().mean()
}

fn client(data: Points) -> Client<Points, Loss, f64> {
    let own = params();
    let loss: Loss = Box::new({
        let own = own.clone();
        move |tape, batch| loss(tape, &own, batch)
    });
    Client::new(&own, data, loss)
}

/// Owners of 5, 20 and 75 points.
fn owners() -> Vec<Points> {
    vec![points(5, 0), points(20, 1), points(75, 2)]
}

fn pool(owners: &[Points]) -> Points {
    let parts: Vec<_> = owners.iter().map(|owner| owner.all().unwrap()).collect();
    let x: Vec<&Tensor<f64>> = parts.iter().map(|(x, _)| x).collect();
    let y: Vec<&Tensor<f64>> = parts.iter().map(|(_, y)| y).collect();
    Pairs::new(Tensor::concat(&x, 0), Tensor::concat(&y, 0)).unwrap()
}

fn values(params: &[Param<f64>]) -> Vec<f64> {
    params.iter().flat_map(|param| param.value().to_vec()).collect()
}

fn bits(params: &[Param<f64>]) -> Vec<u64> {
    values(params).into_iter().map(f64::to_bits).collect()
}

fn difference(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn server(params: &[Param<f64>], lr: f64) -> Server<Sgd<f64>, f64> {
    Server::new(params, Sgd::new(params, lr))
}

#[test]
fn fed_sgd_is_descent_on_all_data_together() {
    let all = pool(&owners()).all().unwrap();
    for adaptive in [false, true] {
        let (federated, pooled) = (params(), params());
        let optimizer = |params: &[Param<f64>; 2]| -> Box<dyn Optimizer<f64>> {
            match adaptive {
                false => Box::new(Sgd::new(params, 0.02).momentum(0.5)),
                true => Box::new(Adam::new(params, 0.02)),
            }
        };
        let mut server = Server::new(&federated, Boxed(optimizer(&federated)));
        let mut alone = optimizer(&pooled);
        let mut clients: Vec<_> = owners().into_iter().map(client).collect();
        for _ in 0..100 {
            let round = server.round(&mut clients);
            assert_eq!((round.counted.len(), round.weight), (3, 100.0));
            let tape = Tape::new();
            alone.step(&loss(&tape, &pooled, &all).backward());
            assert!(difference(&values(&federated), &values(&pooled)) < 1e-12);
        }
        assert!(difference(&values(&pooled), &values(&params())) > 0.1);
    }
}

struct Boxed(Box<dyn Optimizer<f64>>);

impl Optimizer<f64> for Boxed {
    fn step(&mut self, gradients: &Gradients<f64>) {
        self.0.step(gradients);
    }

    fn get(&self, name: &str) -> Vec<f64> {
        self.0.get(name)
    }

    fn set_all(&mut self, name: &str, values: &[f64]) {
        self.0.set_all(name, values);
    }
}

/// With one local step on all data, the mean of the clients' parameters is a step with the mean of their gradients.
#[test]
fn fed_avg_of_one_step_is_fed_sgd_and_of_more_steps_is_not() {
    let run = |training: Option<u64>| {
        let global = params();
        let mut server = server(&global, if training.is_some() { 1.0 } else { 0.02 });
        let mut clients: Vec<_> = owners()
            .into_iter()
            .map(|owner| match training {
                Some(epochs) => client(owner).training(Training::sgd(0.02).epochs(epochs)),
                None => client(owner),
            })
            .collect();
        (0..20).for_each(|_| drop(server.round(&mut clients)));
        values(&global)
    };
    assert!(difference(&run(Some(1)), &run(None)) < 1e-13);
    assert!(difference(&run(Some(5)), &run(None)) > 1e-3);
}

#[test]
fn fed_avg_is_the_weighted_mean_of_what_the_clients_reach() {
    let global = params();
    let start = values(&global);
    let reached = |owner: &Points| {
        let own = params();
        let mut optimizer = Sgd::new(&own, 0.02);
        for _ in 0..7 {
            let tape = Tape::new();
            optimizer.step(&loss(&tape, &own, &owner.all().unwrap()).backward());
        }
        values(&own)
    };
    let ends: Vec<Vec<f64>> = owners().iter().map(reached).collect();
    let expected: Vec<f64> =
        (0..4).map(|i| (5.0 * ends[0][i] + 20.0 * ends[1][i] + 75.0 * ends[2][i]) / 100.0).collect();
    let train = |owner| client(owner).training(Training::sgd(0.02).epochs(7));
    let mut clients: Vec<_> = owners().into_iter().map(train).collect();
    server(&global, 1.0).round(&mut clients);
    assert!(difference(&values(&global), &expected) < 1e-14);
    assert!(difference(&values(&global), &start) > 0.01);
}

#[test]
fn a_proximal_term_keeps_clients_closer_to_the_server() {
    let distance = |mu: f64| {
        let training = Training::sgd(0.005).epochs(30).batch_size(10, 3).proximal(mu);
        let update =
            client(points(50, 1)).training(training).update(&server(&params(), 1.0).model()).unwrap();
        update.gradients.iter().flat_map(|(_, back)| back.to_vec()).map(|x| x * x).sum::<f64>().sqrt()
    };
    let distances = [10.0, 1.0, 0.1, 0.0].map(distance);
    assert!(distances.is_sorted() && distances[3] > 2.0 * distances[0], "{distances:?}");
}

#[test]
fn each_round_has_batches_in_an_order_of_its_own() {
    let update = |round: u64| {
        let model = Model { round, ..server(&params(), 1.0).model() };
        let training = Training::sgd(0.05).batch_size(4, 7);
        client(points(12, 1)).training(training).update(&model).unwrap().gradients
    };
    assert_eq!(update(3), update(3));
    assert_ne!(update(3), update(4));
}

#[test]
fn the_same_clients_give_the_same_bits_at_any_number_of_threads_and_in_any_order_of_replies() {
    let make = || -> Vec<AnyClient> {
        let privacy = || Privacy::new(0.5, 1.0, 1.0, StdRng::seed_from_u64(4));
        vec![
            Box::new(client(points(40, 1)).training(Training::sgd(0.01).epochs(3).batch_size(7, 5))),
            Box::new(client(points(30, 2))),
            Box::new(client(points(20, 3)).private(privacy())),
            Box::new(
                client(points(1, 4)).training(Training::new(|params: &[Param<f64>]| Adam::new(params, 0.1))),
            ),
        ]
    };
    let run = |threads: usize| {
        set_threads(threads);
        let global = params();
        let (mut server, mut clients) = (server(&global, 0.1), make());
        (0..5).for_each(|_| assert_eq!(server.round(&mut clients).counted, [0, 1, 2, 3]));
        bits(&global)
    };
    let expected = run(1);
    assert!([2, 3, 8].into_iter().all(|threads| run(threads) == expected));

    let backwards = params();
    let (mut server, mut clients) = (server(&backwards, 0.1), make());
    for _ in 0..5 {
        let model = server.model();
        let replies: Vec<_> =
            clients.iter_mut().enumerate().map(|(i, client)| (i, client.update(&model))).collect();
        server.apply(replies.into_iter().rev());
    }
    assert_eq!(bits(&backwards), expected);
}
