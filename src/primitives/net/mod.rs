//! A container's network, wire by wire. So far: the one interface it starts with.

pub mod loopback;
