//! What every service of the command line does alike: listen, stop when told, and not before its work is done.

use std::{
    fmt,
    future::Future,
    io,
    net::{SocketAddr, TcpListener as StdListener},
    time::Duration,
};

use gatepass_devidp::DevIdp;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};

use crate::failure::{Explain as _, Failure, Result};

/// How long the identity provider may go on after the stop was asked for. Its answers are made at once: what takes longer
/// is a client that does not send its request.
const IDP_DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// Runs a future to its end on a runtime of its own.
pub(crate) fn block_on<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().explain("no threads could be started")?;
    runtime.block_on(future)
}

/// Listens, or says who is in the way and which flag helps.
pub(crate) fn listen(address: SocketAddr, what: impl fmt::Display, flag: &str) -> Result<StdListener> {
    let opened = StdListener::bind(address).and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
    opened.map_err(|error| {
        let failure = Failure::refused(format_args!("{what} cannot listen on {address}: {}", reason(&error)));
        match error.kind() {
            io::ErrorKind::AddrInUse => failure.hint(format_args!(
                "another program, perhaps another gatepass, listens there: choose another with {flag}"
            )),
            io::ErrorKind::PermissionDenied => failure.hint("ports below 1024 need privileges"),
            _ => failure.hint(format_args!("choose another address with {flag}")),
        }
    })
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".to_owned(),
        _ => error.to_string(),
    }
}

/// Hands a listener to the runtime.
pub(crate) fn adopt(listener: StdListener) -> Result<TcpListener> {
    TcpListener::from_std(listener).explain("the listener cannot be used")
}

/// Starts the identity provider. It keeps the backend's limits on connections, and a shorter one on stopping.
pub(crate) fn serve_idp(idp: &DevIdp, listener: StdListener, stopper: &Stopper) -> Result<JoinHandle<io::Result<()>>> {
    let serving = gatepass_backend::serve(adopt(listener)?, idp.router(), stopper.stopped());
    let stopped = stopper.stopped();
    Ok(tokio::spawn(async move {
        let too_late = async {
            stopped.await;
            tokio::time::sleep(IDP_DRAIN_LIMIT).await;
        };
        tokio::select! {
            served = serving => served,
            () = too_late => Ok(()),
        }
    }))
}

/// Tells services to stop.
pub(crate) struct Stopper(watch::Sender<bool>);

impl Stopper {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Resolves when [`stop`](Self::stop) is called or the stopper is gone.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut told = self.0.subscribe();
        async move {
            // An error means that the stopper is gone, which is the same message.
            let _ = told.wait_for(|told| *told).await;
        }
    }

    pub(crate) fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Ctrl-C and SIGTERM. Made before anything is announced, so that no signal finds the default action.
pub(crate) struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl StopSignals {
    pub(crate) fn new() -> Result<Self> {
        let listen = |kind| signal(kind).explain("signals cannot be received");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// The first of either.
    pub(crate) async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Somebody at a terminal does not want to wait. A second SIGTERM says no such thing: supervisors that signal a
    /// whole process group send it twice as a matter of course.
    pub(crate) async fn stop_at_once(&mut self) {
        self.interrupt.recv().await;
    }
}

/// SIGHUP: somebody asks for files to be read, or opened, again. Where nobody listens to it, it ends the program, as when a
/// terminal is closed.
pub(crate) struct Hangups(Signal);

impl Hangups {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(signal(SignalKind::hangup()).explain("signals cannot be received")?))
    }

    /// Calls `act` each time.
    pub(crate) async fn each(mut self, act: impl Fn()) {
        while self.0.recv().await.is_some() {
            act();
        }
    }
}
