//! Which nodes share a loop.
//!
//! Every node that a loop can run has a domain: the matrix of rows and columns whose elements it computes or folds. It also
//! has a stage. A node may share the stage of an input that the same loop can hand on, element for element or row for
//! row; for anything else it waits for the stage after. So nodes of one stage and domain wait for nothing but each other,
//! and are one loop.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::kernel::fused::Domain;
use crate::kernel::layout::Layout;
use crate::kernel::{Fold, Kernel};
use crate::plan::fragment::Target;
use crate::plan::key::{Key, Mode};
use crate::plan::lie::{Lie, lie};
use crate::plan::merge::{Read, Stages};
use crate::shape::Shape;
use crate::tape::Kind;
use crate::tensor::Real;

/// Columns that a loop may fold and read again, at most: a row of f64 and what is computed from it stay in the second cache.
const LONGEST_ROW: usize = 1 << 14;

/// How a node takes part in a loop over its domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Pointwise, an element for each of the domain.
    Full,
    /// Pointwise, an element for each row.
    Row,
    /// Folds the columns of each row.
    Fold(Fold),
    /// Folds the rows; complete when the loop ends.
    Columns(Fold),
    /// Folds everything; complete when the loop ends.
    All(Fold),
    /// Takes one element of each row.
    Pick,
    /// Makes rows with one element that is not zero.
    Put,
}

impl Role {
    /// Whether the value has an element for each row.
    pub fn is_row(self) -> bool {
        matches!(self, Role::Row | Role::Fold(_) | Role::Pick)
    }
}

/// A node's place among the loops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Home {
    pub stage: u32,
    /// `None`: the node runs by itself, before the loops of its stage.
    pub member: Option<(Domain, Role)>,
}

/// How a value lies over a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// Element for element.
    Full,
    /// The same along each row.
    Row,
    /// The same for all rows.
    Column,
    /// In some other way.
    Other,
}

/// How the elements of a layout lie over a domain of the same size.
pub(crate) fn relation(layout: &Layout, domain: Domain) -> Relation {
    if layout.is_contiguous() {
        return Relation::Full;
    }
    // The axes that make up the columns, if there are such.
    let (mut split, mut columns) = (layout.shape.rank(), 1);
    while columns < domain.columns && split > 0 {
        split -= 1;
        columns *= layout.shape[split];
    }
    if columns != domain.columns {
        return if layout.strides.iter().all(|&stride| stride == 0) {
            Relation::Column
        } else {
            Relation::Other
        };
    }
    let still =
        |axes: std::ops::Range<usize>| axes.clone().all(|a| layout.strides[a] == 0 || layout.shape[a] == 1);
    let rows = Layout {
        shape: Shape::from(&layout.shape[..split]),
        strides: layout.strides[..split].into(),
        offset: layout.offset,
    };
    if still(0..split) {
        Relation::Column
    } else if still(split..layout.shape.rank()) && rows.is_contiguous() {
        Relation::Row
    } else {
        Relation::Other
    }
}

/// Finds every node's place.
pub(crate) fn homes<T: Real>(key: &Key<T>, lies: &[Lie]) -> Vec<Home> {
    let mut grouping = Grouping {
        key,
        lies,
        folded: folded_shapes(key, lies),
        members: Vec::with_capacity(key.nodes.len()),
        stages: Stages::default(),
    };
    for node in 0..key.nodes.len() {
        grouping.push(node);
    }
    if key.mode == Mode::Fused {
        grouping.stages.merge();
        grouping.sink();
    }
    let home = |(node, member)| Home { stage: grouping.stages.of(node), member };
    grouping.members.into_iter().enumerate().map(home).collect()
}

/// For shapes whose last axes are folded somewhere, the number of elements in those axes.
fn folded_shapes<'k, T: Real>(key: &'k Key<T>, lies: &'k [Lie]) -> HashMap<Shape, usize> {
    let mut folded = HashMap::new();
    for (at, node) in key.nodes.iter().enumerate() {
        let shape = || input_shape(key, lies, at);
        let last = |shape: &Shape| shape.last().copied().unwrap_or(1);
        let (shape, columns) = match node.op.kernel() {
            Kernel::Reduce { axes, .. } => {
                let shape = shape();
                let Some(columns) = trailing(&shape, axes) else { continue };
                (shape, columns)
            }
            Kernel::Pick(_) => (shape(), last(&shape())),
            Kernel::Put(_) => (node.shape.clone(), last(&node.shape)),
            _ => continue,
        };
        if (2..=LONGEST_ROW).contains(&columns) {
            folded.entry(shape).or_insert(columns);
        }
    }
    folded
}

