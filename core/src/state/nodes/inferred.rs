//! Infers which node a sampler's bar belongs to, and which nodes ran before it. A log does not report that; the classes
//! of the nodes usually show it.

use super::{Name, Nodes, Seen, WHOLE};
use crate::{
    capacity::{Capacity, List as _},
    text::{Id, Key},
};

/// Where the nodes of a class usually are in a workflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// They run a sampler, and show its bar.
    Sampler,
    /// After the samplers.
    Behind,
    /// Before them.
    Before,
}

/// The role by a part of the class's name. The first match counts.
const ROLES: [(&str, Role); 14] = [
    // These choose or set one up for another node: `KSamplerSelect`, `DetailerPipe`.
    ("Select", Role::Before),
    ("Pipe", Role::Before),
    ("Provider", Role::Before),
    ("Settings", Role::Before),
    ("KSampler", Role::Sampler),
    ("SamplerCustom", Role::Sampler),
    ("UltimateSDUpscale", Role::Sampler),
    ("Detailer", Role::Sampler),
    ("Decode", Role::Behind),
    ("Save", Role::Behind),
    ("Preview", Role::Behind),
    ("Upscale", Role::Behind),
    ("Combine", Role::Behind),
    ("Show", Role::Behind),
];

#[inline(never)]
fn role(class: &str) -> Role {
    let known = ROLES.iter().find(|(part, _)| {
        // A KB smaller than the standard library's search.
        let mut rest = class.as_bytes();
        while !rest.starts_with(part.as_bytes()) && !rest.is_empty() {
            rest = rest.get(1..).unwrap_or_default();
        }
        !rest.is_empty()
    });
    match known {
        Some((_, role)) => *role,
        None if class.ends_with("Sampler") => Role::Sampler,
        None => Role::Before,
    }
}

impl<C: Capacity> Nodes<C> {
    /// Keeps the id of the node at `at` if a bar may belong to it: nothing else reports the id.
    pub(super) fn keep_sampler(&mut self, at: usize, node: Id<'_>) {
        if self.role_at(at) != Role::Sampler {
            return;
        }
        let name = self.intern(at, node.as_str(), |entry| entry.display);
        if let Some(entry) = self.entries.items_mut().get_mut(at).filter(|entry| entry.display == Name::NONE) {
            entry.display = name;
        }
    }

    /// The node that a sampler's bar belongs to: the graph's first sampler that has not run, or else the last.
    pub(crate) fn sampler(&self) -> Option<Key> {
        let mut found = None;
        for (at, entry) in self.entries.items().iter().enumerate() {
            if self.role_at(at) == Role::Sampler {
                found = Some(entry.key);
                if entry.done() < WHOLE {
                    break;
                }
            }
        }
        found
    }

    /// A sampler begins: the nodes before samplers have run by now, and so has the node `done`, if any.
    #[inline(never)]
    pub(crate) fn pass_before(&mut self, done: Option<Key>) {
        for at in 0..self.entries.items().len() {
            let is_done = done.is_some() && self.entries.items().get(at).map(|entry| entry.key) == done;
            if is_done || self.role_at(at) == Role::Before {
                self.change(at, |entry| entry.seen = entry.seen.with(Seen::PASSED));
            }
        }
    }

    fn role_at(&self, at: usize) -> Role {
        let class = self.entries.items().get(at).and_then(|entry| self.names.get(entry.class));
        role(class.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_tell_where_their_nodes_stand() {
        for class in ["KSampler", "KSamplerAdvanced", "SamplerCustomAdvanced", "WanVideoSampler", "FaceDetailer"] {
            assert_eq!(role(class), Role::Sampler, "{class}");
        }
        for class in ["VAEDecodeTiled", "SaveImage", "PreviewImage", "VHS_VideoCombine", "ImageUpscaleWithModel"] {
            assert_eq!(role(class), Role::Behind, "{class}");
        }
        for class in ["KSamplerSelect", "SamplerEulerAncestral", "CheckpointLoaderSimple", "VAEEncode", ""] {
            assert_eq!(role(class), Role::Before, "{class}");
        }
    }
}
