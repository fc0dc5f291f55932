//! Batches made on a thread of their own, ahead of their use.

use std::iter::once;
use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::data::batches::Rest;
use crate::error::{Error, ErrorKind, Result};

/// Hands out what a thread has made. An error comes at its place in the order, and so does a panic.
struct Ahead<B> {
    receiver: Receiver<Result<B>>,
    thread: Option<JoinHandle<()>>,
}

/// The same batches, with up to `depth` of them ready on a thread of their own. It ends when the last batch is made, or
/// when nobody wants them any more.
pub(super) fn ahead<B: Send + 'static>(mut batches: Rest<'static, B>, depth: usize) -> Rest<'static, B> {
    let (sender, receiver) = sync_channel(depth);
    let work = move || {
        // Sending fails when the receiver is gone: then nobody wants the rest.
        let _ = batches.try_for_each(|batch| sender.send(batch));
    };
    match Builder::new().name("wengert data".into()).spawn(work) {
        Ok(thread) => Box::new(Ahead { receiver, thread: Some(thread) }),
        Err(error) => Box::new(once(Err(Error::new(ErrorKind::Io, "prefetch", error.to_string())))),
    }
}

impl<B> Iterator for Ahead<B> {
    type Item = Result<B>;

    fn next(&mut self) -> Option<Result<B>> {
        if let Ok(batch) = self.receiver.recv() {
            return Some(batch);
        }
        // The thread has ended: with the last batch, or in a panic.
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join) {
            resume_unwind(panic);
        }
        None
    }
}
