//! A form with which a browser uploads a picture of at most five megabytes into a user's folder, and its check.
//!
//! `cargo run -p gatepass-signing --example post_policy`
#![expect(clippy::print_stdout, reason = "an example shows what it makes")]

use std::error::Error;

use gatepass_signing::address::{AddressingStyle, Endpoint};
use gatepass_signing::credentials::{AccessKeyId, Credentials, SecretKey};
use gatepass_signing::post_policy::verify::{self, Form, PostPresented};
use gatepass_signing::post_policy::{KeyRule, PostPolicy, SizeRange, UploadTarget};
use gatepass_signing::sigv4::verify::{Expectations, Service};
use gatepass_signing::sigv4::{KeyCache, Region};
use gatepass_signing::time::Lifetime;
use jiff::Timestamp;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let credentials = Credentials::long_term(
        AccessKeyId::new("AKIAIOSFODNN7EXAMPLE")?,
        SecretKey::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")?,
    );
    let region = Region::new("eu-central-1")?;
    let endpoint = Endpoint::parse("https://s3.eu-central-1.amazonaws.com")?;
    let target = UploadTarget::new(&endpoint, AddressingStyle::VirtualHost, "photos")?;
    let keys = KeyCache::new();
    let now: Timestamp = "2026-01-01T12:00:00Z".parse()?;

    // Below a prefix the browser chooses the name: the form's key ends in ${filename}.
    let size = SizeRange::new(1, 5 * 1024 * 1024)?;
    let form = PostPolicy::new(&credentials, region.clone(), target, KeyRule::prefix("users/7/")?, size)
        .content_type("image/png", &["image/png", "image/jpeg"])?
        .expires(Lifetime::from_secs(600)?)
        .sign(&keys, now)?;
    println!("<form action='{}' method='post' enctype='multipart/form-data'>", form.url());
    for (name, value) in form.expose_fields() {
        println!("  <input type='hidden' name='{name}' value='{value}'>");
    }
    println!("  <input type='file' name='file'>\n</form>\ngood until {}", form.effective_expires_at());

    // What the store does with it: the fields in the order in which they came, the file last.
    let arrived = |extra: Option<(&str, &str)>| -> Result<Form, verify::Refusal> {
        let mut arrived = Form::new("photos");
        for (name, value) in form.expose_fields().chain(extra) {
            arrived.push(name, value)?;
        }
        arrived.file(Some("C:\\pictures\\cat.png"));
        Ok(arrived)
    };
    let expectations = Expectations::new(region, Service::S3);
    let check = |form: &Form| match verify::parse(form, &expectations, now)? {
        PostPresented::Anonymous(_) => unreachable!("the form is signed"),
        // Here the caller looks up the secret of `claim.access_key_id()`.
        PostPresented::Signed(claim) => claim.verify(&keys, credentials.secret_key()),
    };

    let verified = check(&arrived(None)?)?;
    println!("goes to {}", verified.upload().key());
    // The size is known only when the file has been read: hold it to the range while it streams.
    assert!(verified.upload().size_range().check_so_far(6 * 1024 * 1024).is_err());
    // A field that the policy does not speak of is refused, whatever it is.
    let refusal = check(&arrived(Some(("acl", "public-read")))?).expect_err("an extra field");
    println!("refused: {refusal}");
    Ok(())
}
