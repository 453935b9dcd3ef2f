//! Keeps the events in memory, for tests and exercises.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;

use super::{Detail, Observer, Record};

/// An observer that keeps what it is told; clones share one list.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Rc<RefCell<Vec<Record>>>);

impl Recorder {
    /// What has been told so far.
    pub fn records(&self) -> Vec<Record> {
        self.0.borrow().clone()
    }
}

impl Observer for Recorder {
    fn detail(&self) -> Detail {
        Detail::Full
    }

    fn observe(&mut self, record: &Record) -> io::Result<()> {
        self.0.borrow_mut().push(record.clone());
        Ok(())
    }
}
