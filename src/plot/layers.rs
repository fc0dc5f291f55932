//! Where the nodes of a graph go: in layers from left to right, with few crossings.
//!
//! K. Sugiyama, S. Tagawa and M. Toda, "Methods for visual understanding of hierarchical system structures" (1981): each
//! node one layer after its last input, an edge over several layers through a place in each, and the places of a layer in
//! the order of the means of their neighbours.

/// Passes over the layers that order their places.
const PASSES: usize = 8;

/// Places, and the edges as what they lead through.
pub(super) struct Layers {
    /// The places of each layer, from the top.
    pub layers: Vec<Vec<usize>>,
    pub edges: Vec<Vec<usize>>,
    /// The node at each place; none where an edge passes through. The first places are those of the nodes.
    pub nodes: Vec<Option<usize>>,
    neighbours: Vec<Neighbours>,
}

/// What a place is joined with in the layer before and in the one after.
#[derive(Clone, Default)]
struct Neighbours {
    before: Vec<usize>,
    after: Vec<usize>,
}

impl Layers {
    /// The layers of a graph in topological order, given by the inputs of its nodes.
    pub fn new(inputs: &[Vec<usize>]) -> Layers {
        let depths = depths(inputs);
        let mut graph =
            Layers { layers: Vec::new(), edges: Vec::new(), nodes: Vec::new(), neighbours: Vec::new() };
        for (node, &depth) in depths.iter().enumerate() {
            graph.add(Some(node), depth);
        }
        for (node, inputs) in inputs.iter().enumerate() {
            for &input in inputs {
                let between = (depths[input] + 1..depths[node]).map(|layer| graph.add(None, layer));
                let edge: Vec<usize> = [input].into_iter().chain(between).chain([node]).collect();
                for pair in edge.windows(2) {
                    graph.neighbours[pair[0]].after.push(pair[1]);
                    graph.neighbours[pair[1]].before.push(pair[0]);
                }
                graph.edges.push(edge);
            }
        }
        for _ in 0..PASSES {
            let last = graph.layers.len();
            (0..last).for_each(|layer| graph.order(layer, |neighbours| &neighbours.before));
            (0..last).rev().for_each(|layer| graph.order(layer, |neighbours| &neighbours.after));
        }
        graph
    }

    /// How far down a place is: its layer is centred, and neighbours are 1 apart.
    pub fn height(&self, layer: usize, rank: usize) -> f64 {
        rank as f64 - (self.layers[layer].len() as f64 - 1.0) / 2.0
    }

    /// A new place at the bottom of a layer.
    fn add(&mut self, node: Option<usize>, layer: usize) -> usize {
        while self.layers.len() <= layer {
            self.layers.push(Vec::new());
        }
        let place = self.nodes.len();
        self.nodes.push(node);
        self.neighbours.push(Neighbours::default());
        self.layers[layer].push(place);
        place
    }

    /// Orders a layer by the mean height of each place's neighbours on one side. A place without any stays at its own.
    fn order(&mut self, layer: usize, side: impl Fn(&Neighbours) -> &Vec<usize>) {
        let heights = self.heights();
        let wish = |place: usize| {
            let neighbours = side(&self.neighbours[place]);
            match neighbours.len() {
                0 => heights[place],
                n => neighbours.iter().map(|&neighbour| heights[neighbour]).sum::<f64>() / n as f64,
            }
        };
        let mut wishes: Vec<(f64, usize)> =
            self.layers[layer].iter().map(|&place| (wish(place), place)).collect();
        wishes.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.layers[layer] = wishes.into_iter().map(|(_, place)| place).collect();
    }

    fn heights(&self) -> Vec<f64> {
        let mut heights = vec![0.0; self.nodes.len()];
        for (layer, places) in self.layers.iter().enumerate() {
            for (rank, &place) in places.iter().enumerate() {
                heights[place] = self.height(layer, rank);
            }
        }
        heights
    }
}

/// The layer of each node: one after its last input; a leaf just before its first reader.
fn depths(inputs: &[Vec<usize>]) -> Vec<usize> {
    let mut depths = vec![0; inputs.len()];
    for (node, inputs) in inputs.iter().enumerate() {
        depths[node] = inputs.iter().map(|&input| depths[input] + 1).max().unwrap_or(0);
    }
    let mut first_reader = vec![usize::MAX; inputs.len()];
    for (node, inputs) in inputs.iter().enumerate() {
        for &input in inputs {
            first_reader[input] = first_reader[input].min(depths[node]);
        }
    }
    for node in (0..inputs.len()).filter(|&node| inputs[node].is_empty() && first_reader[node] != usize::MAX)
    {
        depths[node] = first_reader[node] - 1;
    }
    depths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_stands_after_its_inputs_and_a_leaf_before_its_reader() {
        // 3 = f(0, 1), 4 = g(3, 2), and 5 reads 4 and 0.
        let inputs = [vec![], vec![], vec![], vec![0, 1], vec![3, 2], vec![4, 0]];
        assert_eq!(depths(&inputs), [0, 0, 1, 1, 2, 3]);
        let graph = Layers::new(&inputs);
        assert_eq!(graph.edges.len(), 6);
        let long = &graph.edges[5];
        assert_eq!((long.first(), long.len(), long.last()), (Some(&0), 4, Some(&5)));
        assert!(long[1..3].iter().all(|&place| graph.nodes[place].is_none()));
    }

    #[test]
    fn edges_are_untangled() {
        // Two chains whose second nodes were recorded in the other order.
        let graph = Layers::new(&[vec![], vec![], vec![1], vec![0]]);
        let rank =
            |node: usize| graph.layers.iter().find_map(|layer| layer.iter().position(|&place| place == node));
        assert_eq!(rank(0) < rank(1), rank(3) < rank(2));
    }
}
