//! What every repository does, as functions over the trait. An implementation calls the list.

use jiff::{SignedDuration, Timestamp};

use super::{Conditional, Created, DoomedObject, FileQuery, Once, Publication, Repository, Revision, SqliteRepository};
use crate::model::{
    content_type::ContentType,
    file::{Disposition, File},
    filename::Filename,
    id::{FileId, LinkId, UploadId},
    link::Link,
    metadata::Metadata,
    principal::{Principal, Tenant, UserId},
    session::{LoginAttempt, Session},
    token::SecretToken,
    upload::{Upload, UploadState},
};

macro_rules! behaviours {
    ($open:expr, $($name:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                let (repository, _kept) = $open.await;
                super::$name(&repository).await;
            }
        )+
    };
}

mod sqlite {
    use super::SqliteRepository;

    async fn open() -> (SqliteRepository, tempfile::TempDir) {
        let directory = tempfile::tempdir().expect("a directory");
        let repository = SqliteRepository::open(&directory.path().join("rows.db")).await.expect("a database");
        (repository, directory)
    }

    behaviours!(
        open(),
        an_upload_moves_along_its_edges_only,
        a_file_appears_with_its_upload_or_not_at_all,
        a_claimed_copy_cannot_become_a_file,
        an_upload_is_published_once,
        pending_uploads_expire_when_they_can_no_longer_be_completed,
        unfinished_uploads_are_rejected_when_their_time_is_over,
        what_cannot_be_deleted_keeps_nothing_else_waiting,
        files_are_listed_newest_first_by_tenant_and_owner,
        a_deleted_file_is_gone_and_its_object_doomed,
        a_change_for_another_revision_changes_nothing,
        a_link_opens_by_each_of_its_tokens_until_it_is_revoked,
        the_same_key_makes_one_thing,
        a_sign_in_is_taken_once_and_in_time,
        sign_ins_wait_up_to_a_number,
        a_session_ends,
        a_service_key_stays,
    );

    #[tokio::test]
    async fn rows_survive_a_reopening_and_the_file_is_private() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("rows.db");
        let upload = super::upload("alice", super::start());
        {
            let repository = SqliteRepository::open(&path).await.expect("a database");
            super::Repository::create_upload(&repository, &upload, None).await.expect("created");
        }
        let repository = SqliteRepository::open(&path).await.expect("the same database");
        assert!(super::Repository::upload(&repository, upload.id).await.expect("an answer").is_some());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}

fn start() -> Timestamp {
    "2026-11-01T12:00:00Z".parse().expect("a time")
}

fn user(name: &str) -> UserId {
    UserId::new("https://login.example.test", name).expect("a user")
}

fn tenant() -> Tenant {
    Tenant::parse("demo").expect("a tenant")
}

fn upload(owner: &str, now: Timestamp) -> Upload {
    let id = UploadId::mint(now);
    Upload {
        id,
        file: FileId::mint(now),
        tenant: tenant(),
        owner: user(owner),
        collection: "files".to_owned(),
        filename: Filename::parse("Report.pdf").expect("a name"),
        size: 42,
        content_type: ContentType::parse("application/pdf").expect("a type"),
        checksum: None,
        metadata: Metadata::default(),
        staging_key: format!("staging/demo/{id}/x"),
        proof: "proof".to_owned(),
        state: UploadState::Pending,
        created_at: now,
        expires_at: now + SignedDuration::from_mins(15),
        completable_until: now + SignedDuration::from_hours(24),
    }
}

fn file_of(upload: &Upload, now: Timestamp) -> File {
    File {
        id: upload.file,
        tenant: upload.tenant.clone(),
        owner: upload.owner.clone(),
        collection: upload.collection.clone(),
        filename: upload.filename.clone(),
        size: upload.size,
        content_type: upload.content_type.clone(),
        checksum: upload.checksum.clone(),
        metadata: upload.metadata.clone(),
        key: format!("files/demo/{}/v", upload.file),
        object_etag: "etag".to_owned(),
        revision: 1,
        created_at: now,
        updated_at: now,
    }
}

fn copy_of(file: &File) -> DoomedObject {
    DoomedObject { collection: file.collection.clone(), key: file.key.clone() }
}

async fn to_verifying(repository: &impl Repository, id: UploadId) {
    for next in [UploadState::Uploaded, UploadState::Verifying] {
        assert!(repository.advance_upload(id, next).await.expect("an answer"));
    }
}

