//! What a program asks for: read from the header that the kernel and the
//! dynamic loader read, and from nothing else.
//!
//! An ELF file begins with a small header that points to the table of its
//! *segments*. Two of those matter here: PT_INTERP names the program that
//! the kernel really starts (the dynamic loader), PT_DYNAMIC holds a list of tags
//! for that loader, among them DT_NEEDED: the libraries to load first.
//! It does *not* look for those libraries: that is `loader.rs`.
//! See elf(5) and ld.so(8). Try `readelf --program-headers --dynamic /bin/ls`.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use goblin::container::{Container, Ctx};
use goblin::elf::dynamic::{DF_1_NODEFLIB, DT_FLAGS_1, DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_SONAME, DT_STRTAB, Dyn};
use goblin::elf::header::{ELFMAG, Header};
use goblin::elf::program_header::{PT_DYNAMIC, PT_INTERP, PT_LOAD, ProgramHeader};
use goblin::elf::{Dynamic, Elf as GoblinElf};

/// The size of the larger of the two ELF headers (64 bit).
const HEADER_SIZE: usize = 64;
/// No table of segments or tags is longer; a broken file must not make us read it all.
const LONGEST_TABLE: u64 = 1 << 20;
/// No name in an ELF file that the loader could open is longer (PATH_MAX).
const LONGEST_NAME: usize = 4096;

/// What one ELF file asks of the dynamic loader.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Elf {
    /// 32 or 64 bit and the machine: a library must agree in both with its program.
    pub kind: Kind,
    /// PT_INTERP: the dynamic loader. A static program has none.
    pub interpreter: Option<PathBuf>,
    /// DT_NEEDED, in order.
    pub needed: Vec<OsString>,
    /// DT_SONAME: the name that this library calls itself by.
    pub soname: Option<OsString>,
    /// DT_RPATH, only heeded where there is no DT_RUNPATH.
    pub rpath: Option<OsString>,
    /// DT_RUNPATH.
    pub runpath: Option<OsString>,
    /// DF_1_NODEFLIB: the default directories must not be searched.
    pub no_default_directories: bool,
}

/// For whom the file was compiled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kind {
    /// 32 bit (ELFCLASS32) or 64 bit.
    pub is_64_bit: bool,
    /// `e_machine`, as in <elf.h>: EM_X86_64 is 62, EM_AARCH64 is 183.
    pub machine: u16,
}

/// Reads what `file` asks for; `None` when it is no ELF file, or so broken
/// that the kernel would refuse it too. Reads only the few pieces it needs.
pub fn read(file: &File) -> io::Result<Option<Elf>> {
    let head = piece(file, 0, HEADER_SIZE as u64)?;
    if !head.starts_with(ELFMAG) {
        return Ok(None);
    }
    let Ok(header) = GoblinElf::parse_header(&head) else {
        return Ok(None);
    };
    let Some((segments, context)) = segments(file, &header)? else {
        return Ok(None);
    };
    let mut elf = Elf {
        kind: Kind { is_64_bit: context.container == Container::Big, machine: header.e_machine },
        ..Elf::default()
    };
    if let Some(segment) = segments.iter().find(|segment| segment.p_type == PT_INTERP) {
        elf.interpreter = Some(text(file, segment.p_offset)?.into());
    }
    for tag in dynamic(file, &segments, context)? {
        elf.apply(&tag, file, &segments)?;
    }
    Ok(Some(elf))
}

impl Elf {
    /// Notes one tag of the dynamic section, if it is of interest here.
    fn apply(&mut self, tag: &Tag, file: &File, segments: &[ProgramHeader]) -> io::Result<()> {
        let name = || {
            let start = tag.strings.and_then(|address| offset_of(address, segments));
            start.map_or(Ok(OsString::new()), |start| text(file, start.saturating_add(tag.value)))
        };
        match tag.tag {
            DT_NEEDED => self.needed.push(name()?),
            DT_SONAME => self.soname = Some(name()?),
            DT_RPATH => self.rpath = Some(name()?),
            DT_RUNPATH => self.runpath = Some(name()?),
            DT_FLAGS_1 => self.no_default_directories = tag.value & DF_1_NODEFLIB != 0,
            _ => {}
        }
        Ok(())
    }
}

