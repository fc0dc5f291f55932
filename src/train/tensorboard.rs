//! Event files for TensorBoard.

use std::fs::{File, create_dir_all};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crc::{CRC_32_ISCSI, Crc};

use crate::error::{Error, Result};
use crate::train::{Report, Watcher};

/// Writes an event file: each metric of a batch as `batch/NAME` over steps, of an epoch as `epoch/NAME` over epochs.
///
/// The file is flushed after every epoch. `tensorboard --logdir FOLDER` shows all runs below a folder.
///
/// ```
/// use wengert::train::{TensorBoard, Training};
/// # let folder = std::env::temp_dir().join(format!("wengert-runs-{}", std::process::id()));
/// let mut training = Training::new(1).watch(TensorBoard::create(&folder)?);
/// training.next_epoch();
/// training.batch(4, &[("loss", 0.5)])?;
/// training.end_epoch()?;
/// let files: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
/// assert_eq!(files.len(), 1);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), wengert::Error>(())
/// ```
#[derive(Debug)]
pub struct TensorBoard {
    file: BufWriter<File>,
    path: PathBuf,
}

impl TensorBoard {
    /// Begins a new file in a folder, which is created if need be.
    ///
    /// # Errors
    /// If the system refuses.
    ///
    /// # Example
    /// See [`TensorBoard`].
    pub fn create(folder: impl AsRef<Path>) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let folder = folder.as_ref();
        create_dir_all(folder).map_err(|error| Error::file("tensorboard", folder, &error))?;
        // Readers know the files by `tfevents` and sort them by the time.
        let (seconds, n) = (now() as u64, NEXT.fetch_add(1, Ordering::Relaxed));
        let name = format!("events.out.tfevents.{seconds:010}.wengert.{}.{n}", std::process::id());
        let path = folder.join(name);
        let file = File::create_new(&path).map_err(|error| Error::file("tensorboard", &path, &error))?;
        let mut events = TensorBoard { file: BufWriter::new(file), path };
        let mut event = Message::default();
        event.double(1, now());
        event.bytes(3, b"brain.Event:2");
        events.write(&event)?;
        events.flush()?;
        Ok(events)
    }

    /// Writes one number of a series.
    ///
    /// # Errors
    /// If the system refuses.
    ///
    /// ```
    /// # use wengert::train::TensorBoard;
    /// # let folder = std::env::temp_dir().join(format!("wengert-scalars-{}", std::process::id()));
    /// let mut events = TensorBoard::create(&folder)?;
    /// for step in 0..10 {
    ///     events.scalar("norm of the gradient", step, 1.0 / (1.0 + step as f64))?;
    /// }
    /// events.flush()?;
    /// let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    /// assert!(file.metadata().unwrap().len() > 10 * 40);
    /// # std::fs::remove_dir_all(&folder).unwrap();
    /// # Ok::<(), wengert::Error>(())
    /// ```
    pub fn scalar(&mut self, tag: &str, step: u64, value: f64) -> Result<()> {
        self.write(&scalar_event(now(), step, tag, value))
    }

    /// Hands everything written so far to the system.
    ///
    /// # Errors
    /// If the system refuses.
    ///
    /// # Example
    /// See [`scalar`](TensorBoard::scalar).
    pub fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|error| Error::file("tensorboard", &self.path, &error))
    }

    fn write(&mut self, event: &Message) -> Result<()> {
        let record = record(&event.0);
        self.file.write_all(&record).map_err(|error| Error::file("tensorboard", &self.path, &error))
    }
}

impl Watcher for TensorBoard {
    fn batch(&mut self, report: &Report) -> Result<()> {
        for (name, value) in &report.metrics {
            self.scalar(&format!("batch/{name}"), report.step, *value)?;
        }
        Ok(())
    }

    fn epoch(&mut self, report: &Report) -> Result<()> {
        for (name, value) in &report.metrics {
            self.scalar(&format!("epoch/{name}"), report.epoch, *value)?;
        }
        self.flush()
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    // A clock before 1970 is set wrong, which no metric is worth failing for.
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// `Event { wall_time = 1, step = 2, summary = 5 { value = 1 { tag = 1, simple_value = 2 } } }` of TensorFlow's
/// `event.proto` and `summary.proto`.
fn scalar_event(seconds: f64, step: u64, tag: &str, value: f64) -> Message {
    let (mut number, mut summary, mut event) = (Message::default(), Message::default(), Message::default());
    number.bytes(1, tag.as_bytes());
    number.float(2, value as f32);
    summary.bytes(1, &number.0);
    event.double(1, seconds);
    event.varint(2, step);
    event.bytes(5, &summary.0);
    event
}

/// A TFRecord: length, its checksum, the bytes, their checksum.
fn record(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), bytes, &checksum(bytes)].concat()
}

/// CRC-32C, rotated and shifted: the format's authors found that checksums of data that holds checksums collide.
fn checksum(bytes: &[u8]) -> [u8; 4] {
    const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xA282_EAD8).to_le_bytes()
}

/// A message in the wire format of protocol buffers.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, field: u64, x: u64) {
        self.raw(field << 3);
        self.raw(x);
    }

    fn double(&mut self, field: u64, x: f64) {
        self.raw(field << 3 | 1);
        self.0.extend(x.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, x: &[u8]) {
        self.raw(field << 3 | 2);
        self.raw(x.len() as u64);
        self.0.extend(x);
    }

    fn float(&mut self, field: u64, x: f32) {
        self.raw(field << 3 | 5);
        self.0.extend(x.to_le_bytes());
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn raw(&mut self, mut x: u64) {
        while x >= 0x80 {
            self.0.push(x as u8 | 0x80);
            x >>= 7;
        }
        self.0.push(x as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of CRC-32C is that of "123456789", 0xE3069283.
    #[test]
    fn the_checksum_is_masked_crc_32c() {
        let masked = 0xE306_9283u32.rotate_right(15).wrapping_add(0xA282_EAD8);
        assert_eq!(checksum(b"123456789"), masked.to_le_bytes());
    }

    /// What TensorFlow's own classes serialise for this event.
    #[test]
    fn an_event_has_the_bytes_of_the_wire_format() {
        let event = scalar_event(1.5, 300, "loss", 0.25);
        let mut expected = vec![0x09];
        expected.extend(1.5f64.to_le_bytes());
        expected.extend([0x10, 0xAC, 0x02, 0x2A, 13, 0x0A, 11, 0x0A, 4]);
        expected.extend(b"loss");
        expected.push(0x15);
        expected.extend(0.25f32.to_le_bytes());
        assert_eq!(event.0, expected);
        let record = record(&event.0);
        assert_eq!(record.len(), 8 + 4 + expected.len() + 4);
        assert_eq!(record[..8], (expected.len() as u64).to_le_bytes());
    }
}
