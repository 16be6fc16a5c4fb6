//! The file that tells whoever started a service that it answers, and where.

use std::path::PathBuf;

use serde::Serialize;

use crate::{
    failure::{Explain as _, Result},
    private_file,
};

/// Where `--ready-file` points, if anywhere. The file is there while the service answers, and only then.
pub(crate) struct ReadyFile<'a>(Option<&'a PathBuf>);

impl<'a> ReadyFile<'a> {
    /// Removes what an earlier run left behind. Done before anything listens, or that would be taken for this run's.
    pub(crate) fn clear(path: Option<&'a PathBuf>) -> Result<Self> {
        let file = Self(path);
        file.remove()?;
        Ok(file)
    }

    /// Says that everything answers.
    pub(crate) fn announce(&self, document: &impl Serialize) -> Result<()> {
        let Some(path) = self.0 else { return Ok(()) };
        private_file::write_json(path, document).explain(format!("cannot write {}", path.display()))
    }

    /// Takes back what was announced.
    pub(crate) fn retire(self) -> Result<()> {
        self.remove()
    }

    fn remove(&self) -> Result<()> {
        let Some(path) = self.0 else { return Ok(()) };
        private_file::remove(path).explain(format!("cannot remove {}", path.display()))
    }
}
