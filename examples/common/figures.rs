//! The options that name a folder for figures, and how they are written there.

use std::fs;
use std::path::PathBuf;

use lexopt::prelude::*;
use wengert::plot::Figure;

/// What is to be drawn.
#[derive(Debug, PartialEq)]
pub enum Figures {
    Nothing,
    /// `--figures DIR`: each figure as SVG and as PNG.
    Both(PathBuf),
    /// `--guide DIR`: each figure in the format that takes fewer bytes, as in `docs/guide/figures`.
    Smaller(PathBuf),
}

impl Figures {
    /// What the command line says; it takes nothing else.
    pub fn parse(mut arguments: lexopt::Parser) -> Result<Figures, lexopt::Error> {
        let mut figures = Figures::Nothing;
        while let Some(argument) = arguments.next()? {
            figures = match argument {
                Long("figures") => Figures::Both(arguments.value()?.into()),
                Long("guide") => Figures::Smaller(arguments.value()?.into()),
                other => return Err(other.unexpected()),
            }
        }
        Ok(figures)
    }

    /// Writes a figure, without an extension in its name, to the folder, which is made if it is not there.
    pub fn save(&self, name: &str, figure: &impl Figure) -> Result<(), Box<dyn std::error::Error>> {
        let (Figures::Both(folder) | Figures::Smaller(folder)) = self else { return Ok(()) };
        let mut files = vec![("svg", figure.to_svg()?.into_bytes()), ("png", figure.to_png()?)];
        if let Figures::Smaller(_) = self {
            files.sort_by_key(|(_, bytes)| bytes.len());
            files.truncate(1);
        }
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for (extension, bytes) in files {
            let file = folder.join(format!("{name}.{extension}"));
            fs::write(&file, &bytes).map_err(|error| format!("{}: {error}", file.display()))?;
            println!("wrote {}, {} bytes", file.display(), bytes.len());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_for_figures_is_all_that_the_command_line_takes() {
        let parsed = |words: &[&str]| Figures::parse(lexopt::Parser::from_args(words));
        assert_eq!(parsed(&[]).unwrap(), Figures::Nothing);
        assert_eq!(parsed(&["--figures", "here"]).unwrap(), Figures::Both("here".into()));
        assert_eq!(parsed(&["--guide", "here"]).unwrap(), Figures::Smaller("here".into()));
        assert!(
            parsed(&["--figures"]).is_err() && parsed(&["--figure", "x"]).is_err() && parsed(&["x"]).is_err()
        );
    }
}
