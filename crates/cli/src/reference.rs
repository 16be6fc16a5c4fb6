//! The manual of every command, made from the definitions that parse it.

use std::fmt::Write as _;

use clap::{Command, CommandFactory as _};

use crate::args::Arguments;

/// `docs/cli.md`.
pub fn cli_reference() -> String {
    let mut page = "# Command line: `gatepass`\n\nMade from `gatepass help`. Results go to standard output and everything else to standard error; the exit\ncode is 0 when it is done, 1 for a finding or a refusal, 2 for wrong usage.\n".to_owned();
    let mut root = Arguments::command().term_width(100).disable_help_subcommand(true);
    root.build();
    describe(&mut root, &mut page);
    page
}

fn describe(command: &mut Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let help = command.render_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    // Writing to a String does not fail.
    let _ = write!(page, "\n## `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end());
    for inner in command.get_subcommands_mut() {
        describe(inner, page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_hold_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_its_chapter() {
        let page = cli_reference();
        for name in ["gatepass dev token", "gatepass exec", "gatepass sign get", "gatepass config check"] {
            assert!(page.contains(&format!("\n## `{name}`\n")), "{name}");
        }
        assert!(!page.contains('\u{1b}'), "no colours in a file");
    }
}
