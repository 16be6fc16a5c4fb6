//! `gatepass store run`: the S3-compatible store alone.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    thread,
    time::Duration,
};

use gatepass_signing::sigv4::Region;
use gatepass_store::{
    AccessLog, AccessLogFormat, AccessLogTarget, Config, Faults, Fsync, Hosts, LifecycleDay, Listener, OpenError,
    OtherRegion, SignatureVersion2, Store, TestClock, Tls,
};
use serde_json::json;

use crate::{
    args::{AccessLogChoice, FsyncChoice, StoreRun},
    clock::Clock,
    config::{DEFAULT_REGION, File, RegionTable, TlsTable},
    credentials,
    failure::{Explain as _, Failure, Outcome, Result},
    output::Output,
    ready_file::ReadyFile,
    server::{self, Hangups, StopSignals, Stopper},
    test_clock,
    values::{ByteSize, RegionHost, Span, host_name},
};

const DEFAULT_LISTEN: &str = "127.0.0.1:9000";

pub(crate) fn run(arguments: &StoreRun, output: Output) -> Result {
    let file = match &arguments.config {
        Some(path) => File::load(path)?,
        None => File::from_environment()?,
    };
    let table = file.store;
    let data: PathBuf = arguments.data.clone().or(table.data).ok_or_else(|| {
        Failure::usage("where the store keeps its objects is not said").hint("name a directory with --data")
    })?;
    let default_listen = DEFAULT_LISTEN.parse().map_err(Failure::refused)?;
    let address = arguments.listen.or(table.listen).unwrap_or(default_listen);
    let fsync = arguments.fsync.or(table.fsync).unwrap_or(FsyncChoice::Always);
    let reserve = arguments.reserve.or(table.reserve);
    let region = arguments.region.clone().or(table.region).unwrap_or_else(|| DEFAULT_REGION.to_owned());
    let names = arguments.hosts.clone().or(table.hosts).unwrap_or_default();
    let tls = tls(arguments, table.tls)?;
    let other_regions = other_regions(&arguments.region_hosts, table.regions.unwrap_or_default())?;
    let signature_version_2 = if arguments.allow_sigv2 || table.allow_sigv2.unwrap_or(false) {
        SignatureVersion2::Accepted
    } else {
        SignatureVersion2::Refused
    };

    let access_log = access_log(arguments, table.access_log, table.access_log_format)?;
    let metrics_address = arguments.metrics_listen.or(table.metrics_listen);
    check_only_for_tests(arguments, address)?;
    let clock = Clock::starting_at(arguments.now);
    let faults = (!arguments.faults.is_empty()).then(|| Faults::new(arguments.faults.clone(), arguments.fault_seed));
    let lifecycle_day =
        lifecycle_day(arguments.lifecycle_day.map(|day| day.0).or(table.lifecycle_day.map(Span::as_secs)))?;

    server::block_on(async {
        let mut signals = StopSignals::new()?;
        let hangups = (tls.is_some() || access_log.is_some()).then(Hangups::new).transpose()?;
        let ready_file = ReadyFile::clear(arguments.ready_file.as_ref())?;
        let listener = server::listen(address, "the store", "--listen")?;
        let operators = metrics_address.map(|address| server::listen(address, "for operators", "--metrics-listen"));
        let operators = operators.transpose()?;
        let address = listener.local_addr().explain("the listener has no address")?;
        if fsync == FsyncChoice::Never {
            Output::note("fsync = never: losing power may lose everything in this store");
        }
        let config = Config {
            region: region.clone(),
            hosts: hosts(address, &["localhost"], &names),
            fsync: fsync.into(),
            other_regions,
            signature_version_2,
            lifecycle_day,
            reserve_bytes: reserve.map_or(Config::DEFAULT_RESERVE_BYTES, ByteSize::as_bytes),
            faults,
            test_clock: arguments.test_clock.then(|| test_clock_of(&clock)),
            explain_at: arguments.explain.then(|| store_url(address, tls.is_some())),
            access_log: access_log.clone(),
            workers: thread::available_parallelism().ok(),
            ..Config::new(data, credentials::root()?, clock.function())
        };
        if tls.is_none() && !address.ip().is_loopback() {
            Output::note(format_args!(
                "listening in the clear on {address}: signatures protect requests, but everybody on the way can read what \
                 is transferred; --tls-cert and --tls-key change that"
            ));
        }
        let store = open(config)?;
        let url = store_url(address, tls.is_some());
        let root = store.root_credentials();
        let metrics_url =
            operators.as_ref().map(|listener| listener.local_addr().map(|address| format!("http://{address}")));
        let metrics_url = metrics_url.transpose().explain("the listener has no address")?;
        if arguments.test_clock || !arguments.faults.is_empty() {
            Output::note("this store is for tests: its clock or its answers are wrong on purpose");
        }
        ready_file.announce(&json!({
            "store": url,
            "metrics": metrics_url,
            "region": region,
            "access_key": root.access_key_id().as_str(),
            "secret_key": root.secret_key().expose(),
        }))?;
        output.result(
            format_args!("the store listens on {url}"),
            &json!({ "store": url, "metrics": metrics_url, "region": region }),
        )?;

        let stopper = Stopper::new();
        let listener = server::adopt(listener)?;
        let listener = match &tls {
            Some(tls) => Listener::tls(listener, tls.clone()),
            None => listener.into(),
        };
        let serving = tokio::spawn(Arc::clone(&store).serve(listener, stopper.stopped()));
        let control = tokio::spawn(control(Arc::clone(&store), stopper.stopped()));
        if let Some(operators) = operators {
            tokio::spawn(Arc::clone(&store).serve_admin(server::adopt(operators)?, stopper.stopped()));
        }
        if let Some(hangups) = hangups {
            let log = access_log.clone();
            tokio::spawn(hangups.each(move || {
                reload(tls.as_ref());
                log.iter().for_each(AccessLog::reopen);
            }));
        }
        signals.stop().await;
        Output::note("stopping");
        stopper.stop();
        tokio::select! {
            served = serving => served.explain("the store broke down")?,
            () = signals.stop_at_once() => return Err(Failure::refused("stopped before all requests had ended")),
        }
        control.await.explain("the control socket broke down")?;
        if let Some(log) = access_log {
            log.close();
        }
        ready_file.retire()?;
        Ok(Outcome::Done)
    })
}

