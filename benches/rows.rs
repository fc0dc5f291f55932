//! Random batches of a file's rows: read by their position, copied out of a map, and taken from a tensor in memory.
//!
//! `cargo bench --bench rows -- [--rows N] [--columns N] [--batch N]` writes a file of `f32` and one of bytes to the
//! system's folder for temporary files, some 200 MB and 50 MB, and prints how long an epoch of shuffled batches takes,
//! the median of five, after one that brings the file into the system's cache; and the same for batches in order.
//! Nothing here decides a test.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use lexopt::prelude::*;
use wengert::data::{DataLoader, Dataset, idx, npy};
use wengert::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut rows, mut columns, mut batch) = (65_536, 784, 64);
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("rows") => rows = arguments.value()?.parse()?,
            Long("columns") => columns = arguments.value()?.parse()?,
            Long("batch") => batch = arguments.value()?.parse()?,
            Long("bench") => {} // cargo adds it
            other => return Err(other.unexpected().into()),
        }
    }
    let file = std::env::temp_dir().join(format!("wengert-bench-rows-{}", std::process::id()));
    println!("{rows} rows of {columns} in batches of {batch}; ms an epoch, shuffled and in order");
    npy::write(&file, &Tensor::<f32>::arange(rows * columns).reshape([rows, columns]))?;
    show("f32, memory", npy::read::<f32>(&file)?, batch)?;
    show("f32, read", npy::open::<f32>(&file)?, batch)?;
    show("f32, mapped", npy::open_mapped::<f32>(&file)?, batch)?;
    write_bytes(&file, rows, columns)?;
    show("u8 to f32, read", idx::open::<f32>(&file)?, batch)?;
    show("u8 to f32, mapped", idx::open_mapped::<f32>(&file)?, batch)?;
    std::fs::remove_file(&file)?;
    Ok(())
}

fn show(name: &str, rows: impl Dataset, batch: usize) -> wengert::Result<()> {
    let shuffled = milliseconds(&DataLoader::new(&rows, batch).shuffle(0))?;
    let ordered = milliseconds(&DataLoader::new(&rows, batch))?;
    println!("{name:20} {shuffled:8.1} {ordered:8.1}");
    Ok(())
}

/// The median time of an epoch, after one that is not counted.
fn milliseconds<D: Dataset>(loader: &DataLoader<D>) -> wengert::Result<f64> {
    let mut times = Vec::new();
    for epoch in 0..6 {
        let start = Instant::now();
        for batch in loader.epoch(epoch) {
            black_box(batch?);
        }
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let times = &mut times[1..];
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// An idx file of bytes.
fn write_bytes(path: &Path, rows: usize, columns: usize) -> Result<(), Box<dyn Error>> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&[0, 0, 8, 2])?;
    file.write_all(&u32::try_from(rows)?.to_be_bytes())?;
    file.write_all(&u32::try_from(columns)?.to_be_bytes())?;
    for row in 0..rows {
        file.write_all(&vec![row as u8; columns])?;
    }
    Ok(file.flush()?)
}
