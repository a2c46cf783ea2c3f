//! Steadfast for agents: the Model Context Protocol over the library.
//!
//! # Layout
//!
//! Rooms in reading order; each may name only those before it: [`wire`] (the
//! objects that programs read), [`filters`] (paths and globs as they are
//! written), [`store`] (the one open handle), [`wake`] (what a new session should
//! know), [`hooks`] (what hosts tell about sessions), [`watch`]
//! (folders that change), [`mcp`] (the protocol), [`self::http`] (the same over HTTP).
//!
//! The only crate with an async runtime, and that only where the protocol is
//! spoken; the work is done by the synchronous library on threads of its own.
//! It reads no environment and no home folder: whoever starts it says where the
//! store is. Deliberately not here: arguments, settings and exit codes.

pub mod filters;
pub mod hooks;
pub mod http;
pub mod mcp;
pub mod store;
pub mod wake;
pub mod watch;
pub mod wire;