/// The access log, opened, so that a wrong path is known before anything listens.
fn access_log(
    arguments: &StoreRun,
    path: Option<PathBuf>,
    format: Option<AccessLogChoice>,
) -> Result<Option<AccessLog>> {
    let Some(path) = arguments.access_log.clone().or(path) else {
        if arguments.access_log_format.is_some() {
            return Err(Failure::usage("--access-log-format says how, but not where: --access-log is missing"));
        }
        return Ok(None);
    };
    let format = match arguments.access_log_format.or(format).unwrap_or(AccessLogChoice::S3) {
        AccessLogChoice::S3 => AccessLogFormat::S3,
        AccessLogChoice::Json => AccessLogFormat::Json,
    };
    let what = format!("the access log {} cannot be opened", path.display());
    let target = if path.as_os_str() == "-" { AccessLogTarget::Stdout } else { AccessLogTarget::File(path) };
    AccessLog::open(target, format).explain(what).map(Some)
}

/// Where the store is reached.
fn store_url(address: SocketAddr, is_secure: bool) -> String {
    format!("{}://{address}", if is_secure { "https" } else { "http" })
}

/// What makes a store wrong on purpose is refused where other machines could come to rely on it, and what tells about
/// requests where other machines make some.
fn check_only_for_tests(arguments: &StoreRun, address: SocketAddr) -> Result<()> {
    let given = [
        (arguments.test_clock, "--test-clock"),
        (!arguments.faults.is_empty(), "--fault"),
        (arguments.explain, "--explain"),
    ];
    let Some((_, flag)) = given.into_iter().find(|(is_given, _)| *is_given) else { return Ok(()) };
    if address.ip().is_loopback() {
        return Ok(());
    }
    Err(Failure::refused(format_args!("{flag} is for tests on this machine, and {address} lets other machines in"))
        .hint("listen on 127.0.0.1, or leave the flag out"))
}

fn test_clock_of(clock: &Clock) -> TestClock {
    let clock = clock.clone();
    Arc::new(move |headers, body| test_clock::answer(&clock, headers, body))
}

/// A day as long as a day, unless somebody wants to see the end of it.
fn lifecycle_day(seconds: Option<u64>) -> Result<LifecycleDay> {
    let Some(seconds) = seconds else { return Ok(LifecycleDay::default()) };
    LifecycleDay::of(Duration::from_secs(seconds))
        .ok_or_else(|| Failure::usage("a day of lifecycle rules has 1 second to 24 hours").hint("--lifecycle-day 10s"))
}

/// Listens for `store backup`. A store goes on without.
pub(super) async fn control(store: Arc<Store>, stop: impl Future<Output = ()>) {
    if let Err(error) = store.serve_control(stop).await {
        Output::note(format_args!("`store backup` does not reach this store: {error}"));
    }
}

/// The further regions: those of the flags, or, without any, those of the file.
fn other_regions(flags: &[RegionHost], table: BTreeMap<String, RegionTable>) -> Result<Vec<OtherRegion>> {
    let mut regions: Vec<OtherRegion> = Vec::new();
    for RegionHost { region, host } in flags {
        match regions.iter_mut().find(|other| other.region == *region) {
            Some(other) => other.hosts.push(host.clone()),
            None => regions.push(OtherRegion { region: region.clone(), hosts: vec![host.clone()] }),
        }
    }
    if !regions.is_empty() {
        return Ok(regions);
    }
    let of_table = |(name, RegionTable { hosts }): (String, RegionTable)| {
        let wrong = |error: &dyn std::fmt::Display| Failure::refused(format_args!("[store.regions.{name}]: {error}"));
        let region = Region::new(name.as_str()).map_err(|error| wrong(&error))?;
        let hosts: Vec<String> =
            hosts.iter().map(|host| host_name(host).map_err(|error| wrong(&error))).collect::<Result<_>>()?;
        if hosts.is_empty() {
            return Err(wrong(&"a region has at least one host name"));
        }
        Ok(OtherRegion { region, hosts })
    };
    table.into_iter().map(of_table).collect()
}

