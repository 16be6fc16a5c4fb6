//! Who can sign in.

/// A development user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    /// The subject and the name that is typed: `alice`.
    pub name: &'static str,
    /// The name that is shown.
    pub display_name: &'static str,
    /// The mail address.
    pub email: &'static str,
    /// The tenant, sent as the claim `org`.
    pub tenant: &'static str,
    /// The groups, sent as the claim `groups`.
    pub groups: &'static [&'static str],
}

/// Everybody who can sign in: two equals to try sharing with, and one who administers their tenant.
pub const USERS: [User; 3] = [
    User { name: "alice", display_name: "Alice", email: "alice@demo.test", tenant: "demo", groups: &[] },
    User { name: "bob", display_name: "Bob", email: "bob@demo.test", tenant: "demo", groups: &[] },
    User { name: "admin", display_name: "Admin", email: "admin@demo.test", tenant: "demo", groups: &["admin"] },
];

pub(crate) fn find(name: &str) -> Option<&'static User> {
    USERS.iter().find(|user| user.name == name)
}
