//! What the tests of whole commands share: who runs boxlab ([`people`]), where
//! ([`place`]), how a trial that can't run here counts ([`trials`]), what strace(1)
//! sees of it ([`strace`], [`taught`]), and what must not be left behind
//! ([`leftovers`]). For images: real registries ([`registry`], [`token_service`]), what goes wrong
//! on the way to them ([`fault_proxy`]), and what is in them ([`images`]).

// Each test binary compiles this anew and needs only a part of it.
#![allow(dead_code)]

pub mod call;
pub mod delegated;
pub mod fault_proxy;
pub mod http;
pub mod images;
pub mod leftovers;
pub mod people;
pub mod place;
pub mod process;
pub mod registry;
pub mod strace;
pub mod strace_lines;
pub mod taught;
pub mod token_service;
pub mod trials;
