//! Checks of a JSON Web Token, in the order of RFC 7519 and RFC 8725. The key decides the algorithm, never the token.

use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    errors::ErrorKind,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde_json::{Map, Value};

use super::{TokenError, issuer::Issuer};
use crate::{
    config::Issuer as IssuerSettings,
    model::principal::{Principal, Tenant, UserId},
};

/// How far the issuer's clock may be from ours.
pub(crate) const CLOCK_LEEWAY: SignedDuration = SignedDuration::from_secs(30);

/// The longest token that is looked at.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;

pub(crate) type Claims = Map<String, Value>;

/// Who the token says has issued it. Nothing is verified yet: it only chooses whose keys to try.
pub(crate) fn claimed_issuer(token: &str) -> Result<String, TokenError> {
    if token.len() > MAX_TOKEN_BYTES {
        return Err(TokenError::Malformed);
    }
    let claims: Claims = jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| TokenError::Malformed)?;
    text(&claims, "iss").ok_or(TokenError::Issuer)
}

/// The claims of a token that this issuer signed for this audience and that is valid now.
pub(crate) async fn verify(token: &str, issuer: &Issuer, audience: &str, now: Timestamp) -> Result<Claims, TokenError> {
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
    if header.crit.is_some() {
        // RFC 7515 §4.1.11: what is marked critical must be understood.
        return Err(TokenError::Critical);
    }
    if !matches!(header.alg, Algorithm::ES256 | Algorithm::RS256) {
        return Err(TokenError::Algorithm);
    }
    let key = issuer.key(header.kid.as_deref(), now).await?;
    let algorithm = algorithm_of(&key).ok_or(TokenError::UnknownKey)?;
    if header.alg != algorithm {
        return Err(TokenError::Algorithm);
    }
    let claims = check_signature(token, &key, algorithm, &issuer.settings.url, audience)?;
    check_times(&claims, now)?;
    Ok(claims)
}

/// Maps the claims to who calls.
pub(crate) fn principal(claims: &Claims, settings: &IssuerSettings) -> Result<Principal, TokenError> {
    let missing = |claim: &str| TokenError::Claim(claim.to_owned());
    let names = &settings.claims;
    let subject = text(claims, &names.subject).ok_or_else(|| missing(&names.subject))?;
    let tenant = text(claims, &names.tenant).ok_or_else(|| missing(&names.tenant))?;
    let groups = match claims.get(&names.groups) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(groups)) => groups
            .iter()
            .map(|group| group.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| missing(&names.groups))?,
        Some(_) => return Err(missing(&names.groups)),
    };
    Ok(Principal {
        user: UserId::new(&settings.name, &subject).map_err(|_| missing(&names.subject))?,
        tenant: Tenant::parse(&tenant).map_err(|_| missing(&names.tenant))?,
        groups: groups.into_iter().collect(),
        name: text(claims, "name"),
        email: text(claims, "email"),
    })
}

fn check_signature(
    token: &str,
    key: &Jwk,
    algorithm: Algorithm,
    issuer: &str,
    audience: &str,
) -> Result<Claims, TokenError> {
    let key = DecodingKey::from_jwk(key).map_err(|_| TokenError::UnknownKey)?;
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&["iss", "aud", "exp"]);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    // The library reads the wall clock; the times are checked below, by the clock that we are given.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    match jsonwebtoken::decode::<Claims>(token, &key, &validation) {
        Ok(token) => Ok(token.claims),
        Err(error) => Err(match error.kind() {
            ErrorKind::InvalidIssuer => TokenError::Issuer,
            ErrorKind::InvalidAudience => TokenError::Audience,
            ErrorKind::MissingRequiredClaim(claim) => TokenError::Claim(claim.clone()),
            ErrorKind::InvalidAlgorithm => TokenError::Algorithm,
            ErrorKind::InvalidSignature => TokenError::Signature,
            _ => TokenError::Malformed,
        }),
    }
}

/// RFC 7519 §4.1.4 and §4.1.5: `exp` must be there and ahead, `nbf` may be there and then behind.
fn check_times(claims: &Claims, now: Timestamp) -> Result<(), TokenError> {
    let expires_at = time(claims, "exp")?.ok_or_else(|| TokenError::Claim("exp".to_owned()))?;
    if now >= expires_at.saturating_add(CLOCK_LEEWAY).map_err(|_| TokenError::Malformed)? {
        return Err(TokenError::Expired);
    }
    if let Some(not_before) = time(claims, "nbf")?
        && now < not_before.saturating_sub(CLOCK_LEEWAY).map_err(|_| TokenError::Malformed)?
    {
        return Err(TokenError::NotYetValid);
    }
    Ok(())
}

/// The one algorithm that a key is for, as far as it is one that is taken here.
fn algorithm_of(key: &Jwk) -> Option<Algorithm> {
    if !matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (algorithm, named) = match &key.algorithm {
        AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
            (Algorithm::ES256, KeyAlgorithm::ES256)
        }
        AlgorithmParameters::RSA(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
        _ => return None,
    };
    key.common.key_algorithm.is_none_or(|algorithm| algorithm == named).then_some(algorithm)
}

fn text(claims: &Claims, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// A NumericDate, of which the fraction of a second is dropped.
fn time(claims: &Claims, name: &str) -> Result<Option<Timestamp>, TokenError> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    #[expect(clippy::cast_possible_truncation, reason = "a float beyond the range saturates, and is refused below")]
    let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64));
    let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
    time.map(Some).ok_or(TokenError::Malformed)
}
