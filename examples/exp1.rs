//! scratch
use wengert::prelude::*;
use std::time::Instant;
fn main(){ wengert::set_threads(1);
 for n in [30_000usize] {
  let f=|k:usize| Tensor::from((0..n).map(|i| ((i*7+k*13)%1000) as f32/500.0-1.0).collect::<Vec<f32>>());
  let x=f(0); let p: Vec<Param> = (1..5).map(|k| Param::new("p",f(k))).collect();
  for kind in 1..2 {
  let mut best=f64::MAX;
  for _ in 0..(300_000_000/n).max(10) { let t=Instant::now(); 
    let tape=Tape::new();
    let y = (tape.param(&p[0]) * &x + &p[1]).tanh() * &p[2] - &p[3];
    match kind { 0 => {std::hint::black_box(y.value());}, 1 => {std::hint::black_box(y.sum().backward());}, _=>{std::hint::black_box((tape.param(&p[0])*&x).value());} }
    best=best.min(t.elapsed().as_secs_f64()); }
  println!("{n} kind {kind}: {:.3} ns/elem", best*1e9/n as f64);
 }}
}
