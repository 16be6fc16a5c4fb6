//! What a curl command sends (curl 8, manual page), without running it.

use gatepass_signing::encode;

use super::exchange::{Exchange, FormField, Request, Response};
use super::{InputError, MAX_FIELDS, MAX_URL_BYTES, shell, starts_with_ignoring_case};

/// Options of curl that take a value and say nothing about the signature.
#[rustfmt::skip]
const WITH_VALUE: [&str; 50] = [
    "--cacert", "--capath", "--cert", "--cert-type", "--ciphers", "--config", "--connect-timeout", "--connect-to",
    "--continue-at", "--cookie-jar", "--create-file-mode", "--dns-servers", "--dump-header", "--etag-compare",
    "--etag-save", "--expect100-timeout", "--interface", "--keepalive-time", "--key", "--key-type", "--limit-rate",
    "--local-port", "--max-filesize", "--max-redirs", "--max-time", "--netrc-file", "--noproxy", "--output",
    "--output-dir", "--parallel-max", "--pass", "--pinnedpubkey", "--proto", "--proto-redir", "--proxy",
    "--proxy-header", "--proxy-user", "--rate", "--resolve", "--retry", "--retry-delay", "--retry-max-time",
    "--speed-limit", "--speed-time", "--stderr", "--tls-max", "--trace", "--trace-ascii", "--unix-socket",
    "--write-out",
];
/// The long names of short options. Those without a value stand for themselves.
#[rustfmt::skip]
const SHORT: [(char, &str); 29] = [
    ('A', "--user-agent"), ('b', "--cookie"), ('c', "--cookie-jar"), ('C', "--continue-at"), ('d', "--data"),
    ('D', "--dump-header"), ('e', "--referer"), ('E', "--cert"), ('F', "--form"), ('G', "--get"), ('H', "--header"),
    ('I', "--head"), ('K', "--config"), ('m', "--max-time"), ('o', "--output"), ('P', "--ftp-port"), ('Q', "--quote"),
    ('r', "--range"), ('t', "--telnet-option"), ('T', "--upload-file"), ('u', "--user"), ('U', "--proxy-user"),
    ('w', "--write-out"), ('x', "--proxy"), ('X', "--request"), ('y', "--speed-time"), ('Y', "--speed-limit"),
    ('z', "--time-cond"), ('h', "--help"),
];
/// Options with a value that matter.
#[rustfmt::skip]
const READ: [&str; 24] = [
    "--aws-sigv4", "--cookie", "--data", "--data-ascii", "--data-binary", "--data-raw", "--data-urlencode", "--form",
    "--form-string", "--ftp-port", "--header", "--json", "--oauth2-bearer", "--quote", "--range", "--referer",
    "--request", "--request-target", "--telnet-option", "--time-cond", "--upload-file", "--url", "--url-query",
    "--user",
];

#[derive(Default)]
struct Command {
    url: Option<String>,
    method: Option<String>,
    head: bool,
    get: bool,
    headers: Vec<(String, String)>,
    removed: Vec<String>,
    implied: Vec<(&'static str, String)>,
    data: Option<String>,
    url_query: Vec<String>,
    upload: Option<String>,
    form: Vec<FormField>,
    json: bool,
    sigv4: bool,
    user: bool,
}

/// Reads a command that begins with `curl`.
pub(super) fn read(text: &str) -> Result<Exchange, InputError> {
    let shell::Words { words, ended_by } = shell::split(text)?;
    let mut command = Command::default();
    let mut words = words.into_iter().skip(1);
    let mut only_operands = false;
    while let Some(word) = words.next() {
        if only_operands || !word.starts_with('-') || word == "-" {
            command.operand(word);
        } else if word == "--" {
            only_operands = true;
        } else if word.starts_with("--") {
            let value = if takes_value(&word) || word == "--user-agent" { words.next() } else { None };
            command.option(&word, value.unwrap_or_default());
        } else {
            short_options(&word, &mut words, &mut command);
        }
    }
    command.into_exchange(ended_by)
}

fn takes_value(option: &str) -> bool {
    READ.contains(&option) || WITH_VALUE.contains(&option)
}

/// `-sSfX PUT`, `-XPUT`.
fn short_options(word: &str, words: &mut impl Iterator<Item = String>, command: &mut Command) {
    for (at, letter) in word.char_indices().skip(1) {
        let Some((_, long)) = SHORT.iter().find(|(short, _)| *short == letter) else { continue };
        if !takes_value(long) && *long != "--user-agent" {
            command.option(long, String::new());
            continue;
        }
        let attached = &word[at + letter.len_utf8()..];
        let value = if attached.is_empty() { words.next().unwrap_or_default() } else { attached.to_owned() };
        return command.option(long, value);
    }
}

impl Command {
    fn operand(&mut self, word: String) {
        if self.url.is_none() {
            self.url = Some(word);
        }
    }

