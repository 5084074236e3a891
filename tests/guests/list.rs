/// Every guest with the suite that tests it. tests/build.rs builds them, and no guest that is not here, or whose suite
/// does not load it.
const GUESTS: &[(&str, &str)] = &[("errand", "wasi"), ("rogue", "sandbox")];
