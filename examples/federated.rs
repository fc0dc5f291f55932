//! Learning from data that never leave their owners, beside learning from all of them in one place.
//!
//! `cargo run --release --example federated` prints how far apart the two are, and fails if FedSGD is further than
//! 1e-12 from the pooled run.

use std::process::ExitCode;

use rand::SeedableRng;
use rand::rngs::StdRng;
use wengert::data::{Dataset, Pairs};
use wengert::federated::{Client, Participant, Privacy, Server, Training};
use wengert::prelude::*;

/// How many points each owner has.
const AMOUNTS: [usize; 4] = [20, 40, 80, 160];
const FEATURES: usize = 3;
const ROUNDS: u64 = 200;
const RATE: f64 = 0.05;
const LOCAL_EPOCHS: u64 = 10;

type Points = Pairs<Tensor<f64>, Tensor<f64>>;
type Batch = (Tensor<f64>, Tensor<f64>);
type Loss = Box<dyn for<'t> Fn(&'t Tape<f64>, &Batch) -> Var<'t, f64> + Send>;
type LinearClient = Client<Points, Loss, f64>;

fn main() -> wengert::Result<ExitCode> {
    println!("Linear regression, {ROUNDS} rounds; owners of {AMOUNTS:?} points.");
    println!(
        "Distances are those of the weights from the ones that descent on all points together ends at.\n"
    );
    println!("unlikeness    FedSGD     FedAvg    FedProx    FedAvg, clients dropping out");
    let mut exact = true;
    for unlikeness in [0.0, 0.5, 1.0, 2.0, 4.0] {
        let owners = owners(unlikeness);
        let pooled = pooled_descent(&pool(&owners)?);
        let sgd = distance(&federated(&owners, RATE, |client| client), &pooled);
        let avg = |client: LinearClient| client.training(Training::sgd(RATE).epochs(LOCAL_EPOCHS));
        let prox =
            |client: LinearClient| client.training(Training::sgd(RATE).epochs(LOCAL_EPOCHS).proximal(1.0));
        let flaky = with_drop_outs(&owners, avg);
        let (avg, prox) = (federated(&owners, 1.0, avg), federated(&owners, 1.0, prox));
        let [avg, prox, flaky] = [avg, prox, flaky].map(|w| distance(&w, &pooled));
        println!("{unlikeness:10.1}   {sgd:7.1e}   {avg:8.1e}   {prox:8.1e}   {flaky:8.1e}");
        exact = exact && sgd <= 1e-12;
    }
    println!("\nFedSGD is the pooled run: {}\n", if exact { "yes, to 1e-12" } else { "NO" });
    private()?;
    Ok(if exact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Owners whose points lie near planes that are the further apart the more unlike they are.
fn owners(unlikeness: f64) -> Vec<Points> {
    let mut rng = StdRng::seed_from_u64(3);
    let common = Tensor::from([1.0, -2.0, 0.5]);
    let owner = |n: usize| {
        let spread: Tensor<f64> = Tensor::uniform([FEATURES], 0.5, 1.5, &mut rng);
        let own = Tensor::normal([FEATURES], 0.0, unlikeness, &mut rng);
        let own = common.zip(&own, |common, own| common + own);
        let tape = Tape::new();
        let x = tape.constant(Tensor::normal([n, FEATURES], 0.0, 1.0, &mut rng)) * &spread;
        let y = x.matmul(&own) + &Tensor::normal([n], 0.0, 0.1, &mut rng);
        Pairs::new(x.value(), y.value()).expect("as many targets as points")
    };
    AMOUNTS.map(owner).into()
}

/// What nobody has in federated learning.
fn pool(owners: &[Points]) -> wengert::Result<Batch> {
    let parts = owners.iter().map(Dataset::all).collect::<wengert::Result<Vec<Batch>>>()?;
    let (x, y): (Vec<&Tensor<f64>>, Vec<&Tensor<f64>>) = parts.iter().map(|(x, y)| (x, y)).unzip();
    Ok((Tensor::concat(&x, 0), Tensor::concat(&y, 0)))
}

fn weights() -> Param<f64> {
    Param::new("w", Tensor::zeros([FEATURES]))
}

fn loss<'t>(w: Var<'t, f64>, (x, y): &Batch) -> Var<'t, f64> {
    (w.tape().constant(x.clone()).matmul(w) - y).square().mean()
}

fn pooled_descent(all: &Batch) -> Tensor<f64> {
    let w = weights();
    let mut optimizer = Sgd::new([&w], RATE);
    for _ in 0..ROUNDS {
        let tape = Tape::new();
        optimizer.step(&loss(tape.param(&w), all).backward());
    }
    w.value()
}

/// The owner's side: data, a model of its own, and nothing else.
fn client(points: &Points) -> LinearClient {
    let w = weights();
    let own = w.clone();
    let loss: Loss = Box::new(move |tape, batch| loss(tape.param(&own), batch));
    Client::new([&w], points.clone(), loss)
}

/// The weights after all rounds, the server stepping at `rate`.
fn federated(owners: &[Points], rate: f64, work: impl Fn(LinearClient) -> LinearClient) -> Tensor<f64> {
    let w = weights();
    let mut server = Server::new([&w], Sgd::new([&w], rate));
    let mut clients: Vec<LinearClient> = owners.iter().map(|owner| work(client(owner))).collect();
    (0..ROUNDS).for_each(|_| drop(server.round(&mut clients)));
    w.value()
}

/// As [`federated`] at rate 1, with each client out of reach in every fourth round.
fn with_drop_outs(owners: &[Points], work: impl Fn(LinearClient) -> LinearClient) -> Tensor<f64> {
    let w = weights();
    let mut server = Server::new([&w], Sgd::new([&w], 1.0));
    let mut clients: Vec<LinearClient> = owners.iter().map(|owner| work(client(owner))).collect();
    for round in 0..ROUNDS as usize {
        let model = server.model();
        let reached = clients.iter_mut().enumerate().filter(|(number, _)| (round + number) % 4 != 0);
        let replies: Vec<_> = reached.map(|(number, client)| (number, client.update(&model))).collect();
        server.apply(replies);
    }
    w.value()
}

/// One owner of many points, who adds noise to clipped gradients.
fn private() -> wengert::Result<()> {
    let mut rng = StdRng::seed_from_u64(5);
    let x: Tensor<f64> = Tensor::normal([4000, FEATURES], 0.0, 1.0, &mut rng);
    let y: Tensor<f64> = x.reshape([4000, 3]).select(1, 0).map(|x| 2.0 * x);
    let points = Pairs::new(x, y)?;
    println!(
        "Private gradients of 4000 points, each drawn with probability 1 %, clipped to norm 1; {ROUNDS} rounds."
    );
    println!("noise    epsilon at delta = 1e-5    distance from the true weights");
    for noise in [0.5, 1.0, 2.0, 4.0] {
        let w = weights();
        let privacy = Privacy::new(0.01, 1.0, noise, StdRng::seed_from_u64(6));
        let mut clients = [client(&points).private(privacy)];
        let mut server = Server::new([&w], Sgd::new([&w], RATE));
        (0..ROUNDS).for_each(|_| drop(server.round(&mut clients)));
        let away = distance(&w.value(), &Tensor::from([2.0, 0.0, 0.0]));
        println!("{noise:5.1}    {:22.2}    {away:30.4}", clients[0].epsilon(1e-5));
    }
    Ok(())
}

fn distance(a: &Tensor<f64>, b: &Tensor<f64>) -> f64 {
    a.zip(b, |a, b| (a - b).abs()).iter().copied().fold(0.0, f64::max)
}
