//! How much a policy asks, in the measure that AWS limits.

use super::Group;

/// The combinations of a policy: over its keys, the product of the number of conditions times the depth of the key; over
/// the branches of a `$or`, the sum. AWS multiplies the branches out first, which comes to the same.
pub(super) fn combinations(group: &Group) -> u64 {
    let fields = group.fields.iter().map(|field| {
        let rules = field.rules.len() as u64;
        rules.saturating_mul(field.depth as u64)
    });
    let choices =
        group.choices.iter().map(|branches| branches.iter().map(combinations).fold(0, u64::saturating_add));
    fields.chain(choices).fold(1, u64::saturating_mul)
}

/// How deep the deepest key is: 1 where nothing nests.
pub(super) fn depth(group: &Group) -> usize {
    let fields = group.fields.iter().map(|field| field.depth);
    let branches = group.choices.iter().flatten().map(depth);
    fields.chain(branches).max().unwrap_or(0)
}
