// oauth4webapi as a portal: SMART App Launch, standalone, with private_key_jwt; then a search.

import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { launch, node, resourceEndpoint, through } from './portal.mjs'

const base = await resourceEndpoint()
const token = await launch(base, 'launch/patient patient/Patient.rs patient/EpisodeOfCare.rs')
assert.equal(token.scope, 'launch/patient patient/EpisodeOfCare.s patient/Patient.s')
const search = new URL(`${base}/Patient?_include=Patient:general-practitioner`)
const headers = new Headers({ accept: 'application/fhir+json' })
const found = await oauth.protectedResourceRequest(token.access_token, 'GET', search, headers, null, through(node))
const bundle = await found.json()
const person = bundle.entry.find((entry) => entry.resource.resourceType === 'Patient')
assert.equal(person.resource.id, token.patient)
process.exit(0)
