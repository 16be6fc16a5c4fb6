//! The listener: connections are bounded in number, in how long a head may take, and in how long the last ones may drain.

use std::{error::Error, future::Future, io, sync::Arc, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, pin, sync::Semaphore};

/// How many connections are open at once. Further ones wait in the listener's queue.
pub(crate) const MAX_CONNECTIONS: usize = 4096;

/// How long a client may take to send the head of a request, and how long an idle connection is kept.
const HEAD_LIMIT: Duration = Duration::from_secs(30);

/// How long requests may go on after the stop was asked for.
const DRAIN_LIMIT: Duration = Duration::from_secs(20);

/// A pause where accepting fails for want of something that others must give back first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves any routes until `shutdown` resolves, then lets the requests that run end, within limits that no client can
/// stretch.
pub async fn serve(listener: TcpListener, router: Router, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    pin!(shutdown);
    loop {
        let arrival = async {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((listener.accept().await, place))
        };
        let (accepted, place) = tokio::select! {
            arrival = arrival => arrival?,
            () = &mut shutdown => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn Error, "a connection was gone at once");
            continue;
        }
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_LIMIT)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router.clone()));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = &error as &dyn Error, "a connection broke off");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_LIMIT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests had not ended in time");
    }
    Ok(())
}
