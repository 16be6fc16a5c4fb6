//! Who may do what: Cedar policies, the default set and the deployment's own. Denied is what no policy permits.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
    str::FromStr as _,
};

use cedar_policy::{
    Authorizer as CedarAuthorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy,
    PolicyId, PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};

use crate::model::{
    file::File,
    id::FileId,
    principal::{Principal, Tenant, UserId},
};

const SCHEMA: &str = include_str!("../policies/gatepass.cedarschema");
const DEFAULT_POLICIES: &str = include_str!("../policies/default.cedar");

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Upload,
    Download,
    Share,
    List,
    Delete,
    Administer,
}

/// What they want to do it to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Resource<'a> {
    File(FileResource<'a>),
    /// A collection, as the caller's tenant sees it.
    Collection {
        name: &'a str,
        tenant: &'a Tenant,
    },
}

/// What policies see of a file, or of an upload that is to be one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FileResource<'a> {
    pub(crate) id: FileId,
    pub(crate) owner: &'a UserId,
    pub(crate) tenant: &'a Tenant,
    pub(crate) collection: &'a str,
}

impl<'a> From<&'a File> for Resource<'a> {
    fn from(file: &'a File) -> Self {
        Self::File(FileResource { id: file.id, owner: &file.owner, tenant: &file.tenant, collection: &file.collection })
    }
}

/// A decision that no policy made in the caller's favour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denied;

/// The policies cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No file matches a pattern, which is more likely a mistake than a wish.
    #[error("{} names no file", path.display())]
    Nothing {
        /// The pattern.
        path: PathBuf,
    },
    /// A text is not Cedar, or uses what the schema does not know.
    #[error("the policies of {origin} are not valid: {message}")]
    Invalid {
        /// Where they come from.
        origin: String,
        /// What is wrong.
        message: String,
    },
}

/// Decides.
pub(crate) struct Authorizer {
    policies: PolicySet,
    schema: Schema,
    types: Types,
}

struct Types {
    user: EntityTypeName,
    file: EntityTypeName,
    collection: EntityTypeName,
    action: EntityTypeName,
}

impl Authorizer {
    /// The default policies and those in `files`, each checked against the schema.
    pub(crate) fn open(files: &[PathBuf]) -> Result<Self, PolicyError> {
        let (schema, _warnings) = Schema::from_cedarschema_str(SCHEMA).map_err(|error| PolicyError::Invalid {
            origin: "the built-in schema".to_owned(),
            message: error.to_string(),
        })?;
        let mut policies = PolicySet::new();
        add(&mut policies, "default", DEFAULT_POLICIES)?;
        for path in expand(files)? {
            let text = fs::read_to_string(&path).map_err(|source| PolicyError::Read { path: path.clone(), source })?;
            add(&mut policies, &path.display().to_string(), &text)?;
        }
        let verdict = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if let Some(error) = verdict.validation_errors().next() {
            return Err(PolicyError::Invalid { origin: error.policy_id().to_string(), message: error.to_string() });
        }
        let name = |name| EntityTypeName::from_str(name).expect("a plain identifier is a type name");
        let types =
            Types { user: name("User"), file: name("File"), collection: name("Collection"), action: name("Action") };
        Ok(Self { policies, schema, types })
    }

    /// Asks the policies, and logs the one that decided.
    pub(crate) fn check(&self, principal: &Principal, action: Action, resource: Resource<'_>) -> Result<(), Denied> {
        let decision = self.decide(principal, action, resource);
        let (allowed, policies) = match &decision {
            Ok(response) => {
                let policies = response.diagnostics().reason().map(ToString::to_string).collect::<Vec<_>>();
                (response.decision() == Decision::Allow, policies.join(" "))
            }
            Err(message) => {
                tracing::error!(message, "a question to the policies could not be put");
                (false, String::new())
            }
        };
        tracing::info!(
            user = principal.user.as_str(),
            tenant = principal.tenant.as_str(),
            action = action.as_str(),
            resource = %resource.id(),
            decision = if allowed { "allow" } else { "deny" },
            policies,
            "authorization"
        );
        if allowed { Ok(()) } else { Err(Denied) }
    }

    fn decide(
        &self,
        principal: &Principal,
        action: Action,
        resource: Resource<'_>,
    ) -> Result<cedar_policy::Response, String> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let user = self.uid(&self.types.user, principal.user.as_str());
        let action = self.uid(&self.types.action, action.as_str());
        let groups = principal.groups.iter().map(|group| text(group));
        let user_attributes = HashMap::from([
            ("tenant".to_owned(), text(principal.tenant.as_str())),
            ("groups".to_owned(), RestrictedExpression::new_set(groups)),
        ]);
        let (target, attributes) = match resource {
            Resource::File(FileResource { id, owner, tenant, collection }) => {
                let owner = self.uid(&self.types.user, owner.as_str());
                let attributes = HashMap::from([
                    ("tenant".to_owned(), text(tenant.as_str())),
                    ("owner".to_owned(), RestrictedExpression::new_entity_uid(owner)),
                    ("collection".to_owned(), text(collection)),
                ]);
                (self.uid(&self.types.file, &id.to_string()), attributes)
            }
            Resource::Collection { name, tenant } => {
                let attributes =
                    HashMap::from([("tenant".to_owned(), text(tenant.as_str())), ("name".to_owned(), text(name))]);
                (self.uid(&self.types.collection, name), attributes)
            }
        };
        let entity = |uid: &EntityUid, attributes| {
            Entity::new(uid.clone(), attributes, HashSet::new()).map_err(|error| error.to_string())
        };
        let entities = [entity(&user, user_attributes)?, entity(&target, attributes)?];
        let entities = Entities::from_entities(entities, Some(&self.schema)).map_err(|error| error.to_string())?;
        let request = Request::new(user, action, target, Context::empty(), Some(&self.schema))
            .map_err(|error| error.to_string())?;
        Ok(CedarAuthorizer::new().is_authorized(&request, &self.policies, &entities))
    }

    #[expect(clippy::unused_self, reason = "reads as one family with the types it takes")]
    fn uid(&self, kind: &EntityTypeName, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
    }
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Share => "share",
            Self::List => "list",
            Self::Delete => "delete",
            Self::Administer => "administer",
        }
    }
}

