//! An allocator that counts what each thread asks of it.

#![expect(unsafe_code, reason = "an allocator is an unsafe trait; this one hands everything on to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    // Constant and without a destructor: reading and writing them allocates nothing, and costs next to nothing, so that
    // counting does not slow those who allocate much.
    static COUNT: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, with a count.
pub(crate) struct Counting;

/// What a piece of work asked for, freed or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allocations {
    /// Requests for memory; growing what is there is one more.
    pub(crate) count: u64,
    /// The bytes of all of them.
    pub(crate) bytes: u64,
}

/// Runs `work` and says what it asked for on this thread.
pub(crate) fn of<T>(work: impl FnOnce() -> T) -> (T, Allocations) {
    let (count, bytes) = (COUNT.get(), BYTES.get());
    let result = work();
    (result, Allocations { count: COUNT.get() - count, bytes: BYTES.get() - bytes })
}

fn note(bytes: usize) {
    COUNT.set(COUNT.get() + 1);
    BYTES.set(BYTES.get() + bytes as u64);
}

// SAFETY: every call is handed on as it is to the system's allocator, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: as the caller promised.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: as the caller promised.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as the caller promised.
        unsafe { System.dealloc(memory, layout) }
    }
}
