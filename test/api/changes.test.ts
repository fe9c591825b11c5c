import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Refused } from '../../src/client/refused.ts'
import { aJob, openBench, type Bench, type Wire } from './bench.ts'

let bench: Bench
beforeEach(() => {
  bench = openBench()
})
afterEach(() => bench.close())

async function posted(what: string, body: unknown): Promise<Wire> {
  const { json } = await bench.call('POST', `/v1/${what}`, body)
  return json[json.type]
}
const aConnection = (root = '/srv/old', more = {}): Wire => ({ platform: { id: 'fs' }, auth: { root, ...more } })
const properties = (json: Wire): string[] => json.errors.map((e: Wire) => [e.code, e.property].join(' '))

describe('a connection', () => {
  test('is changed key by key: what is left out stays, null takes away, and a name of ours follows the address', async () => {
    const { id } = await posted('connections', aConnection('/srv/old', { max_size: 1000 }))
    const moved = await bench.call('PATCH', `/v1/connections/${id}`, { auth: { root: '/srv/moved' } })
    expect(moved.status).toBe(200)
    expect(moved.json.connection).toMatchObject({
      name: 'File system /srv/moved',
      auth: { root: '/srv/moved', max_size: 1000 },
    })
    const named = await bench.call('PATCH', `/v1/connections/${id}`, { name: 'Old', auth: { max_size: null } })
    expect(named.json.connection.auth).toEqual({ root: '/srv/moved' })
    const again = await bench.call('PATCH', `/v1/connections/${id}`, { disabled: true, auth: { root: '/srv/x' } })
    expect(again.json.connection).toMatchObject({ name: 'Old', disabled: true, platform: { id: 'fs' } })
  })

  test('is not changed by a change that is wrong somewhere, and all that is wrong is named', async () => {
    const { id } = await posted('connections', aConnection())
    const change = { name: '', auth: { root: 'relative', nmaes: 1 }, root: '/x' }
    const { status, json } = await bench.call('PATCH', `/v1/connections/${id}`, change)
    expect(status).toBe(400)
    expect(properties(json).sort()).toEqual(['invalid auth.nmaes', 'invalid auth.root', 'invalid name', 'invalid root'])
    const other = await bench.call('PATCH', `/v1/connections/${id}`, { platform: { id: 'vault' } })
    expect(properties(other.json)).toEqual(['create_only platform.id'])
    expect((await bench.catalog.connections.get(id))?.auth).toEqual({ root: '/srv/old' })
  })

  test('keeps its secrets through a change of something else, and shows none', async () => {
    const { id } = await bench.catalog.connections.create({
      name: 'x',
      platform: 'fs',
      auth: { root: '/a' },
      secrets: { password: 'hunter2' },
    })
    await bench.catalog.connections.update(id, {
      name: 'y',
      auth: { root: '/b' },
      disabled: false,
      secrets: { password: 'hunter3' },
    })
    expect(await bench.catalog.connections.reveal(id)).toMatchObject({ auth: { root: '/b', password: 'hunter3' } })
    expect(JSON.stringify(await bench.catalog.connections.get(id))).not.toContain('hunter')
  })

  test('without its root is stored, with a warning', async () => {
    const { status, json } = await bench.call('POST', '/v1/connections', aConnection('/nowhere/at/all'))
    expect(status).toBe(201)
    expect(json.warnings).toEqual([
      { code: 'not_working', description: expect.stringMatching(/stored, but does not work now: .*nowhere/) },
    ])
    expect((await bench.call('POST', '/v1/connections', aConnection(bench.folder))).json.warnings).toEqual([])
  })

  test('is deleted once no job and no map uses it, and until then they are named', async () => {
    const job = await posted('jobs', aJob())
    const { source, destination } = ((await bench.catalog.jobs.get(job.id))!.document as Wire).transfer
    const end = { connection: { id: source.connection.id } }
    const map = await posted('account_maps', { name: 'People', source: end, destination: end, map_by: { email: true } })
    const url = `/v1/connections/${source.connection.id}`
    const { status, json } = await bench.call('DELETE', url)
    expect(status).toBe(409)
    expect(json.errors[0]).toMatchObject({ code: 'in_use' })
    expect(json.errors[0].description).toContain(`job "Share" (${job.id}), account map "People" (${map.id})`)
    expect((await bench.call('DELETE', `/v1/connections/${destination.connection.id}`)).status).toBe(409)
    await bench.call('DELETE', `/v1/account_maps/${map.id}`)
    await bench.call('DELETE', `/v1/jobs/${job.id}`)
    expect((await bench.call('DELETE', url)).status).toBe(200)
    expect((await bench.call('GET', url)).status).toBe(404)
    expect((await bench.call('DELETE', url)).status).toBe(404)
  })
})

