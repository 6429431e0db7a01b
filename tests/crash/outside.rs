//! What stands outside of the process that writes: whoever starts and kills it, its clients, what they were promised,
//! and the oracle. Shared by the crash tests and by the programs that put the writer under faults of the system; each
//! root says with `program()` which binary it is about.

pub(crate) mod acknowledged;
pub(crate) mod batch;
pub(crate) mod inspection;
pub(crate) mod issuance;
pub(crate) mod lane;
pub(crate) mod load;
pub(crate) mod writer;
