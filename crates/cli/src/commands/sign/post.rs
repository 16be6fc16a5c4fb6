//! `gatepass sign post`: a form that lets whoever holds it upload one file.

use std::fmt::Write as _;

use gatepass_signing::{
    post_policy::{
        KeyRule, PolicyText, PostPolicy, PostPolicyError, SignedForm, SizeRange, SuccessStatus, UploadTarget,
    },
    sigv4::KeyCache,
};
use serde_json::{Map, Value, json};

use super::life;
use crate::{
    args::{Dialect, SignPost, Status},
    credentials,
    failure::{Explain as _, Failure, Outcome, Result},
    output::Output,
    place,
    values::{Pair, shell_quote},
};

pub(super) fn run(post: &SignPost, output: Output) -> Result {
    if output.is_json() && (post.html || post.curl) {
        return Err(Failure::usage("--json, --html and --curl are three forms of one result: choose one"));
    }
    // A policy cannot say "one of these", so each type gets a form of its own.
    let types: Vec<Option<&str>> = match post.content_types.as_slice() {
        [] => vec![None],
        types => types.iter().map(|name| Some(name.as_str())).collect(),
    };
    for form in forms(post, &types)? {
        print(&form, post, output)?;
    }
    Ok(Outcome::Done)
}

fn forms(post: &SignPost, types: &[Option<&str>]) -> Result<Vec<SignedForm>> {
    let SignPost { folder, life, place, identity, .. } = post;
    let window = life::window(life)?;
    let now = life::now(life);
    let key = key(post)?;
    let size = SizeRange::new(post.min_size.as_bytes(), post.max_size.as_bytes()).map_err(Failure::usage)?;
    let located = place::locate(place, identity.profile.as_deref(), &folder.bucket)?;
    let target = UploadTarget::new(&located.endpoint, located.style, &folder.bucket).map_err(Failure::usage)?;
    let credentials = credentials::signer(identity, &located.region, place.endpoint.as_deref())?;

    let mut policy = PostPolicy::new(&credentials, located.region, target, key, size).expires(window).text(text(post));
    for Pair { name, value } in &post.fields {
        policy = policy.field(name, value).map_err(refused)?;
    }
    for Pair { name, value } in &post.starts_with {
        policy = policy.starts_with(name, value).map_err(refused)?;
    }
    if let Some(status) = post.success_status {
        policy = policy.success_status(success(status)).map_err(refused)?;
    }
    if let Some(url) = &post.success_redirect {
        policy = policy.success_redirect(url).map_err(refused)?;
    }
    let keys = KeyCache::new();
    let signed = |content_type: Option<&str>| {
        let policy = match content_type.map(|name| (name, name.strip_suffix("/*"))) {
            None => policy.clone(),
            Some((_, Some(media))) => policy.clone().any_content_type_of(media).map_err(refused)?,
            Some((name, None)) => policy.clone().content_type(name, &[name]).map_err(refused)?,
        };
        let form = policy.sign(&keys, now).map_err(refused)?;
        life::long_enough(life, form.life(), now)?;
        Ok(form)
    };
    types.iter().copied().map(signed).collect()
}

fn key(post: &SignPost) -> Result<KeyRule> {
    let rest = post.folder.rest.as_str();
    let rule = match &post.key {
        Some(_) if !rest.is_empty() => {
            return Err(Failure::usage("the key stands in the address and in --key").hint("leave one of them out"));
        }
        Some(key) => KeyRule::exact(key),
        None if rest.is_empty() => {
            let failure = Failure::usage("a form for any key of a bucket lets its holder overwrite everything");
            return Err(failure.hint("name a folder that ends in a slash, s3://BUCKET/FOLDER/, or one key"));
        }
        None if rest.ends_with('/') => KeyRule::prefix(rest),
        None => KeyRule::exact(rest),
    };
    rule.map_err(refused)
}

fn text(post: &SignPost) -> PolicyText {
    match post.dialect {
        Dialect::Gatepass | Dialect::Boto => PolicyText::Botocore,
        Dialect::Js => PolicyText::JavaScript,
    }
}

fn success(status: Status) -> SuccessStatus {
    match status {
        Status::Ok => SuccessStatus::Ok,
        Status::Created => SuccessStatus::Created,
        Status::NoContent => SuccessStatus::NoContent,
    }
}

fn refused(error: PostPolicyError) -> Failure {
    match error {
        PostPolicyError::CredentialsExpired => Failure::refused(error).hint("sign in again, or renew them"),
        PostPolicyError::ContentType => {
            Failure::usage("a type is TYPE/SUBTYPE, or one of audio/*, font/*, image/*, model/*, video/*")
        }
        error => Failure::usage(error),
    }
}

fn print(form: &SignedForm, post: &SignPost, output: Output) -> Result<()> {
    let mut document = json!({
        "url": form.url(),
        "fields": object(form.expose_fields()),
        "open_fields": object(form.open_fields()),
        "min_size": form.size_range().min(),
        "max_size": form.size_range().max(),
    });
    life::describe(form.life(), &mut document);
    let printed = match (post.html, post.curl) {
        (true, _) => html(form),
        (_, true) => curl(form),
        _ => plain(form),
    };
    output.result(printed, &document).explain("the form cannot be printed")?;
    if !output.is_json() {
        if !post.html {
            for (name, prefix) in form.open_fields() {
                Output::note(match prefix {
                    "" => format!("send the field {name} too, with any value"),
                    prefix => format!("send the field {name} too, with a value that begins with {prefix}"),
                });
            }
        }
        if !post.html && !post.curl {
            Output::note("send the file as the last field, named file, in multipart/form-data");
        }
        life::note(form.life());
    }
    Ok(())
}

fn object<'a>(fields: impl Iterator<Item = (&'a str, &'a str)>) -> Map<String, Value> {
    fields.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// The URL, and a line for each field.
fn plain(form: &SignedForm) -> String {
    let mut text = form.url().to_owned();
    for (name, value) in form.expose_fields() {
        // Writing to a String does not fail.
        let _ = write!(text, "\n{name}={value}");
    }
    text
}

/// A command for a POSIX shell. `--form-string` takes values literally, where `--form` reads files named by them.
fn curl(form: &SignedForm) -> String {
    let mut text = format!("curl {}", shell_quote(form.url()));
    for (name, value) in form.expose_fields().chain(form.open_fields()) {
        let _ = write!(text, " \\\n  --form-string {}", shell_quote(&format!("{name}={value}")));
    }
    text.push_str(" \\\n  -F file=@FILE");
    text
}

/// A form for a page: the fields hidden, the open ones to be filled in, the file last.
fn html(form: &SignedForm) -> String {
    let mut text =
        format!("<form action=\"{}\" method=\"post\" enctype=\"multipart/form-data\">\n", escaped(form.url()));
    for (name, value) in form.expose_fields() {
        let _ = writeln!(text, "  <input type=\"hidden\" name=\"{}\" value=\"{}\">", escaped(name), escaped(value));
    }
    for (name, prefix) in form.open_fields() {
        let (name, prefix) = (escaped(name), escaped(prefix));
        let _ = writeln!(text, "  <label>{name} <input type=\"text\" name=\"{name}\" value=\"{prefix}\"></label>");
    }
    text.push_str("  <input type=\"file\" name=\"file\" required>\n  <button>Upload</button>\n</form>");
    text
}

/// A text within an HTML attribute in double quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}
