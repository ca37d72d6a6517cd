// fhir-kit-client as a portal: the capability statement, the seven searches of a record page by page, and a refusal.

import assert from 'node:assert/strict'
import { Client } from 'fhir-kit-client'
import { launch, node, resourceEndpoint, told } from './portal.mjs'

const SEARCHES = [
  ['Patient', { _include: 'Patient:general-practitioner' }],
  ['EpisodeOfCare', {}],
  ['MedicationRequest', { category: 'http://snomed.info/sct|16076005', _include: 'MedicationRequest:medication' }],
  ['AllergyIntolerance', { category: 'medication' }],
  ['Observation', { code: 'https://referentiemodel.nhg.org/tabellen/nhg-tabel-45-diagnostische-bepalingen|' }],
  ['Composition', { type: 'http://loinc.org|67781-5' }],
  ['Encounter', {}],
]
const base = await resourceEndpoint()
const scopes = SEARCHES.map(([type]) => `patient/${type}.rs`).join(' ')
const token = await launch(base, `launch/patient ${scopes}`)
const client = new Client({ baseUrl: base, bearerToken: token.access_token, requestOptions: { dispatcher: node } })

const capabilities = await client.capabilityStatement()
assert.equal(capabilities.fhirVersion, '3.0.2')

/** The resources of a search on all of its pages. */
async function collect(resourceType, searchParams) {
  const found = []
  let page = await client.search({ resourceType, searchParams })
  for (let number = 1; page; number += 1) {
    assert.ok(number < 100, 'the pages do not end')
    assert.equal(page.resourceType, 'Bundle')
    found.push(...(page.entry ?? []).map((entry) => entry.resource))
    page = await client.nextPage({ bundle: page })
  }
  return found
}

const control = (faults) => fetch(told.his[0].control, { method: 'POST', body: JSON.stringify(faults) })
for (const [type, parameters] of SEARCHES) {
  const whole = await collect(type, parameters)
  assert.ok(whole.some((resource) => resource.resourceType === type), `no ${type}`)
  await control({ page_size: 1 })
  const paged = await collect(type, parameters)
  await control({})
  const ids = (resources) => resources.map((resource) => `${resource.resourceType}/${resource.id}`).sort()
  assert.deepEqual([...new Set(ids(paged))], ids(whole), type)
}
// A search that the service does not allow.
await assert.rejects(client.search({ resourceType: 'Encounter', searchParams: { _count: '1' } }), (error) => {
  assert.equal(error.response.status, 400)
  return error.response.data.resourceType === 'OperationOutcome'
})
process.exit(0)
