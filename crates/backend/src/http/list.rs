//! Lists: pages with opaque cursors.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde::Serialize;

use super::problem::Problem;

pub(crate) const DEFAULT_LIMIT: u32 = 50;
pub(crate) const MAX_LIMIT: u32 = 200;

/// A page of a list.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Page<T> {
    pub(crate) data: Vec<T>,
    /// What to send as `cursor` for the next page.
    pub(crate) next_cursor: Option<String>,
    pub(crate) has_more: bool,
}

impl<T> Page<T> {
    /// Everything, on one page.
    pub(crate) fn whole(data: Vec<T>) -> Self {
        Self { data, next_cursor: None, has_more: false }
    }

    /// The first `limit` of `rows`, which were asked for with one more to see whether there is more.
    pub(crate) fn cut<Row>(
        mut rows: Vec<Row>,
        limit: u32,
        cursor_after: impl FnOnce(&Row) -> String,
        view: impl Fn(&Row) -> T,
    ) -> Self {
        let limit = limit as usize;
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| has_more).map(cursor_after);
        Self { data: rows.iter().map(view).collect(), next_cursor, has_more }
    }
}

impl<T: Serialize> Page<T> {
    /// The answer, with a `Link` to the next page of `route` beside the document (RFC 8288).
    pub(crate) fn into_response_at(self, route: &str) -> Response {
        let next = self.next_cursor.as_ref().map(|cursor| {
            let separator = if route.contains('?') { '&' } else { '?' };
            format!("<{route}{separator}cursor={cursor}>; rel=\"next\"")
        });
        let mut response = Json(self).into_response();
        if let Some(next) = next.and_then(|next| HeaderValue::from_str(&next).ok()) {
            response.headers_mut().insert(header::LINK, next);
        }
        response
    }
}

/// How many rows a page has.
pub(crate) fn limit(requested: Option<u32>) -> Result<u32, Problem> {
    match requested {
        None => Ok(DEFAULT_LIMIT),
        Some(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
        Some(_) => Err(Problem::invalid(format!("limit is between 1 and {MAX_LIMIT}"))),
    }
}

pub(crate) fn wrong_cursor() -> Problem {
    Problem::invalid("the cursor does not belong to this list").hint("start again without a cursor")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_up_to_two_hundred_rows() {
        assert_eq!(limit(None).ok(), Some(DEFAULT_LIMIT));
        assert_eq!(limit(Some(1)).ok(), Some(1));
        assert_eq!(limit(Some(MAX_LIMIT)).ok(), Some(MAX_LIMIT));
        assert!(limit(Some(0)).is_err() && limit(Some(MAX_LIMIT + 1)).is_err());
    }

    #[test]
    fn a_page_says_whether_there_is_more() {
        let page = Page::cut(vec![1, 2, 3], 2, ToString::to_string, |row| *row);
        assert_eq!((page.data, page.next_cursor.as_deref(), page.has_more), (vec![1, 2], Some("2"), true));
        let last = Page::cut(vec![1, 2], 2, ToString::to_string, |row| *row);
        assert_eq!((last.data, last.next_cursor, last.has_more), (vec![1, 2], None, false));
    }
}
