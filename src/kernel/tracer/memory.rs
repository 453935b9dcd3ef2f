//! Another process's memory. process_vm_readv(2)

use std::io::IoSliceMut;

use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

/// No string is followed further.
const LONGEST: usize = 4096;

/// No list is.
const MOST: u64 = 64;

/// As much as can be read there, up to `length`.
pub fn bytes(pid: i32, address: u64, length: usize) -> Vec<u8> {
    let mut buffer = vec![0; length.min(1 << 16)];
    let mut read = 0;
    // A call reads all of a page or nothing of it.
    while read < buffer.len() {
        let start = usize::try_from(address).unwrap_or_default().saturating_add(read);
        let length = (buffer.len() - read).min(4096 - start % 4096);
        let from = [RemoteIoVec { base: start, len: length }];
        let mut into = [IoSliceMut::new(&mut buffer[read..read + length])];
        match process_vm_readv(Pid::from_raw(pid), &mut into, &from) {
            Ok(count) if count > 0 => read += count,
            _ => break,
        }
    }
    buffer.truncate(read);
    buffer
}

/// A string that ends with NUL; `None` for NULL.
pub fn string(pid: i32, address: u64) -> Option<Vec<u8>> {
    if address == 0 {
        return None;
    }
    let mut text = Vec::new();
    while text.len() < LONGEST {
        let page = bytes(pid, address + text.len() as u64, 256);
        let end = page.iter().position(|byte| *byte == 0);
        text.extend_from_slice(&page[..end.unwrap_or(page.len())]);
        if end.is_some() || page.is_empty() {
            break;
        }
    }
    Some(text)
}

/// A word.
pub fn word(pid: i32, address: u64) -> Option<u64> {
    bytes(pid, address, 8).try_into().ok().map(u64::from_ne_bytes)
}

/// Strings, up to a NULL.
pub fn strings(pid: i32, address: u64) -> Vec<Vec<u8>> {
    let pointers = (0..MOST).map_while(|index| word(pid, address + 8 * index).filter(|pointer| *pointer != 0));
    pointers.filter_map(|pointer| string(pid, pointer)).collect()
}
