import { readFileSync } from 'node:fs'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { z } from 'zod'
import { jobJsonSchema } from '../../src/job/json_schema.ts'
import { transferNames } from '../../src/job/transfer.ts'
import { goodDocument } from './any_job.ts'
import { aDocument } from './a_job.ts'

type Json = Record<string, unknown>

const schema = jobJsonSchema()
const byEditor = z.fromJSONSchema(schema)

/** Nulls and unknown keys are taken by us, but an editor had better mark them. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  const odd = ['frobnicate', 'unheard_of', 'colour', 'coulour']
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => inner !== null && !odd.includes(key))
      .map(([key, inner]) => [key, plain(inner)]),
  )
}

test('an editor accepts the job with all features, with "$schema" at its top', () => {
  const sample = readFileSync(new URL('../../scripts/demo/all-features.json', import.meta.url), 'utf8')
  const result = byEditor.safeParse({ $schema: './job.schema.json', ...(JSON.parse(sample) as Json) })
  expect(result.error).toBeUndefined()
})

test('an editor accepts every lenient form', () => {
  fc.assert(
    fc.property(goodDocument(), (document) => {
      expect(byEditor.safeParse(plain(document)).error).toBeUndefined()
    }),
  )
})

test.each([
  ['a wrong word', aDocument({ large_item: 'maybe' })],
  ['an unknown key', aDocument({ large_itme: 'skip' })],
  ['a rule without its text', aDocument({ filter: { source: [{ rules: [{ type: 'filter_pattern' }] }] } })],
  ['a missing side', { transfer: { source: { connection: { id: 'a' } } } }],
])('an editor marks %s', (_what, document) => {
  expect(byEditor.safeParse(document).success).toBe(false)
})

test('a connection needs its id or its platform, for an editor too', () => {
  const definitions = Object.values(schema['$defs'] as Record<string, { properties?: Json; anyOf?: unknown }>)
  const connection = definitions.find(({ properties }) => properties !== undefined && 'auth' in properties)
  expect(connection?.anyOf).toEqual([{ required: ['id'] }, { required: ['platform'] }])
})

test('every key that may be left out has a description, and the defaults are there', () => {
  const bare: string[] = []
  const walk = (node: unknown, at: string): void => {
    if (typeof node !== 'object' || node === null) return
    const { properties, required = [] } = node as { properties?: Record<string, Json>; required?: string[] }
    for (const [key, value] of Object.entries(properties ?? {}))
      if (!required.includes(key) && value['description'] === undefined && key !== 'type') bare.push(`${at}.${key}`)
    for (const [key, value] of Object.entries(node)) if (key !== 'default') walk(value, `${at}.${key}`)
  }
  walk(schema, '')
  expect(bare).toEqual([])
  const { transfer } = schema['properties'] as { transfer: { properties: Record<string, Json> } }
  expect(Object.keys(transfer.properties).sort()).toEqual([...transferNames].sort())
  expect(transfer.properties['max_items_per_container']).not.toHaveProperty('default')
  expect(transfer.properties['timestamps']!['default']).toBe(true)
})

test('the schema is JSON with an id of its own', () => {
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  expect(schema['$id']).toBe('urn:stevedore:job-document')
})