describe('a map', () => {
  test('is changed key by key; its connections stay while a job uses it, and so does the map', async () => {
    const [one, other] = [
      await posted('connections', aConnection()),
      await posted('connections', aConnection('/srv/b')),
    ]
    const ends = { source: { connection: { id: one.id } }, destination: { connection: { id: other.id } } }
    const { id } = await posted('account_maps', { ...ends, name: 'People', map_by: { email: true } })
    const url = `/v1/account_maps/${id}`
    const renamed = await bench.call('PATCH', url, { name: 'Staff', map_by: { name: true } })
    expect(renamed.json.account_map).toMatchObject({ name: 'Staff', map_by: { email: true, name: true } })
    expect(properties((await bench.call('PATCH', url, { map_by: 'x', bind: { pwd: 'y' } })).json).join()).toMatch(
      /map_by/,
    )

    const job = await posted('jobs', aJob({}, { ...ends, account_map: { id } }))
    const moved = await bench.call('PATCH', url, { destination: { connection: { id: one.id } } })
    expect(properties(moved.json)).toEqual(['in_use destination.connection'])
    const used = await bench.call('DELETE', url)
    expect([used.status, used.json.errors[0].description]).toEqual([409, expect.stringContaining(job.id)])
    await bench.call('DELETE', `/v1/jobs/${job.id}`)
    expect((await bench.call('DELETE', url)).status).toBe(200)
    expect((await bench.call('PATCH', url, { name: 'x' })).status).toBe(404)
  })
})

