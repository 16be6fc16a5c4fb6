//! One file per command.

mod backend_run;
mod completions;
mod config_check;
mod config_reference;
mod dev;
pub(crate) mod dev_token;
mod download;
mod env;
mod exec;
mod explain;
mod link;
mod man;
mod sign;
mod store_backup;
mod store_check;
mod store_run;
mod upload;
mod verify;

pub(crate) use explain::ExplainArguments;

use crate::{
    args::{Backend, Command, Config, DevCommand, Store},
    failure::Result,
    output::Output,
};

/// Carries out what was typed.
pub(crate) fn run(command: Command, output: Output) -> Result {
    match command {
        Command::Dev(dev) => match dev.command {
            None => dev::run(&dev.options, output),
            Some(DevCommand::Token(token)) => dev_token::run(&token, output),
        },
        Command::Exec(exec) => exec::run(&exec),
        Command::Env(env) => env::run(&env, output),
        Command::Store(Store::Backup(backup)) => store_backup::run(&backup, output),
        Command::Store(Store::Check(check)) => store_check::run(&check, output),
        Command::Store(Store::Run(run)) => store_run::run(&run, output),
        Command::Backend(Backend::Run(run)) => backend_run::run(&run, output),
        Command::Sign(sign) => sign::run(&sign, output),
        Command::Verify(verify) => verify::run(&verify, output),
        Command::Explain(explain) => explain::run(&explain, output),
        Command::Upload(upload) => upload::run(&upload, output),
        Command::Download(download) => download::run(&download, output),
        Command::Link(link) => link::run(&link, output),
        Command::Config(Config::Check { file }) => config_check::run(&file, output),
        Command::Config(Config::Reference) => config_reference::run(output),
        Command::Completions { shell } => completions::run(shell),
        Command::Man { directory } => man::run(directory.as_deref()),
    }
}
