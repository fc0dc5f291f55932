//! What the sources of the operations declare.

use std::fs;

use super::files::{code, files, root};

/// A name and where it is declared.
#[derive(Debug)]
pub struct Item {
    pub name: String,
    pub place: String,
}

/// Methods that record an op which is handed to them.
const GENERIC: [&str; 2] = ["map", "zip"];

/// The public methods of `Var` in `src/ops`.
pub fn methods() -> Vec<Item> {
    let mut found = Vec::new();
    for (path, text) in files("src/ops") {
        let mut of_var = false;
        for (number, line) in code(&text) {
            if line.starts_with("impl") {
                of_var = line.contains("Var<") && !line.contains(" for ");
            }
            let Some(rest) = line.strip_prefix("    pub fn ").filter(|_| of_var) else { continue };
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if !GENERIC.contains(&name.as_str()) {
                found.push(Item { name, place: format!("{}:{number}", path.display()) });
            }
        }
    }
    found
}

/// The names of the ops in `src/ops`: of rows, and what `fn name` returns.
pub fn ops() -> Vec<Item> {
    let mut found = Vec::new();
    for (path, text) in files("src/ops") {
        let lines: Vec<(usize, &str)> = code(&text).collect();
        for (i, &(number, line)) in lines.iter().enumerate() {
            let row = ["unary(", "binary(", "unary_flat(", "binary_flat("]
                .iter()
                .any(|row| line.contains(&format!("&{row}")) || line.contains(&format!(" {row}")));
            let names = if row && !line.contains("fn ") {
                let joined: String = lines[i..].iter().take(2).map(|(_, line)| *line).collect();
                literals(&joined).into_iter().take(1).collect()
            } else if line.contains("fn name(&self) -> &'static str") {
                let body: Vec<&str> = lines[i + 1..]
                    .iter()
                    .map(|(_, line)| *line)
                    .take_while(|line| *line != "    }")
                    .collect();
                literals(&body.concat())
            } else {
                continue;
            };
            let place = format!("{}:{number}", path.display());
            found.extend(names.into_iter().map(|name| Item { name, place: place.clone() }));
        }
    }
    found
}

/// Whether a line of a file of `src/ops` is among its entries, where refused programs are written.
pub fn is_among_entries(file: &str, line: u32) -> bool {
    if !file.contains("src/ops/") {
        return false;
    }
    let Ok(text) = fs::read_to_string(root().join(file)) else { return false };
    let entries = text.lines().position(|line| line.contains("ENTRIES: &[Entry]"));
    entries.is_some_and(|entries| line as usize > entries)
}

/// The names of the ops on a printed tape.
pub fn names_on(tape: &str) -> Vec<String> {
    let name = |line: &str| -> Option<String> {
        let (_, right) = line.split_once(" = ")?;
        Some(right.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
    };
    tape.lines().filter_map(name).collect()
}

/// The string literals in a piece of code.
fn literals(code: &str) -> Vec<String> {
    code.split('"').skip(1).step_by(2).map(str::to_string).collect()
}
