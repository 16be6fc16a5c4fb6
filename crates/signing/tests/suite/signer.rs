//! A signer over a provider that counts how often it is asked, and answers only when it may.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::provider::error::CredentialsError as ProviderError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use futures::future::join_all;
use gatepass_signing::address::{Address, AddressingStyle, Endpoint};
use gatepass_signing::credentials::{Credentials, CredentialsError};
use gatepass_signing::signed_url::SignedUrl;
use gatepass_signing::signer::{ShortSession, Signer, SignerError, SigningError};
use gatepass_signing::sigv4::Region;
use gatepass_signing::sigv4::presign::{Method, Presign, PresignError};
use gatepass_signing::time::{Lifetime, LimitedBy, SigningWindow};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

/// Gives sessions that end at a given second after [`start`], or fails; counts, and answers only when it may.
#[derive(Clone, Debug)]
struct Provider(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    asked: AtomicUsize,
    ends: Mutex<Option<u64>>,
    may_answer: Semaphore,
}

impl Provider {
    /// Sessions that end at `seconds`, answered at once.
    fn ending(seconds: u64) -> Self {
        let provider = Self::held_back(seconds);
        provider.release();
        provider
    }

    fn held_back(seconds: u64) -> Self {
        let (ends, may_answer) = (Mutex::new(Some(seconds)), Semaphore::new(0));
        Self(Arc::new(Inner { asked: AtomicUsize::new(0), ends, may_answer }))
    }

    fn hold_back(&self) {
        self.0.may_answer.forget_permits(Semaphore::MAX_PERMITS);
    }

    fn release(&self) {
        self.0.may_answer.add_permits(Semaphore::MAX_PERMITS);
    }

    fn now_ends(&self, seconds: Option<u64>) {
        *self.0.ends.lock().unwrap() = seconds;
    }

    fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }

    fn signer(&self) -> Signer {
        Signer::new(SharedCredentialsProvider::new(self.clone()))
    }

    async fn answer(&self) -> aws_credential_types::provider::Result {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        let _may = self.0.may_answer.acquire().await.unwrap();
        let Some(seconds) = *self.0.ends.lock().unwrap() else {
            return Err(ProviderError::not_loaded("the provider is down"));
        };
        let end = UNIX_EPOCH + Duration::from_secs(u64::try_from(start().as_second()).unwrap() + seconds);
        Ok(aws_credential_types::Credentials::new("ASIAEXAMPLE", "s3cret", Some("t0ken".into()), Some(end), "test"))
    }
}

impl ProvideCredentials for Provider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.answer())
    }
}

fn start() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

fn at(seconds: i64) -> Timestamp {
    start() + SignedDuration::from_secs(seconds)
}

async fn sign(signer: &Signer, seconds: u64, now: Timestamp) -> Result<SignedUrl, SigningError<PresignError>> {
    let lifetime = Lifetime::from_secs(seconds).unwrap();
    signer.sign(lifetime, now, |credentials, keys| presign(credentials).expires(lifetime).sign(keys, now)).await
}

fn presign(credentials: &Credentials) -> Presign<'_> {
    let endpoint = Endpoint::parse("https://s3.example.test").unwrap();
    let address = Address::object(&endpoint, AddressingStyle::Path, "bucket", "key").unwrap();
    Presign::new(credentials, Region::new("eu-central-1").unwrap(), address, Method::Get)
}

