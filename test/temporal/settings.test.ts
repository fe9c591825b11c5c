import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'
import { readConfig } from '../../src/config.ts'
import { tuning } from '../../src/runtime/worker.ts'
import { dataConverter } from '../../src/temporal/codec.ts'
import { withProfile } from '../../src/temporal/profile.ts'
import { exporter } from '../../src/temporal/runtime.ts'

const folder = mkdtempSync(join(tmpdir(), 'stevedore-settings-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const toml = file(
  'temporal.toml',
  '[profile.cloud]\naddress = "cloud.example:7233"\nnamespace = "migrations"\n\n[profile.default]\naddress = "other:7233"\n',
)

test('address and namespace come from the profile of Temporal’s configuration that is named', async () => {
  const env = { TEMPORAL_CONFIG_FILE: toml, TEMPORAL_PROFILE: 'cloud' }
  const { temporal } = await withProfile(readConfig(env), env)
  expect(temporal).toMatchObject({ address: 'cloud.example:7233', namespace: 'migrations' })
})

test('variables win over a profile, and without any word of one nothing changes', async () => {
  const env = {
    TEMPORAL_CONFIG_FILE: toml,
    ...{ TEMPORAL_PROFILE: 'cloud', TEMPORAL_ADDRESS: 'here:7233', TEMPORAL_NAMESPACE: 'mine' },
  }
  const { temporal } = await withProfile(readConfig(env), env)
  expect(temporal).toMatchObject({ address: 'here:7233', namespace: 'mine' })
  expect((await withProfile(readConfig({}), {})).temporal).toMatchObject({ address: undefined, namespace: 'stevedore' })
})

test('how many slots a worker has and how often it reports are settings', () => {
  const { worker } = readConfig({
    ...{ STEVEDORE_ACTIVITY_SLOTS: '8', STEVEDORE_WORKFLOW_SLOTS: '5', STEVEDORE_HEARTBEAT_MS: '1500' },
  })
  expect(tuning(worker)).toEqual({
    maxConcurrentActivityTaskExecutions: 8,
    maxConcurrentWorkflowTaskExecutions: 5,
    maxHeartbeatThrottleInterval: 1_500,
    defaultHeartbeatThrottleInterval: 1_500,
  })
  expect(readConfig({}).worker.heartbeatMs).toBe(3_000)
  // A lane is given up after eight seconds without a word of it.
  expect(() => readConfig({ STEVEDORE_HEARTBEAT_MS: '6000' })).toThrow('STEVEDORE_HEARTBEAT_MS is "6000"')
})

test.each([
  ['127.0.0.1:9464', { prometheus: { bindAddress: '127.0.0.1:9464' } }],
  ['http://collector:4317', { otel: { url: 'http://collector:4317' } }],
])('metrics at %s', (setting, expected) => {
  expect(exporter(readConfig({ STEVEDORE_METRICS: setting }).worker.metrics!)).toEqual(expected)
})

test('what is no place for metrics is refused', () => {
  expect(() => readConfig({ STEVEDORE_METRICS: 'yes' })).toThrow('STEVEDORE_METRICS is "yes": host:port')
})

test('payloads pass through the codec of the module that is named', async () => {
  const module = file('codec.mjs', 'export default { encode: async (p) => p, decode: async (p) => p }')
  const converter = await dataConverter(readConfig({ STEVEDORE_PAYLOAD_CODEC: module }).temporal.codec)
  expect(converter!.payloadCodecs).toHaveLength(1)
  expect(await dataConverter(undefined)).toBeUndefined()
  await expect(dataConverter(file('none.mjs', 'export const encode = 1'))).rejects.toThrow('is no payload codec')
})
