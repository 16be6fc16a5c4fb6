//! What nobody waits for: garbage is swept, rows whose time is over are forgotten, and the stores are tried once.

use std::{error::Error, sync::Arc, time::Duration};

use tokio::{sync::oneshot, task::JoinHandle};

use crate::{
    app::App,
    repository::{DoomedObject, RepositoryError},
    self_test,
    stores::StoreError,
    uploads::COPY_ABANDONED_AFTER,
};

/// How often it is looked for work.
const INTERVAL: Duration = Duration::from_mins(1);

/// How many objects one round deletes.
const OBJECTS_PER_ROUND: u32 = 256;

/// The task, running.
pub(crate) struct Background {
    task: JoinHandle<()>,
    stop: oneshot::Sender<()>,
}

pub(crate) fn start(app: Arc<App>) -> Background {
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(async move {
        let rounds = async {
            let mut ticks = tokio::time::interval(INTERVAL);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            ticks.tick().await;
            self_test::run(&app).await;
            loop {
                round(&app).await;
                ticks.tick().await;
            }
        };
        tokio::select! {
            () = rounds => {}
            _ = stopped => {}
        }
    });
    Background { task, stop }
}

impl Background {
    /// Ends the task at its next pause. Everything it does can be broken off and done again.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::error!(error = &error as &dyn Error, "the background task failed");
        }
    }
}

/// One round of everything.
pub(crate) async fn round(app: &App) {
    let now = app.now();
    if let Err(error) = app.repository.expire_uploads(now).await {
        tracing::warn!(error = &error as &dyn Error, "uploads could not be expired");
    }
    // A copy that still runs began in time, and is given its time.
    if let Err(error) = app.repository.reject_unfinished(now - COPY_ABANDONED_AFTER).await {
        tracing::warn!(error = &error as &dyn Error, "unfinished uploads could not be rejected");
    }
    if let Err(error) = app.repository.forget_expired(now).await {
        tracing::warn!(error = &error as &dyn Error, "old rows could not be forgotten");
    }
    match app.repository.claim_doomed(now, OBJECTS_PER_ROUND).await {
        Ok(objects) => {
            for object in objects {
                delete(app, &object).await;
            }
        }
        Err(error) => tracing::warn!(error = &error as &dyn Error, "garbage could not be claimed"),
    }
}

/// Deletes an object that was claimed as garbage. What fails is tried again in a later round.
async fn delete(app: &App, object: &DoomedObject) {
    if let Err(error) = delete_now(app, object).await {
        tracing::warn!(error = &error as &dyn Error, %object, "garbage could not be deleted");
    }
}

/// Why an object is still there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    #[error("the configuration no longer has the collection of the object")]
    UnknownCollection,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

/// Deletes an object that is doomed, and then the row that says so.
pub(crate) async fn delete_now(app: &App, object: &DoomedObject) -> Result<(), SweepError> {
    let collection = app.collection(&object.collection).ok_or(SweepError::UnknownCollection)?;
    app.stores.of(collection).delete(&collection.bucket.name, &object.key, app.now()).await?;
    Ok(app.repository.forget_doomed(&object.key).await?)
}