async fn stored_file(repository: &impl Repository, owner: &str, filename: &str, now: Timestamp) -> File {
    let upload = Upload { filename: Filename::parse(filename).expect("a name"), ..upload(owner, now) };
    repository.create_upload(&upload, None).await.expect("created");
    to_verifying(repository, upload.id).await;
    let file = file_of(&upload, now);
    repository.doom_object(&copy_of(&file), now + SignedDuration::from_hours(1)).await.expect("doomed");
    assert_eq!(repository.publish(upload.id, &file).await.expect("an answer"), Publication::Published);
    file
}

fn link_to(file: &File, now: Timestamp) -> Link {
    Link {
        id: LinkId::mint(now),
        file: file.id,
        tenant: file.tenant.clone(),
        created_by: file.owner.clone(),
        label: Some("for Bob".to_owned()),
        disposition: Disposition::Inline,
        filename: None,
        url_ttl: 300,
        not_before: None,
        expires_at: None,
        revoked_at: None,
        revision: 1,
        created_at: now,
        updated_at: now,
    }
}

async fn an_upload_moves_along_its_edges_only(repository: &impl Repository) {
    for from in UploadState::ALL {
        for to in UploadState::ALL {
            let upload = upload("alice", start());
            repository.create_upload(&upload, None).await.expect("created");
            let way: &[UploadState] = match from {
                UploadState::Pending => &[],
                UploadState::Uploaded => &[UploadState::Uploaded],
                UploadState::Verifying => &[UploadState::Uploaded, UploadState::Verifying],
                UploadState::Available => &[UploadState::Uploaded, UploadState::Verifying, UploadState::Available],
                UploadState::Rejected => &[UploadState::Uploaded, UploadState::Verifying, UploadState::Rejected],
                UploadState::Expired => &[UploadState::Expired],
                UploadState::Aborted => &[UploadState::Aborted],
            };
            for step in way {
                assert!(repository.advance_upload(upload.id, *step).await.expect("an answer"), "{from}: {step}");
            }
            let legal = to.predecessors().contains(&from);
            assert_eq!(repository.advance_upload(upload.id, to).await.expect("an answer"), legal, "{from} to {to}");
            let state = repository.upload(upload.id).await.expect("an answer").expect("the upload").state;
            assert_eq!(state, if legal { to } else { from });
        }
    }
}

async fn a_file_appears_with_its_upload_or_not_at_all(repository: &impl Repository) {
    let upload = upload("alice", start());
    repository.create_upload(&upload, None).await.expect("created");
    let file = file_of(&upload, start());
    repository.doom_object(&copy_of(&file), start() + SignedDuration::from_hours(1)).await.expect("doomed");
    let too_soon = repository.publish(upload.id, &file).await.expect("an answer");
    assert_eq!(too_soon, Publication::NotVerifying);
    assert!(repository.file(file.id).await.expect("an answer").is_none());
    to_verifying(repository, upload.id).await;
    assert_eq!(repository.publish(upload.id, &file).await.expect("an answer"), Publication::Published);
    let stored = repository.file(file.id).await.expect("an answer").expect("the file");
    assert_eq!((stored.key, stored.size, stored.owner), (file.key.clone(), file.size, file.owner));
    let later = start() + SignedDuration::from_hours(2);
    let doomed = repository.claim_doomed(later, 10).await.expect("an answer");
    assert!(!doomed.iter().any(|object| object.key == file.key), "a published object is spared");
}

async fn a_claimed_copy_cannot_become_a_file(repository: &impl Repository) {
    let upload = upload("alice", start());
    repository.create_upload(&upload, None).await.expect("created");
    to_verifying(repository, upload.id).await;
    let file = file_of(&upload, start());
    repository.doom_object(&copy_of(&file), start()).await.expect("doomed");
    assert_eq!(repository.claim_doomed(start(), 10).await.expect("an answer"), [copy_of(&file)]);
    assert_eq!(repository.publish(upload.id, &file).await.expect("an answer"), Publication::CopyLost);
    assert!(repository.file(file.id).await.expect("an answer").is_none());
    let state = repository.upload(upload.id).await.expect("an answer").expect("the upload").state;
    assert_eq!(state, UploadState::Verifying, "another attempt may still finish it");
}