fn refusal(result: Result<SignedUrl, SigningError<PresignError>>) -> SignerError {
    match result {
        Err(SigningError::Credentials(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn credentials_are_kept_while_they_outlive_the_url_and_its_margin() {
    let provider = Provider::ending(3_600);
    let signer = provider.signer();
    for (now, lifetime, asked) in [(0, 900, 1), (1_000, 900, 1), (2_640, 900, 1), (2_641, 900, 2)] {
        if asked == 2 {
            provider.now_ends(Some(7_200));
        }
        let url = sign(&signer, lifetime, at(now)).await.unwrap();
        assert_eq!(url.limited_by(), LimitedBy::Url);
        assert_eq!(provider.asked(), asked, "at {now}");
    }
}

#[tokio::test]
async fn a_thousand_callers_at_a_rollover_cause_one_renewal_and_no_failure() {
    let provider = Provider::ending(3_600);
    let signer = provider.signer();
    sign(&signer, 900, at(0)).await.unwrap();
    provider.now_ends(Some(7_200));
    provider.hold_back();
    let mut callers = std::pin::pin!(join_all((0..1_000).map(|_| sign(&signer, 900, at(3_000)))));
    assert!(futures::poll!(&mut callers).is_pending());
    provider.release();
    let urls = callers.await;
    assert!(urls.iter().all(|url| url.as_ref().is_ok_and(|url| url.limited_by() == LimitedBy::Url)));
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn callers_on_many_tasks_wait_for_the_one_who_asks() {
    let provider = Provider::held_back(3_600);
    let signer = Arc::new(provider.signer());
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let signer = Arc::clone(&signer);
            tokio::spawn(async move { sign(&signer, 900, at(0)).await.map(|url| url.limited_by()) })
        })
        .collect();
    while provider.asked() == 0 {
        tokio::task::yield_now().await;
    }
    provider.release();
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap(), LimitedBy::Url);
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn a_caller_whose_url_the_credentials_at_hand_outlive_does_not_wait_for_a_renewal() {
    let provider = Provider::ending(3_600);
    let signer = provider.signer();
    sign(&signer, 900, at(0)).await.unwrap();
    provider.hold_back();
    let mut renewing = std::pin::pin!(sign(&signer, 3_000, at(1_000)));
    assert!(futures::poll!(&mut renewing).is_pending());
    assert_eq!(provider.asked(), 2);
    // 900 seconds leave the margin, 2,600 only just fit.
    for lifetime in [900, 2_600] {
        let mut other = std::pin::pin!(sign(&signer, lifetime, at(1_000)));
        assert!(futures::poll!(&mut other).is_ready(), "{lifetime}");
    }
    provider.now_ends(Some(7_200));
    provider.release();
    renewing.await.unwrap();
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn a_caller_that_goes_away_while_it_asks_leaves_the_next_one_to_ask() {
    let provider = Provider::held_back(3_600);
    let signer = provider.signer();
    let mut waiting = std::pin::pin!(sign(&signer, 900, at(0)));
    {
        let mut leader = std::pin::pin!(sign(&signer, 900, at(0)));
        assert!(futures::poll!(&mut leader).is_pending());
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(provider.asked(), 1);
    }
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(provider.asked(), 2);
    provider.release();
    waiting.await.unwrap();
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn a_url_that_would_outlive_its_credentials_is_refused_by_name() {
    let provider = Provider::ending(600);
    let refused = refusal(sign(&provider.signer(), 900, at(0)).await);
    assert!(matches!(refused, SignerError::EndTooSoon { credentials_end, wanted }
        if credentials_end == at(600) && wanted == at(900)));
    assert_eq!(refused.limited_by(), Some(LimitedBy::Credentials));
    assert_eq!(
        refused.to_string(),
        "the credentials end at 2026-01-01T12:10:00Z, before 2026-01-01T12:15:00Z (limited_by=credentials)"
    );
}

#[tokio::test]
async fn every_url_of_a_session_as_long_as_itself_lives_its_whole_life() {
    let provider = Provider::ending(900);
    let signer = provider.signer();
    let url = sign(&signer, 900, at(0)).await.unwrap();
    assert_eq!((url.effective_expires_at(), url.limited_by()), (at(900), LimitedBy::Url));
    // A second later the session is too short, and so is a new one that is no longer.
    assert!(sign(&signer, 900, at(1)).await.is_err());
    provider.now_ends(Some(906));
    let url = sign(&signer, 900, at(6)).await.unwrap();
    assert_eq!((url.effective_expires_at(), url.limited_by()), (at(906), LimitedBy::Url));
}

#[tokio::test]
async fn a_short_session_that_was_accepted_is_told() {
    let provider = Provider::ending(600);
    let signer = provider.signer().on_short_session(ShortSession::Accept);
    let url = sign(&signer, 900, at(0)).await.unwrap();
    assert_eq!((url.effective_expires_at(), url.limited_by()), (at(600), LimitedBy::Credentials));
    // What has ended is never accepted.
    let late = refusal(sign(&signer, 900, at(600)).await);
    assert!(matches!(late, SignerError::EndTooSoon { .. }), "{late:?}");
}

#[tokio::test]
async fn a_provider_without_longer_credentials_is_left_alone_for_a_while() {
    let provider = Provider::ending(600);
    let signer = provider.signer().on_short_session(ShortSession::Accept);
    for (milliseconds, asked) in [(0, 1), (0, 1), (4_999, 1), (5_000, 2), (5_001, 2), (1_000, 3)] {
        let now = start() + SignedDuration::from_millis(milliseconds);
        sign(&signer, 900, now).await.unwrap();
        assert_eq!(provider.asked(), asked, "after {milliseconds} ms");
    }
}

#[tokio::test]
async fn a_provider_that_fails_is_left_alone_for_a_while_and_its_reason_is_told() {
    let provider = Provider::ending(3_600);
    provider.now_ends(None);
    let signer = provider.signer();
    provider.hold_back();
    let mut callers = std::pin::pin!(join_all((0..100).map(|_| sign(&signer, 900, at(0)))));
    assert!(futures::poll!(&mut callers).is_pending());
    provider.release();
    for refused in callers.await {
        let refused = refusal(refused);
        assert_eq!(refused.limited_by(), None);
        let SignerError::Provider(source) = refused else { panic!("{refused:?}") };
        let reason = std::error::Error::source(&*source).expect("the provider's reason");
        assert_eq!(reason.to_string(), "the provider is down");
    }
    assert_eq!(provider.asked(), 1);
    provider.now_ends(Some(3_600));
    assert!(sign(&signer, 900, at(4)).await.is_err());
    assert!(sign(&signer, 900, at(5)).await.is_ok());
    assert_eq!(provider.asked(), 2);
}

#[tokio::test]
async fn credentials_at_hand_serve_what_ends_before_them_while_the_provider_fails() {
    let provider = Provider::ending(3_600);
    let signer = provider.signer();
    sign(&signer, 900, at(0)).await.unwrap();
    provider.now_ends(None);
    // Within the margin: renewal is tried, and its failure harms nobody.
    assert!(sign(&signer, 900, at(2_700)).await.is_ok());
    assert_eq!(provider.asked(), 2);
    let refused = refusal(sign(&signer, 900, at(2_701)).await);
    assert!(matches!(refused, SignerError::Provider(_)), "{refused:?}");
    assert!(sign(&signer, 899, at(2_701)).await.is_ok());
}

#[tokio::test]
async fn an_error_of_what_is_signed_is_given_back_as_it_is() {
    let signer = Provider::ending(3_600).signer();
    let lifetime = Lifetime::from_secs(900).unwrap();
    let refused: Result<(), _> = signer.sign(lifetime, at(0), |_, _| Err(PresignError::OverrideOfWrite)).await;
    assert!(matches!(refused, Err(SigningError::Signature(PresignError::OverrideOfWrite))));
}

#[tokio::test]
async fn rounding_counts_the_life_from_the_signing_time() {
    let provider = Provider::ending(900);
    let signer = provider.signer().with_margin(SignedDuration::ZERO);
    let window = SigningWindow::new(Lifetime::from_secs(900).unwrap(), 300).unwrap();
    let now = at(299);
    let url = signer.sign(window, now, |credentials, keys| presign(credentials).expires(window).sign(keys, now)).await;
    assert_eq!(url.unwrap().effective_expires_at(), at(900));
}

#[test]
fn what_a_provider_gives_is_converted_with_its_end() {
    let provided = |token: Option<&str>, end| {
        let found =
            aws_credential_types::Credentials::new("AKIDEXAMPLE", "s3cret", token.map(str::to_owned), end, "test");
        Credentials::try_from(&found)
    };
    let end = UNIX_EPOCH + Duration::from_millis(1_500);
    let expected = Some(Timestamp::from_millisecond(1_500).unwrap());
    let session = provided(Some("t0ken"), Some(end)).unwrap();
    assert_eq!((session.session_token().unwrap().expose(), session.expires_at()), ("t0ken", expected));
    assert_eq!(provided(None, Some(end)).unwrap().expires_at(), expected);
    assert_eq!(provided(Some("t0ken"), None).unwrap().expires_at(), None);
    let beyond_time = UNIX_EPOCH + Duration::from_hours(24 * 366 * 9_000);
    assert_eq!(provided(None, Some(beyond_time)).unwrap().expires_at(), None);
    assert!(matches!(provided(Some("not a token"), None), Err(CredentialsError::SessionToken)));
}

#[tokio::test]
async fn a_signer_prints_no_secret() {
    let signer = Provider::ending(3_600).signer();
    let url = sign(&signer, 900, at(0)).await.unwrap();
    let credentials = signer.credentials_until(at(900), at(0)).await.unwrap();
    let printed = format!("{signer:?} {:?} {url:?} {credentials:?}", signer.keys());
    assert!(!printed.contains("s3cret") && !printed.contains("t0ken"), "{printed}");
}
