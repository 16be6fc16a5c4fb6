//! `gatepass dev`: backend and console, store and identity provider in one process, on one directory.

mod banner;
mod clock_route;

use std::{
    net::{SocketAddr, TcpListener as StdListener},
    path::Path,
    sync::Arc,
    time::Instant,
};

use gatepass_authority::RootSource;
use gatepass_backend::{
    Backend,
    config::{
        Addressing, AuthzConfig, BackendConfig, ClaimsConfig, CollectionConfig, Config as BackendSettings,
        ConsoleConfig, CredentialsConfig, DownloadConfig, IssuerConfig, SecretSource, StoreConfig, UploadConfig,
    },
};
use gatepass_devidp::{AUDIENCE, CLIENT_ID, DevIdp, USERS};
use gatepass_signing::credentials::Credentials;
use gatepass_store::{Config as StoreSettings, Store};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{dev_token::IDP_DIRECTORY, store_run};
use crate::{
    args::{DevOptions, FsyncChoice},
    clock::Clock,
    credentials,
    failure::{Explain as _, Failure, Outcome, Result},
    output::Output,
    private_file,
    provision::Provision,
    ready_file::ReadyFile,
    seed::Seed,
    server::{self, StopSignals, Stopper},
    state::{Owner, State},
};

const BACKEND_PORT: u16 = 8080;
const STORE_PORT: u16 = 9000;
const IDP_PORT: u16 = 8070;
/// The store, the backend and the collection of `dev`, as a configuration would name them.
const STORE_NAME: &str = "main";
const COLLECTION: &str = "files";
const BUCKET: &str = "gatepass-files";

pub(crate) fn run(options: &DevOptions, output: Output) -> Result {
    let started = Instant::now();
    let root = credentials::root()?;
    let listen = Listen::of(options, &root)?;
    let seed = Seed::read(options.seed.as_deref())?;
    let owner = Owner::take(&options.data.path)?;
    let ready_file = ReadyFile::clear(options.ready_file.as_ref())?;
    if options.fsync == FsyncChoice::Never {
        Output::note("fsync = never: losing power may lose everything");
    }
    server::block_on(async {
        let signals = StopSignals::new()?;
        let running = start(options, &listen, root, &seed, &owner).await?;
        ready_file.announce(&running.ready)?;
        let banner = banner::Banner { state: &running.state, data: &options.data.path, ready_in: started.elapsed() };
        output.result(banner, &running.ready)?;
        running.until_stopped(signals).await?;
        ready_file.retire()?;
        owner.retire()?;
        Ok(Outcome::Done)
    })
}

/// Where each part listens.
struct Listen {
    backend: SocketAddr,
    store: SocketAddr,
    idp: SocketAddr,
}

impl Listen {
    fn of(options: &DevOptions, root: &RootSource) -> Result<Self> {
        let local = |port| SocketAddr::from(([127, 0, 0, 1], options.port.unwrap_or(port)));
        let listen = Self {
            backend: options.backend_listen.unwrap_or(local(BACKEND_PORT)),
            store: options.store_listen.unwrap_or(local(STORE_PORT)),
            idp: options.idp_listen.unwrap_or(local(IDP_PORT)),
        };
        for (address, flag) in [(listen.backend, "--backend-listen"), (listen.idp, "--idp-listen")] {
            if !address.ip().is_loopback() {
                return Err(Failure::refused(format_args!("{flag} {address} would let other machines in"))
                    .hint("development users have no passwords: keep to 127.0.0.1, or run `gatepass backend run`"));
            }
        }
        if !listen.store.ip().is_loopback() && matches!(root, RootSource::Kept) {
            return Err(Failure::refused(format_args!("--store-listen {} would let other machines in", listen.store))
                .hint("choose keys of your own first, in GATEPASS_ROOT_ACCESS_KEY and GATEPASS_ROOT_SECRET_KEY"));
        }
        Ok(listen)
    }
}

