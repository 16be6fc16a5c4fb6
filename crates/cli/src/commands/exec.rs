//! `gatepass exec`: a fresh store, and an identity provider, for the life of one command.

use std::{io, net::SocketAddr, os::unix::process::ExitStatusExt as _, path::Path, process::ExitStatus, sync::Arc};

use gatepass_devidp::{DevIdp, USERS};
use gatepass_store::{Config, Fsync};
use rustix::process::{Pid, Signal, getpgrp, kill_process};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
};

use super::{env, store_run};
use crate::{
    args::Exec,
    clock::Clock,
    credentials,
    failure::{Explain as _, Failure, Outcome, Result},
    provision::Provision,
    seed::Seed,
    server::{self, Stopper},
};

/// Variables that would send AWS tools somewhere else, or with other keys.
const FOREIGN: [&str; 10] = [
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CREDENTIAL_EXPIRATION",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
];

/// What AWS tools read instead of the settings of whoever runs the command. boto3 and version 1 of the AWS CLI presign
/// with Signature Version 2 in us-east-1 unless they are told otherwise.
const AWS_CONFIG: &str = "[default]\ns3 =\n    signature_version = s3v4\n";

pub(crate) fn run(arguments: &Exec) -> Result {
    let directory =
        tempfile::Builder::new().prefix("gatepass-exec-").tempdir().explain("no directory for the store")?;
    let status = server::block_on(run_beside(arguments, directory.path()))?;
    directory.close().explain("the store's directory cannot be removed")?;
    // A shell's way to tell a signal.
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    Ok(Outcome::Forwarded(u8::try_from(code).unwrap_or(1)))
}

async fn run_beside(arguments: &Exec, directory: &Path) -> Result<ExitStatus> {
    let seed = Seed::read(arguments.seed.as_deref())?;
    let free_port = SocketAddr::from(([127, 0, 0, 1], 0));
    let clock = Clock::starting_at(arguments.now);
    let listener = server::listen(free_port, "the store", "nothing")?;
    let address = listener.local_addr().explain("the listener has no address")?;
    let store = store_run::open(Config {
        region: arguments.region.clone(),
        hosts: store_run::hosts(address, &["localhost"], &[]),
        fsync: Fsync::Never,
        ..Config::new(directory.join("store"), credentials::root()?, clock.function())
    })?;
    let stopper = Stopper::new();
    let serving = tokio::spawn(Arc::clone(&store).serve(server::adopt(listener)?, stopper.stopped()));

    let store_url = format!("http://{address}");
    let root = store.root_credentials();
    Provision::new(&store_url, &arguments.region, root, clock.now())?.all(&arguments.buckets, &seed).await?;
    let (access_key, secret_key) = (root.access_key_id().as_str(), root.secret_key().expose());
    let mut variables: Vec<(String, String)> = env::aws(&store_url, &arguments.region, access_key, secret_key)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();

    let settings = directory.join("aws-config");
    std::fs::write(&settings, AWS_CONFIG).explain("the settings for AWS tools cannot be written")?;
    variables.push(("AWS_CONFIG_FILE".to_owned(), settings.display().to_string()));

    let listener = server::listen(free_port, "the identity provider", "nothing")?;
    let port = listener.local_addr().explain("the listener has no address")?.port();
    let issuer = format!("http://localhost:{port}");
    let idp = DevIdp::open(gatepass_devidp::Config {
        directory: directory.join("idp"),
        issuer: issuer.clone(),
        redirect_uris: Vec::new(),
        now: clock.function(),
    })?;
    let issuing = server::serve_idp(&idp, listener, &stopper)?;
    variables.push(("GATEPASS_ISSUER".to_owned(), issuer));
    for user in USERS {
        variables.push((format!("GATEPASS_TOKEN_{}", user.name.to_ascii_uppercase()), idp.token(user.name)?));
    }

    let status = supervise(&arguments.command, variables).await;
    stopper.stop();
    serving.await.explain("the store broke down")?;
    issuing.await.explain("the identity provider broke down")?.explain("the identity provider broke down")?;
    status
}

/// Runs the command to its end, and hands on the signals that it would not get by itself.
async fn supervise(command: &[std::ffi::OsString], variables: Vec<(String, String)>) -> Result<ExitStatus> {
    let listen = |kind| signal(kind).explain("signals cannot be received");
    let mut interrupts = listen(SignalKind::interrupt())?;
    let mut terminations = listen(SignalKind::terminate())?;
    let mut hangups = listen(SignalKind::hangup())?;
    let mut quits = listen(SignalKind::quit())?;

    let Some((program, rest)) = command.split_first() else { return Err(Failure::usage("there is no command")) };
    let mut command = Command::new(program);
    command.args(rest).envs(variables).env("AWS_EC2_METADATA_DISABLED", "true").kill_on_drop(true);
    for name in FOREIGN {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| {
        let name = program.to_string_lossy();
        match error.kind() {
            io::ErrorKind::NotFound => Failure::refused(format_args!("there is no command `{name}`")),
            _ => Failure::refused(format_args!("`{name}` cannot be run: {error}")),
        }
    })?;
    // The keys of a terminal reach its whole foreground group: the command has had them already.
    let has_terminal = rustix::termios::tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp());
    loop {
        tokio::select! {
            status = child.wait() => return status.explain("the command cannot be waited for"),
            _ = interrupts.recv() => if !has_terminal { hand_on(&child, Signal::INT) },
            _ = quits.recv() => if !has_terminal { hand_on(&child, Signal::QUIT) },
            _ = terminations.recv() => hand_on(&child, Signal::TERM),
            _ = hangups.recv() => hand_on(&child, Signal::HUP),
        }
    }
}

fn hand_on(child: &Child, signal: Signal) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(id) = id
        && let Err(error) = kill_process(id, signal)
    {
        tracing::warn!(%error, ?signal, "a signal could not be handed on");
    }
}
