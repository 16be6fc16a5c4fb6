//! HAR files (HTTP Archive 1.2), as browsers and proxies save them. Only what matters to a signature is read; everything
//! may be missing.

use gatepass_signing::encode::{Plus, decode};
use jiff::Timestamp;
use serde::Deserialize;

use super::exchange::{Exchange, FormField, Request, Response};
use super::{InputError, MAX_EXCHANGES, MAX_FIELDS, MAX_URL_BYTES};
use crate::error_document::ErrorDocument;

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    #[serde(default)]
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(default)]
    started_date_time: String,
    request: Asked,
    #[serde(default)]
    response: Answered,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    cookies: Vec<Pair>,
    post_data: Option<PostData>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PostData {
    #[serde(default)]
    mime_type: String,
    #[serde(default)]
    params: Vec<Parameter>,
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameter {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: String,
    file_name: Option<String>,
}

#[derive(Default, Deserialize)]
struct Answered {
    #[serde(default)]
    status: i32,
    #[serde(default)]
    headers: Vec<Pair>,
    #[serde(default)]
    content: Content,
}

#[derive(Default, Deserialize)]
struct Content {
    #[serde(default)]
    text: String,
    #[serde(default)]
    encoding: String,
}

#[derive(Deserialize)]
struct Pair {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: String,
}

/// Every request that looks signed, those that failed first.
pub(super) fn read(text: &str) -> Result<Vec<Exchange>, InputError> {
    let har: Har = serde_json::from_str(text).map_err(|_| InputError::NotHar)?;
    let signed = har.log.entries.into_iter().map(exchange).filter(|exchange| looks_signed(&exchange.request));
    let (mut failed, fine): (Vec<_>, Vec<_>) =
        signed.partition(|exchange| exchange.response.status.is_none_or(|status| status >= 300 && status != 304));
    failed.extend(fine);
    failed.truncate(MAX_EXCHANGES);
    if failed.is_empty() { Err(InputError::NothingSigned) } else { Ok(failed) }
}

fn looks_signed(request: &Request) -> bool {
    const SIGNS: [&str; 6] = ["x-amz-", "signature=", "key-pair-id=", "awsaccesskeyid=", "policy=", "x%2damz%2d"];
    if request.url.len() > MAX_URL_BYTES {
        return false;
    }
    let query = request.url.split_once('?').map_or("", |(_, query)| query).to_ascii_lowercase();
    SIGNS.iter().any(|sign| query.contains(sign))
        || request.header("authorization").is_some_and(|value| value.starts_with("AWS"))
        || request.cookies().any(|(name, _)| name.starts_with("CloudFront-"))
        || request.form.iter().any(|field| field.name.eq_ignore_ascii_case("policy"))
}

fn exchange(entry: Entry) -> Exchange {
    let Entry { started_date_time, request, response } = entry;
    let form = request.post_data.map(form).unwrap_or_default();
    // HTTP/2 names the host in a pseudo-header.
    let authority = request.headers.iter().find(|pair| pair.name == ":authority").map(|pair| pair.value.clone());
    let mut headers: Vec<_> = pairs(request.headers).filter(|(name, _)| !name.starts_with(':')).collect();
    let has =
        |headers: &[(String, String)], name: &str| headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
    if let Some(authority) = authority.filter(|_| !has(&headers, "host")) {
        headers.push(("host".to_owned(), authority));
    }
    if !request.cookies.is_empty() && !has(&headers, "cookie") {
        let cookies: Vec<String> = pairs(request.cookies).map(|(name, value)| format!("{name}={value}")).collect();
        headers.push(("cookie".to_owned(), cookies.join("; ")));
    }
    let request = Request {
        method: Some(request.method),
        url: request.url,
        headers: Some(headers),
        form,
        sent_at: started_date_time.parse::<Timestamp>().ok(),
        cut_by: None,
    };
    let error = match response.content.encoding.as_str() {
        "base64" => decoded(&response.content.text),
        _ => Some(response.content.text.into_bytes()),
    };
    let error = error.and_then(|body| ErrorDocument::parse(&String::from_utf8_lossy(&body)).ok());
    let response = Response {
        // Browsers write 0, and some -1, for no answer.
        status: u16::try_from(response.status).ok().filter(|status| *status != 0),
        headers: pairs(response.headers).map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
        error,
    };
    Exchange { request, response }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    // An error document has a few kilobytes; pictures are not worth their decoding.
    (text.len() <= ErrorDocument::MAX_BYTES).then(|| crate::base64::decode(text, crate::base64::STANDARD)).flatten()
}

fn pairs(pairs: Vec<Pair>) -> impl Iterator<Item = (String, String)> {
    pairs.into_iter().take(MAX_FIELDS).map(|pair| (pair.name, pair.value))
}

fn form(data: PostData) -> Vec<FormField> {
    let is_form = data.mime_type.starts_with("multipart/form-data");
    if !is_form && !data.mime_type.starts_with("application/x-www-form-urlencoded") {
        return Vec::new();
    }
    let unescaped = |text: &str| {
        if is_form { text.to_owned() } else { decode(text, Plus::Space).map_or_else(|_| text.to_owned(), Into::into) }
    };
    if !data.params.is_empty() || !is_form {
        let field = |parameter: Parameter| FormField {
            name: unescaped(&parameter.name),
            value: unescaped(&parameter.value),
            file_name: parameter.file_name,
        };
        return data.params.into_iter().take(MAX_FIELDS).map(field).collect();
    }
    let boundary = data.mime_type.split(';').find_map(|part| part.trim().strip_prefix("boundary="));
    boundary.map(|boundary| multipart(&data.text, boundary.trim_matches('"'))).unwrap_or_default()
}

/// The fields of a multipart body (RFC 7578), as Chrome saves it: a text, with the file cut out or in it.
fn multipart(text: &str, boundary: &str) -> Vec<FormField> {
    if boundary.is_empty() {
        return Vec::new();
    }
    let delimiter = format!("--{boundary}");
    text.split(delimiter.as_str()).skip(1).take(MAX_FIELDS).filter_map(part).collect()
}

fn part(text: &str) -> Option<FormField> {
    let (head, body) = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n"))?;
    let disposition = head
        .lines()
        .find(|line| line.get(..20).is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:")))?;
    let attribute = |name: &str| {
        let rest = disposition.split(';').find_map(|part| part.trim().strip_prefix(name))?;
        Some(rest.trim_matches('"').to_owned())
    };
    let file_name = attribute("filename=");
    let body = body.strip_suffix("\r\n").or_else(|| body.strip_suffix('\n')).unwrap_or(body);
    let value = if file_name.is_some() { String::new() } else { body.to_owned() };
    Some(FormField { name: attribute("name=")?, value, file_name })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn har(entries: &serde_json::Value) -> Vec<Exchange> {
        read(&json!({ "log": { "entries": entries } }).to_string()).expect("a HAR")
    }

    fn entry(url: &str, status: i32) -> serde_json::Value {
        json!({ "request": { "method": "GET", "url": url }, "response": { "status": status } })
    }

    #[test]
    fn signed_requests_come_with_those_that_failed_first() {
        let found = har(&json!([
            entry("https://h/plain", 500),
            entry("https://h/1?X-Amz-Signature=s", 200),
            entry("https://h/2?X-Amz-Signature=s", 403),
            entry("https://h/3?Signature=s&Key-Pair-Id=k", 0),
            entry("https://h/4?x=1", 403),
        ]));
        let urls: Vec<_> = found.iter().map(|exchange| &exchange.request.url[..11]).collect();
        assert_eq!(urls, ["https://h/2", "https://h/3", "https://h/1"]);
        assert_eq!(found[1].response.status, None);
    }

    #[test]
    fn the_error_document_is_in_the_content() {
        let content = |text: &str, encoding: &str| {
            let entries = json!([{
                "request": { "method": "GET", "url": "https://h/?X-Amz-Date=" },
                "response": { "status": 403, "content": { "text": text, "encoding": encoding } },
            }]);
            har(&entries)[0].response.error.as_ref().map(|error| error.code().to_owned())
        };
        let document = "<Error><Code>AccessDenied</Code></Error>";
        assert_eq!(content(document, "").as_deref(), Some("AccessDenied"));
        assert_eq!(
            content("PEVycm9yPjxDb2RlPkFjY2Vzc0RlbmllZDwvQ29kZT48L0Vycm9yPg==", "base64").as_deref(),
            Some("AccessDenied")
        );
        assert_eq!(content("nonsense", "base64"), None);
    }

    #[test]
    fn a_form_is_read_from_parameters_and_from_text() {
        let data = |data: serde_json::Value| {
            let entries = json!([{ "request": { "method": "POST", "url": "https://h/", "postData": data } }]);
            let form = har(&entries).remove(0).request.form;
            form.into_iter().map(|field| (field.name, field.value, field.file_name)).collect::<Vec<_>>()
        };
        let expected = [
            ("policy".to_owned(), "e30=".to_owned(), None),
            ("file".to_owned(), String::new(), Some("a.txt".to_owned())),
        ];
        let parameters = json!({ "mimeType": "multipart/form-data", "params": [
            { "name": "policy", "value": "e30=" }, { "name": "file", "fileName": "a.txt" } ] });
        assert_eq!(data(parameters), expected);
        let text = "--b\r\nContent-Disposition: form-data; name=\"policy\"\r\n\r\ne30=\r\n--b\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n\
            body\r\n--b--\r\n";
        assert_eq!(data(json!({ "mimeType": "multipart/form-data; boundary=b", "text": text })), expected);
    }

    #[test]
    fn the_pseudo_header_and_the_cookies_count() {
        let entries = json!([{ "request": {
            "method": "GET", "url": "https://h/a",
            "headers": [{ "name": ":authority", "value": "other" }],
            "cookies": [{ "name": "CloudFront-Policy", "value": "p" }],
        } }]);
        let request = &har(&entries)[0].request;
        assert_eq!(request.header("host"), Some("other"));
        assert_eq!(request.cookies().collect::<Vec<_>>(), [("CloudFront-Policy", "p")]);
    }

    #[test]
    fn entries_are_bounded() {
        let entries: Vec<_> = (0..=MAX_EXCHANGES).map(|_| entry("https://h/?Signature=s", 403)).collect();
        assert_eq!(har(&json!(entries)).len(), MAX_EXCHANGES);
        assert_eq!(har(&json!(entries[..MAX_EXCHANGES])).len(), MAX_EXCHANGES);
    }
}