    fn option(&mut self, name: &str, value: String) {
        match name {
            "--url" => self.operand(value),
            "--request" => self.method = Some(value),
            "--head" => self.head = true,
            "--get" => self.get = true,
            "--header" => self.header(&value),
            "--user-agent" => self.implied.push(("User-Agent", value)),
            "--referer" => self.implied.push(("Referer", value)),
            "--range" => self.implied.push(("Range", format!("bytes={value}"))),
            // A value without `=` names a file of cookies.
            "--cookie" if value.contains('=') => self.implied.push(("Cookie", value)),
            "--oauth2-bearer" => self.implied.push(("Authorization", "Bearer".to_owned())),
            "--user" => self.user = true,
            "--aws-sigv4" => self.sigv4 = true,
            "--upload-file" => self.upload = Some(value),
            "--url-query" => self.url_query.push(url_encoded(&value)),
            "--data" | "--data-ascii" | "--data-binary" | "--data-raw" => self.body(value),
            "--data-urlencode" => self.body(url_encoded(&value)),
            "--json" => {
                self.json = true;
                self.body(value);
            }
            "--form" | "--form-string" if self.form.len() < MAX_FIELDS => {
                self.form.extend(form_field(&value, name == "--form"));
            }
            _ => {}
        }
    }

    /// `Name: value`; `Name:` takes a header of curl's own away, `Name;` sends one without a value.
    fn header(&mut self, line: &str) {
        if self.headers.len() >= MAX_FIELDS {
            return;
        }
        match line.split_once(':') {
            Some((name, value)) if value.trim().is_empty() => self.removed.push(name.trim().to_owned()),
            Some((name, value)) => self.headers.push((name.trim().to_owned(), value.trim().to_owned())),
            None => {
                if let Some(name) = line.strip_suffix(';') {
                    self.headers.push((name.trim().to_owned(), String::new()));
                }
            }
        }
    }

    fn body(&mut self, value: String) {
        match &mut self.data {
            Some(data) => {
                data.push('&');
                data.push_str(&value);
            }
            None => self.data = Some(value),
        }
    }

    fn into_exchange(mut self, cut_by: Option<char>) -> Result<Exchange, InputError> {
        let mut url = self.url.take().ok_or(InputError::NoUrl)?;
        if url.len() > MAX_URL_BYTES {
            return Err(InputError::UrlTooLong);
        }
        if !url.contains("://") {
            // curl takes a bare host for HTTP.
            url.insert_str(0, "http://");
        }
        if !["http://", "https://"].iter().any(|scheme| starts_with_ignoring_case(&url, scheme)) {
            return Err(InputError::NoUrl);
        }
        let mut more = std::mem::take(&mut self.url_query);
        if self.get {
            more.extend(self.data.take());
        }
        for pair in more {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&pair);
        }
        // A body appended to the query by `-G` counts for the limit as well.
        if url.len() > MAX_URL_BYTES {
            return Err(InputError::UrlTooLong);
        }

        let method = match &self.method {
            Some(method) => method.clone(),
            None if self.head => "HEAD".to_owned(),
            None if self.upload.is_some() => "PUT".to_owned(),
            None if self.data.is_some() || !self.form.is_empty() => "POST".to_owned(),
            None => "GET".to_owned(),
        };
        if self.json {
            self.implied.extend([("Content-Type", "application/json".into()), ("Accept", "application/json".into())]);
        } else if self.data.is_some() {
            self.implied.push(("Content-Type", "application/x-www-form-urlencoded".into()));
        } else if !self.form.is_empty() {
            self.implied.push(("Content-Type", "multipart/form-data".into()));
        }
        // For an upload of more than a megabyte; no signer signs it.
        if self.upload.is_some() {
            self.implied.push(("Expect", "100-continue".into()));
        }
        self.implied.extend([("Accept", "*/*".into()), ("User-Agent", "curl".into())]);
        if self.user && !self.sigv4 {
            self.implied.push(("Authorization", "Basic".into()));
        }
        let mut headers = self.headers;
        for (name, value) in self.implied {
            let is_set = headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
            let is_removed = self.removed.iter().any(|other| other.eq_ignore_ascii_case(name));
            if !is_set && !is_removed {
                headers.push((name.to_owned(), value));
            }
        }
        let request =
            Request { method: Some(method), url, headers: Some(headers), form: self.form, sent_at: None, cut_by };
        Ok(Exchange { request, response: Response::default() })
    }
}

