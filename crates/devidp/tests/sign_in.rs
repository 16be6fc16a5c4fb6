//! The whole sign-in as a browser and a backend see it, without sockets.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use axum::{Router, body::Body};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use gatepass_devidp::{Config, DevIdp};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde_json::Value;
use tower::ServiceExt as _;

const ISSUER: &str = "http://localhost:8070";
const CALLBACK: &str = "http://localhost:8080/auth/callback";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const START: i64 = 1_800_000_000;

struct Issuer {
    idp: DevIdp,
    router: Router,
    clock: Arc<AtomicI64>,
    _directory: tempfile::TempDir,
}

fn issuer() -> Issuer {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let clock = Arc::new(AtomicI64::new(START));
    let hand = clock.clone();
    let idp = DevIdp::open(Config {
        directory: directory.path().to_owned(),
        issuer: ISSUER.to_owned(),
        redirect_uris: vec![CALLBACK.to_owned()],
        now: Arc::new(move || Timestamp::from_second(hand.load(Ordering::Relaxed)).expect("a time in range")),
    })
    .expect("an issuer");
    Issuer { router: idp.router(), idp, clock, _directory: directory }
}

impl Issuer {
    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("the router is infallible")
    }

    async fn get(&self, path: &str) -> Response<Body> {
        self.send(Request::get(path).header(header::HOST, "localhost:8070").body(Body::empty()).expect("a request"))
            .await
    }

    async fn post(&self, path: &str, form: String) -> Response<Body> {
        let request = Request::post(path)
            .header(header::HOST, "localhost:8070")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .expect("a request");
        self.send(request).await
    }

    /// Presses a button; the code of the redirect.
    async fn code(&self, user: &str) -> String {
        let answer = self.post("/authorize", format!("{}&user={user}", request_of(&[]))).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        parameter(&location(&answer), "code").expect("a code")
    }

    async fn exchange(&self, code: &str, verifier: &str) -> (StatusCode, Value) {
        let form = format!(
            "grant_type=authorization_code&client_id=gatepass-console&redirect_uri={CALLBACK}&code={code}&code_verifier={verifier}"
        );
        let answer = self.post("/token", form).await;
        let status = answer.status();
        (status, json(answer).await)
    }
}

