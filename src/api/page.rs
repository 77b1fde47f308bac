use super::query::Query;
use alloc::string::String;

/// Which part of a list, and in what order.
///
/// What each number is called differs by route, and `offset` is the size of a page in either (sections 4.1, 4.2).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Which page, from 1; the platform's default is the first.
    pub page: Option<String>,
    /// How many entries a page has; the default is the route's.
    pub offset: Option<String>,
    /// What to sort by.
    pub sort_by: Option<String>,
    /// `asc` or `desc`; default `desc`.
    pub sort_order: Option<String>,
}

impl Page {
    /// The path of a list that anybody may read: `[sortBy&]sortOrder=desc&page=1&pageSize=10`.
    pub(super) fn of_public(&self, path: String) -> String {
        Query::new(path)
            .with("sortBy", self.sort_by.as_deref())
            .with("sortOrder", self.sort_order.as_deref().or(Some("desc")))
            .with("page", self.page.as_deref().or(Some("1")))
            .with("pageSize", self.offset.as_deref().or(Some("10")))
            .into_string()
    }

    /// The path of a list of one's own: `page=1&offset=100&sortBy=created&sortOrder=desc[&orgId]`.
    pub(super) fn of_own(&self, path: &str, organization: Option<&str>) -> String {
        Query::new(path)
            .with("page", self.page.as_deref().or(Some("1")))
            .with("offset", self.offset.as_deref().or(Some("100")))
            .with("sortBy", self.sort_by.as_deref().or(Some("created")))
            .with("sortOrder", self.sort_order.as_deref().or(Some("desc")))
            .with("orgId", organization)
            .into_string()
    }
}
