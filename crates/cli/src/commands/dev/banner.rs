//! What `gatepass dev` says when it is ready: where everything is, and three commands to try.

use std::{env, fmt, path::Path, time::Duration};

use crate::{state::State, values::shell_quote};

pub(super) struct Banner<'a> {
    pub(super) state: &'a State,
    pub(super) data: &'a Path,
    pub(super) ready_in: Duration,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { backend, store, issuer, region, access_key, secret_key, .. } = self.state;
        let data = self.data.display();
        let program = program();
        let (flag, data_argument) = match self.data.to_str() {
            Some("./gatepass-data") => ("", String::new()),
            _ => (" --data ", shell_quote(&absolute(self.data))),
        };
        write!(
            formatter,
            "\
gatepass dev is ready in {ready_in} ms

  console     {backend}    sign in as alice, bob or admin
  store       {store}    region {region}
  issuer      {issuer}
  access key  {access_key}
  secret key  {secret_key}
  data        {data}

Three commands to try, in another terminal:

  echo 'hello from gatepass' > hello.txt && {program} upload{flag}{data_argument} hello.txt
  {program} download{flag}{data_argument} --output - hello.txt
  {program} link create{flag}{data_argument} hello.txt

For AWS tools: eval \"$({program} env{flag}{data_argument})\"
Ctrl-C stops it; the data stays.
",
            ready_in = self.ready_in.as_millis(),
        )
    }
}

/// How this program is called from a shell: by its name where the shell finds it, else by its path.
fn program() -> String {
    let Ok(this) = env::current_exe() else { return "gatepass".to_owned() };
    let on_path = env::var_os("PATH").and_then(|path| {
        env::split_paths(&path).map(|directory| directory.join("gatepass")).find(|candidate| candidate.is_file())
    });
    if on_path.and_then(|found| found.canonicalize().ok()) == this.canonicalize().ok() {
        return "gatepass".to_owned();
    }
    let here = env::current_dir().ok();
    let relative = here.and_then(|here| this.strip_prefix(here).ok().map(|path| Path::new(".").join(path)));
    shell_quote(&relative.unwrap_or(this).to_string_lossy())
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}
