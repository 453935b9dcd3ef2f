//! A program that is run to be looked at: what it prints is read, not shown.

use std::convert::Infallible;
use std::io::{Read, Write};

use nix::sched::CloneFlags;

use super::{Exit, Heard, Kernel};
use crate::error::{IoContext, Result};

impl Kernel {
    /// Runs `body`, which ends in an execve, in a child; what its program printed,
    /// and how it ended. pipe(2)
    #[track_caller]
    pub fn output_of(
        &self,
        role: &'static str,
        body: impl FnOnce(&Self) -> Result<Infallible>,
    ) -> Result<(Exit, String)> {
        let (mut reader, writer) = std::io::pipe().or_fail(|| "cannot make a pipe".to_owned())?;
        let writer = std::os::fd::OwnedFd::from(writer);
        // On the link of this process, its execve would count as ours: it gets another.
        let own_link = self.link.take();
        let made = self.clone3(role, CloneFlags::empty(), |k| {
            k.dup_onto(&writer, 1)?;
            body(k)
        });
        self.link.replace(own_link);
        let mut child = made?;
        drop(writer);
        while let Heard::Gate(_) | Heard::Descriptor(_) = self.hear(&mut child)? {
            self.answer(&child)?;
        }
        let mut printed = String::new();
        let read = reader.read_to_string(&mut printed);
        let exit = self.wait(&child)?;
        read.or_fail(|| "cannot read what the program printed".to_owned())?;
        Ok((exit, printed))
    }

    /// Runs `body` in a child, which may go where it can't come back from; what it
    /// found out there. pipe(2)
    #[track_caller]
    pub fn found_by(&self, role: &'static str, body: impl FnOnce(&Self) -> Result<String>) -> Result<String> {
        let (mut reader, mut writer) = std::io::pipe().or_fail(|| "cannot make a pipe".to_owned())?;
        let own_link = self.link.take();
        let made = self.clone3(role, CloneFlags::empty(), |k| {
            let found = body(k)?;
            writer.write_all(found.as_bytes()).or_fail(|| "cannot tell what was found".to_owned())
        });
        self.link.replace(own_link);
        let mut child = made?;
        drop(writer);
        let heard = self.watch(&mut child);
        let mut found = String::new();
        let read = reader.read_to_string(&mut found);
        heard?;
        read.or_fail(|| "cannot read what was found".to_owned())?;
        Ok(found)
    }
}
