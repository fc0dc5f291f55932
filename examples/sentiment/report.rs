//! What the example prints.

use crate::Fitted;
use crate::corpus::Bags;
use crate::histogram::{BINS, Histogram, WIDTH};
use crate::regression::Model;

/// The textbook's rows, without and with l2: training and test error, training and test accuracy in per cent.
const BOOK: [[f64; 4]; 2] = [[0.0, 7.9469, 100.0, 61.67], [0.0727, 0.7523, 99.55, 78.07]];

pub fn sizes(title: &str, train: &Bags, test: &Bags) {
    let [n, words] = train.words.shape()[..] else { unreachable!("a matrix has two axes") };
    println!("{title}: {n} sentences to train on, {} to test on, {words} words", test.signs.size());
}

/// Table 3.1: errors and accuracies, each row above the book's, if the book is about the same sentences.
pub fn table(rows: &[(&str, &Fitted); 2], train: &Bags, test: &Bags, book: bool) {
    println!("\nLeast squares on bags of words (table 3.1)\n");
    println!("                   train MSE  test MSE  train acc.  test acc.  products  seconds");
    for ((name, fitted), expected) in rows.iter().zip(BOOK) {
        let figures = figures(&fitted.model, train, test);
        println!("{name:17}  {}  {:8}  {:7.1}", columns(figures), fitted.products, fitted.seconds);
        if book {
            println!("{:17}  {}", "   the book", columns(expected));
        }
    }
}

/// Figure 3.7: how large the weights are, without and with l2.
pub fn weights(free: &Model, ridge: &Model) {
    let [free_bins, ridge_bins] = [free, ridge].map(|model| Histogram::new(&model.weights, WIDTH, BINS));
    println!("\nHow many weights are how large (figure 3.7)\n");
    println!("{:18}  {:28}  l2, lambda = 1", "", "no regularizer");
    for bin in 0..BINS {
        let cell = |bins: &Histogram| format!("{:6} {:21}", bins.counts[bin], bins.bar(bin, 20));
        let line = format!("{}  {}  {}", free_bins.label(bin), cell(&free_bins), cell(&ridge_bins));
        println!("{}", line.trim_end());
    }
    println!("norm                {:6.2}{:24}{:6.2}", norm(free), "", norm(ridge));
}

/// Errors and accuracies along a path of regularizers.
pub fn path(path: &[(f64, Model)], train: &Bags, test: &Bags) {
    println!("\nThe path in lambda\n");
    println!("  lambda    norm of w  train MSE  test MSE  train acc.  test acc.");
    for (lambda, model) in path {
        println!("{lambda:8}  {:11.2}  {}", norm(model), columns(figures(model, train, test)));
    }
}

fn figures(model: &Model, train: &Bags, test: &Bags) -> [f64; 4] {
    [
        model.mean_square_error(train),
        model.mean_square_error(test),
        model.accuracy(train),
        model.accuracy(test),
    ]
}

fn columns([train, test, train_accuracy, test_accuracy]: [f64; 4]) -> String {
    format!("{train:9.4}  {test:8.4}  {train_accuracy:8.2} %  {test_accuracy:7.2} %")
}

fn norm(model: &Model) -> f64 {
    model.weights.iter().map(|w| w * w).sum::<f64>().sqrt()
}