describe('a job', () => {
  test('is changed key by key: name, schedule, stop policy and settings; null goes back to the default', async () => {
    const { id } = await posted('jobs', aJob({ stop_policy: { on_success: 1 } }, { large_item: 'skip' }))
    const { status, json } = await bench.call('PATCH', `/v1/jobs/${id}?fields=all`, {
      name: 'Moved',
      schedule: { mode: 'auto', repeat_interval: { value: 1, unit: 'h' } },
      stop_policy: null,
      transfer: { large_item: null, conflict_resolution: 'latest' },
    })
    expect(status).toBe(200)
    expect(json.job).toMatchObject({
      name: 'Moved',
      schedule: { mode: 'auto' },
      transfer: { conflict_resolution: 'latest' },
    })
    const stored = (await bench.catalog.jobs.get(id))!
    expect(stored.name).toBe('Moved')
    expect(stored.document).not.toHaveProperty('stop_policy')
    expect((stored.document as Wire).transfer).not.toHaveProperty('large_item')
    expect((stored.document as Wire).transfer.transfer_type).toBe('copy')
    expect((await bench.call('GET', '/v1/jobs?q=moved')).json.jobs).toHaveLength(1)
    // Whoever serves the home sees that it waits by the new schedule.
    expect(await bench.catalog.orders.list()).toEqual([{ jobId: id, kind: 'refresh' }])
  })

  test('takes what was read back, whole', async () => {
    const { id } = await posted('jobs', aJob())
    const before = (await bench.catalog.jobs.get(id))!.document as Wire
    const { json } = await bench.call('GET', `/v1/jobs/${id}?fields=all`)
    const { status: _status, ...whole } = json.job
    const answer = await bench.call('PATCH', `/v1/jobs/${id}`, whole)
    expect([answer.status, answer.json.errors]).toEqual([200, undefined])
    const { transfer, name } = (await bench.catalog.jobs.get(id))!.document as Wire
    expect({ transfer, name }).toMatchObject({ transfer: before.transfer, name: before.name })
  })

  test('keeps source, destination, kind and status, says so, and is not changed in part', async () => {
    const { id } = await posted('jobs', aJob())
    const before = await bench.catalog.jobs.get(id)
    for (const [change, problem] of [
      [{ name: 'x', transfer: { source: { target: { path: '/else' } } } }, 'create_only transfer.source.target.path'],
      [
        { transfer: { destination: { impersonate_as: { name: 'bob' } } } },
        'create_only transfer.destination.impersonate_as',
      ],
      [{ status: 'start' }, 'invalid status'],
      [{ transfer: { large_item: 'maybe' } }, 'invalid transfer.large_item'],
      [{ schedule: { mode: 'sometimes' } }, 'invalid schedule.mode'],
    ] as const) {
      const { status, json } = await bench.call('PATCH', `/v1/jobs/${id}`, change)
      expect([status, properties(json)]).toEqual([400, [problem]])
    }
    expect(await bench.catalog.jobs.get(id)).toEqual(before)
  })

  test('is not changed into one that would do harm; one that would already is mended step by step', async () => {
    const { id } = await posted('jobs', aJob())
    const { status, json } = await bench.call('PATCH', `/v1/jobs/${id}`, { transfer: { permissions: 'diff' } })
    expect([status, properties(json)]).toEqual([409, ['not_carried_out transfer.permissions.policy']])
    const bad = await posted('jobs', aJob({ disabled: true }, { permissions: 'diff' }))
    const url = `/v1/jobs/${bad.id}`
    expect((await bench.call('PATCH', url, { disabled: false })).status).toBe(200)
    expect((await bench.call('PATCH', url, { transfer: { permissions: null } })).status).toBe(200)
  })

  test('changed while an execution is under way says what becomes of it', async () => {
    const { id } = await posted('jobs', aJob())
    await bench.catalog.executions.begin(id, 1, false)
    await bench.catalog.jobs.update(id, { lastExecution: 1, status: 'running' })
    const { json } = await bench.call('PATCH', `/v1/jobs/${id}`, { transfer: { large_item: 'skip' } })
    expect(json.warnings).toEqual([expect.objectContaining({ code: 'changed', property: 'transfer.large_item' })])
  })

  test('that is complete may run again once its stop policy or schedule is another', async () => {
    const { id } = await posted('jobs', aJob({ stop_policy: { on_execute: 1 } }))
    await bench.catalog.jobs.update(id, { status: 'complete', statusReason: 'stop_policy.on_execute is met' })
    await bench.call('PATCH', `/v1/jobs/${id}`, { name: 'Other' })
    expect((await bench.catalog.jobs.get(id))!.status).toBe('complete')
    await bench.call('PATCH', `/v1/jobs/${id}`, { stop_policy: { on_execute: 2 } })
    expect(await bench.catalog.jobs.get(id)).toMatchObject({ status: 'idle', statusReason: '' })
  })

  test('whose root is missing says at once that it would fail, and starts when it is there', async () => {
    const { id } = await posted('jobs', bench.aRealJob())
    rmSync(join(bench.folder, 'old'), { recursive: true })
    const { status, json } = await bench.call('PATCH', `/v1/jobs/${id}?start=1`)
    expect([status, properties(json)]).toEqual([409, ['would_not_start transfer.source.connection']])
    expect(json.errors[0].description).toMatch(/would fail to start: .*old/)
    expect(bench.commands).toEqual([])
  })

  test('is deleted, refused while it runs, or kept for whoever serves the home next', async () => {
    const { id } = await posted('jobs', aJob())
    const url = `/v1/jobs/${id}`
    expect(await bench.call('DELETE', url)).toMatchObject({ status: 200, json: { type: 'job', job: { id } } })
    expect((await bench.call('GET', url)).status).toBe(404)
    expect((await bench.call('DELETE', url)).status).toBe(404)

    for (const [answer, status] of [
      [async () => 'kept' as const, 202],
      [() => Promise.reject(new Refused('it is running (execution 1)')), 409],
      [() => Promise.reject(new Error('the disk is on fire')), 503],
    ] as const) {
      const other = openBench({ deleteJob: answer })
      const { json } = await other.call('POST', '/v1/jobs', aJob())
      expect((await other.call('DELETE', `/v1/jobs/${json.job.id}`)).status).toBe(status)
      await other.close()
    }
  })
})
