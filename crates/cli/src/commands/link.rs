//! `gatepass link`: addresses that lead to a file until they are revoked.

use serde_json::{Value, json};

use crate::{
    api::{Api, encoded, member},
    args::{Link, LinkCreate, LinkList, LinkRevoke},
    clock::Clock,
    failure::{Failure, Outcome, Result},
    output::Output,
    server,
    state::State,
};

pub(crate) fn run(link: &Link, output: Output) -> Result {
    server::block_on(async {
        match link {
            Link::Create(create) => self::create(create, output).await,
            Link::List(list) => self::list(list, output).await,
            Link::Revoke(revoke) => self::revoke(revoke, output).await,
        }
    })
}

async fn create(arguments: &LinkCreate, output: Output) -> Result {
    let connection = &arguments.connection;
    let api = Api::connect(connection)?;
    let file = api.file(&arguments.file).await?;
    let mut wanted = json!({ "file_id": member(&file, "/id")? });
    if let Some(expires) = arguments.expires {
        // A development server may live in another time.
        let clock = match connection.server {
            Some(_) => Clock::system(),
            None => Clock::with_offset(State::running(&connection.data.path)?.clock_offset_milliseconds),
        };
        let end = clock.now().checked_add(expires.duration());
        wanted["expires_at"] = json!(end.map_err(|_| Failure::usage("that is later than time can be written"))?);
    }
    if let Some(label) = &arguments.label {
        wanted["label"] = json!(label);
    }
    let link = api.post("/v1/links", Some(&wanted)).await?;
    output.result(member(&link, "/url")?, &link)?;
    if !output.is_json() {
        Output::note(format_args!(
            "whoever has this address may download; end it with: gatepass link revoke {}",
            member(&link, "/id")?
        ));
    }
    Ok(Outcome::Done)
}

async fn list(arguments: &LinkList, output: Output) -> Result {
    let api = Api::connect(&arguments.connection)?;
    let file = api.file(&arguments.file).await?;
    let first = format!("/v1/links?file_id={}", encoded(member(&file, "/id")?));
    let mut links = Vec::new();
    let mut path = first.clone();
    loop {
        let page = api.get(&path).await?;
        links.extend(page["data"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{first}&cursor={}", encoded(cursor)),
            None => break,
        }
    }
    let lines: Vec<String> = links.iter().map(line).collect();
    output.result(lines.join("\n"), &json!({ "data": links }))?;
    Ok(Outcome::Done)
}

fn line(link: &Value) -> String {
    let text = |name: &str| link[name].as_str().unwrap_or("-").to_owned();
    format!("{}  {}  {}", text("id"), text("state"), text("label"))
}

async fn revoke(arguments: &LinkRevoke, output: Output) -> Result {
    let api = Api::connect(&arguments.connection)?;
    let is_id = arguments.link.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_id {
        return Err(Failure::usage("a link's id looks like lnk_…").hint("`gatepass link list FILE` shows the ids"));
    }
    let link = api.post(&format!("/v1/links/{}/revoke", arguments.link), None).await?;
    output.result(format_args!("{} is revoked", arguments.link), &link)?;
    Ok(Outcome::Done)
}