impl Resource<'_> {
    fn id(&self) -> String {
        match self {
            Self::File(file) => file.id.to_string(),
            Self::Collection { name, .. } => (*name).to_owned(),
        }
    }
}

/// Adds the policies of a text, named after where they come from and their `@id`, so that a log line leads to the line.
fn add(policies: &mut PolicySet, origin: &str, text: &str) -> Result<(), PolicyError> {
    let invalid = |message: String| PolicyError::Invalid { origin: origin.to_owned(), message };
    let parsed = PolicySet::from_str(text).map_err(|error| invalid(error.to_string()))?;
    if parsed.templates().next().is_some() {
        return Err(invalid("templates are not supported yet".to_owned()));
    }
    for policy in parsed.policies() {
        let id = policy.annotation("id").map_or_else(|| policy.id().to_string(), str::to_owned);
        let policy: Policy = policy.new_id(PolicyId::new(format!("{origin}:{id}")));
        policies.add(policy).map_err(|error| invalid(error.to_string()))?;
    }
    Ok(())
}

/// Replaces paths whose last segment holds a `*` by the files that match, in order.
fn expand(patterns: &[PathBuf]) -> Result<Vec<PathBuf>, PolicyError> {
    let mut files = Vec::new();
    for pattern in patterns {
        let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((before, after)) = name.split_once('*') else {
            files.push(pattern.clone());
            continue;
        };
        let directory = pattern.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let entries =
            fs::read_dir(directory).map_err(|source| PolicyError::Read { path: directory.to_owned(), source })?;
        let matches = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
        };
        let mut found: Vec<PathBuf> =
            entries.filter_map(Result::ok).map(|entry| entry.path()).filter(matches).collect();
        if found.is_empty() {
            return Err(PolicyError::Nothing { path: pattern.clone() });
        }
        found.sort();
        files.append(&mut found);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const FILE_ACTIONS: [Action; 6] =
        [Action::Upload, Action::Download, Action::Share, Action::List, Action::Delete, Action::Administer];

    fn principal(subject: &str, tenant: &str, groups: &[&str]) -> Principal {
        Principal {
            user: UserId::new("https://login.example.test", subject).expect("a user"),
            tenant: Tenant::parse(tenant).expect("a tenant"),
            groups: groups.iter().map(|&group| group.to_owned()).collect(),
            name: None,
            email: None,
        }
    }

    fn allowed(authorizer: &Authorizer, caller: &Principal, owner: &Principal) -> Vec<Action> {
        let file = FileResource {
            id: FileId::mint(Timestamp::UNIX_EPOCH),
            owner: &owner.user,
            tenant: &owner.tenant,
            collection: "files",
        };
        let may = |action: &Action| authorizer.check(caller, *action, Resource::File(file)).is_ok();
        FILE_ACTIONS.into_iter().filter(may).collect()
    }

    #[test]
    fn an_owner_may_everything_but_administer_and_a_stranger_nothing() {
        let authorizer = Authorizer::open(&[]).expect("the default policies");
        let alice = principal("alice", "demo", &[]);
        assert_eq!(allowed(&authorizer, &alice, &alice), FILE_ACTIONS[..5]);
        assert_eq!(allowed(&authorizer, &principal("bob", "demo", &[]), &alice), []);
        assert_eq!(allowed(&authorizer, &principal("alice", "other", &[]), &alice), [], "another tenant");
    }

    #[test]
    fn an_admin_administers_the_own_tenant_only() {
        let authorizer = Authorizer::open(&[]).expect("the default policies");
        let alice = principal("alice", "demo", &[]);
        assert_eq!(allowed(&authorizer, &principal("root", "demo", &["admin"]), &alice), FILE_ACTIONS);
        assert_eq!(allowed(&authorizer, &principal("root", "other", &["admin"]), &alice), []);
        assert_eq!(allowed(&authorizer, &principal("root", "demo", &["Admin", "admins"]), &alice), []);
    }

    #[test]
    fn a_deployment_adds_policies_and_a_forbid_wins() {
        let directory = tempfile::tempdir().expect("a directory");
        let text = r#"@id("no-deleting") forbid (principal, action == Action::"delete", resource);"#;
        fs::write(directory.path().join("holds.cedar"), text).expect("written");
        let authorizer = Authorizer::open(&[directory.path().join("*.cedar")]).expect("the policies");
        let alice = principal("alice", "demo", &["admin"]);
        assert!(!allowed(&authorizer, &alice, &alice).contains(&Action::Delete));
    }

    #[test]
    fn policies_that_say_nothing_sensible_are_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let open = |text: &str| {
            let path = directory.path().join("own.cedar");
            fs::write(&path, text).expect("written");
            Authorizer::open(&[path]).map(drop)
        };
        assert!(matches!(open("permit (principal"), Err(PolicyError::Invalid { .. })));
        let unknown = "permit (principal, action, resource is File) when { resource.colour == \"red\" };";
        assert!(matches!(open(unknown), Err(PolicyError::Invalid { .. })));
        let missing = Authorizer::open(&[directory.path().join("*.none")]);
        assert!(matches!(missing, Err(PolicyError::Nothing { .. })));
    }
}
