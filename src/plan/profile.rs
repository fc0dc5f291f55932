//! What running costs, step by step: time, traffic, arithmetic, and the lines that it came from.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

/// The steps that a thread ran while it was profiled.
///
/// ```
/// use wengert::prelude::*;
///
/// let (loss, profile) = wengert::profile(|| {
///     let tape = Tape::new();
///     let x = tape.var(Tensor::<f64>::ones([64, 64]));
///     x.matmul(x).tanh().sum().item()
/// });
/// assert!(loss > 0.0);
/// assert_eq!(profile.steps().len(), 2); // the product; tanh and the sum as one loop
/// assert_eq!(profile.steps()[0].flops, 2 * 64 * 64 * 64);
/// println!("{profile}");
/// assert!(profile.chrome_trace().starts_with('['));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Profile {
    steps: Vec<ProfiledStep>,
}

/// One run of a fused loop or of an operation that runs by itself.
/// # Example
/// See [`Profile`].
#[derive(Clone, Debug)]
pub struct ProfiledStep {
    /// The operations, in the order in which they run.
    pub ops: Vec<&'static str>,
    /// The lines that recorded them, each once.
    pub lines: Vec<&'static Location<'static>>,
    /// When the step began, from the beginning of the profile.
    pub start: Duration,
    /// How long it took.
    pub time: Duration,
    /// Bytes of the values that it read and wrote, each once.
    pub bytes: usize,
    /// Additions and multiplications of a matrix product; for anything else, one for each element that an operation
    /// computes or folds.
    pub flops: usize,
}

impl ProfiledStep {
    /// The operations in a few words: names, and how often if more than once.
    fn title(&self) -> String {
        let mut counted: Vec<(&str, usize)> = Vec::new();
        for &op in &self.ops {
            match counted.iter_mut().find(|(name, _)| *name == op) {
                Some((_, n)) => *n += 1,
                None => counted.push((op, 1)),
            }
        }
        let word = |&(name, n): &(&str, usize)| if n == 1 { name.to_string() } else { format!("{n} {name}") };
        counted.iter().map(word).collect::<Vec<_>>().join(", ")
    }

    /// Where it was recorded: files, each with its lines.
    fn place(&self) -> String {
        let mut files: Vec<(&str, Vec<u32>)> = Vec::new();
        for line in &self.lines {
            match files.iter_mut().find(|(file, _)| *file == line.file()) {
                Some((_, lines)) => lines.push(line.line()),
                None => files.push((line.file(), vec![line.line()])),
            }
        }
        let file = |(file, lines): &mut (&str, Vec<u32>)| {
            lines.sort_unstable();
            lines.dedup();
            let lines: Vec<String> = lines.iter().map(u32::to_string).collect();
            format!("{file}:{}", lines.join(","))
        };
        files.iter_mut().map(file).collect::<Vec<_>>().join(" ")
    }
}

impl Profile {
    /// The steps in the order in which they ran.
    ///
    /// # Example
    /// See [`Profile`].
    pub fn steps(&self) -> &[ProfiledStep] {
        &self.steps
    }

    /// Time spent in all steps.
    ///
    /// ```
    /// let ((), profile) = wengert::profile(|| ());
    /// assert_eq!(profile.time().as_nanos(), 0);
    /// ```
    pub fn time(&self) -> Duration {
        self.steps.iter().map(|step| step.time).sum()
    }

    /// The profile in the format of Chrome's trace viewer (`chrome://tracing`, <https://ui.perfetto.dev>): JSON, to be
    /// written to a file.
    ///
    /// # Example
    /// See [`Profile`].
    pub fn chrome_trace(&self) -> String {
        let event = |step: &ProfiledStep| {
            format!(
                r#"{{"name":"{}","ph":"X","pid":1,"tid":1,"ts":{:.3},"dur":{:.3},"args":{{"lines":"{}","bytes":{},"flops":{}}}}}"#,
                escaped(&step.title()),
                step.start.as_secs_f64() * 1e6,
                step.time.as_secs_f64() * 1e6,
                escaped(&step.place()),
                step.bytes,
                step.flops,
            )
        };
        let events: Vec<String> = self.steps.iter().map(event).collect();
        format!("[{}]\n", events.join(",\n"))
    }
}

