//! Cost of one token's arithmetic.
fn main() {}
