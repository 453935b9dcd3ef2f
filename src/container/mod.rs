//! The pieces put together: a container. In reading order:
//!
//! - [`spec`]: what is wanted
//! - [`launch`]: the parent's half
//! - [`init`]: the child's half, primitive by primitive
//! - [`furnish`], [`identity`], [`terminal`]: what `init` needs for its root, its
//!   user and its terminal
//! - [`limits`], [`confine`]: what the container may use, what its program may do
//! - [`attach`]: the user's side of the terminal

pub mod attach;
pub mod confine;
pub mod furnish;
pub mod identity;
pub mod init;
pub mod launch;
pub mod limits;
pub mod spec;
pub mod terminal;
