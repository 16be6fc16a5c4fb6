//! The OpenAPI document, made from the routes themselves.

use axum::{Router, routing::get};
use bytes::Bytes;
use http::{HeaderValue, header};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::{AppState, problem::ProblemDocument};

/// The document as it is served at `/openapi.json` and committed in `docs/`.
pub fn openapi_json() -> String {
    let mut text = pretty(super::documented_routes().get_openapi());
    text.push('\n');
    text
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Gatepass",
        description = "Hands out signed URLs for private files. Errors are application/problem+json (RFC 9457).",
        license(name = "Apache-2.0 OR MIT", identifier = "Apache-2.0 OR MIT"),
    ),
    components(schemas(ProblemDocument)),
    modifiers(&SecuritySchemes),
)]
struct Base;

struct SecuritySchemes;

impl Modify for SecuritySchemes {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("A token of a configured OpenID Connect issuer"))
            .build();
        let session = ApiKeyValue::with_description(
            "gatepass",
            "The console's session; over https the cookie is __Host-gatepass. What changes something needs x-gatepass-csrf too",
        );
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(session)));
    }
}

/// The document without routes.
pub(super) fn base() -> Document {
    Base::openapi()
}

pub(super) fn routes(document: &Document) -> Router<AppState> {
    let text = Bytes::from(pretty(document));
    let answer = move || async move { ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text) };
    Router::new().route("/openapi.json", get(answer))
}

fn pretty(document: &Document) -> String {
    document.to_pretty_json().expect("the document is made of strings, numbers and maps")
}