/// A valid authorization request, with some parameters changed; a change to the empty text leaves the parameter out.
fn request_of(changes: &[(&str, &str)]) -> String {
    let valid = [
        ("client_id", "gatepass-console"),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid%20email"),
        ("state", "a%26b%3D%22%3E"),
        ("nonce", "n-1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let pairs = valid.iter().map(|(name, value)| {
        let value = changes.iter().find(|(changed, _)| changed == name).map_or(*value, |(_, value)| value);
        (name, value)
    });
    let pairs: Vec<String> =
        pairs.filter(|(_, value)| !value.is_empty()).map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn location(answer: &Response<Body>) -> String {
    answer.headers()[header::LOCATION].to_str().expect("a text").to_owned()
}

fn parameter(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    query.split('&').find_map(|pair| Some(pair.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

async fn text(answer: Response<Body>) -> String {
    let bytes = answer.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(bytes.to_vec()).expect("a text")
}

async fn json(answer: Response<Body>) -> Value {
    serde_json::from_str(&text(answer).await).expect("a JSON body")
}

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64url")).expect("JSON")
}

#[tokio::test]
async fn the_page_has_a_button_per_user_and_no_script() {
    let issuer = issuer();
    let answer = issuer.get(&format!("/authorize?{}", request_of(&[]))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(
        answer.headers()[header::CONTENT_SECURITY_POLICY],
        "default-src 'none'; style-src 'self'; form-action http://localhost:8070 http://localhost:8080; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    let page = text(answer).await;
    for user in ["alice", "bob", "admin"] {
        assert!(page.contains(&format!(r#"<button type="submit" name="user" value="{user}">"#)), "{page}");
    }
    assert!(!page.contains("<script"));
    assert!(page.contains(r#"name="state" value="a&#38;b=&#34;&#62;""#), "the state is escaped: {page}");
}

#[tokio::test]
async fn a_code_becomes_tokens_that_say_who_it_is() {
    let issuer = issuer();
    let answer = issuer.post("/authorize", format!("{}&user=admin", request_of(&[]))).await;
    let location = location(&answer);
    assert!(location.starts_with(&format!("{CALLBACK}?code=")), "{location}");
    assert_eq!(parameter(&location, "state").as_deref(), Some("a%26b%3D%22%3E"));
    assert_eq!(parameter(&location, "iss").as_deref(), Some("http%3A%2F%2Flocalhost%3A8070"));

    let (status, tokens) = issuer.exchange(&parameter(&location, "code").expect("a code"), VERIFIER).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let id = claims(tokens["id_token"].as_str().expect("an id token"));
    assert_eq!(id["iss"], ISSUER);
    assert_eq!(id["aud"], "gatepass-console");
    assert_eq!(id["nonce"], "n-1");
    assert_eq!((&id["iat"], &id["exp"]), (&START.into(), &(START + 3600).into()));
    let access_token = tokens["access_token"].as_str().expect("an access token");
    let access = claims(access_token);
    assert_eq!(access["aud"], "gatepass");
    assert_eq!(
        (&access["sub"], &access["org"], &access["groups"][0]),
        (&"admin".into(), &"demo".into(), &"admin".into())
    );

    let userinfo = Request::get("/userinfo")
        .header(header::HOST, "localhost:8070")
        .header(header::AUTHORIZATION, format!("Bearer {access_token}"));
    let answer = issuer.send(userinfo.body(Body::empty()).expect("a request")).await;
    assert_eq!(json(answer).await["email"], "admin@demo.test");
}

#[tokio::test]
async fn published_keys_verify_the_tokens() {
    let issuer = issuer();
    let configuration = json(issuer.get("/.well-known/openid-configuration").await).await;
    assert_eq!(configuration["issuer"], ISSUER);
    let jwks_path =
        configuration["jwks_uri"].as_str().expect("an address").strip_prefix(ISSUER).expect("our own address");
    let keys: jsonwebtoken::jwk::JwkSet =
        serde_json::from_value(json(issuer.get(jwks_path).await).await).expect("a key set");
    let token = issuer.idp.token("alice").expect("a token");
    let header = jsonwebtoken::decode_header(&token).expect("a header");
    let jwk = keys.find(header.kid.as_deref().expect("a key id")).expect("the key is published");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
    validation.validate_exp = false;
    validation.set_audience(&["gatepass"]);
    let key = jsonwebtoken::DecodingKey::from_jwk(jwk).expect("a public key");
    let data = jsonwebtoken::decode::<Value>(&token, &key, &validation).expect("a valid signature");
    assert_eq!(data.claims["sub"], "alice");
}

#[tokio::test]
async fn a_code_works_once_for_a_minute_and_only_with_its_verifier() {
    let issuer = issuer();
    let code = issuer.code("alice").await;
    assert_eq!(issuer.exchange(&code, VERIFIER).await.0, StatusCode::OK);
    assert_eq!(issuer.exchange(&code, VERIFIER).await.1["error"], "invalid_grant");

    let code = issuer.code("alice").await;
    assert_eq!(issuer.exchange(&code, &"x".repeat(43)).await.1["error"], "invalid_grant");
    assert_eq!(issuer.exchange(&code, VERIFIER).await.1["error"], "invalid_grant", "a wrong verifier burns the code");

    let code = issuer.code("alice").await;
    issuer.clock.fetch_add(60, Ordering::Relaxed);
    assert_eq!(issuer.exchange(&code, VERIFIER).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn an_unknown_client_or_address_is_never_redirected() {
    let issuer = issuer();
    let callback_with_slash = format!("{CALLBACK}/");
    let wrong = [
        ("client_id", "other"),
        ("client_id", ""),
        ("redirect_uri", "https://evil.test/"),
        ("redirect_uri", callback_with_slash.as_str()),
        ("redirect_uri", ""),
    ];
    for change in wrong {
        let answer = issuer.get(&format!("/authorize?{}", request_of(&[change]))).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{change:?}");
        assert!(!answer.headers().contains_key(header::LOCATION));
        let answer = issuer.post("/authorize", format!("{}&user=alice", request_of(&[change]))).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{change:?}");
    }
    let repeated = issuer.get(&format!("/authorize?{}&client_id=other", request_of(&[]))).await;
    assert_eq!(repeated.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn other_faults_are_told_to_the_client() {
    let issuer = issuer();
    let faults = [
        ("response_type", "token", "unsupported_response_type"),
        ("scope", "email", "invalid_scope"),
        ("code_challenge_method", "plain", "invalid_request"),
        ("code_challenge_method", "", "invalid_request"),
        ("code_challenge", "", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
    ];
    for (name, value, error) in faults {
        let answer = issuer.get(&format!("/authorize?{}", request_of(&[(name, value)]))).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{name}={value}");
        let location = location(&answer);
        assert_eq!(parameter(&location, "error").as_deref(), Some(error), "{name}={value}");
        assert_eq!(parameter(&location, "code"), None);
    }
}

#[tokio::test]
async fn only_the_issuer_s_host_is_answered() {
    let issuer = issuer();
    for hosts in
        [vec!["evil.test"], vec!["localhost"], vec!["127.0.0.1:8070"], vec![], vec!["localhost:8070", "localhost:8070"]]
    {
        let mut request = Request::get("/jwks.json");
        for host in &hosts {
            request = request.header(header::HOST, *host);
        }
        let answer = issuer.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(answer.status(), StatusCode::MISDIRECTED_REQUEST, "{hosts:?}");
    }
}

#[tokio::test]
async fn an_id_token_or_an_expired_token_is_no_access_token() {
    let issuer = issuer();
    let (_, tokens) = issuer.exchange(&issuer.code("bob").await, VERIFIER).await;
    let ask = |token: String| {
        let request = Request::get("/userinfo").header(header::HOST, "localhost:8070");
        issuer.send(
            request.header(header::AUTHORIZATION, format!("Bearer {token}")).body(Body::empty()).expect("a request"),
        )
    };
    let (id, access) =
        (tokens["id_token"].as_str().expect("a token"), tokens["access_token"].as_str().expect("a token"));
    assert_eq!(ask(id.to_owned()).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(ask(access.to_owned()).await.status(), StatusCode::OK);
    issuer.clock.fetch_add(3600, Ordering::Relaxed);
    assert_eq!(ask(access.to_owned()).await.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn an_unknown_user_has_no_token() {
    let error = issuer().idp.token("mallory").expect_err("nobody of that name");
    assert_eq!(error.to_string(), "there is no development user `mallory`");
}
