//! Where and with what message a program panics.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// A panic as the panic hook saw it.
#[derive(Clone, Debug)]
pub struct Panic {
    pub message: String,
    pub file: String,
    pub line: u32,
}

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// The panic of `f`, `None` if it returns. Other threads' panics print as ever.
pub fn panic_of(f: impl FnOnce()) -> Option<Panic> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !WATCHED.get() {
                return usual(info);
            }
            let message = info.payload_as_str().unwrap_or("").to_string();
            let place = info.location().map(|at| (at.file().to_string(), at.line()));
            let (file, line) = place.unwrap_or_default();
            LAST.set(Some(Panic { message, file, line }));
        }));
    });
    WATCHED.set(true);
    let outcome = catch_unwind(AssertUnwindSafe(f));
    WATCHED.set(false);
    let panic = LAST.take();
    if outcome.is_err() { panic } else { None }
}
