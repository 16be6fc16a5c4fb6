//! Where a browser may be sent after its upload.

use crate::address::Endpoint;

/// Whether a redirect can be followed: an absolute URL of `http` or `https` with a host, nothing before the host that
/// looks like one, and no character that would break the `Location` header. `javascript:` is none.
pub(crate) fn is_followable(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    !url.chars().any(char::is_control) && Endpoint::parse(&format!("{scheme}://{}", &rest[..end])).is_ok()
}

#[cfg(test)]
mod tests {
    use super::is_followable;

    #[test]
    fn a_redirect_is_an_absolute_url_of_the_web() {
        for url in ["http://h", "https://h:8443/done?a=b#c", "HTTPS://H/", "https://h?x=http://y"] {
            assert!(is_followable(url), "{url}");
        }
        for url in [
            "",
            "/done",
            "//h/done",
            "javascript:alert(1)",
            "javascript://h/%0aalert(1)",
            "data:text/html,x",
            "https://",
            "https:///x",
            "https://h\r\nSet-Cookie: a=b",
            "https://h/\nx",
            "https://good@evil",
            "https://good\\evil",
        ] {
            assert!(!is_followable(url), "{url:?}");
        }
    }
}
