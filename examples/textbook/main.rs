//! The worked examples of a textbook chapter on gradient descent, computed and set beside the book's figures.
//!
//! `cargo run --release --example textbook` prints a table a section and fails if a figure does not agree.
//! `cargo run --release --example textbook -- --figures DIR` draws the chapter's figures too, as SVG and
//! as PNG; with `--guide DIR` each is written in the smaller of the two, as those of the guide are.

mod descent;
#[path = "../common/figures.rs"]
mod destination;
mod federated;
mod figures;
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

use std::error::Error;
use std::process::ExitCode;

use destination::Figures;
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
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}\nusage: textbook [--figures DIR | --guide DIR]");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let to = Figures::parse(lexopt::Parser::from_env())?;
    figures::write(&to)?;
    Ok(compare())
}

/// Prints every section beside the book's figures.
fn compare() -> ExitCode {
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
