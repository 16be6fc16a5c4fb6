//! `gatepass backend run`: the backend alone, as a configuration describes it.

use gatepass_backend::Backend;
use serde_json::json;

use crate::{
    args::BackendRun,
    clock::Clock,
    config::File,
    failure::{Explain as _, Failure, Outcome, Result},
    output::Output,
    ready_file::ReadyFile,
    server::{self, StopSignals, Stopper},
};

pub(crate) fn run(arguments: &BackendRun, output: Output) -> Result {
    let path = &arguments.config;
    let mut config = File::load(path)?.into_backend().ok_or_else(|| {
        Failure::refused(format_args!("{} has no [backend]", path.display())).hint("see `gatepass config reference`")
    })?;
    if let Some(listen) = arguments.listen {
        config.backend.listen = listen;
    }
    let address = config.backend.listen;

    server::block_on(async {
        let mut signals = StopSignals::new()?;
        let ready_file = ReadyFile::clear(arguments.ready_file.as_ref())?;
        let listener = server::listen(address, "the backend", "--listen")?;
        let url = format!("http://{}", listener.local_addr().explain("the listener has no address")?);
        let backend = Backend::open(config, Clock::starting_at(arguments.now).function()).await;
        let backend = backend.explain("the backend cannot be opened")?;

        let stopper = Stopper::new();
        let mut serving = tokio::spawn(backend.serve(server::adopt(listener)?, stopper.stopped()));
        ready_file.announce(&json!({ "backend": url }))?;
        output.result(format_args!("the backend listens on {url}"), &json!({ "backend": url }))?;
        tokio::select! {
            () = signals.stop() => {}
            served = &mut serving => {
                served.explain("the backend broke down")?.explain("the backend broke down")?;
                return Err(Failure::refused("the backend ended by itself"));
            }
        }
        Output::note("stopping");
        stopper.stop();
        tokio::select! {
            served = serving => served.explain("the backend broke down")?.explain("the backend broke down")?,
            () = signals.stop_at_once() => return Err(Failure::refused("stopped before all requests had ended")),
        }
        ready_file.retire()?;
        Ok(Outcome::Done)
    })
}
