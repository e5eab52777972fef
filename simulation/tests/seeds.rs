//! Seeds that every change has to survive.

/// Fewer than `cargo xtask simulate` takes.
const SEEDS: u64 = 2_000;

#[test]
fn every_seed_keeps_every_promise() {
    let failed = teahouse_simulation::run_all(0, SEEDS);
    assert_eq!(failed, None, "`cargo xtask simulate --seed` and the number replay it");
}
