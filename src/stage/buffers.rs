//! Memory that goes round: a chunk's bytes are written into what an earlier chunk was written into.
//!
//! Memory that is asked for anew for each chunk, in one thread, and given back in another, is not given back to the system:
//! the allocator keeps it, and the longer a source the more of it.

use std::collections::VecDeque;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// Buffers that are free. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers {
    free: Arc<Mutex<VecDeque<Vec<u8>>>>,
    /// Size of one in bytes. What has grown to more than twice of it is not kept: it held a wide row, and most rows are not.
    size: usize,
}

impl Buffers {
    /// So many buffers of `size` bytes: as many as are ever in use at once.
    pub fn new(count: usize, size: usize) -> Self {
        let free = (0..count).map(|_| Vec::with_capacity(size)).collect();
        Self { free: Arc::new(Mutex::new(free)), size }
    }

    /// The one that has been free for the longest, empty: so all of them are in use from the beginning, and not only when chance
    /// would have it. A new one, where none is free.
    pub fn take(&self) -> Buffer {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        Buffer { bytes: free.unwrap_or_else(|| Vec::with_capacity(self.size)), home: self.clone() }
    }
}

/// A buffer; free again when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    home: Buffers,
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        if (1..=self.home.size.saturating_mul(2)).contains(&bytes.capacity()) {
            bytes.clear();
            self.home.free.lock().unwrap_or_else(PoisonError::into_inner).push_back(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_and_all_of_them_are() {
        let buffers = Buffers::new(2, 100);
        let mut seen = Vec::new();
        for _ in 0..4 {
            let mut buffer = buffers.take();
            assert!(buffer.is_empty() && buffer.capacity() >= 100);
            buffer.extend_from_slice(b"text");
            seen.push(buffer.as_ptr());
        }
        assert_eq!((seen[0], seen[1]), (seen[2], seen[3]));
        assert_ne!(seen[0], seen[1]);
    }

    #[test]
    fn what_a_wide_row_needed_is_given_back() {
        let buffers = Buffers::new(1, 100);
        buffers.take().reserve(1000);
        assert_eq!(buffers.take().capacity(), 100);
    }

    #[test]
    fn a_buffer_that_is_sent_comes_back_when_it_was_sent() {
        let buffers = Buffers::new(1, 100);
        let mut buffer = buffers.take();
        buffer.extend_from_slice(b"text");
        let place = buffer.as_ptr();
        let sent = bytes::Bytes::from_owner(buffer);
        let again = sent.clone();
        drop(sent);
        let other = buffers.take();
        assert_ne!(other.as_ptr(), place, "a copy of it is still to be sent");
        drop(again);
        assert_eq!(buffers.take().as_ptr(), place);
    }
}