/// Everything that runs.
struct Running {
    state: State,
    /// What `--ready-file` and `--json` say.
    ready: Value,
    stopper: Stopper,
    services: [(&'static str, JoinHandle<std::io::Result<()>>); 3],
}

async fn start(options: &DevOptions, listen: &Listen, root: RootSource, seed: &Seed, owner: &Owner) -> Result<Running> {
    let clock = Clock::starting_at(options.now);
    let data = &options.data.path;
    let stopper = Stopper::new();

    let (backend_listener, backend_address) = open_listener(listen.backend, "the backend", "--backend-listen")?;
    let (store_listener, store_address) = open_listener(listen.store, "the store", "--store-listen")?;
    let (idp_listener, idp_address) = open_listener(listen.idp, "the identity provider", "--idp-listen")?;
    // Cookies know no ports: the console's host is `localhost`, so user content is on an address.
    let backend_url = format!("http://localhost:{}", backend_address.port());
    let store_url = store_url(store_address);
    let issuer = format!("http://localhost:{}", idp_address.port());

    let settings = StoreSettings {
        region: options.region.clone(),
        hosts: store_run::hosts(store_address, &[], &[]),
        fsync: options.fsync.into(),
        explain_at: store_address.ip().is_loopback().then(|| store_url.clone()),
        ..StoreSettings::new(data.join("store"), root, clock.function())
    };
    let idp_settings = gatepass_devidp::Config {
        directory: data.join(IDP_DIRECTORY),
        issuer: issuer.clone(),
        redirect_uris: vec![format!("{backend_url}/auth/callback")],
        now: clock.function(),
    };
    let opening_store = tokio::task::spawn_blocking(move || store_run::open(settings));
    let opening_idp = tokio::task::spawn_blocking(move || DevIdp::open(idp_settings));
    let store: Arc<Store> = opening_store.await.explain("the store cannot be opened")??;
    let idp = opening_idp.await.explain("the identity provider cannot be opened")??;

    tokio::spawn(store_run::control(Arc::clone(&store), stopper.stopped()));
    let serving_store = Arc::clone(&store).serve(server::adopt(store_listener)?, stopper.stopped());
    let serving_store = tokio::spawn(async {
        serving_store.await;
        Ok(())
    });
    let serving_idp = server::serve_idp(&idp, idp_listener, &stopper)?;

    let credentials = store.root_credentials();
    Provision::new(&store_url, &options.region, credentials, clock.now())?.all(&options.buckets, seed).await?;
    let addresses = Addresses { listen: backend_address, backend: &backend_url, store: &store_url, issuer: &issuer };
    let settings = backend_settings(&data.join("backend"), &addresses, &options.region, credentials)?;
    let backend = Backend::open(settings, clock.function()).await.explain("the backend cannot be opened")?;
    backend.ensure_buckets().await.explain("the backend's bucket cannot be made")?;

    let state = State {
        backend: backend_url,
        store: store_url,
        issuer,
        region: options.region.clone(),
        access_key: credentials.access_key_id().as_str().to_owned(),
        secret_key: credentials.secret_key().expose().to_owned(),
        clock_offset_milliseconds: clock.offset_milliseconds(),
    };
    owner.announcer().announce(&state)?;
    let listener = server::adopt(backend_listener)?;
    let serving_backend = if options.test_clock {
        let hand = clock_route::route(clock, state.clone(), owner.announcer());
        let router = backend.router().merge(hand);
        tokio::spawn(backend.serve_router(listener, router, stopper.stopped()))
    } else {
        tokio::spawn(backend.serve(listener, stopper.stopped()))
    };
    let services =
        [("the backend", serving_backend), ("the store", serving_store), ("the identity provider", serving_idp)];
    Ok(Running { ready: ready(&state, &idp)?, state, stopper, services })
}

impl Running {
    /// Serves until Ctrl-C or SIGTERM, then lets requests in progress end; another Ctrl-C does not wait for them.
    async fn until_stopped(self, mut signals: StopSignals) -> Result<()> {
        let Self { stopper, services, .. } = self;
        signals.stop().await;
        Output::note("stopping; Ctrl-C stops at once");
        stopper.stop();
        let ended = async {
            for (name, service) in services {
                service.await.explain(format!("{name} broke down"))?.explain(format!("{name} broke down"))?;
            }
            Ok(())
        };
        tokio::select! {
            ended = ended => ended,
            () = signals.stop_at_once() => Err(Failure::refused("stopped before all requests had ended")),
        }
    }
}

fn open_listener(address: SocketAddr, what: &'static str, flag: &str) -> Result<(StdListener, SocketAddr)> {
    let listener = server::listen(address, what, &format!("{flag}, or free ports with --port 0"))?;
    let address = listener.local_addr().explain("the listener has no address")?;
    Ok((listener, address))
}

fn store_url(address: SocketAddr) -> String {
    match address.ip() {
        ip if ip.is_unspecified() => format!("http://127.0.0.1:{}", address.port()),
        _ => format!("http://{address}"),
    }
}

struct Addresses<'a> {
    listen: SocketAddr,
    backend: &'a str,
    store: &'a str,
    issuer: &'a str,
}

/// The configuration that a file would hold, made of the same types.
fn backend_settings(
    directory: &Path,
    addresses: &Addresses<'_>,
    region: &str,
    credentials: &Credentials,
) -> Result<BackendSettings> {
    private_file::create_directory(directory).explain(format!("cannot make {}", directory.display()))?;
    let issuer = IssuerConfig {
        issuer: addresses.issuer.to_owned(),
        // The port may be another one at the next start; the users stay the same.
        name: Some("dev".to_owned()),
        audience: AUDIENCE.to_owned(),
        claims: ClaimsConfig::default(),
    };
    let console = ConsoleConfig {
        issuer: None,
        client_id: CLIENT_ID.to_owned(),
        scopes: ["openid", "profile", "email"].map(str::to_owned).to_vec(),
    };
    let backend = BackendConfig {
        listen: addresses.listen,
        public_url: addresses.backend.to_owned(),
        hosts: Vec::new(),
        database: format!("sqlite:{}", directory.join("gatepass.db").display()),
        admin_listen: None,
        issuers: vec![issuer],
        console: Some(console),
        authz: AuthzConfig::default(),
    };
    let store = StoreConfig {
        endpoint: Some(addresses.store.to_owned()),
        public_endpoint: None,
        region: region.to_owned(),
        addressing: Addressing::Path,
        credentials: CredentialsConfig::Static {
            access_key_id: credentials.access_key_id().as_str().to_owned(),
            secret: SecretSource::Given(credentials.secret_key().clone()),
        },
    };
    let files = CollectionConfig {
        store: STORE_NAME.to_owned(),
        bucket: BUCKET.to_owned(),
        prefix: "files/".to_owned(),
        upload: UploadConfig::default(),
        download: DownloadConfig::default(),
        encryption: "bucket-default".to_owned(),
        promote: "copy".to_owned(),
        quota: None,
        scan: None,
    };
    Ok(BackendSettings {
        backend,
        stores: [(STORE_NAME.to_owned(), store)].into(),
        profiles: [].into(),
        collections: [(COLLECTION.to_owned(), files)].into(),
    })
}

fn ready(state: &State, idp: &DevIdp) -> Result<Value> {
    let mut tokens = serde_json::Map::new();
    for user in USERS {
        tokens.insert(user.name.to_owned(), idp.token(user.name)?.into());
    }
    Ok(json!({
        "backend": state.backend,
        "store": state.store,
        "edge": null,
        "issuer": state.issuer,
        "region": state.region,
        "access_key": state.access_key,
        "secret_key": state.secret_key,
        "tokens": tokens,
    }))
}
