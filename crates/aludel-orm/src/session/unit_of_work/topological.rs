//! Sorting: circles in a graph, and the order of one without circles.
//!
//! Nodes are numbers, edges go from what comes first. Explicit stacks only: a chain of a hundred thousand
//! rows is as deep as it is long.

/// A graph as lists of successors, packed.
struct Successors {
    starts: Vec<u32>,
    ends: Vec<u32>,
}

impl Successors {
    fn new(nodes: usize, edges: &[(u32, u32)]) -> Self {
        let mut starts = vec![0u32; nodes + 1];
        for (from, _) in edges {
            starts[*from as usize + 1] += 1;
        }
        for at in 0..nodes {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut ends = vec![0; edges.len()];
        for (from, to) in edges {
            ends[next[*from as usize] as usize] = *to;
            next[*from as usize] += 1;
        }
        Self { starts, ends }
    }

    fn of(&self, node: u32) -> &[u32] {
        &self.ends[self.starts[node as usize] as usize..self.starts[node as usize + 1] as usize]
    }
}

/// For each node, whether it is on a circle: Tarjan's strongly connected components of more than one node,
/// and nodes with an edge to themselves.
pub(super) fn on_circles(nodes: usize, edges: &[(u32, u32)]) -> Vec<bool> {
    const NEW: u32 = u32::MAX;
    let graph = Successors::new(nodes, edges);
    let mut circle = vec![false; nodes];
    for (from, to) in edges {
        if from == to {
            circle[*from as usize] = true;
        }
    }
    let (mut index, mut low) = (vec![NEW; nodes], vec![0u32; nodes]);
    let (mut open, mut on_path) = (Vec::new(), vec![false; nodes]);
    let mut count = 0;
    for root in 0..nodes as u32 {
        if index[root as usize] != NEW {
            continue;
        }
        let mut calls = vec![(root, 0usize)];
        while let Some((node, next)) = calls.last_mut() {
            let at = *node as usize;
            if *next == 0 {
                index[at] = count;
                low[at] = count;
                count += 1;
                open.push(*node);
                on_path[at] = true;
            }
            match graph.of(*node).get(*next) {
                Some(&to) => {
                    *next += 1;
                    if index[to as usize] == NEW {
                        calls.push((to, 0));
                    } else if on_path[to as usize] {
                        low[at] = low[at].min(index[to as usize]);
                    }
                }
                None => {
                    let node = *node;
                    calls.pop();
                    if let Some((above, _)) = calls.last() {
                        low[*above as usize] = low[*above as usize].min(low[at]);
                    }
                    if low[at] == index[at] {
                        let mut members = Vec::new();
                        while let Some(member) = open.pop() {
                            on_path[member as usize] = false;
                            members.push(member);
                            if member == node {
                                break;
                            }
                        }
                        if members.len() > 1 {
                            members.iter().for_each(|m| circle[*m as usize] = true);
                        }
                    }
                }
            }
        }
    }
    circle
}

/// The nodes in levels: each after all levels that hold a node it has to wait for. `Err` are the nodes
/// that wait for each other.
pub(super) fn levels(
    nodes: usize,
    edges: &[(u32, u32)],
    skip: &[bool],
) -> Result<Vec<Vec<u32>>, Vec<u32>> {
    let graph = Successors::new(nodes, edges);
    let mut waits = vec![0u32; nodes];
    for (_, to) in edges {
        waits[*to as usize] += 1;
    }
    let mut left = skip.iter().filter(|s| !**s).count();
    let mut level: Vec<u32> =
        (0..nodes as u32).filter(|n| !skip[*n as usize] && waits[*n as usize] == 0).collect();
    let mut sorted = Vec::new();
    while !level.is_empty() {
        left -= level.len();
        let mut next = Vec::new();
        for node in &level {
            for to in graph.of(*node) {
                waits[*to as usize] -= 1;
                if waits[*to as usize] == 0 && !skip[*to as usize] {
                    next.push(*to);
                }
            }
        }
        next.sort_unstable();
        sorted.push(std::mem::replace(&mut level, next));
    }
    if left == 0 {
        return Ok(sorted);
    }
    Err((0..nodes as u32).filter(|n| !skip[*n as usize] && waits[*n as usize] > 0).collect())
}

/// A circle among nodes that wait for each other, each before the one that waits for it.
pub(super) fn a_circle(edges: &[(u32, u32)], among: &[u32]) -> Vec<u32> {
    let inside: hashbrown::HashSet<u32> = among.iter().copied().collect();
    let mut before = hashbrown::HashMap::new();
    for (from, to) in edges {
        if inside.contains(from) && inside.contains(to) {
            before.entry(*to).or_insert(*from);
        }
    }
    let Some(&first) = among.first() else { return Vec::new() };
    let (mut path, mut place) = (Vec::new(), hashbrown::HashMap::new());
    let mut node = first;
    loop {
        if let Some(at) = place.get(&node) {
            let mut circle: Vec<u32> = path.split_off(*at);
            circle.reverse();
            return circle;
        }
        place.insert(node, path.len());
        path.push(node);
        match before.get(&node) {
            Some(previous) => node = *previous,
            None => return path,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn circles() {
        let edges = [(0, 1), (1, 2), (2, 1), (2, 3), (4, 4), (3, 5)];
        assert_eq!(on_circles(6, &edges), [false, true, true, false, true, false]);
        assert!(on_circles(3, &[(0, 1), (0, 2), (1, 2)]).iter().all(|c| !c));
    }

    #[test]
    fn levels_of_a_diamond() {
        let edges = [(0, 1), (0, 2), (1, 3), (2, 3), (0, 3)];
        assert_eq!(levels(4, &edges, &[false; 4]), Ok(vec![vec![0], vec![1, 2], vec![3]]));
    }

    #[test]
    fn what_waits_for_itself() {
        let edges = [(0, 1), (1, 2), (2, 1), (2, 3)];
        assert_eq!(levels(4, &edges, &[false; 4]), Err(vec![1, 2, 3]));
        let mut circle = a_circle(&edges, &[1, 2, 3]);
        circle.sort_unstable();
        assert_eq!(circle, [1, 2]);
    }

    #[test]
    fn a_long_chain() {
        let edges: Vec<(u32, u32)> = (0..100_000).map(|n| (n, n + 1)).collect();
        assert_eq!(levels(100_001, &edges, &[false; 100_001]).map(|l| l.len()), Ok(100_001));
        assert!(on_circles(100_001, &edges).iter().all(|c| !c));
    }
}
