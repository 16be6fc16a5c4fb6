//! The same URL, signed with SigV4a.

use jiff::Timestamp;

use super::{PayloadParameter, Presign, PresignError, push_parameter};
use crate::encode;
use crate::signed_url::SignedUrl;
use crate::sigv4::canonical::{CanonicalQuery, CanonicalRequest};
use crate::sigv4::key::KeyCache;
use crate::sigv4::scope::ServiceName;
use crate::sigv4::{UNSIGNED_PAYLOAD, parameter};
use crate::sigv4a::{self, RegionSet, Scope};

impl Presign<'_> {
    /// Signs with SigV4a, at `now` rounded down as [`expires`](Self::expires) says: a URL that is good in every region of
    /// `regions`, as Multi-Region Access Points want it. The region of [`new`](Self::new) takes no part in it.
    ///
    /// Signing twice gives two URLs, both good.
    pub fn sign_for_regions(
        &self,
        regions: &RegionSet,
        keys: &KeyCache,
        now: Timestamp,
    ) -> Result<SignedUrl, PresignError> {
        let credentials_end = self.credentials.expires_at();
        if credentials_end.is_some_and(|end| end <= now) {
            return Err(PresignError::CredentialsExpired);
        }
        let signed_at = self.window.signing_time(now);
        let scope = Scope::new(&signed_at, ServiceName::S3);
        let payload = match self.payload {
            PayloadParameter::Absent => None,
            PayloadParameter::Unsigned => Some(UNSIGNED_PAYLOAD.to_owned()),
            PayloadParameter::Sha256(bytes) => Some(encode::hex(&bytes)),
        };
        let signed_headers = self.signed_headers();

        let mut stated = vec![
            (parameter::ALGORITHM, sigv4a::ALGORITHM.to_owned()),
            (parameter::CREDENTIAL, format!("{}/{scope}", self.credentials.access_key_id())),
            (parameter::DATE, signed_at.to_string()),
            (parameter::EXPIRES, self.window.lifetime().as_secs().to_string()),
            (parameter::REGION_SET, regions.to_string()),
            (parameter::SIGNED_HEADERS, signed_headers.clone().into_owned()),
        ];
        stated.extend(payload.clone().map(|payload| (parameter::CONTENT_SHA256, payload)));
        let token = self.credentials.session_token();
        stated.extend(token.map(|token| (parameter::SECURITY_TOKEN, token.expose().to_owned())));
        let query = self.query_with(stated);

        let canonical = CanonicalRequest {
            method: self.method.as_str(),
            path: self.address.path(),
            query: CanonicalQuery::Written(&query),
            headers: &self.canonical_headers(),
            signed_headers: &signed_headers,
            payload: payload.as_deref().unwrap_or(UNSIGNED_PAYLOAD),
        };
        let string_to_sign = sigv4a::string_to_sign(&signed_at, &scope, &canonical.digest());
        let pair = keys.key_pair(self.credentials.access_key_id(), self.credentials.secret_key());
        let mut url = format!("{}?{query}", self.address.as_str());
        push_parameter(&mut url, 0, parameter::SIGNATURE);
        url.push_str(&pair.sign(&[string_to_sign.as_bytes()]).expose());

        Ok(SignedUrl {
            url,
            method: self.method.as_str(),
            headers: self.headers.clone(),
            life: self.window.life(&signed_at, credentials_end),
        })
    }

    /// The canonical query of what was added and what is stated. No name stands in both.
    fn query_with(&self, stated: Vec<(&'static str, String)>) -> String {
        let added = self.added().map(|(name, pair)| (name.to_owned(), pair.to_owned()));
        let mut pairs: Vec<(String, String)> = added.collect();
        for (name, value) in stated {
            let mut pair = format!("{name}=");
            encode::component(&value, &mut pair);
            pairs.push((name.to_owned(), pair));
        }
        pairs.sort_unstable();
        pairs.into_iter().map(|(_, pair)| pair).collect::<Vec<_>>().join("&")
    }
}
