//! `/v1/collections`

use axum::{Json, extract::State};
use serde::Serialize;

use super::super::{AppState, caller::Caller, list::Page};
use crate::{authz::Action, config::Collection};

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct CollectionView {
    name: String,
    upload: UploadRules,
    /// By which road files leave it.
    delivery: &'static str,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct UploadRules {
    /// The largest file, in bytes.
    max_size: u64,
    content_types: Vec<String>,
    strategies: [&'static str; 1],
}

/// The collections that the caller may use.
#[utoipa::path(
    get, path = "/v1/collections", operation_id = "collections_list", tag = "collections", security(("bearer" = []), ("session" = [])),
    responses((status = 200, body = Page<CollectionView>, description = "Done")),
)]
pub(crate) async fn list(State(app): State<AppState>, Caller(caller): Caller) -> Json<Page<CollectionView>> {
    let may_list = |name: &str| app.check_collection(&caller, Action::List, name).is_ok();
    let collections = app.settings.collections.values().filter(|collection| may_list(&collection.name));
    Json(Page::whole(collections.map(view).collect()))
}

fn view(collection: &Collection) -> CollectionView {
    let Collection { name, upload, .. } = collection;
    CollectionView {
        name: name.clone(),
        upload: UploadRules {
            max_size: upload.max_size.as_bytes(),
            content_types: upload.content_types.iter().map(|pattern| pattern.as_str().to_owned()).collect(),
            strategies: ["put"],
        },
        delivery: "s3",
    }
}