/// As the inside of a JSON string.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A table: equal steps in one row, those that took longest first.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[derive(Default)]
        struct Row {
            calls: usize,
            time: f64,
            bytes: f64,
            flops: f64,
        }
        let mut rows: HashMap<(String, String), Row> = HashMap::new();
        for step in &self.steps {
            let row = rows.entry((step.title(), step.place())).or_default();
            row.calls += 1;
            row.time += step.time.as_secs_f64();
            row.bytes += step.bytes as f64;
            row.flops += step.flops as f64;
        }
        let mut rows: Vec<_> = rows.into_iter().collect();
        rows.sort_by(|(a_key, a), (b_key, b)| b.time.total_cmp(&a.time).then(a_key.cmp(b_key)));
        let all: f64 = rows.iter().map(|(_, row)| row.time).sum();
        writeln!(
            f,
            "{:>10} {:>6} {:>6} {:>8} {:>8}  what, and where it was recorded",
            "us", "%", "calls", "GB/s", "GFLOP/s"
        )?;
        for ((title, place), row) in &rows {
            let Row { calls, time, bytes, flops } = row;
            let (share, rate) = (100.0 * time / all.max(1e-12), time.max(1e-12) * 1e9);
            writeln!(
                f,
                "{:>10.1} {share:>6.1} {calls:>6} {:>8.1} {:>8.1}  {title}\n{:43}{place}",
                time * 1e6,
                bytes / rate,
                flops / rate,
                ""
            )?;
        }
        write!(f, "{:>10.1} us in {} steps", all * 1e6, self.steps.len())
    }
}

struct Recorder {
    start: Instant,
    profile: Profile,
}

thread_local! {
    static RECORDER: RefCell<Option<Recorder>> = const { RefCell::new(None) };
    /// Whether there is a recorder: every run asks.
    static IS_ON: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, and notes what the evaluations of this thread in it cost. Inside another profile, the outer one goes on
/// after the inner one without its steps.
///
/// # Example
/// See [`Profile`].
pub fn profile<R>(f: impl FnOnce() -> R) -> (R, Profile) {
    /// Puts the outer profile back, also if `f` panics.
    struct Outer(Option<Recorder>);
    impl Drop for Outer {
        fn drop(&mut self) {
            IS_ON.set(self.0.is_some());
            RECORDER.replace(self.0.take());
        }
    }
    let outer =
        Outer(RECORDER.replace(Some(Recorder { start: Instant::now(), profile: Profile::default() })));
    IS_ON.set(true);
    let result = f();
    let profile = RECORDER.take().map(|recorder| recorder.profile).unwrap_or_default();
    drop(outer);
    (result, profile)
}

/// Whether this thread is being profiled.
pub(super) fn is_on() -> bool {
    IS_ON.get()
}

/// Notes a step that has run from `start` until now; `step` is told both from the beginning of the profile.
pub(super) fn note(start: Instant, step: impl FnOnce(Duration, Duration) -> ProfiledStep) {
    let time = start.elapsed();
    RECORDER.with_borrow_mut(|recorder| {
        if let Some(recorder) = recorder {
            recorder.profile.steps.push(step(start.duration_since(recorder.start), time));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_json_whatever_the_paths() {
        let step = ProfiledStep {
            ops: vec!["mul", "add", "mul"],
            lines: vec![Location::caller()],
            start: Duration::from_micros(3),
            time: Duration::from_micros(5),
            bytes: 8,
            flops: 2,
        };
        assert_eq!(step.title(), "2 mul, add");
        let trace: serde_json::Value =
            serde_json::from_str(&Profile { steps: vec![step.clone(), step] }.chrome_trace()).unwrap();
        assert_eq!((&trace[1]["name"], &trace[1]["dur"]), (&"2 mul, add".into(), &5.0.into()));
        assert_eq!(escaped(r#"C:\a"b"#), r#"C:\\a\"b"#);
    }
}
