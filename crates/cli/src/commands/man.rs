//! `gatepass man`: manual pages, made from the definitions that parse the commands.

use std::{fs, io, path::Path};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::{
    args::Arguments,
    failure::{Explain as _, Outcome, Result},
    output::Output,
};

/// One page per command into a directory, or the first page to standard output.
pub(crate) fn run(directory: Option<&Path>) -> Result {
    let mut root = Arguments::command().disable_help_subcommand(true);
    root.build();
    match directory {
        None => Output::raw_result(&page(&root).1)?,
        Some(directory) => {
            fs::create_dir_all(directory).explain(format!("{} cannot be made", directory.display()))?;
            write(&root, directory).explain(format!("{} cannot be written to", directory.display()))?;
            Output::note(format_args!("hint: man -l {}", directory.join("gatepass.1").display()));
        }
    }
    Ok(Outcome::Done)
}

fn write(command: &Command, directory: &Path) -> io::Result<()> {
    let (name, text) = page(command);
    fs::write(directory.join(name), text)?;
    command.get_subcommands().filter(|inner| !inner.is_hide_set()).try_for_each(|inner| write(inner, directory))
}

/// The page's file name and its text.
fn page(command: &Command) -> (String, String) {
    let source = format!("gatepass {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).source(source).manual("Gatepass");
    let mut text = Vec::new();
    man.render(&mut text).expect("a Vec takes whatever is written");
    // What stands after the options are notes and examples.
    let text = String::from_utf8_lossy(&text).replace("\n.SH EXTRA\n", "\n.SH NOTES\n");
    (man.get_filename(), text)
}
