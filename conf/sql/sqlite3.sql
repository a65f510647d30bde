-- The registry of mod_api_oauth2 in SQLite.
-- Made by "htapi --registry sqlite3:PATH registry init".
--
-- Times are seconds since 1970 in UTC; NULL: no bound. Lists are separated
-- by one space. Whoever changes rows by other means than htapi sets
-- "PRAGMA foreign_keys = ON" first: SQLite has it off in each connection.

CREATE TABLE api_registry (
    version INTEGER NOT NULL
);
INSERT INTO api_registry (version) VALUES (1);

CREATE TABLE api_plans (
    name TEXT NOT NULL PRIMARY KEY
        CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 255)
) WITHOUT ROWID;

-- The limits of a plan, in the order of position. "burst" NULL: as many as
-- requests. "per" is a duration: 10s, 1mi, 1h, 30d.
CREATE TABLE api_limits (
    plan TEXT NOT NULL REFERENCES api_plans (name) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    requests INTEGER NOT NULL CHECK (requests > 0),
    per TEXT NOT NULL,
    burst INTEGER CHECK (burst > 0),
    PRIMARY KEY (plan, position)
) WITHOUT ROWID;

-- The versions of APIs; '' for an API without. The version '*' is what
-- subscriptions to all versions refer to: it is there once for each name,
-- and its status means nothing.
CREATE TABLE api_versions (
    name TEXT NOT NULL
        CHECK (length(CAST(name AS BLOB)) BETWEEN 1 AND 255),
    version TEXT NOT NULL
        CHECK (length(CAST(version AS BLOB)) <= 255),
    status TEXT NOT NULL DEFAULT 'published'
        CHECK (status IN ('published', 'deprecated', 'blocked', 'retired')),
    deprecation INTEGER,
    sunset INTEGER,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;

CREATE TABLE api_applications (
    id TEXT NOT NULL PRIMARY KEY
        CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 255),
    name TEXT NOT NULL DEFAULT '',
    owner TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'blocked')),
    token_format TEXT NOT NULL DEFAULT 'any'
        CHECK (token_format IN ('any', 'jwt', 'opaque'))
) WITHOUT ROWID;

CREATE TABLE api_clients (
    issuer TEXT NOT NULL
        CHECK (length(CAST(issuer AS BLOB)) BETWEEN 1 AND 255),
    client_id TEXT NOT NULL
        CHECK (length(CAST(client_id AS BLOB)) BETWEEN 1 AND 255),
    application TEXT NOT NULL
        REFERENCES api_applications (id) ON DELETE CASCADE,
    key_type TEXT NOT NULL DEFAULT 'production'
        CHECK (key_type IN ('production', 'sandbox')),
    PRIMARY KEY (issuer, client_id)
) WITHOUT ROWID;
CREATE INDEX api_clients_application ON api_clients (application);

-- "sha256" is the token's digest in lower case; the token is nowhere.
CREATE TABLE api_tokens (
    sha256 TEXT NOT NULL PRIMARY KEY
        CHECK (length(sha256) = 64 AND sha256 = lower(sha256)),
    application TEXT NOT NULL
        REFERENCES api_applications (id) ON DELETE CASCADE,
    id TEXT NOT NULL
        CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 255),
    prefix TEXT NOT NULL DEFAULT '',
    scopes TEXT NOT NULL DEFAULT '',
    key_type TEXT NOT NULL DEFAULT 'production'
        CHECK (key_type IN ('production', 'sandbox')),
    not_before INTEGER,
    expires INTEGER,
    status TEXT NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'revoked')),
    ip TEXT NOT NULL DEFAULT '',
    UNIQUE (application, id)
) WITHOUT ROWID;

CREATE TABLE api_subscriptions (
    application TEXT NOT NULL
        REFERENCES api_applications (id) ON DELETE CASCADE,
    api TEXT NOT NULL,
    version TEXT NOT NULL,
    plan TEXT REFERENCES api_plans (name),
    status TEXT NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'blocked', 'production_blocked',
                          'pending', 'rejected', 'closed')),
    starts INTEGER,
    expires INTEGER,
    PRIMARY KEY (application, api, version),
    FOREIGN KEY (api, version) REFERENCES api_versions (name, version)
) WITHOUT ROWID;
CREATE INDEX api_subscriptions_api ON api_subscriptions (api, version);
CREATE INDEX api_subscriptions_plan ON api_subscriptions (plan);
