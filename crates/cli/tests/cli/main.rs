//! The program as a shell sees it: exit code, standard output and standard error.

mod config;
mod dev;
mod exec;
mod explain;
mod program;
mod sign;
mod sign_cloudfront;
mod sign_post;
mod store_run;
mod usage;
mod verify;
