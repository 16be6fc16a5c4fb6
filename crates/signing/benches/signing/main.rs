//! How fast URLs are signed and verified, beside other signers and beside the least work that could do it.
//!
//! Run with `cargo bench -p gatepass-signing`. Each contest is run by the [`harness`]; the lines `ratio NAME VALUE` are
//! for the record: `PEER_over_OURS` is how many times longer a peer takes, `OURS_over_FLOOR` how many times longer we
//! take than the least that could be done.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod allocations;
mod cloudfront;
mod floor;
mod harness;
mod peers;
mod post_policy;
mod presign;
mod shape;
mod verify;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

fn main() {
    presign::run();
    verify::run();
    post_policy::run();
    cloudfront::run();
}
