//! The promises of the store ([`promises`]), each with an experiment and a control that must be caught ([`report`]).
//!
//! Crashes: the server is killed, or its power is cut, at random moments under load; then it is started again on what is
//! left and everything that it acknowledged must be there, whole.
//!
//! The experiment keeps its own record of acknowledgements ([`ledger`]) outside of what crashes. Writers ([`load`]) note
//! each change before they ask for it and after it was acknowledged, so that for every object there are at most two
//! states that may be found: the acknowledged one, and the one that was asked for last. [`machine`] is what crashes.

pub mod bounded;
pub mod changes;
pub mod content;
pub mod crowd;
pub mod degrade;
pub mod durable;
pub mod experiment;
pub mod expiry;
pub mod group;
pub mod ledger;
pub mod limits;
pub mod load;
pub mod machine;
pub mod observe;
pub mod partial;
pub mod promises;
pub mod publish;
pub mod raw;
pub mod recover;
pub mod report;
pub mod rot;
pub mod rows;
pub mod sizes;
pub mod spoiled;
pub mod tmpfs;
pub mod tracer;
