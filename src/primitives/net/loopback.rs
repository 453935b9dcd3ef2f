//! Switches on `lo`, the one interface that a new network namespace has.
//!
//! It makes no way out. rtnetlink(7), netdevice(7)

use crate::error::Result;
use crate::kernel::{Kernel, LOOPBACK};

/// 127.0.0.1 answers only once `lo` is up; the kernel creates it switched off.
pub fn up(k: &Kernel) -> Result<()> {
    k.step("Switch the loopback interface on, so that 127.0.0.1 answers");
    let socket = k.rtnetlink()?;
    k.set_link_up(&socket, LOOPBACK)
}
