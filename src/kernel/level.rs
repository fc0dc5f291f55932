//! Which vectors loops are run in.

use std::sync::OnceLock;

/// The vectors that a loop is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// What every processor has.
    Plain,
    Avx2,
    Avx512,
}

/// The longest vectors that the processor has and that the environment variable `WENGERT_SIMD` allows: `plain`, `avx2`, or
/// `avx512`, which is also what counts if it says anything else.
#[inline]
pub(crate) fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let allowed = match std::env::var("WENGERT_SIMD").as_deref() {
            Ok("plain") => Level::Plain,
            Ok("avx2") => Level::Avx2,
            _ => Level::Avx512,
        };
        of_processor().min(allowed)
    })
}

#[cfg(target_arch = "x86_64")]
fn of_processor() -> Level {
    if !is_x86_feature_detected!("fma") || !is_x86_feature_detected!("avx2") {
        Level::Plain
    } else if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
        Level::Avx512
    } else {
        Level::Avx2
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn of_processor() -> Level {
    Level::Plain
}