fn input_shape<T: Real>(key: &Key<T>, lies: &[Lie], node: usize) -> Shape {
    lie(key, lies, key.inputs_of(node)[0].target()).layout.shape
}

/// Elements in the folded axes, if they are the last ones, and not all of several.
fn trailing(shape: &Shape, axes: &[usize]) -> Option<usize> {
    let first = shape.rank() - axes.len();
    let last_ones = axes.iter().copied().eq(first..shape.rank());
    (last_ones && (first > 0 || axes.len() == 1)).then(|| shape[first..].iter().product())
}

struct Grouping<'k, T: Real> {
    key: &'k Key<T>,
    lies: &'k [Lie],
    folded: HashMap<Shape, usize>,
    members: Vec<Option<(Domain, Role)>>,
    stages: Stages,
}

impl<T: Real> Grouping<'_, T> {
    fn push(&mut self, node: usize) {
        let is_view = self.lies[node].buffer != Target::Node(node);
        let member = match self.key.nodes[node].kind {
            Kind::Real if !is_view => self.member(node),
            _ => None,
        };
        let mut reads: SmallVec<[Read; 4]> = SmallVec::new();
        for (i, input) in self.key.inputs_of(node).iter().enumerate() {
            if let Some(Target::Node(from)) =
                input.node().map(|input| self.lies[input].buffer).filter(|_| !is_view)
            {
                let handed_on = member.is_some_and(|member| self.hands_on(from, node, i, member));
                reads.push(Read { from, handed_on });
            }
        }
        self.members.push(member);
        self.stages.push(member.map(|(domain, _)| domain), reads.into_iter());
    }

    /// The loop that a node can be part of.
    fn member(&self, node: usize) -> Option<(Domain, Role)> {
        let shape = &self.key.nodes[node].shape;
        let (domain, role) = match self.key.nodes[node].op.kernel() {
            Kernel::Pointwise(_) => match self.rows_of_input(node) {
                Some(domain) => (domain, Role::Row),
                None => (self.domain(shape), Role::Full),
            },
            Kernel::Reduce { fold, axes } => self.fold(node, fold, axes)?,
            Kernel::Pick(_) => (rows_of(&input_shape(self.key, self.lies, node)), Role::Pick),
            Kernel::Put(_) => (rows_of(shape), Role::Put),
            _ => return None,
        };
        (domain.size() > 0).then_some((domain, role))
    }

    /// The matrix that the elements of a shape are seen as.
    fn domain(&self, shape: &Shape) -> Domain {
        let columns = match (self.folded.get(shape), shape.last()) {
            (Some(&columns), _) => columns,
            (None, Some(&last)) if shape.rank() > 1 && (1..=LONGEST_ROW).contains(&last) => last,
            _ => 1,
        };
        Domain { rows: shape.size() / columns, columns }
    }

    /// The domain of which a pointwise node computes a value a row, because an input is such a value.
    fn rows_of_input(&self, node: usize) -> Option<Domain> {
        let shape = &self.key.nodes[node].shape;
        let lie_of = |input: Target| {
            let lie = lie(self.key, self.lies, input);
            (lie.buffer, lie.layout.broadcast(shape))
        };
        let inputs = self.key.inputs_of(node);
        let rows = inputs.iter().filter_map(|input| {
            let (Target::Node(from), layout) = lie_of(input.target()) else { return None };
            let (domain, role) = self.members[from]?;
            let is_row = role.is_row() && hands_rows_on(domain) && domain.columns > 1;
            let fits = domain.rows == shape.size() && layout.is_contiguous() && layout.offset == 0;
            (is_row && fits).then_some((self.stages.of(from), domain))
        });
        let (_, domain) = rows.max_by_key(|&(stage, _)| stage)?;
        let readable = inputs.iter().all(|input| {
            let (_, layout) = lie_of(input.target());
            layout.is_contiguous() || layout.strides.iter().all(|&stride| stride == 0)
        });
        readable.then_some(domain)
    }

    /// Whether the loop of `member` can hand the value of node `from` on to input `i` of node `to`.
    fn hands_on(&self, from: usize, to: usize, i: usize, member: (Domain, Role)) -> bool {
        let Some((domain, role)) = self.members[from] else { return false };
        let complete =
            matches!(role, Role::Columns(_) | Role::All(_)) || role.is_row() && !hands_rows_on(domain);
        if self.key.mode == Mode::Single || domain != member.0 || complete {
            return false;
        }
        let layout = lie(self.key, self.lies, self.key.inputs_of(to)[i].target()).layout;
        let relation = match member.1 {
            Role::Row | Role::Put => {
                return role.is_row() && layout.is_contiguous() && layout.offset == 0;
            }
            Role::Full => relation(&layout.broadcast(&self.key.nodes[to].shape), domain),
            Role::Fold(_) | Role::Columns(_) | Role::All(_) | Role::Pick => relation(&layout, domain),
        };
        layout.offset == 0 && relation == if role.is_row() { Relation::Row } else { Relation::Full }
    }

    /// The domain and the role of a fold; `None` if its axes lie between others.
    fn fold(&self, node: usize, fold: Fold, axes: &[usize]) -> Option<(Domain, Role)> {
        let input = lie(self.key, self.lies, self.key.inputs_of(node)[0].target());
        let shape = &input.layout.shape;
        let size = shape.size();
        if axes.len() == shape.rank() && !(axes.len() == 1 && size <= LONGEST_ROW) {
            // Any matrix will do for the sum of all: that of the input, if a loop makes it.
            let made = match input.buffer {
                Target::Node(from) if input.layout.is_contiguous() => self.members[from],
                _ => None,
            };
            let domain = made.map(|(domain, _)| domain).filter(|domain| domain.size() == size);
            return Some((domain.unwrap_or_else(|| self.domain(shape)), Role::All(fold)));
        }
        if let Some(columns) = trailing(shape, axes).filter(|&columns| columns > 0) {
            return Some((Domain { rows: size / columns, columns }, Role::Fold(fold)));
        }
        let columns: usize = shape[axes.len()..].iter().product();
        let leading = axes.iter().copied().eq(0..axes.len()) && columns > 0;
        leading.then(|| (Domain { rows: size / columns, columns }, Role::Columns(fold)))
    }

    /// Moves pointwise nodes whose readers all stand in one later loop into that loop, where their values need no buffer.
    fn sink(&mut self) {
        /// What is known of a node's readers.
        #[derive(Clone, Copy, PartialEq)]
        enum Readers {
            None,
            InLoop(u32),
            Elsewhere,
        }
        let mut readers = vec![Readers::None; self.members.len()];
        for (node, &kept) in self.key.kept.iter().enumerate() {
            if let (true, Target::Node(buffer)) = (kept, self.lies[node].buffer) {
                readers[buffer] = Readers::Elsewhere;
            }
        }
        for node in (0..self.members.len()).rev() {
            if let (Readers::InLoop(stage), Some((_, Role::Full | Role::Row | Role::Put))) =
                (readers[node], self.members[node])
            {
                self.stages.delay(node, stage);
            }
            for read in self.stages.reads_of(node) {
                let here =
                    if read.handed_on { Readers::InLoop(self.stages.of(node)) } else { Readers::Elsewhere };
                let known = &mut readers[read.from];
                *known = if *known == Readers::None || *known == here { here } else { Readers::Elsewhere };
            }
        }
    }
}

/// Whether a fold over the columns of the domain is complete soon enough for the same loop to read it.
fn hands_rows_on(domain: Domain) -> bool {
    domain.columns <= LONGEST_ROW
}

/// The rows along the last axis.
fn rows_of(shape: &Shape) -> Domain {
    let columns = shape.last().copied().unwrap_or(1);
    Domain { rows: shape.size().checked_div(columns).unwrap_or(0), columns }
}
