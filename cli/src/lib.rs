//! The tracker command.
