//! The program as a shell sees it: exit code, standard output and standard error.

mod config;
mod dev;
mod exec;
mod program;
mod sign;
mod usage;
mod verify;
