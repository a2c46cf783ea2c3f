# The verbs of the house. Each is one plain command: `just` is a convenience, not a need.

# List the verbs
default:
    @just --list

# Run every test
test:
    cargo test --workspace

# Check the format and the lints
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# Check the rules of the house
tidy:
    cargo xtask tidy

# Build the reference of the crates
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# Run all that a change must pass, or the named steps
ci *STEPS:
    .ci/run {{ STEPS }}

# Run the benchmarks
bench *ARGS:
    cargo bench --workspace --bench '*' {{ ARGS }}
