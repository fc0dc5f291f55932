//! A reference case as data: its arguments, read from the JSON and the tensor file.

use std::collections::BTreeMap;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use wengert::prelude::*;

/// One argument of a call.
#[derive(Clone, Debug)]
pub enum Arg<'t> {
    Var(Var<'t, f64>),
    Index(Tensor<i64>),
    Mask(Tensor<bool>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Text(String),
    List(Vec<Arg<'t>>),
    Null,
    /// Something that no adapter reads, such as a complex tensor.
    Other,
}

/// The arguments of a call, on a tape.
pub struct Call<'t> {
    pub tape: &'t Tape<f64>,
    pub args: Vec<Arg<'t>>,
    pub kwargs: BTreeMap<String, Arg<'t>>,
    /// The differentiable inputs, in the order in which the case numbers them.
    pub inputs: BTreeMap<u64, Var<'t, f64>>,
}

impl<'t> Call<'t> {
    /// Records the inputs of a case.
    pub fn new(tape: &'t Tape<f64>, case: &Value, file: &SafeTensors<'_>) -> Self {
        let mut call = Call { tape, args: vec![], kwargs: BTreeMap::new(), inputs: BTreeMap::new() };
        for value in case["args"].as_array().into_iter().flatten() {
            let arg = call.read(value, file);
            call.args.push(arg);
        }
        for (name, value) in case["kwargs"].as_object().into_iter().flatten() {
            let arg = call.read(value, file);
            call.kwargs.insert(name.clone(), arg);
        }
        call
    }

    fn read(&mut self, value: &Value, file: &SafeTensors<'_>) -> Arg<'t> {
        match value {
            Value::Null => Arg::Null,
            Value::Bool(x) => Arg::Bool(*x),
            Value::String(x) => Arg::Text(x.clone()),
            Value::Number(x) => x.as_i64().map_or_else(|| Arg::Float(x.as_f64().unwrap()), Arg::Int),
            Value::Array(items) => Arg::List(items.iter().map(|item| self.read(item, file)).collect()),
            Value::Object(fields) => match () {
                _ if fields.contains_key("t") => self.read_tensor(value, file),
                _ if fields.contains_key("list") => self.read(&fields["list"], file),
                _ if fields.contains_key("tuple") => self.read(&fields["tuple"], file),
                _ if fields.contains_key("f") => Arg::Float(fields["f"].as_str().unwrap().parse().unwrap()),
                _ => Arg::Other,
            },
        }
    }

    fn read_tensor(&mut self, value: &Value, file: &SafeTensors<'_>) -> Arg<'t> {
        if value.get("complex").is_some() {
            return Arg::Other;
        }
        let dtype = file.tensor(value["t"].as_str().unwrap()).unwrap().dtype();
        match dtype {
            Dtype::BOOL => Arg::Mask(tensor(value, file).map(|x| x != 0.0)),
            Dtype::F64 | Dtype::F32 => {
                let tensor = tensor(value, file);
                match value.get("grad").and_then(Value::as_u64) {
                    Some(k) => {
                        let var = self.tape.var(tensor);
                        self.inputs.insert(k, var);
                        Arg::Var(var)
                    }
                    None => Arg::Var(self.tape.constant(tensor)),
                }
            }
            _ => Arg::Index(tensor(value, file).map(|x| x as i64)),
        }
    }

    /// Argument `i`, or the keyword argument `name`.
    pub fn arg(&self, i: usize, name: &str) -> &Arg<'t> {
        self.args.get(i).or_else(|| self.kwargs.get(name)).unwrap_or(&Arg::Null)
    }

    /// The variable at position `i`.
    pub fn x(&self, i: usize) -> Var<'t, f64> {
        match self.arg(i, "") {
            Arg::Var(x) => *x,
            other => panic!("argument {i}: expected a tensor, got {other:?}"),
        }
    }

    /// The variable at position `i` or called `name`, if given.
    pub fn maybe(&self, i: usize, name: &str) -> Option<Var<'t, f64>> {
        match self.arg(i, name) {
            Arg::Var(x) => Some(*x),
            _ => None,
        }
    }

    /// A number; a 0-d tensor will do.
    pub fn float(&self, i: usize, name: &str) -> Option<f64> {
        match self.arg(i, name) {
            Arg::Float(x) => Some(*x),
            Arg::Int(x) => Some(*x as f64),
            _ => None,
        }
    }

    pub fn int(&self, i: usize, name: &str) -> Option<isize> {
        match self.arg(i, name) {
            Arg::Int(x) => Some(*x as isize),
            _ => None,
        }
    }

    /// A whole number, a list of them, or the whole numbers from position `i` on.
    pub fn ints(&self, i: usize, name: &str) -> Option<Vec<isize>> {
        let list = |items: &[Arg<'t>]| items.iter().map(|item| Some(item.as_int()? as isize)).collect();
        match self.arg(i, name) {
            Arg::List(items) => list(items),
            Arg::Int(x) if self.args.len() > i + 1 => list(&self.args[i..]).or(Some(vec![*x as isize])),
            Arg::Int(x) => Some(vec![*x as isize]),
            _ => None,
        }
    }

    pub fn flag(&self, i: usize, name: &str, default: bool) -> bool {
        match self.arg(i, name) {
            Arg::Bool(x) => *x,
            _ => default,
        }
    }

    pub fn text(&self, i: usize, name: &str) -> Option<&str> {
        match self.arg(i, name) {
            Arg::Text(x) => Some(x),
            _ => None,
        }
    }

    pub fn index(&self, i: usize, name: &str) -> Option<&Tensor<i64>> {
        match self.arg(i, name) {
            Arg::Index(x) => Some(x),
            _ => None,
        }
    }

    pub fn mask(&self, i: usize) -> Option<&Tensor<bool>> {
        match self.arg(i, "") {
            Arg::Mask(x) => Some(x),
            _ => None,
        }
    }

    /// The variables of a list argument, or all variable arguments from `i` on.
    pub fn list(&self, i: usize) -> Option<Vec<Var<'t, f64>>> {
        let items = match self.arg(i, "") {
            Arg::List(items) => items,
            _ => self.args.get(i..)?,
        };
        items.iter().map(|item| if let Arg::Var(x) = item { Some(*x) } else { None }).collect()
    }
}

impl Arg<'_> {
    fn as_int(&self) -> Option<i64> {
        match self {
            Arg::Int(x) => Some(*x),
            _ => None,
        }
    }
}

/// The tensor that a JSON description names, whatever its type in the file, as f64 with the described shape.
pub fn tensor(value: &Value, file: &SafeTensors<'_>) -> Tensor<f64> {
    let view = file.tensor(value["t"].as_str().unwrap()).unwrap();
    let shape: Vec<usize> =
        value["shape"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap() as usize).collect();
    let bytes = view.data();
    let data: Vec<f64> = match view.dtype() {
        Dtype::F64 => bytes.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect(),
        Dtype::F32 => {
            bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()) as f64).collect()
        }
        Dtype::I64 => {
            bytes.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f64).collect()
        }
        Dtype::I32 => {
            bytes.chunks_exact(4).map(|b| i32::from_le_bytes(b.try_into().unwrap()) as f64).collect()
        }
        Dtype::U8 | Dtype::BOOL => bytes.iter().map(|&b| f64::from(b)).collect(),
        other => panic!("{other:?} tensors are not read"),
    };
    Tensor::new(Shape::from(shape), data).unwrap()
}