/// `name=value`, `name=@path;type=…;filename=…`, `name=<path`.
fn form_field(text: &str, files: bool) -> Option<FormField> {
    let (name, value) = text.split_once('=')?;
    let field = |value: &str, file_name| FormField { name: name.to_owned(), value: value.to_owned(), file_name };
    let Some(path) = value.strip_prefix('@').filter(|_| files) else { return Some(field(value, None)) };
    let mut parts = path.split(';');
    let path = parts.next().unwrap_or_default();
    let given = parts.find_map(|part| part.trim().strip_prefix("filename=")).map(|name| name.trim_matches('"'));
    let file_name = given.unwrap_or_else(|| path.rsplit('/').next().unwrap_or(path));
    Some(field("", Some(file_name.to_owned())))
}

/// `content`, `=content`, `name=content`: the content is encoded, the name is not.
fn url_encoded(text: &str) -> String {
    let (name, content) = text.split_once('=').unwrap_or(("", text));
    let mut out = if name.is_empty() { String::new() } else { format!("{name}=") };
    encode::component(content, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Request {
        read(text).expect(text).request
    }

    fn line(text: &str) -> (String, String) {
        let request = request(text);
        (request.method.unwrap(), request.url)
    }

    #[test]
    fn the_method_is_what_curl_sends() {
        for (text, method) in [
            ("curl http://h/", "GET"),
            ("curl -I http://h/", "HEAD"),
            ("curl --head http://h/", "HEAD"),
            ("curl -T f http://h/", "PUT"),
            ("curl --upload-file f http://h/", "PUT"),
            ("curl -d x http://h/", "POST"),
            ("curl --data-binary @f http://h/", "POST"),
            ("curl -F a=b http://h/", "POST"),
            ("curl -XDELETE http://h/", "DELETE"),
            ("curl -sSfX PUT -d x http://h/", "PUT"),
            ("curl -d x --request PUT http://h/", "PUT"),
        ] {
            assert_eq!(line(text).0, method, "{text}");
        }
    }

    #[test]
    fn the_url_is_found_among_the_options() {
        for (text, url) in [
            ("curl -o out --max-time 5 http://h/a", "http://h/a"),
            ("curl -sLo out http://h/a", "http://h/a"),
            ("curl --url http://h/a", "http://h/a"),
            ("curl -s -- http://h/a", "http://h/a"),
            ("curl h/a", "http://h/a"),
            ("curl -G -d a=1 -d b=2 'http://h/?x'", "http://h/?x&a=1&b=2"),
            ("curl -G --data-urlencode 'a=b c' http://h/", "http://h/?a=b%20c"),
            ("curl \\\n  --location \\\n  'http://h/a?b&c'", "http://h/a?b&c"),
        ] {
            assert_eq!(line(text).1, url, "{text}");
        }
    }

    #[test]
    fn headers_are_those_given_and_those_of_curl() {
        let posted = request("curl -d x http://h/");
        assert_eq!(posted.header("content-type"), Some("application/x-www-form-urlencoded"));
        let given = request("curl -d x -H 'content-type: text/plain' -HX-A:1 -H 'X-Empty;' http://h/");
        assert_eq!(given.header("content-type"), Some("text/plain"));
        assert_eq!((given.header("x-a"), given.header("x-empty")), (Some("1"), Some("")));
        assert_eq!(request("curl -d x -H 'Content-Type:' http://h/").header("content-type"), None);
        assert_eq!(request("curl --json '{}' http://h/").header("content-type"), Some("application/json"));
        assert_eq!(request("curl -T f http://h/").header("expect"), Some("100-continue"));
        assert_eq!(request("curl -T f http://h/").header("content-type"), None);
        assert_eq!(request("curl -r 0-9 http://h/").header("range"), Some("bytes=0-9"));
        let cookies = request("curl -b 'a=1; b=2' http://h/");
        assert_eq!(cookies.cookies().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
        assert_eq!(request("curl -u u:p http://h/").header("authorization"), Some("Basic"));
    }

    #[test]
    fn headers_and_fields_are_bounded() {
        let repeated = |what: &str, count: usize| format!("curl http://h/{}", format!(" {what}").repeat(count));
        let headers = |count| {
            let request = request(&repeated("-H a:b", count));
            request.headers.into_iter().flatten().filter(|(name, _)| name == "a").count()
        };
        let fields = |count| request(&repeated("-F a=b", count)).form.len();
        for (given, read) in [(MAX_FIELDS, MAX_FIELDS), (MAX_FIELDS + 1, MAX_FIELDS)] {
            assert_eq!((headers(given), fields(given)), (read, read));
        }
    }

    #[test]
    fn a_form_has_its_fields_in_order() {
        let form = request("curl -F key=a -F 'policy=e30=' -F 'file=@/tmp/a b.txt;type=text/plain' http://h/").form;
        let fields: Vec<_> =
            form.iter().map(|field| (field.name.as_str(), field.value.as_str(), field.file_name.as_deref())).collect();
        assert_eq!(fields, [("key", "a", None), ("policy", "e30=", None), ("file", "", Some("a b.txt"))]);
    }
}
