//! Has cargo build again when a file of the built-in project is added or removed: `include_dir!` alone notices only
//! changes to files that it has seen before.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=transforms");
    println!("cargo:rerun-if-changed=sql/ledger");
}
