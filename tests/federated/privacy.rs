//! Updates that hide single examples: what is clipped, how much noise there is, and what the accountant counts.

use super::*;

/// Draws no noise that matters: every example is taken, and none is clipped.
#[test]
fn without_noise_and_with_a_wide_clip_the_private_gradient_is_the_gradient() {
    let rng = StdRng::seed_from_u64(0);
    let model = server(&params(), 1.0).model();
    let private = client(points(20, 1)).private(Privacy::new(1.0, 1e9, 0.0, rng)).update(&model).unwrap();
    let plain = client(points(20, 1)).update(&model).unwrap();
    for ((_, private), (_, plain)) in private.gradients.iter().zip(&plain.gradients) {
        assert!(private.allclose(plain, 1e-12, 1e-12));
    }
    assert_eq!(private.weight, plain.weight);
}

#[test]
fn no_example_adds_more_than_the_clip() {
    let model = server(&params(), 1.0).model();
    let norm = |data: Points, clip: f64| {
        let privacy = Privacy::new(1.0, clip, 0.0, StdRng::seed_from_u64(0));
        let update = client(data).private(privacy).update(&model).unwrap();
        update.gradients.iter().flat_map(|(_, gradient)| gradient.to_vec()).map(|g| g * g).sum::<f64>().sqrt()
    };
    let outlier = || Pairs::new(Tensor::from([[1e6, 0.0, 0.0]]), Tensor::from([-1e9])).unwrap();
    assert!((norm(outlier(), 0.5) - 0.5).abs() < 1e-12);
    let broken = || Pairs::new(Tensor::from([[f64::NAN, 0.0, 0.0]]), Tensor::from([0.0])).unwrap();
    assert_eq!(norm(broken(), 0.5), 0.0);
}

#[test]
fn the_noise_has_the_deviation_that_the_accountant_counts() {
    let (n, rate, clip, noise) = (40, 0.25, 0.5, 3.0);
    // Gradients are 0, so that nothing but noise is left.
    let w = Param::new("w", Tensor::<f64>::zeros([20_000]));
    let own = w.clone();
    let privacy = Privacy::new(rate, clip, noise, StdRng::seed_from_u64(1));
    let zero = Client::new([&w.clone()], Tensor::zeros([n]), move |tape: &Tape<f64>, _: &Tensor<f64>| {
        tape.param(&own).square().sum()
    });
    let mut client = zero.private(privacy);
    let update = client.update(&Server::new([&w], Sgd::new([&w], 1.0)).model()).unwrap();
    let gradient = &update.gradients[0].1;
    let deviation = (gradient.iter().map(|g| g * g).sum::<f64>() / gradient.size() as f64).sqrt();
    let expected = noise * clip / (rate * n as f64);
    // Five standard errors: 1 / sqrt(2 n).
    assert!((deviation / expected - 1.0).abs() < 0.025, "{deviation} {expected}");
}

#[test]
fn examples_are_drawn_with_the_rate_that_the_accountant_counts() {
    let mut drawn = 0.0;
    let (n, rate, rounds) = (50, 0.3, 200);
    let mut rng = StdRng::seed_from_u64(rounds);
    let w = Param::new("w", 0.0);
    let own = w.clone();
    let privacy = Privacy::new(rate, 1.0, 0.0, StdRng::seed_from_u64(rng.next_u64()));
    let one = Client::new([&w.clone()], Tensor::zeros([n]), move |tape: &Tape<f64>, _: &Tensor<f64>| {
        tape.param(&own).sum()
    });
    let mut client = one.private(privacy);
    let model = Server::new([&w], Sgd::new([&w], 1.0)).model();
    for _ in 0..rounds {
        drawn += client.update(&model).unwrap().gradients[0].1.item();
    }
    // Of mean 1 a round; five standard errors: sqrt((1 - rate) / (rate n rounds)).
    assert!((drawn / rounds as f64 - 1.0).abs() < 0.08, "{drawn}");
}

/// Privacy is spent when the update is made: who computes it does not know whether it arrives.
#[test]
fn updates_that_were_lost_cost_privacy_too_and_a_panic_does_not_end_it() {
    let w = Param::new("w", 0.0);
    let own = w.clone();
    let privacy = Privacy::new(0.5, 1.0, 2.0, StdRng::seed_from_u64(0));
    let data = Tensor::from([1.0, 3.0]);
    let client = Client::new([&w.clone()], data, move |tape: &Tape<f64>, x: &Tensor<f64>| {
        assert!(x.item() < 2.0, "an example that panics");
        (tape.param(&own) - x).square().mean()
    });
    let mut clients = [client.private(privacy)];
    let mut server = Server::new([&w], Sgd::new([&w], 0.1));
    let mut spent = vec![clients[0].epsilon(1e-3)];
    let mut panics = 0;
    for _ in 0..8 {
        panics += server.round(&mut clients).dropped.len();
        spent.push(clients[0].epsilon(1e-3));
    }
    assert_eq!(spent[0], 0.0);
    assert!(panics > 0 && spent.windows(2).all(|pair| pair[0] < pair[1]) && spent[8].is_finite());
    assert_eq!(self::client(points(1, 0)).epsilon(1e-3), f64::INFINITY);
}
