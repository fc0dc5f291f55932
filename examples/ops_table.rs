//! Prints the table of operations as Markdown: `cargo run --example ops_table > docs/ops.md`.

fn main() {
    print!("{}", document());
}

/// The whole document; `tests/docs.rs` compares it with `docs/ops.md`.
pub fn document() -> String {
    let mut text = String::from(
        "# Operations\n\n\
         Each is a method of `Var`, or the method of an operator's trait; the reference documentation has an example of each.\n\
         Derivatives of several inputs are separated by commas.\n\
         This file is printed by `cargo run --example ops_table > docs/ops.md`; a test keeps it current.\n",
    );
    for (family, entries) in wengert::ops::families() {
        text += &format!("\n## {family}\n\n| operation | computes | derivative |\n|---|---|---|\n");
        for entry in entries {
            let [formula, derivative] = [entry.formula, entry.derivative].map(cell);
            text += &format!("| `{}` | {formula} | {derivative} |\n", entry.name);
        }
    }
    text
}

/// Text that Markdown shows as it stands, in a cell of a table.
fn cell(text: &str) -> String {
    let special = |c: char| "\\|*_<>[]`".contains(c);
    text.chars().flat_map(|c| special(c).then_some('\\').into_iter().chain([c])).collect()
}
