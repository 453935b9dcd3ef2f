//! Where in a program a call comes from.
//!
//! The return addresses on the stack, found by the frame pointers where they are kept, and
//! else by looking at every word: what points behind a call in the program's code may be one.

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::Pid;

use super::memory::{bytes, word};
use super::registers::Registers;

/// How many frames are followed.
const MOST_FRAMES: usize = 64;

/// How much of the stack is looked at.
const REACH: usize = 1 << 14;

/// Where in a program's file a call came from, as its debugging information counts addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The functions that were called, the innermost first.
    pub frames: Vec<u64>,
    /// What else on the stack could be one: for a program that keeps no frame pointers.
    pub guesses: Vec<u64>,
}

/// Where a program's file lies in the memory of a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What is added to the addresses in the file.
    base: u64,
    /// Its code.
    code: Vec<(u64, u64)>,
}

impl Image {
    /// `None` if the process runs another program.
    pub fn of(pid: i32, file: &Path) -> Option<Self> {
        let (found, wanted) = (fs::metadata(format!("/proc/{pid}/exe")).ok()?, fs::metadata(file).ok()?);
        if (found.dev(), found.ino()) != (wanted.dev(), wanted.ino()) {
            return None;
        }
        let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
        let inode = found.ino().to_string();
        let mut image = Self { base: u64::MAX, code: Vec::new() };
        for line in maps.lines() {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let [range, rights, _, _, of, ..] = fields[..] else { continue };
            let Some((start, end)) = range.split_once('-') else { continue };
            let number = |text| u64::from_str_radix(text, 16).unwrap_or_default();
            if of == inode {
                image.base = image.base.min(number(start));
                image.code.extend(rights.contains('x').then(|| (number(start), number(end))));
            }
        }
        // A program that is not position-independent counts from 0 itself. elf(5), ET_EXEC
        let mut header = [0; 18];
        fs::File::open(file).and_then(|mut file| file.read_exact(&mut header)).ok()?;
        image.base = if u16::from_ne_bytes([header[16], header[17]]) == 2 { 0 } else { image.base };
        Some(image)
    }

    /// Where a process is in it, with the functions that led there.
    pub fn origin(&self, pid: Pid, instruction: u64, stack: u64) -> Origin {
        let mut frames = vec![instruction];
        // Of a function that keeps no frame, such as libc's for a call.
        frames.extend(word(pid.as_raw(), stack));
        let registers = Registers::of(pid);
        frames.extend(registers.and_then(|registers| registers.link()));
        let mut frame = registers.map_or(0, |registers| registers.frame());
        for _ in 0..MOST_FRAMES {
            let (Some(next), Some(address)) = (word(pid.as_raw(), frame), word(pid.as_raw(), frame + 8)) else { break };
            frames.push(address);
            if next <= frame {
                break;
            }
            frame = next;
        }
        let words = bytes(pid.as_raw(), stack, REACH);
        let words = words.chunks_exact(8).filter_map(|word| word.try_into().ok()).map(u64::from_ne_bytes);
        Origin { frames: self.calls(frames.into_iter()), guesses: self.calls(words) }
    }

    /// Those of the addresses that lie in the program's code, each within the instruction that called.
    fn calls(&self, addresses: impl Iterator<Item = u64>) -> Vec<u64> {
        let is_code = |address: &u64| self.code.iter().any(|(start, end)| (start..end).contains(&address));
        addresses.filter(is_code).map(|address| address - self.base - 1).collect()
    }
}
