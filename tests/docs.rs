//! The documents say what the code says.

use std::fs;
use std::path::{Path, PathBuf};

/// What a figure of the guide may weigh: a repository keeps every version of it.
const LARGEST_FIGURE: u64 = 200_000;

#[expect(dead_code, reason = "its main is for the command line")]
#[path = "../examples/ops_table.rs"]
mod ops_table;

#[test]
fn the_table_of_operations_is_current() {
    let printed = ops_table::document();
    let kept = read("docs/ops.md");
    let first = printed.lines().zip(kept.lines()).find(|(printed, kept)| printed != kept);
    assert!(
        printed == kept,
        "run `cargo run --example ops_table > docs/ops.md`; first difference: {first:?}"
    );
}

#[test]
fn decisions_are_short_and_say_what_would_reverse_them() {
    let mut decisions = 0;
    for file in fs::read_dir(path("docs/decisions")).unwrap() {
        let file = file.unwrap().path();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.lines().count() <= 60, "{} has more than 60 lines", file.display());
        for heading in ["## Context", "## Options", "## Choice", "## What would reverse it"] {
            assert!(text.contains(heading), "{} lacks `{heading}`", file.display());
        }
        decisions += 1;
    }
    assert!(decisions >= 6, "found only {decisions} decisions");
}

#[test]
fn local_links_lead_somewhere() {
    let mut links = 0;
    for document in documents() {
        let text = read(&document);
        let folder = path(&document).parent().unwrap().to_path_buf();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !target.starts_with("http") {
                assert!(folder.join(target).exists(), "{document}: no {target}");
                links += 1;
            }
        }
    }
    assert!(links >= 10, "found only {links} links");
}

#[test]
fn the_guide_is_complete() {
    let pages: Vec<String> = documents().into_iter().filter(|page| page.starts_with("docs/guide/")).collect();
    let text: Vec<String> = pages.iter().map(|page| read(page)).collect();
    let (index, module) = (read("docs/guide/README.md"), read("src/guide.rs"));
    for page in
        pages.iter().filter_map(|page| page.strip_prefix("docs/guide/")).filter(|page| *page != "README.md")
    {
        assert!(index.contains(&format!("]({page})")), "docs/guide/README.md does not list {page}");
        assert!(
            module.contains(&format!("docs/guide/{page}\")]\npub mod")),
            "src/guide.rs does not run {page}"
        );
    }
    assert!(!module.contains("cfg"), "a page of src/guide.rs is left out of some tests");
    let mut figures = 0;
    for figure in fs::read_dir(path("docs/guide/figures")).expect("a folder of figures") {
        let figure = figure.expect("a file");
        let name = figure.file_name().into_string().expect("a name");
        let link = format!("](figures/{name})");
        assert!(text.iter().any(|page| page.contains(&link)), "no page of the guide shows {name}");
        let size = figure.metadata().expect("a size").len();
        assert!(size <= LARGEST_FIGURE, "{name} has {size} bytes, at most {LARGEST_FIGURE}");
        figures += 1;
    }
    assert!(pages.len() >= 15 && figures >= 10, "found only {} pages and {figures} figures", pages.len());
}

/// The Markdown files at the top and in `docs`.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["", "docs/", "docs/decisions/", "docs/guide/"] {
        for file in fs::read_dir(path(folder)).expect("a folder of documents") {
            let name = file.expect("a file").file_name();
            if let Some(name) = name.to_str().filter(|name| name.ends_with(".md")) {
                found.push(format!("{folder}{name}"));
            }
        }
    }
    found
}

fn read(file: &str) -> String {
    fs::read_to_string(path(file)).expect(file)
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}
