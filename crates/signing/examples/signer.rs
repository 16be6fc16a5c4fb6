//! Signing with sessions that end: a provider renews them, and a URL that would outlive its session is not made.
//!
//! `cargo run -p gatepass-signing --example signer`
#![expect(clippy::print_stdout, reason = "an example shows what it makes")]

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials as Provided;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::signer::{ShortSession, Signer};
use gatepass_signing::sigv4::Region;
use gatepass_signing::sigv4::presign::{Method, Presign};
use gatepass_signing::time::Lifetime;
use jiff::{SignedDuration, Timestamp};

/// Stands for `aws_config`'s chain, or a role that is assumed: sessions of half an hour.
#[derive(Debug, Default)]
struct Sessions {
    begun: AtomicU64,
}

impl ProvideCredentials for Sessions {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let session = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        println!("session {session} begins");
        // Noon of the first of January 2026, and half an hour for each session so far.
        let end = UNIX_EPOCH + Duration::from_secs(1_767_268_800 + session * 1_800);
        let (id, secret, token) = ("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "session-token");
        let session = Provided::new(id, secret, Some(token.to_owned()), Some(end), "example");
        future::ProvideCredentials::ready(Ok(session))
    }
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<(), Box<dyn Error>> {
    let signer = Signer::new(SharedCredentialsProvider::new(Sessions::default()));
    let endpoint = Endpoint::parse("https://s3.eu-central-1.amazonaws.com")?;
    let address = Address::object(&endpoint, AddressingStyle::VirtualHost, "photos", "cat.jpg")?;
    let region = Region::new("eu-central-1")?;
    let noon: Timestamp = "2026-01-01T12:00:00Z".parse()?;

    let sign = async |signer: &Signer, minutes: u64, now: Timestamp| {
        let lifetime = Lifetime::from_secs(minutes * 60).expect("less than seven days");
        signer
            .sign(lifetime, now, |credentials, keys| {
                Presign::new(credentials, region.clone(), address.clone(), Method::Get)
                    .expires(lifetime)
                    .sign(keys, now)
            })
            .await
    };
    // The first session ends at half past twelve. It serves until a quarter past, and a minute less to be sure.
    for minute in [0, 10, 14, 15] {
        let url = sign(&signer, 15, noon + SignedDuration::from_mins(minute)).await?;
        println!("12:{minute:02} good until {}, limited by {}", url.effective_expires_at(), url.limited_by());
    }
    // Sessions of half an hour carry no URL of an hour, and nobody is told that they do.
    println!("{}", sign(&signer, 120, noon).await.expect_err("no session is that long"));

    // Who would rather have a short one must say so, and is told how short it is.
    let lenient =
        Signer::new(SharedCredentialsProvider::new(Sessions::default())).on_short_session(ShortSession::Accept);
    let url = sign(&lenient, 120, noon).await?;
    println!("claims {}, ends {}, limited by {}", url.expires_at(), url.effective_expires_at(), url.limited_by());
    Ok(())
}