async fn an_upload_is_published_once(repository: &impl Repository) {
    let upload = upload("alice", start());
    repository.create_upload(&upload, None).await.expect("created");
    to_verifying(repository, upload.id).await;
    let mut outcomes = Vec::new();
    for attempt in 0..3 {
        let file = File { key: format!("files/{attempt}"), ..file_of(&upload, start()) };
        repository.doom_object(&copy_of(&file), start() + SignedDuration::from_hours(1)).await.expect("doomed");
        outcomes.push(repository.publish(upload.id, &file).await.expect("an answer"));
    }
    assert_eq!(outcomes, [Publication::Published, Publication::NotVerifying, Publication::NotVerifying]);
    assert_eq!(repository.file(upload.file).await.expect("an answer").expect("the file").key, "files/0");
}

async fn pending_uploads_expire_when_they_can_no_longer_be_completed(repository: &impl Repository) {
    let upload = upload("alice", start());
    repository.create_upload(&upload, None).await.expect("created");
    let just_before = upload.completable_until - SignedDuration::from_micros(1);
    assert_eq!(repository.expire_uploads(just_before).await.expect("an answer"), 0);
    assert!(repository.claim_doomed(just_before, 10).await.expect("an answer").is_empty());
    assert_eq!(repository.expire_uploads(upload.completable_until).await.expect("an answer"), 1);
    let doomed = repository.claim_doomed(upload.completable_until, 10).await.expect("an answer");
    assert_eq!(doomed, [DoomedObject { collection: "files".to_owned(), key: upload.staging_key }]);
    repository.forget_doomed(&doomed[0].key).await.expect("forgotten");
    assert!(repository.claim_doomed(upload.completable_until, 10).await.expect("an answer").is_empty());
}

async fn unfinished_uploads_are_rejected_when_their_time_is_over(repository: &impl Repository) {
    let steps: [&[UploadState]; 4] = [
        &[],
        &[UploadState::Uploaded],
        &[UploadState::Uploaded, UploadState::Verifying],
        &[UploadState::Uploaded, UploadState::Verifying, UploadState::Available],
    ];
    let mut uploads = Vec::new();
    for steps in steps {
        let upload = upload("alice", start());
        repository.create_upload(&upload, None).await.expect("created");
        for step in steps {
            assert!(repository.advance_upload(upload.id, *step).await.expect("an answer"));
        }
        uploads.push(upload);
    }
    let over = uploads[0].completable_until;
    let just_before = over - SignedDuration::from_micros(1);
    assert_eq!(repository.reject_unfinished(just_before).await.expect("an answer"), 0);
    assert_eq!(repository.reject_unfinished(over).await.expect("an answer"), 2);
    let mut states = Vec::new();
    for upload in uploads {
        states.push(repository.upload(upload.id).await.expect("an answer").expect("the upload").state);
    }
    let expected = [UploadState::Pending, UploadState::Rejected, UploadState::Rejected, UploadState::Available];
    assert_eq!(states, expected);
}

async fn what_cannot_be_deleted_keeps_nothing_else_waiting(repository: &impl Repository) {
    let object = |key: &str| DoomedObject { collection: "files".to_owned(), key: key.to_owned() };
    for (key, seconds) in [("stuck", 0), ("second", 1), ("third", 2)] {
        repository.doom_object(&object(key), start() + SignedDuration::from_secs(seconds)).await.expect("doomed");
    }
    for (round, expected) in (3..).zip(["stuck", "second", "third", "stuck", "second"]) {
        let now = start() + SignedDuration::from_secs(round);
        assert_eq!(repository.claim_doomed(now, 1).await.expect("an answer"), [object(expected)]);
    }
}

async fn files_are_listed_newest_first_by_tenant_and_owner(repository: &impl Repository) {
    let mut stored = Vec::new();
    for (index, (owner, name)) in [("alice", "a.txt"), ("bob", "b.txt"), ("alice", "A-%_.TXT")].iter().enumerate() {
        let now = start() + SignedDuration::from_secs(i64::try_from(index).expect("small"));
        stored.push(stored_file(repository, owner, name, now).await.id);
    }
    let all = FileQuery {
        tenant: tenant(),
        owner: None,
        collection: None,
        prefix: None,
        contains: None,
        before: None,
        limit: 10,
    };
    let ids = async |query: FileQuery| -> Vec<FileId> {
        repository.files(&query).await.expect("an answer").iter().map(|file| file.id).collect()
    };
    let alice = Some(user("alice"));
    assert_eq!(ids(all.clone()).await, [stored[2], stored[1], stored[0]]);
    assert_eq!(ids(FileQuery { limit: 1, ..all.clone() }).await, [stored[2]]);
    assert_eq!(ids(FileQuery { owner: alice.clone(), ..all.clone() }).await, [stored[2], stored[0]]);
    let older = FileQuery { owner: alice, before: Some(stored[2]), ..all.clone() };
    assert_eq!(ids(older).await, [stored[0]]);
    assert_eq!(ids(FileQuery { prefix: Some("a".to_owned()), ..all.clone() }).await, [stored[0]]);
    assert_eq!(ids(FileQuery { prefix: Some("A-%".to_owned()), ..all.clone() }).await, [stored[2]]);
    assert_eq!(ids(FileQuery { contains: Some(".Txt".to_owned()), ..all.clone() }).await.len(), 3);
    assert_eq!(ids(FileQuery { contains: Some("%".to_owned()), ..all.clone() }).await, [stored[2]]);
    assert_eq!(ids(FileQuery { collection: Some("other".to_owned()), ..all.clone() }).await, []);
    let elsewhere = Tenant::parse("other").expect("a tenant");
    assert_eq!(ids(FileQuery { tenant: elsewhere, ..all }).await, []);
}

