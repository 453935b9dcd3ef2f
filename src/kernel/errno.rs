//! The few errors that code asks for by number. errno(3)

pub use nix::libc::{
    EACCES, EAGAIN, EBUSY, EDQUOT, EEXIST, EINVAL, ELOOP, ENOENT, ENOSPC, ENOSYS, ENOTDIR, EPERM, EPIPE, EROFS,
};
