-- The founding tables: people, their roles and sessions, the keys, the audit log.
-- works-with: 1

-- The first six columns are the product's contract (docs/architecture.md); the others stand beside them. A row written
-- by hand with the contract's columns alone is valid, but has no canonical names and cannot sign in.
CREATE TABLE users (
    id            {{identity}},
    username      VARCHAR(80)  NOT NULL UNIQUE CHECK (length(username) BETWEEN 1 AND 80),
    email         VARCHAR(120) NOT NULL UNIQUE CHECK (length(email) BETWEEN 1 AND 120),
    password_hash VARCHAR(128) NOT NULL CHECK (length(password_hash) <= 128),
    created_at    {{time}}     NOT NULL DEFAULT {{now}},
    updated_at    {{time}}     NOT NULL DEFAULT {{now}},
    username_key  TEXT         UNIQUE,
    email_key     TEXT         UNIQUE,
    status        VARCHAR(16)  NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'deactivated', 'deleted'))
);

CREATE TABLE roles (
    name        VARCHAR(64) NOT NULL PRIMARY KEY,
    description TEXT        NOT NULL,
    created_at  {{time}}    NOT NULL DEFAULT {{now}}
);

INSERT INTO roles (name, description) VALUES
    ('admin', 'May do everything.'),
    ('editor', 'May act on accounts that hold no role.'),
    ('viewer', 'May read.');

CREATE TABLE user_roles (
    user_id    BIGINT      NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role       VARCHAR(64) NOT NULL REFERENCES roles (name),
    granted_at {{time}}    NOT NULL,
    PRIMARY KEY (user_id, role)
);

-- One row a sign-in, changed in place: a refresh counts `rotation` up and moves `refreshed_at`, neither of which is
-- indexed, so that PostgreSQL keeps the new row version on the same page.
CREATE TABLE sessions (
    id           TEXT        NOT NULL PRIMARY KEY,
    user_id      BIGINT      NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    client       TEXT        NOT NULL,
    amr          TEXT        NOT NULL,
    acr          TEXT        NOT NULL,
    created_at   {{time}}    NOT NULL,
    auth_time    {{time}}    NOT NULL,
    refreshed_at {{time}}    NOT NULL,
    rotation     BIGINT      NOT NULL DEFAULT 0,
    expires_at   {{time}}    NOT NULL,
    ended_at     {{time}},
    end_reason   VARCHAR(32)
) {{updated in place}};
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- A key's state follows from its times alone: prepared until activate_at, active until retire_at, retired until
-- remove_at. The generation makes "the next key" a thing that only one instance can make.
CREATE TABLE signing_keys (
    id             TEXT        NOT NULL PRIMARY KEY,
    generation     BIGINT      NOT NULL UNIQUE,
    algorithm      VARCHAR(16) NOT NULL,
    public_jwk     TEXT        NOT NULL,
    sealed_private {{bytes}}   NOT NULL,
    created_at     {{time}}    NOT NULL,
    activate_at    {{time}}    NOT NULL,
    retire_at      {{time}},
    remove_at      {{time}}
);

-- Symmetric keys (the MAC of refresh tokens, …), each sealed with the master key.
CREATE TABLE sealed_keys (
    purpose    VARCHAR(64) NOT NULL,
    generation BIGINT      NOT NULL,
    sealed     {{bytes}}   NOT NULL,
    created_at {{time}}    NOT NULL,
    PRIMARY KEY (purpose, generation)
);

-- The key of a subject's personal fields in the audit log: erasing a person is deleting this row.
CREATE TABLE subject_keys (
    subject    VARCHAR(64) NOT NULL PRIMARY KEY,
    sealed     {{bytes}}   NOT NULL,
    created_at {{time}}    NOT NULL
);

-- No reference to users: the log outlives the people in it.
CREATE TABLE audit_events (
    seq        {{identity}},
    id         TEXT        NOT NULL UNIQUE,
    at         {{time}}    NOT NULL,
    type       VARCHAR(64) NOT NULL,
    outcome    VARCHAR(16) NOT NULL,
    reason     VARCHAR(64) NOT NULL,
    actor_kind VARCHAR(16) NOT NULL,
    actor_id   BIGINT,
    subject_id BIGINT,
    session_id TEXT,
    client     TEXT        NOT NULL,
    request_id TEXT        NOT NULL,
    details    TEXT        NOT NULL,
    sealed_for VARCHAR(64) NOT NULL,
    sealed     {{bytes}}   NOT NULL,
    digest     {{bytes}}   NOT NULL
);
CREATE INDEX audit_events_subject ON audit_events (subject_id, seq);
