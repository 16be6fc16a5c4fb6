-- Times are microseconds since 1970, in UTC. Identifiers are the texts that the API shows.

CREATE TABLE uploads (
    id                TEXT    PRIMARY KEY,
    file_id           TEXT    NOT NULL UNIQUE,
    tenant            TEXT    NOT NULL,
    owner             TEXT    NOT NULL,
    collection        TEXT    NOT NULL,
    filename          TEXT    NOT NULL,
    size              INTEGER NOT NULL CHECK (size >= 0),
    content_type      TEXT    NOT NULL,
    checksum          TEXT,
    metadata          TEXT    NOT NULL,
    staging_key       TEXT    NOT NULL UNIQUE,
    proof             TEXT    NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN
        ('pending', 'uploaded', 'verifying', 'available', 'rejected', 'expired', 'aborted')),
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    completable_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX uploads_pending ON uploads (completable_until) WHERE state = 'pending';

CREATE TABLE files (
    id           TEXT    PRIMARY KEY,
    tenant       TEXT    NOT NULL,
    owner        TEXT    NOT NULL,
    collection   TEXT    NOT NULL,
    filename     TEXT    NOT NULL,
    size         INTEGER NOT NULL CHECK (size >= 0),
    content_type TEXT    NOT NULL,
    checksum     TEXT,
    metadata     TEXT    NOT NULL,
    key          TEXT    NOT NULL UNIQUE,
    object_etag  TEXT    NOT NULL,
    revision     INTEGER NOT NULL DEFAULT 1,
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    -- A deleted file keeps its row, so that its links can say that it is gone.
    deleted_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX files_of_owner  ON files (tenant, owner, id) WHERE deleted_at IS NULL;
CREATE INDEX files_of_tenant ON files (tenant, id)        WHERE deleted_at IS NULL;

CREATE TABLE links (
    id          TEXT    PRIMARY KEY,
    file_id     TEXT    NOT NULL REFERENCES files (id),
    tenant      TEXT    NOT NULL,
    created_by  TEXT    NOT NULL,
    label       TEXT,
    disposition TEXT    NOT NULL,
    filename    TEXT,
    url_ttl     INTEGER NOT NULL,
    not_before  INTEGER,
    expires_at  INTEGER,
    revoked_at  INTEGER,
    revision    INTEGER NOT NULL DEFAULT 1,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX links_of_file ON links (file_id, id);

-- A link may have several tokens: a replayed request to create it cannot be given the first one again, as nobody knows it.
CREATE TABLE link_tokens (
    token_hash BLOB PRIMARY KEY,
    link_id    TEXT NOT NULL REFERENCES links (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX link_tokens_of_link ON link_tokens (link_id);

-- Objects that are garbage from `due_at` on, unless the row is taken away before. Whoever deletes one claims it first, so that
-- nothing is deleted that somebody else is about to make a file of.
CREATE TABLE doomed_objects (
    key        TEXT    PRIMARY KEY,
    collection TEXT    NOT NULL,
    due_at     INTEGER NOT NULL,
    claimed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX doomed_objects_by_time ON doomed_objects (due_at);

CREATE TABLE idempotency_keys (
    caller       TEXT    NOT NULL,
    route        TEXT    NOT NULL,
    key_hash     BLOB    NOT NULL,
    request_hash BLOB    NOT NULL,
    resource     TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (caller, route, key_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_time ON idempotency_keys (created_at);

CREATE TABLE login_attempts (
    state_hash    BLOB    PRIMARY KEY,
    nonce         TEXT    NOT NULL,
    code_verifier TEXT    NOT NULL,
    return_to     TEXT    NOT NULL,
    expires_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash BLOB    PRIMARY KEY,
    owner      TEXT    NOT NULL,
    tenant     TEXT    NOT NULL,
    groups     TEXT    NOT NULL,
    name       TEXT,
    email      TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys of the service's own, such as the one that authenticates cursors: made at the first start, shared by every copy.
CREATE TABLE service_keys (
    name TEXT PRIMARY KEY,
    key  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
