// What the Node clients share: where the sandbox is, a person who presses the buttons of its pages, and the token of a portal
// by SMART App Launch, standalone, with private_key_jwt.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as oauth from 'oauth4webapi'
import { Agent, fetch } from 'undici'

const directory = process.argv[2]
const file = (name) => readFileSync(join(directory, name), 'utf8')
export const told = JSON.parse(file('sandbox.json'))
const portal = told.clients.portal
const patient = told.patients[0]

// Names under .localhost lead to this machine (sandbox contract).
const lookup = (_, options, found) =>
  options.all ? found(null, [{ address: '127.0.0.1', family: 4 }]) : found(null, '127.0.0.1', 4)
const connect = { ca: file(told.ca), lookup }
const browser = new Agent({ connect })
export const node = new Agent({ connect: { ...connect, cert: file(portal.cert), key: file(portal.key) } })
export const through = (dispatcher) => ({ [oauth.customFetch]: (url, options) => fetch(url, { ...options, dispatcher }) })
const http = (dispatcher, url, options = {}) => fetch(url, { ...options, dispatcher, redirect: 'manual' })

/** The first resource endpoint of a service of the first patient's practice, from the ZAL. */
export async function resourceEndpoint(service = '49') {
  const zal = await (await http(node, told.lists.zal)).text()
  const provider = zal.split('<Zorgaanbieder>').find((part) => part.includes(`>${patient.provider}<`))
  return provider.match(new RegExp(`<ResourceEndpointuri>([^<]+/${service}/[^<]+)<`))[1]
}

/** A willing person, from the authorization request to the address that leads back to the portal. */
async function walk(start) {
  const cookies = new Map()
  const open = async (url, options = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const reply = await http(browser, url, { ...options, headers: { ...options.headers, ...(cookie && { cookie }) } })
    for (const set of reply.headers.getSetCookie()) {
      const [name, value] = set.split(';')[0].split(/=(.*)/s)
      set.includes('Max-Age=0') ? cookies.delete(name) : cookies.set(name, value)
    }
    return [reply, url]
  }
  let [reply, at] = await open(start)
  for (let page = 0; page < 12; page += 1) {
    const target = reply.headers.get('location')
    if (target !== null) {
      const to = new URL(target, at)
      if (to.href.startsWith(portal.redirect_uri)) return to
      ;[reply, at] = await open(to.href)
      continue
    }
    const html = await reply.text()
    const form = html.match(/<form [^>]*action="([^"]+)"[^>]*>(.*?)<\/form>/s)
    assert.ok(form, `the walk ended on a page: ${reply.status}`)
    const fields = new URLSearchParams()
    for (const [input] of form[2].matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      fields.set(input.match(/name="([^"]*)"/)[1], input.match(/value="([^"]*)"/)[1])
    }
    if (form[2].includes('name="bsn"')) fields.set('bsn', patient.bsn)
    if (form[2].includes('name="answer"')) fields.set('answer', 'allow')
    else fields.set('action', form[2].includes('name="bsn"') ? 'login' : 'continue')
    const to = new URL(form[1].replaceAll('&amp;', '&'), at)
    const headers = { origin: to.origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }
    ;[reply, at] = await open(to.href, { method: 'POST', headers, body: fields.toString() })
  }
  throw new Error('the walk does not end')
}

/** What the token endpoint says to a portal that asks for these scopes at this resource endpoint. */
export async function launch(base, scope) {
  const smart = await (await http(node, `${base}/.well-known/smart-configuration`)).json()
  const issuer = new URL(smart.issuer)
  const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...through(browser) })
  const server = await oauth.processDiscoveryResponse(issuer, discovered)
  assert.equal(server.authorization_response_iss_parameter_supported, true)

  const jwk = JSON.parse(file(portal.jwk))
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const { use, alg, ...plain } = jwk
  const key = await crypto.subtle.importKey('jwk', plain, algorithm, false, ['sign'])
  const client = { client_id: portal.client_id }
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const address = new URL(server.authorization_endpoint)
  for (const [name, value] of Object.entries({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: portal.redirect_uri,
    scope,
    state,
    aud: base,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })) address.searchParams.set(name, value)

  const parameters = oauth.validateAuthResponse(server, client, await walk(address.href), state)
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    oauth.PrivateKeyJwt({ key, kid: jwk.kid }),
    parameters,
    portal.redirect_uri,
    verifier,
    through(node),
  )
  const token = await oauth.processAuthorizationCodeResponse(server, client, answer)
  assert.ok(token.patient)
  return token
}
