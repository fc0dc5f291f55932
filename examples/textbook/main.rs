//! The worked examples of a textbook chapter on gradient descent, computed and set beside the book's figures.
//!
//! `cargo run --release --example textbook` prints a table a section and fails if a figure does not agree.

mod descent;
mod federated;
mod learning_rates;
mod linearity;
mod mini_batches;
mod non_convex;
mod one_variable;
mod points;
mod regularizer;
mod sampling;
mod table;
mod two_variables;
mod weight_decay;

use std::process::ExitCode;

use table::Section;

/// The sections in the chapter's order.
const SECTIONS: [fn() -> Section; 10] = [
    one_variable::section,
    two_variables::section,
    learning_rates::section,
    non_convex::section,
    linearity::section,
    sampling::section,
    mini_batches::section,
    federated::section,
    regularizer::section,
    weight_decay::section,
];

fn main() -> ExitCode {
    let sections = SECTIONS.map(|section| section());
    for section in &sections {
        println!("{section}");
    }
    let lines: usize = sections.iter().map(Section::lines).sum();
    let crosses: usize = sections.iter().map(Section::crosses).sum();
    println!(
        "* not printed in the book: follows from its formulas by hand. <= and >: bounds that its claims imply."
    );
    println!("{} of {lines} lines agree.", lines - crosses);
    if crosses == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