async fn a_deleted_file_is_gone_and_its_object_doomed(repository: &impl Repository) {
    let file = stored_file(repository, "alice", "a.txt", start()).await;
    let token = SecretToken::mint();
    let link = link_to(&file, start());
    repository.create_link(&link, token.hash(), None).await.expect("created");
    let deleted = repository.delete_file(file.id, Revision::Any, start()).await.expect("an answer");
    assert_eq!(deleted, Conditional::Done(()));
    assert!(repository.file(file.id).await.expect("an answer").is_none());
    assert_eq!(repository.claim_doomed(start(), 10).await.expect("an answer"), [copy_of(&file)]);
    let target = repository.link_by_token(token.hash()).await.expect("an answer").expect("the link");
    assert!(target.file.is_none(), "the link remembers that there was a file");
    let again = repository.delete_file(file.id, Revision::Any, start()).await.expect("an answer");
    assert_eq!(again, Conditional::Missing);
}

async fn a_change_for_another_revision_changes_nothing(repository: &impl Repository) {
    let file = stored_file(repository, "alice", "a.txt", start()).await;
    let link = link_to(&file, start());
    repository.create_link(&link, SecretToken::mint().hash(), None).await.expect("created");
    let other = Revision::Exactly(7);
    assert_eq!(repository.delete_file(file.id, other, start()).await.expect("an answer"), Conditional::OtherRevision);
    assert!(matches!(
        repository.revoke_link(link.id, other, start()).await.expect("an answer"),
        Conditional::OtherRevision
    ));
    assert_eq!(repository.delete_link(link.id, other).await.expect("an answer"), Conditional::OtherRevision);
    let link = repository.link(link.id).await.expect("an answer").expect("the link");
    assert_eq!((link.revision, link.revoked_at), (1, None));
}

async fn a_link_opens_by_each_of_its_tokens_until_it_is_revoked(repository: &impl Repository) {
    let file = stored_file(repository, "alice", "a.txt", start()).await;
    let link = link_to(&file, start());
    let (first, second) = (SecretToken::mint(), SecretToken::mint());
    repository.create_link(&link, first.hash(), None).await.expect("created");
    repository.add_link_token(link.id, second.hash()).await.expect("added");
    for token in [&first, &second] {
        let target = repository.link_by_token(token.hash()).await.expect("an answer").expect("the link");
        assert_eq!((target.link.id, target.file.map(|file| file.id)), (link.id, Some(file.id)));
    }
    assert!(repository.link_by_token(SecretToken::mint().hash()).await.expect("an answer").is_none());
    let later = start() + SignedDuration::from_secs(5);
    for now in [start(), later] {
        let revoked = repository.revoke_link(link.id, Revision::Any, now).await.expect("an answer");
        let Conditional::Done(revoked) = revoked else { panic!("it is there") };
        assert_eq!((revoked.revoked_at, revoked.revision), (Some(start()), 2), "the first revocation stands");
    }
    assert_eq!(repository.links(file.id, None, 10).await.expect("an answer").len(), 1);
    let deleted = repository.delete_link(link.id, Revision::Exactly(2)).await.expect("an answer");
    assert_eq!(deleted, Conditional::Done(()));
    assert!(repository.link_by_token(first.hash()).await.expect("an answer").is_none());
}

