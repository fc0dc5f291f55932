//! The order of the folders, and what every source file keeps to.

#[path = "common/files.rs"]
mod files;

use std::fmt::Write;
use std::path::Path;

use files::{code, files};

/// The modules from the bottom up. Each may use those of the layers above its line, and of its own layer.
const LAYERS: [&[&str]; 11] = [
    &["elementary"],
    &["error", "shape"],
    &["tensor"],
    &["kernel"],
    &["tape"],
    &["ops"],
    &["plan"],
    &["diff"],
    &["check", "optim"],
    &["nn", "data", "io", "plot", "federated", "distributed"],
    &["train", "guide"],
];

/// What a layer does without although it stands below: a derivative knows no op by name, a plan knows kernels alone.
const FORBIDDEN: [(&str, &str); 4] = [("plan", "ops"), ("diff", "ops"), ("diff", "kernel"), ("optim", "ops")];

const LONGEST_FILE: usize = 400;

/// Fails with all complaints together.
fn none(complaints: String) {
    assert!(complaints.is_empty(), "\n{complaints}");
}

/// The module that a file belongs to: `src/ops/sum.rs` and `src/ops.rs` to `ops`.
fn module(path: &Path) -> String {
    let name = path.iter().nth(1).map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.trim_end_matches(".rs").to_string()
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// The modules of the crate that a line names, one for each `crate::`.
fn used(line: &str) -> Vec<String> {
    let name =
        |rest: &str| -> String { rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    line.split("crate::").skip(1).map(name).filter(|name| !name.is_empty()).collect()
}

/// What the crate's root re-exports, by the module that it comes from.
fn home(name: &str) -> &str {
    match name {
        "Error" | "ErrorKind" | "Result" => "error",
        "Shape" => "shape",
        "Real" | "Tensor" => "tensor",
        "Graphviz" | "IndexOperand" | "Indices" | "Operand" | "Param" | "Tape" | "Var" => "tape",
        module => module,
    }
}

#[test]
fn modules_use_only_what_stands_below_them() {
    let mut complaints = String::new();
    for (path, text) in files("src") {
        let from = module(&path);
        if from == "lib" {
            continue;
        }
        let Some(own) = layer(&from) else {
            let _ = writeln!(complaints, "{}: module {from} has no layer in tests/tidy.rs", path.display());
            continue;
        };
        for (number, line) in code(&text) {
            if line.contains("crate::{") {
                let _ = writeln!(
                    complaints,
                    "{}:{number}: write one `use crate::module` a module",
                    path.display()
                );
            }
            for name in used(line) {
                let to = home(&name);
                let allowed =
                    layer(to).is_some_and(|other| other <= own) && !FORBIDDEN.contains(&(from.as_str(), to));
                if !allowed {
                    let _ = writeln!(complaints, "{}:{number}: {from} uses {to}", path.display());
                }
            }
        }
    }
    none(complaints);
}

#[test]
fn every_file_says_in_its_first_line_what_it_is() {
    let mut complaints = String::new();
    for (path, text) in files("src").into_iter().chain(files("tests")) {
        if !text.starts_with("//! ") {
            let _ = writeln!(complaints, "{}: starts without a `//!` header", path.display());
        }
    }
    none(complaints);
}

#[test]
fn no_file_is_longer_than_one_idea() {
    let mut complaints = String::new();
    for (path, text) in files("src") {
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            let _ = writeln!(complaints, "{}: {lines} lines, at most {LONGEST_FILE}", path.display());
        }
    }
    none(complaints);
}

#[test]
fn nothing_is_left_to_do_or_silenced() {
    let banned = ["todo!", "unimplemented!", "dbg!", "#[allow", "#![allow", "#[ignore"];
    let mut complaints = String::new();
    for (path, text) in files("src").into_iter().chain(files("tests")) {
        for (number, line) in code(&text).filter(|(_, line)| !line.contains('"')) {
            for word in banned.iter().filter(|word| line.contains(**word)) {
                let _ = writeln!(complaints, "{}:{number}: {word}", path.display());
            }
        }
    }
    none(complaints);
}

#[test]
fn unsafe_code_stands_in_the_kernels_alone_and_says_why_it_is_sound() {
    let mut complaints = String::new();
    for (path, text) in files("src") {
        let lines: Vec<&str> = text.lines().collect();
        for (number, _) in code(&text).filter(|(_, line)| is_unsafe(line)) {
            if module(&path) != "kernel" {
                let _ = writeln!(complaints, "{}:{number}: unsafe outside src/kernel", path.display());
            }
            if !is_justified(&lines[..number - 1]) {
                let _ = writeln!(complaints, "{}:{number}: unsafe without SAFETY above it", path.display());
            }
        }
    }
    none(complaints);
}

/// Whether a line of code opens an unsafe block, function or implementation.
fn is_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or(line);
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"].iter().any(|word| code.contains(word))
}

/// Whether the comments and attributes directly above say `SAFETY` (or `# Safety`, in docs).
fn is_justified(above: &[&str]) -> bool {
    above
        .iter()
        .rev()
        .map(|line| line.trim_start())
        .take_while(|line| line.starts_with("//") || line.starts_with("#["))
        .any(|line| line.contains("SAFETY") || line.contains("# Safety"))
}

/// The scans see what they are there to see.
#[test]
fn the_scans_can_fail() {
    assert_eq!(used("use crate::shape::Shape; crate::Var"), ["shape", "Var"]);
    assert!(layer("diff") > layer("plan") && layer("plan") > layer("tape"));
    assert!(is_unsafe("    let y = unsafe { f(x) };") && !is_unsafe("// unsafe { } is not needed"));
    assert!(
        !is_justified(&["let x = 1;"]) && is_justified(&["// SAFETY: in bounds,", "// as checked above."])
    );
    assert_eq!(module(Path::new("src/ops/sum.rs")), "ops");
}
