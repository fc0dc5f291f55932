//! A log with a line of JSON an epoch.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::train::{Report, Watcher};

/// Writes an object a line for each epoch: `epoch`, `step`, `seconds`, `elements_per_second` and `metrics`.
///
/// A number that JSON does not know (NaN, infinity) is `null`.
///
/// ```
/// use wengert::train::{JsonLines, Training};
/// # let path = std::env::temp_dir().join(format!("wengert-log-{}.jsonl", std::process::id()));
/// let mut training = Training::new(1).watch(JsonLines::create(&path)?);
/// training.next_epoch();
/// training.batch(4, &[("loss", 0.5), ("share \"a\"", f64::NAN)])?;
/// training.end_epoch()?;
/// let line = std::fs::read_to_string(&path).unwrap();
/// assert!(line.starts_with(r#"{"epoch":1,"step":1,"seconds":"#));
/// assert!(line.ends_with("\"metrics\":{\"loss\":0.5,\"share \\\"a\\\"\":null}}\n"));
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Debug)]
pub struct JsonLines {
    file: File,
    path: PathBuf,
}

impl JsonLines {
    /// Begins a new file, in place of one that may be there.
    ///
    /// # Errors
    /// If the system refuses.
    ///
    /// # Example
    /// See [`JsonLines`].
    pub fn create(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::create(path).map_err(|error| Error::file("json_lines", path, &error))?;
        Ok(JsonLines { file, path: path.to_path_buf() })
    }

    /// Goes on after the last line of a file, which is created if need be. A line that was cut short, because a
    /// process was killed, is left as it is and ended.
    ///
    /// # Errors
    /// If the system refuses.
    ///
    /// ```
    /// # use wengert::train::{JsonLines, Training};
    /// # let path = std::env::temp_dir().join(format!("wengert-append-{}.jsonl", std::process::id()));
    /// std::fs::write(&path, "{\"epoch\":1}\n{\"epo").unwrap();
    /// let mut training = Training::new(1).watch(JsonLines::append(&path)?);
    /// training.next_epoch();
    /// training.end_epoch()?;
    /// assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 3);
    /// # std::fs::remove_file(&path).unwrap();
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn append(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = open_at_a_line(path).map_err(|error| Error::file("json_lines", path, &error))?;
        Ok(JsonLines { file, path: path.to_path_buf() })
    }
}

impl Watcher for JsonLines {
    fn epoch(&mut self, report: &Report) -> Result<()> {
        // One call for the whole line, so that no reader sees a part of it.
        let line = line(report);
        self.file.write_all(line.as_bytes()).map_err(|error| Error::file("json_lines", &self.path, &error))
    }
}

fn open_at_a_line(path: &Path) -> std::io::Result<File> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn line(report: &Report) -> String {
    let metrics: Vec<String> =
        report.metrics.iter().map(|(name, value)| format!("{}:{}", quoted(name), number(*value))).collect();
    format!(
        "{{\"epoch\":{},\"step\":{},\"seconds\":{},\"elements_per_second\":{},\"metrics\":{{{}}}}}\n",
        report.epoch,
        report.step,
        number(report.seconds),
        number(report.speed()),
        metrics.join(",")
    )
}

/// A JSON number that reads back as the same `f64`.
fn number(x: f64) -> String {
    if x.is_finite() { format!("{x:?}") } else { "null".to_string() }
}

/// A JSON string (RFC 8259, section 7).
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c < ' ' => {
                // Writing to a string does not fail.
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
