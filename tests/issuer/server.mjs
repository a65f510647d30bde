/**
 * An OAuth 2.0 authorization server for the demonstration and the tests:
 * oidc-provider on a loopback port, all in memory, with switches.
 *
 *     node server.mjs [PORT]
 *
 * PORT 0 or none: a free one. One line of JSON on standard output says when
 * it listens: {"issuer": "http://127.0.0.1:PORT", "pid": N}; other lines are the
 * library's remarks.
 *
 * Metadata (RFC 8414 and OpenID) at the usual places, keys at /jwks, tokens by
 * client_credentials at /token. The resources below decide how a token looks;
 * the secret of client ID is ID-secret.
 *
 * Switches:
 *     /control/rotate[?keep=1]    new keys; keep: the old ones stay published
 *     /control/fail?status=N      every answer is this status; 0: no longer
 *     /control/delay?ms=N         every answer is late; 0: no longer
 *     /control/forget             opaque tokens are good no longer
 *     /control/reset              counters and switches
 *     /control/state
 * Each answers {"calls": {path: count}, "kids": [the published keys],
 * "fail": N, "delay": N}.
 */
import crypto from 'node:crypto';
import http from 'node:http';

// What oidc-provider expects and Node 18, Debian 12's, lacks.
globalThis.crypto ??= crypto.webcrypto;
globalThis.CryptoKey ??= crypto.webcrypto.CryptoKey;
URL.parse ??= (text, base) => {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
};
const { default: Provider, errors } = await import('oidc-provider');

const ALGORITHMS = {
  RS256: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: () => crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: () => crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  Ed25519: () => crypto.generateKeyPairSync('ed25519'),
};

const jwt = (alg, ttl = 300) => (
  { accessTokenFormat: 'jwt', accessTokenTTL: ttl, jwt: { sign: { alg } } });
const RESOURCES = {
  'https://pizza.example/': jwt('RS256'),
  'https://pizza.example/es': jwt('ES256'),
  'https://pizza.example/ps': jwt('PS256'),
  'https://pizza.example/ed': jwt('Ed25519'),
  'https://pizza.example/short': jwt('RS256', 2),
  'https://pizza.example/opaque': {
    accessTokenFormat: 'opaque', accessTokenTTL: 300,
  },
};
const SCOPES = 'read write';

const client = (id, method = 'client_secret_basic', more = {}) => ({
  client_id: id,
  client_secret: `${id}-secret`,
  token_endpoint_auth_method: method,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
  ...more,
});
const CLIENTS = [
  client('pizza-app'),
  client('other-app', 'client_secret_post'),
  // the one that may introspect
  client('gateway', 'client_secret_basic', { grant_types: [] }),
];

/** What was issued outlives a change of keys, hence one store for all. */
class Store {
  static entries = new Map();

  constructor(kind) {
    this.kind = kind;
  }

  async upsert(id, payload, seconds) {
    const end = seconds ? Date.now() + seconds * 1000 : Infinity;
    Store.entries.set(`${this.kind}:${id}`, { payload, end });
  }

  async find(id) {
    const entry = Store.entries.get(`${this.kind}:${id}`);
    return entry && entry.end > Date.now() ? entry.payload : undefined;
  }

  async destroy(id) {
    Store.entries.delete(`${this.kind}:${id}`);
  }
}

function newKeys() {
  return Object.entries(ALGORITHMS).map(([alg, generate]) => ({
    ...generate().privateKey.export({ format: 'jwk' }),
    kid: `${alg}-${crypto.randomBytes(4).toString('hex')}`,
    use: 'sig',
    alg,
  }));
}

/** The keys of a provider are fixed: other keys, another provider. */
function newProvider(issuer, keys) {
  const provider = new Provider(issuer, {
    adapter: Store,
    jwks: { keys },
    clients: CLIENTS,
    scopes: SCOPES.split(' '),
    extraTokenClaims: () => ({ tier: 'gold' }),
    ttl: {
      ClientCredentials: (ctx, token) => token.resourceServer.accessTokenTTL,
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: (ctx, who) => who.clientId === 'gateway',
      },
      revocation: {
        enabled: true,
        allowedPolicy: (ctx, who, token) => token.clientId === who.clientId,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo(ctx, uri) {
          if (!RESOURCES[uri]) {
            throw new errors.InvalidTarget();
          }
          return { audience: uri, scope: SCOPES, ...RESOURCES[uri] };
        },
      },
    },
  });

  provider.on('server_error', (ctx, error) => console.error(error));
  return provider.callback();
}

let issuer;
let keys = newKeys();
let answer;
const state = { calls: {}, fail: 0, delay: 0 };

const switches = {
  rotate(query) {
    keys = [...newKeys(), ...(query.has('keep') ? keys : [])];
    answer = newProvider(issuer, keys);
  },
  fail(query) {
    state.fail = Number(query.get('status'));
  },
  delay(query) {
    state.delay = Number(query.get('ms'));
  },
  forget() {
    Store.entries.clear();
  },
  reset() {
    Object.assign(state, { calls: {}, fail: 0, delay: 0 });
  },
  state() {},
};

function control(url, res) {
  const run = switches[url.pathname.slice('/control/'.length)];

  run?.(url.searchParams);
  res.writeHead(run ? 200 : 404, { 'Content-Type': 'application/json' });
  res.end(JSON.stringify({ ...state, kids: keys.map((key) => key.kid) }));
}

const server = http.createServer((req, res) => {
  const url = new URL(req.url, issuer);

  if (url.pathname.startsWith('/control/')) {
    control(url, res);
    return;
  }
  state.calls[url.pathname] = (state.calls[url.pathname] ?? 0) + 1;
  setTimeout(() => {
    if (state.fail) {
      res.writeHead(state.fail).end();
    } else {
      answer(req, res);
    }
  }, state.delay);
});

server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  answer = newProvider(issuer, keys);
  console.log(JSON.stringify({ issuer, pid: process.pid }));
});
