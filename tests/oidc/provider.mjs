// A real OpenID provider (panva/oidc-provider) for the tests of the login. It takes a free port and prints {"port": n};
// then it reads one line of JSON (certificate, key, clients), prints {"ready": true}, and serves until its standard input
// ends. Whoever comes may say who they are: the page has the fields of the login simulator.
import { createHash, generateKeyPairSync } from 'node:crypto';
import https from 'node:https';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const HOST = 'login.localhost';
const SUBSTANTIAL = 'http://eidas.europa.eu/LoA/substantial';
const LOW = 'http://eidas.europa.eu/LoA/low';
// Who logged in, by what the provider calls them: never by their number.
const people = new Map();

const server = https.createServer();
server.listen(0, '127.0.0.1', () => print({ port: server.address().port }));

const lines = createInterface({ input: process.stdin });
lines.once('line', (line) => serve(JSON.parse(line)));
lines.on('close', () => process.exit(0));

function print(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function serve({ cert, key, clients }) {
  server.setSecureContext({ cert, key });
  const provider = makeProvider(`https://${HOST}:${server.address().port}`, clients);
  const answer = provider.callback();
  server.on('request', (request, response) => {
    const page = request.url.startsWith('/interaction/') ? interaction(provider, request, response) : answer(request, response);
    Promise.resolve(page).catch((error) => {
      console.error(error);
      response.writeHead(500).end();
    });
  });
  print({ ready: true });
}

function makeProvider(issuer, clients) {
  const signatures = ['ES256', 'PS256', 'EdDSA', 'RS256'];
  const encryptions = ['ECDH-ES', 'RSA-OAEP-256'];
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: [...privateKeys()] },
    cookies: { keys: ['the cookies of a test'] },
    scopes: ['openid', 'bsn'],
    claims: { openid: ['sub'], bsn: ['bsn'], acr: null, auth_time: null, iss: null, sid: null },
    acrValues: [SUBSTANTIAL, LOW],
    responseTypes: ['code'],
    pkce: { required: () => true },
    // Claims of scopes also stand in the id_token, for the client that asks no userinfo.
    conformIdTokenClaims: false,
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: {
      clientAuthSigningAlgValues: signatures,
      idTokenSigningAlgValues: signatures,
      userinfoSigningAlgValues: signatures,
      idTokenEncryptionAlgValues: encryptions,
      idTokenEncryptionEncValues: ['A256GCM'],
      userinfoEncryptionAlgValues: encryptions,
      userinfoEncryptionEncValues: ['A256GCM'],
    },
    features: {
      devInteractions: { enabled: false },
      encryption: { enabled: true },
      jwtUserinfo: { enabled: true },
      rpInitiatedLogout: { enabled: false },
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, bsn: people.get(id) }) }),
    loadExistingGrant,
    renderError: (context, out, error) => {
      console.error(error);
      context.body = out;
    },
  });
  return provider;
}

function* privateKeys() {
  const jwk = (pair, kid, alg) => ({ ...pair.privateKey.export({ format: 'jwk' }), kid, alg, use: 'sig' });
  const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
  yield jwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'es256', 'ES256');
  yield jwk(generateKeyPairSync('ed25519'), 'eddsa', 'EdDSA');
  yield jwk(rsa(), 'ps256', 'PS256');
  yield jwk(rsa(), 'rs256', 'RS256');
}

// Nobody is asked here what may go to the gateway: that is what they came to the gateway for.
async function loadExistingGrant(context) {
  const grant = new context.oidc.provider.Grant({
    clientId: context.oidc.client.clientId,
    accountId: context.oidc.session.accountId,
  });
  grant.addOIDCScope('openid bsn');
  await grant.save();
  return grant;
}

async function interaction(provider, request, response) {
  const { uid } = await provider.interactionDetails(request, response);
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(page(uid));
    return;
  }
  const form = new URLSearchParams(await read(request));
  await provider.interactionFinished(request, response, decide(form), { mergeWithLastSubmission: false });
}

function page(uid) {
  return `<!doctype html><title>Inloggen</title><form method="post" action="/interaction/${uid}">
<input name="bsn"><button name="action" value="login">Inloggen</button></form>`;
}

function decide(form) {
  if (form.get('action') === 'cancel') {
    return { error: 'access_denied', error_description: 'the person went back' };
  }
  if (form.get('action') === 'fail') {
    return { error: 'login_required', error_description: 'the person is not known' };
  }
  const bsn = form.get('bsn');
  const accountId = createHash('sha256').update(bsn).digest('hex');
  people.set(accountId, bsn);
  return { login: { accountId, acr: form.get('action') === 'weak' ? LOW : SUBSTANTIAL, remember: false } };
}

async function read(request) {
  const parts = [];
  for await (const part of request) {
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
