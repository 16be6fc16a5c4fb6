//! Starting other programs: every task goes through here, so that each command is shown before it runs and a failure
//! names the command that failed.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Shows the command, runs it with this terminal, and fails unless it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("+ {}", display(command));
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("cannot start `{}`", display(command)))?;
    if status.success() {
        return Ok(());
    }
    bail!("`{}` failed: {status}", display(command))
}

/// Runs a command in silence and returns its standard output; a failure carries what it said.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{}`", display(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        bail!("`{}` failed: {}\n{said}", display(command), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{}` did not print text", display(command)))
}

/// A program that the kernel ends when the thread that starts it is gone, however that came about. `setpriv` (util-linux,
/// which every Debian has) asks for that in the program's place, because asking between fork and exec takes unsafe code.
/// Where there is none the program outlives a task that is killed.
pub(crate) fn bound(program: &Path) -> Command {
    let Some(setpriv) = find(&["setpriv"]) else { return Command::new(program) };
    let mut command = Command::new(setpriv);
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// The cargo that started this task, so that a pinned toolchain stays pinned.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// The first of `names` that is an executable file on the search path.
pub(crate) fn find(names: &[&str]) -> Option<PathBuf> {
    let search = env::var_os("PATH")?;
    names.iter().find_map(|name| {
        env::split_paths(&search).map(|directory| directory.join(name)).find(|candidate| is_executable(candidate))
    })
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn display(command: &Command) -> String {
    let mut words = vec![command.get_program()];
    words.extend(command.get_args());
    let mut line = words.into_iter().map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ");
    if let Some(directory) = command.get_current_dir() {
        line = format!("(in {}) {line}", directory.display());
    }
    line
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::process::ExitStatusExt as _;
    use std::thread;

    use super::*;

    #[test]
    fn a_bound_program_ends_with_the_thread_that_started_it() {
        let started = thread::spawn(|| {
            let child = bound(Path::new("sleep")).arg("1000").spawn().expect("it starts");
            let name = format!("/proc/{}/comm", child.id());
            // Only now has the kernel been asked.
            while fs::read_to_string(&name).expect("it runs") != "sleep\n" {
                thread::yield_now();
            }
            child
        });
        let mut child = started.join().expect("the thread ends");
        assert_eq!(child.wait().expect("a status").signal(), Some(9));
    }
}
