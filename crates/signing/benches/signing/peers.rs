//! The other signers, each used as its documentation shows it, from key to URL.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings, UriPathNormalizationMode,
};
use aws_sigv4::sign::v4;
use gatepass_signing::encode;
use rusty_s3::S3Action;

use crate::shape::{BUCKET, ENDPOINT, HOST, ID, KEY, LIFETIME_SECONDS, REGION, SECOND, SECRET, Shape};

/// It signs a request of the `http` crate and writes the signature into it.
pub(crate) fn aws_sigv4(shape: Shape) -> impl FnMut() -> String {
    let identity = aws_credential_types::Credentials::new(ID, SECRET, shape.token(), None, "bench").into();
    let time = UNIX_EPOCH + Duration::from_secs(SECOND.unsigned_abs());
    move || {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(Duration::from_secs(LIFETIME_SECONDS));
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(REGION)
            .name("s3")
            .time(time)
            .settings(settings)
            .build()
            .expect("every parameter is given")
            .into();
        let mut url = format!("https://{HOST}/");
        encode::path(KEY, &mut url);
        if let Some(disposition) = shape.disposition() {
            url.push_str("?response-content-disposition=");
            encode::component(disposition, &mut url);
        }
        let mut request = http::Request::get(url).body(()).expect("a request");
        let uri = request.uri().to_string();
        let body = SignableBody::UnsignedPayload;
        let signable = SignableRequest::new("GET", uri, std::iter::empty(), body).expect("a request");
        let (instructions, _) = aws_sigv4::http_request::sign(signable, &params).expect("a signature").into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request.uri().to_string()
    }
}

/// It reads the clock, as its public way to sign does: some 30 ns.
pub(crate) fn rusty_s3(shape: Shape) -> impl FnMut() -> String {
    let endpoint = ENDPOINT.parse().expect("an endpoint");
    let bucket = rusty_s3::Bucket::new(endpoint, rusty_s3::UrlStyle::VirtualHost, BUCKET, REGION).expect("a bucket");
    let credentials = match shape.token() {
        Some(token) => rusty_s3::Credentials::new_with_token(ID, SECRET, token),
        None => rusty_s3::Credentials::new(ID, SECRET),
    };
    move || {
        let mut action = bucket.get_object(Some(&credentials), KEY);
        if let Some(disposition) = shape.disposition() {
            action.query_mut().insert("response-content-disposition", disposition);
        }
        action.sign(Duration::from_secs(LIFETIME_SECONDS)).into()
    }
}