/// The certificate, where there is one. The flags are one setting: half of it does not mix with the file's other half.
fn tls(arguments: &StoreRun, table: Option<TlsTable>) -> Result<Option<Tls>> {
    let (certificate, key) = match (&arguments.tls_cert, &arguments.tls_key, table) {
        (Some(certificate), Some(key), _) => (certificate.clone(), key.clone()),
        (None, None, Some(TlsTable { cert, key })) => (cert, key),
        (None, None, None) => return Ok(None),
        _ => return Err(Failure::usage("--tls-cert and --tls-key go together")),
    };
    let tls = Tls::load(certificate, key).explain("HTTPS is not possible");
    tls.map(Some)
        .map_err(|failure| failure.hint("--tls-cert takes the chain, --tls-key the key of its first certificate"))
}

/// Reads again what SIGHUP asks for. What cannot be used is said once, and what was there before goes on.
fn reload(tls: Option<&Tls>) {
    let Some(tls) = tls else { return };
    match tls.reload() {
        Ok(()) => Output::note("the certificate was read again"),
        Err(error) => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            Output::note(format_args!("the certificate stays the one that was read before: {error}{cause}"));
        }
    }
}

impl From<FsyncChoice> for Fsync {
    fn from(choice: FsyncChoice) -> Self {
        match choice {
            FsyncChoice::Always => Self::Always,
            FsyncChoice::Never => Self::Never,
        }
    }
}

/// The names a store answers to: the address it listens on, the loopback names where it listens there too, and those that
/// were given. A bucket may stand before a name, never before an address.
pub(super) fn hosts(listen: SocketAddr, loopback_names: &[&str], given: &[String]) -> Hosts {
    let mut path_style: Vec<String> = Vec::new();
    let mut add_address = |address: IpAddr| match address {
        IpAddr::V4(address) => path_style.push(address.to_string()),
        IpAddr::V6(address) => path_style.push(format!("[{address}]")),
    };
    let is_local = listen.ip().is_loopback() || listen.ip().is_unspecified();
    if !listen.ip().is_unspecified() {
        add_address(listen.ip());
    }
    if is_local {
        for address in [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])] {
            if address != listen.ip() {
                add_address(address);
            }
        }
        path_style.extend(loopback_names.iter().map(|&name| name.to_owned()));
    }
    path_style.extend(given.iter().cloned());
    let local_base = is_local.then(|| "localhost".to_owned());
    Hosts { path_style, virtual_host_bases: local_base.into_iter().chain(given.iter().cloned()).collect() }
}

/// Opens a store, or says what would help.
pub(super) fn open(config: Config) -> Result<Arc<Store>> {
    let data = config.data.display().to_string();
    Store::open(config).map_err(|error| {
        let hint = match &error {
            OpenError::Directory { .. } => Some("choose a directory that you may write to with --data"),
            OpenError::InUse { .. } => {
                Some("another gatepass has it open: stop that one, or choose another with --data")
            }
            OpenError::Region(_) => Some("a region is lower-case letters, digits and `-`, as in eu-central-1"),
            OpenError::Authority(gatepass_authority::OpenError::Missing { .. }) => Some(
                "put root-credentials.json back from a backup, or give the keys in GATEPASS_ROOT_ACCESS_KEY and \
                 GATEPASS_ROOT_SECRET_KEY",
            ),
            OpenError::Authority(gatepass_authority::OpenError::Exposed { .. }) => {
                Some("chmod 600 root-credentials.json, and make new keys if somebody may have read them")
            }
            OpenError::Authority(_) | OpenError::Index(_) | OpenError::Lifecycle(_) => None,
        };
        let failure: Failure =
            anyhow::Error::from(error).context(format!("the store in {data} cannot be opened")).into();
        hint.into_iter().fold(failure, Failure::hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> SocketAddr {
        address.parse().expect("an address")
    }

    #[test]
    fn a_local_store_answers_to_loopback_names_only() {
        let hosts = hosts(at("127.0.0.1:9000"), &["localhost"], &[]);
        assert_eq!(hosts.path_style, ["127.0.0.1", "[::1]", "localhost"]);
        assert_eq!(hosts.virtual_host_bases, ["localhost"]);
    }

    #[test]
    fn a_store_on_every_address_answers_to_the_names_that_were_given() {
        let hosts = hosts(at("0.0.0.0:9000"), &["localhost"], &["s3.example.test".to_owned()]);
        assert_eq!(hosts.path_style, ["127.0.0.1", "[::1]", "localhost", "s3.example.test"]);
        assert_eq!(hosts.virtual_host_bases, ["localhost", "s3.example.test"]);
    }

    #[test]
    fn a_store_on_one_address_answers_to_it_alone() {
        let hosts = hosts(at("10.0.0.7:9000"), &["localhost"], &[]);
        assert_eq!(hosts.path_style, ["10.0.0.7"]);
        assert!(hosts.virtual_host_bases.is_empty());
    }
}
