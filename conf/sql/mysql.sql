-- The registry of mod_api_oauth2 in MySQL or MariaDB.
-- Load it with: mysql DATABASE < mysql.sql
--
-- Times are seconds since 1970 in UTC; NULL: no bound. Lists are separated
-- by one space. Names are VARBINARY, holding UTF-8: a text column would take
-- "App" for "app", and "app " for both; and what httpd's driver reads out of
-- an empty BLOB is what was in the row before it.

CREATE TABLE api_registry (
    version INTEGER NOT NULL
) ENGINE = InnoDB;
INSERT INTO api_registry (version) VALUES (1);

CREATE TABLE api_plans (
    name VARBINARY(255) NOT NULL PRIMARY KEY CHECK (name <> '')
) ENGINE = InnoDB;

-- The limits of a plan, in the order of position. "burst" NULL: as many as
-- requests. "per" is a duration: 10s, 1mi, 1h, 30d.
CREATE TABLE api_limits (
    plan VARBINARY(255) NOT NULL,
    position INTEGER NOT NULL,
    requests BIGINT NOT NULL CHECK (requests > 0),
    per VARBINARY(40) NOT NULL,
    burst BIGINT CHECK (burst > 0),
    PRIMARY KEY (plan, position),
    FOREIGN KEY (plan) REFERENCES api_plans (name) ON DELETE CASCADE
) ENGINE = InnoDB;

-- The versions of APIs; '' for an API without. The version '*' is what
-- subscriptions to all versions refer to: it is there once for each name,
-- and its status means nothing.
CREATE TABLE api_versions (
    name VARBINARY(255) NOT NULL CHECK (name <> ''),
    version VARBINARY(255) NOT NULL,
    status VARBINARY(20) NOT NULL DEFAULT 'published'
        CHECK (status IN ('published', 'deprecated', 'blocked', 'retired')),
    deprecation BIGINT,
    sunset BIGINT,
    PRIMARY KEY (name, version)
) ENGINE = InnoDB;

CREATE TABLE api_applications (
    id VARBINARY(255) NOT NULL PRIMARY KEY CHECK (id <> ''),
    name VARBINARY(255) NOT NULL DEFAULT '',
    owner VARBINARY(255) NOT NULL DEFAULT '',
    status VARBINARY(20) NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'blocked')),
    token_format VARBINARY(20) NOT NULL DEFAULT 'any'
        CHECK (token_format IN ('any', 'jwt', 'opaque'))
) ENGINE = InnoDB;

CREATE TABLE api_clients (
    issuer VARBINARY(255) NOT NULL CHECK (issuer <> ''),
    client_id VARBINARY(255) NOT NULL CHECK (client_id <> ''),
    application VARBINARY(255) NOT NULL,
    key_type VARBINARY(20) NOT NULL DEFAULT 'production'
        CHECK (key_type IN ('production', 'sandbox')),
    PRIMARY KEY (issuer, client_id),
    FOREIGN KEY (application) REFERENCES api_applications (id)
        ON DELETE CASCADE
) ENGINE = InnoDB;

-- "sha256" is the token's digest in lower case; the token is nowhere.
CREATE TABLE api_tokens (
    sha256 VARBINARY(64) NOT NULL PRIMARY KEY
        CHECK (sha256 REGEXP '^[0-9a-f]{64}$'),
    application VARBINARY(255) NOT NULL,
    id VARBINARY(255) NOT NULL CHECK (id <> ''),
    prefix VARBINARY(255) NOT NULL DEFAULT '',
    scopes VARBINARY(16500) NOT NULL DEFAULT '',
    key_type VARBINARY(20) NOT NULL DEFAULT 'production'
        CHECK (key_type IN ('production', 'sandbox')),
    not_before BIGINT,
    expires BIGINT,
    status VARBINARY(20) NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'revoked')),
    ip VARBINARY(4000) NOT NULL DEFAULT '',
    UNIQUE (application, id),
    FOREIGN KEY (application) REFERENCES api_applications (id)
        ON DELETE CASCADE
) ENGINE = InnoDB;

CREATE TABLE api_subscriptions (
    application VARBINARY(255) NOT NULL,
    api VARBINARY(255) NOT NULL,
    version VARBINARY(255) NOT NULL,
    plan VARBINARY(255),
    status VARBINARY(20) NOT NULL DEFAULT 'active'
        CHECK (status IN ('active', 'blocked', 'production_blocked',
                          'pending', 'rejected', 'closed')),
    starts BIGINT,
    expires BIGINT,
    PRIMARY KEY (application, api, version),
    INDEX api_subscriptions_api (api, version),
    FOREIGN KEY (application) REFERENCES api_applications (id)
        ON DELETE CASCADE,
    FOREIGN KEY (api, version) REFERENCES api_versions (name, version),
    FOREIGN KEY (plan) REFERENCES api_plans (name)
) ENGINE = InnoDB;
