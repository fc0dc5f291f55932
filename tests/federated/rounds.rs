//! Who is asked, whose update counts, and whose cannot be used.

use super::*;

/// Works on its data, and is never heard of: by an error, or in a panic.
struct Lost<P>(P, fn() -> Error);

impl<P: Participant<f64>> Participant<f64> for Lost<P> {
    fn update(&mut self, model: &Model<f64>) -> Result<Update<f64>> {
        self.0.update(model)?;
        Err(self.1())
    }
}

#[test]
fn a_client_that_drops_out_changes_nothing_but_who_was_counted() {
    let without = params();
    let mut clients = [client(points(5, 0)), client(points(75, 2))];
    let mut rounds = server(&without, 0.02);
    (0..3).for_each(|_| drop(rounds.round(&mut clients)));

    let faults: [fn() -> Error; 2] =
        [|| Error::new(ErrorKind::Io, "client", "gone"), || panic!("the battery is empty")];
    for fault in faults {
        let with = params();
        let mut server = server(&with, 0.02);
        let mut clients: [AnyClient; 3] = [
            Box::new(client(points(5, 0))),
            Box::new(Lost(client(points(20, 1)), fault)),
            Box::new(client(points(75, 2))),
        ];
        for number in 0..3 {
            let round = server.round(&mut clients);
            assert_eq!((round.number, round.counted, round.weight), (number, vec![0, 2], 80.0));
            assert_eq!(round.dropped.len(), 1);
            let (who, why) = &round.dropped[0];
            let why = why.to_string();
            assert!(*who == 1 && (why.ends_with("gone") || why.ends_with("the battery is empty")), "{why}");
        }
        assert_eq!(bits(&with), bits(&without));
    }
}

#[test]
fn updates_that_cannot_be_used_are_left_out() {
    let global = params();
    let mut server = server(&global, 0.1);
    let good = client(points(5, 0)).update(&server.model()).unwrap();
    let change = |change: fn(&mut Update<f64>)| {
        let mut update = good.clone();
        change(&mut update);
        Ok(update)
    };
    let replies = vec![
        (0, change(|update| update.round = 1)),
        (1, change(|update| update.weight = -1.0)),
        (2, change(|update| update.weight = f64::INFINITY)),
        (3, change(|update| drop(update.gradients.pop()))),
        (4, change(|update| update.gradients[0].0 = "v".into())),
        (5, change(|update| update.gradients[0].1 = Tensor::from([1.0]))),
        (6, change(|update| update.gradients[1].1 = f64::NAN.into())),
        (7, change(|update| (update.weight, update.gradients[1].1) = (1e300, 1e300.into()))),
        (8, Ok(good.clone())),
        (8, Ok(good.clone())),
    ];
    let round = server.apply(replies);
    assert_eq!((round.counted, round.weight, round.dropped.len()), (vec![8], 5.0, 9));

    let alone = params();
    self::server(&alone, 0.1).apply([(0, Ok(good))]);
    assert_eq!(bits(&global), bits(&alone));
}

#[test]
fn a_round_without_updates_or_without_data_changes_nothing() {
    let global = params();
    let mut server = server(&global, 0.1);
    assert_eq!(server.apply([]).counted, [0; 0]);
    assert_eq!(server.round(&mut [] as &mut [AnyClient]).number, 1);
    let mut empty = [client(points(0, 1)), client(points(0, 2)).training(Training::sgd(0.1))];
    let round = server.round(&mut empty);
    assert_eq!((round.counted, round.weight), (vec![0, 1], 0.0));
    assert_eq!(bits(&global), bits(&params()));
}

#[test]
fn a_model_of_another_kind_is_an_error() {
    let other =
        Model { round: 0, parameters: vec![("w".into(), Tensor::from([1.0])), ("b".into(), 0.0.into())] };
    let error = client(points(1, 0)).update(&other).unwrap_err();
    assert_eq!(error.to_string(), "client: expected w [3], got w [1]");
}

#[test]
fn sampling_asks_a_part_of_the_clients_and_in_time_all_of_them() {
    let global = params();
    let mut server = server(&global, 0.01).sampling(0.4, 1);
    let mut clients: Vec<_> = (0..5).map(|seed| client(points(3, seed))).collect();
    let mut asked = Vec::new();
    for _ in 0..20 {
        let selected = server.selected(5);
        let round = server.round(&mut clients);
        assert_eq!((&round.counted, round.counted.len(), round.weight), (&selected, 2, 6.0));
        asked.extend(round.counted);
    }
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked, [0, 1, 2, 3, 4]);
}