async fn the_same_key_makes_one_thing(repository: &impl Repository) {
    let once = |caller: &str, key: u8, request: u8, now: Timestamp| Once {
        caller: user(caller),
        route: "POST /v1/uploads",
        key: [key; 32],
        request: [request; 32],
        now,
    };
    let create = async |once: Once| {
        let upload = upload("alice", start());
        (upload.id, repository.create_upload(&upload, Some(&once)).await.expect("an answer"))
    };
    let (first, outcome) = create(once("alice", 1, 1, start())).await;
    assert_eq!(outcome, Created::New);
    let (second, outcome) = create(once("alice", 1, 1, start())).await;
    assert_eq!(outcome, Created::Before(first));
    assert!(repository.upload(second).await.expect("an answer").is_none(), "nothing else was made");
    assert_eq!(create(once("alice", 1, 2, start())).await.1, Created::KeyReused);
    assert_eq!(create(once("bob", 1, 2, start())).await.1, Created::New, "a key belongs to its caller");
    let day_after = start() + SignedDuration::from_hours(super::IDEMPOTENCY_KEY_HOURS);
    let just_before = day_after - SignedDuration::from_micros(1);
    assert_eq!(create(once("alice", 1, 1, just_before)).await.1, Created::Before(first));
    assert_eq!(create(once("alice", 1, 2, day_after)).await.1, Created::New);
}

async fn a_sign_in_is_taken_once_and_in_time(repository: &impl Repository) {
    let attempt = |state: &SecretToken| LoginAttempt {
        state: state.hash(),
        nonce: "nonce".to_owned(),
        code_verifier: "verifier".to_owned(),
        return_to: "/".to_owned(),
        expires_at: start() + SignedDuration::from_mins(10),
    };
    let (one, late) = (SecretToken::mint(), SecretToken::mint());
    for state in [&one, &late] {
        assert!(repository.create_login_attempt(&attempt(state), 2, start()).await.expect("an answer"));
    }
    let taken = repository.take_login_attempt(one.hash(), start()).await.expect("an answer").expect("the attempt");
    assert_eq!((taken.nonce.as_str(), taken.code_verifier.as_str()), ("nonce", "verifier"));
    assert!(repository.take_login_attempt(one.hash(), start()).await.expect("an answer").is_none());
    let too_late = start() + SignedDuration::from_mins(10);
    assert!(repository.take_login_attempt(late.hash(), too_late).await.expect("an answer").is_none());
}

async fn sign_ins_wait_up_to_a_number(repository: &impl Repository) {
    let expires_at = start() + SignedDuration::from_mins(10);
    let begin = async |now: Timestamp| {
        let attempt = LoginAttempt {
            state: SecretToken::mint().hash(),
            nonce: "nonce".to_owned(),
            code_verifier: "verifier".to_owned(),
            return_to: "/".to_owned(),
            expires_at: now + SignedDuration::from_mins(10),
        };
        repository.create_login_attempt(&attempt, 2, now).await.expect("an answer")
    };
    assert!(begin(start()).await && begin(start()).await);
    assert!(!begin(expires_at - SignedDuration::from_micros(1)).await);
    assert!(begin(expires_at).await, "those whose time is over make room");
}

async fn a_session_ends(repository: &impl Repository) {
    let token = SecretToken::mint();
    let principal = Principal {
        user: user("alice"),
        tenant: tenant(),
        groups: ["admin".to_owned()].into(),
        name: Some("Alice".to_owned()),
        email: None,
    };
    let expires_at = start() + SignedDuration::from_hours(12);
    let session = Session { token: token.hash(), principal: principal.clone(), created_at: start(), expires_at };
    repository.create_session(&session).await.expect("created");
    let found = repository.session(token.hash(), start()).await.expect("an answer").expect("the session");
    assert_eq!(found.principal, principal);
    assert!(repository.session(token.hash(), expires_at).await.expect("an answer").is_none());
    repository.delete_session(token.hash()).await.expect("deleted");
    assert!(repository.session(token.hash(), start()).await.expect("an answer").is_none());
    repository.create_session(&session).await.expect("created");
    repository.forget_expired(expires_at).await.expect("forgotten");
    assert!(repository.session(token.hash(), start()).await.expect("an answer").is_none());
}

async fn a_service_key_stays(repository: &impl Repository) {
    assert_eq!(repository.service_key("cursor", [1; 32]).await.expect("a key"), [1; 32]);
    assert_eq!(repository.service_key("cursor", [2; 32]).await.expect("a key"), [1; 32]);
    assert_eq!(repository.service_key("other", [3; 32]).await.expect("a key"), [3; 32]);
}