/// The table of segments, and how to read numbers in this file.
fn segments(file: &File, header: &Header) -> io::Result<Option<(Vec<ProgramHeader>, Ctx)>> {
    let (Ok(container), Ok(endian)) = (header.container(), header.endianness()) else {
        return Ok(None);
    };
    let context = Ctx::new(container, endian);
    let length = u64::from(header.e_phnum) * u64::from(header.e_phentsize);
    let table = piece(file, header.e_phoff, length)?;
    let parsed = ProgramHeader::parse(&table, 0, header.e_phnum.into(), context);
    Ok(parsed.ok().map(|segments| (segments, context)))
}

/// One entry of the dynamic section, and where that section's strings are.
struct Tag {
    tag: u64,
    value: u64,
    strings: Option<u64>,
}

/// The entries of the dynamic section; none in a static program.
fn dynamic(file: &File, segments: &[ProgramHeader], context: Ctx) -> io::Result<Vec<Tag>> {
    let Some(segment) = segments.iter().find(|segment| segment.p_type == PT_DYNAMIC) else {
        return Ok(Vec::new());
    };
    let table = piece(file, segment.p_offset, segment.p_filesz)?;
    // goblin wants the whole file; it gets the one piece, said to lie at its beginning.
    let alone = ProgramHeader { p_offset: 0, p_filesz: table.len() as u64, ..segment.clone() };
    let parsed = Dynamic::parse(&table, &[alone], context).ok().flatten();
    let entries = parsed.map(|dynamic| dynamic.dyns).unwrap_or_default();
    let value_of = |tag| entries.iter().find(|entry| entry.d_tag == tag).map(|entry| entry.d_val);
    let strings = value_of(DT_STRTAB);
    let tag = |entry: &Dyn| Tag { tag: entry.d_tag, value: entry.d_val, strings };
    Ok(entries.iter().map(tag).collect())
}

/// The dynamic section speaks in addresses, as in memory; this is the place in the file.
fn offset_of(address: u64, segments: &[ProgramHeader]) -> Option<u64> {
    let holds = |segment: &&ProgramHeader| {
        segment.p_type == PT_LOAD && address >= segment.p_vaddr && address - segment.p_vaddr < segment.p_filesz
    };
    let segment = segments.iter().find(holds)?;
    (address - segment.p_vaddr).checked_add(segment.p_offset)
}

/// `length` bytes of the file at `offset`, fewer where it ends before.
fn piece(file: &File, offset: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length.min(LONGEST_TABLE) as usize];
    let mut filled = 0;
    while filled < bytes.len() {
        // An offset beyond what off_t can hold lies beyond the end of any file.
        let Ok(at) = i64::try_from(offset.saturating_add(filled as u64)) else {
            break;
        };
        match file.read_at(&mut bytes[filled..], at as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// The string at `offset`, up to the zero byte that ends it.
fn text(file: &File, offset: u64) -> io::Result<OsString> {
    // Nearly all names are short: one small read does, and a larger one rarely follows.
    for length in [256, LONGEST_NAME] {
        let mut bytes = piece(file, offset, length as u64)?;
        if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
            bytes.truncate(end);
            return Ok(OsString::from_vec(bytes));
        }
    }
    Ok(OsString::new())
}

#[cfg(test)]
mod tests {
    use super::{Elf, read};
    use std::fs::File;
    use std::io::Write;
    use std::path::Path;

    #[test]
    fn a_dynamic_program_names_its_loader_and_libraries() {
        let elf = read(&File::open("/bin/sh").unwrap()).unwrap().unwrap();
        assert!(elf.interpreter.unwrap().is_absolute());
        assert!(elf.needed.iter().any(|name| name.to_string_lossy().contains("libc.")));
    }

    #[test]
    fn a_text_and_an_empty_file_ask_for_nothing() {
        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(read(&file).unwrap(), None);
        file.write_all(b"#!/bin/sh\n").unwrap();
        assert_eq!(read(&file).unwrap(), None);
    }

    /// Whatever is in a header, reading it ends, and without a panic.
    #[test]
    fn broken_headers_do_no_harm() {
        let whole = std::fs::read(Path::new("/bin/sh")).unwrap();
        for place in 0..400 {
            for value in [0, 0x7f, 0xff] {
                let mut bytes = whole[..whole.len().min(200_000)].to_vec();
                bytes[place] = value;
                let mut file = tempfile::tempfile().unwrap();
                file.write_all(&bytes).unwrap();
                let _: Option<Elf> = read(&file).unwrap();
            }
        }
    }
}
