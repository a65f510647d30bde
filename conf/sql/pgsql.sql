-- The registry of mod_api_oauth2 in PostgreSQL.
-- Made by "htapi --registry pgsql:PARAMS registry init".
--
-- Times are seconds since 1970 in UTC; NULL: no bound. Lists are separated
-- by one space. Names compare byte by byte.

CREATE TABLE api_registry (
    version INTEGER NOT NULL
);
INSERT INTO api_registry (version) VALUES (1);

CREATE TABLE api_plans (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY
        CHECK (octet_length(name) BETWEEN 1 AND 255)
);

-- The limits of a plan, in the order of position. "burst" NULL: as many as
-- requests. "per" is a duration: 10s, 1mi, 1h, 30d.
CREATE TABLE api_limits (
    plan TEXT COLLATE "C" NOT NULL
        REFERENCES api_plans (name) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    requests BIGINT NOT NULL CHECK (requests > 0),
    per TEXT NOT NULL,
    burst BIGINT CHECK (burst > 0),
    PRIMARY KEY (plan, position)
);

-- The versions of APIs; '' for an API without. The version '*' is what
-- subscriptions to all versions refer to: it is there once for each name,
-- and its status means nothing.
CREATE TABLE api_versions (
    name TEXT COLLATE "C" NOT NULL
        CHECK (octet_length(name) BETWEEN 1 AND 255),
    version TEXT COLLATE "C" NOT NULL
        CHECK (octet_length(version) <= 255),
    status TEXT NOT NULL DEFAULT 'published'
        CHECK (status IN ('published', 'deprecated', 'blocked', 'retired')),
    deprecation BIGINT,
    sunset BIGINT,
    PRIMARY KEY (name, version)
);

CREATE TABLE api_applications (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY
        CHECK (octet_length(id) BETWEEN 1 AND 255),
    name TEXT NOT NULL DEFAULT '',
    owner TEXT NOT NULL DEFAULT '',
    status TEXT NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'blocked')),
    token_format TEXT NOT NULL DEFAULT 'any'
        CHECK (token_format IN ('any', 'jwt', 'opaque'))
);

CREATE TABLE api_clients (
    issuer TEXT COLLATE "C" NOT NULL
        CHECK (octet_length(issuer) BETWEEN 1 AND 255),
    client_id TEXT COLLATE "C" NOT NULL
        CHECK (octet_length(client_id) BETWEEN 1 AND 255),
    application TEXT COLLATE "C" NOT NULL
        REFERENCES api_applications (id) ON DELETE CASCADE,
    key_type TEXT NOT NULL DEFAULT 'production'
        CHECK (key_type IN ('production', 'sandbox')),
    PRIMARY KEY (issuer, client_id)
);
CREATE INDEX api_clients_application ON api_clients (application);

-- "sha256" is the token's digest in lower case; the token is nowhere.
CREATE TABLE api_tokens (
    sha256 TEXT COLLATE "C" NOT NULL PRIMARY KEY
        CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    application TEXT COLLATE "C" NOT NULL
        REFERENCES api_applications (id) ON DELETE CASCADE,
    id TEXT COLLATE "C" NOT NULL
        CHECK (octet_length(id) BETWEEN 1 AND 255),
    prefix TEXT NOT NULL DEFAULT '',
    scopes TEXT NOT NULL DEFAULT '',
    key_type TEXT NOT NULL DEFAULT 'production'
        CHECK (key_type IN ('production', 'sandbox')),
    not_before BIGINT,
    expires BIGINT,
    status TEXT NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'revoked')),
    ip TEXT NOT NULL DEFAULT '',
    UNIQUE (application, id)
);

CREATE TABLE api_subscriptions (
    application TEXT COLLATE "C" NOT NULL
        REFERENCES api_applications (id) ON DELETE CASCADE,
    api TEXT COLLATE "C" NOT NULL,
    version TEXT COLLATE "C" NOT NULL,
    plan TEXT COLLATE "C" REFERENCES api_plans (name),
    status TEXT NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'blocked', 'production_blocked',
                          'pending', 'rejected', 'closed')),
    starts BIGINT,
    expires BIGINT,
    PRIMARY KEY (application, api, version),
    FOREIGN KEY (api, version) REFERENCES api_versions (name, version)
);
CREATE INDEX api_subscriptions_api ON api_subscriptions (api, version);
CREATE INDEX api_subscriptions_plan ON api_subscriptions (plan);
