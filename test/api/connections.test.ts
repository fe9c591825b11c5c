import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { openBench, type Bench } from './bench.ts'

let bench: Bench
beforeEach(() => {
  bench = openBench()
})
afterEach(() => bench.close())

const body = (root: string, change: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'Share',
  platform: { id: 'fs' },
  auth: { root },
  ...change,
})

describe('/v1/connections', () => {
  test('a connection is created, read and listed', async () => {
    const created = await bench.call('POST', '/v1/connections', body('/srv/data'))
    expect(created.status).toBe(201)
    const { id } = created.json.connection
    const read = await bench.call('GET', `/v1/connections/${id}?fields=all`)
    expect(read.json).toMatchObject({
      status: 200,
      type: 'connection',
      connection: { id, name: 'Share', platform: { id: 'fs' }, auth: { root: '/srv/data' }, disabled: false },
    })
    const listed = await bench.call('GET', '/v1/connections?platform=fs')
    expect(listed.json.connections.map((c: { id: string }) => c.id)).toEqual([id])
    expect(listed.json.connections[0]).not.toHaveProperty('auth')
    for (const query of ['platform=vault', 'active=0', 'pools=1'])
      expect((await bench.call('GET', `/v1/connections?${query}`)).json.connections).toEqual([])
    for (const query of ['active=1', 'pools=0', 'q=share'])
      expect((await bench.call('GET', `/v1/connections?${query}`)).json.connections).toHaveLength(1)
  })

  test.each([
    [{ platform: { id: 'nowhere' } }, 'platform.id', /"nowhere".*fs/],
    [{ platform: undefined }, 'platform.id', /missing/],
    [{ auth: { root: 'relative' } }, 'auth.root', /absolute/],
    [{ auth: {} }, 'auth.root', /./],
    [{ auth: [] }, 'auth', /object/],
    [{ name: 7 }, 'name', /text/],
    [{ disabled: 'maybe' }, 'disabled', /true or false/],
    [{ root: '/srv' }, 'root', /keys of auth/],
  ])('%j is refused', async (change, property, why) => {
    const { status, json } = await bench.call('POST', '/v1/connections', body('/srv/data', change))
    expect(status).toBe(400)
    expect(json.errors[0].property).toBe(property)
    expect(json.errors[0].description).toMatch(why)
  })

  test.each([
    { platform: 'sftp://me:hush@host' },
    { auth: 'sftp://me:hush@host' },
    { auth: { root: 'sftp://me:hush@host' } },
    { auth: { root: '/srv', password: 'hush' } },
    { password: 'hush' },
  ])('a refusal of %j repeats no secret', async (change) => {
    const { status, json } = await bench.call('POST', '/v1/connections', body('/srv/data', change))
    expect(status).toBe(400)
    expect(JSON.stringify(json)).not.toContain('hush')
  })

  test('the platforms say what a connection to them may set', async () => {
    const { json } = await bench.call('GET', '/v1/connections/platforms')
    expect(json.platforms.map((p: { id: string }) => p.id)).toContain('fs')
    const fs = await bench.call('GET', '/v1/connections/platforms/fs')
    expect(fs.json.platform.settings.find((s: { id: string }) => s.id === 'root')).toMatchObject({ required: true })
  })

  test('a test says that it works and what it cannot do, or why not', async () => {
    const root = join(bench.folder, 'root')
    mkdirSync(root)
    const working = await bench.call('POST', '/v1/connections', body(root))
    const tried = await bench.call('POST', `/v1/connections/${working.json.connection.id}/test`)
    expect(tried.status).toBe(200)
    expect(tried.json.connection_test).toMatchObject({ works: true, notes: expect.any(Array) })

    const gone = await bench.call('POST', '/v1/connections', body(join(bench.folder, 'not there')))
    const failed = await bench.call('POST', `/v1/connections/${gone.json.connection.id}/test`)
    expect(failed.status).toBe(409)
    expect(failed.json.errors[0].description).toMatch(/.{5}/)
  })
})

describe('/v1/account_maps and /v1/group_maps', () => {
  test('a map is created, read and listed; the kinds are apart', async () => {
    const { json } = await bench.call('POST', '/v1/connections', body('/srv/data'))
    const end = { connection: { id: json.connection.id } }
    const map = {
      name: 'People',
      source: end,
      destination: end,
      map_by: { email: true },
      exceptions: [{ source: { email: 'a@x' }, destination: { email: 'b@y' } }],
    }
    const created = await bench.call('POST', '/v1/account_maps', map)
    expect(created.status).toBe(201)
    const { id } = created.json.account_map
    const read = await bench.call('GET', `/v1/Account_Maps/${id}`)
    expect(read.json.account_map).toMatchObject({ name: 'People', type: 'account_map', map_by: { email: true } })
    expect(read.json.account_map.exceptions).toHaveLength(1)
    expect((await bench.call('GET', '/v1/account_maps?q=peo')).json.meta.total_count).toBe(1)
    expect((await bench.call('GET', '/v1/group_maps')).json.group_maps).toEqual([])
    expect((await bench.call('GET', `/v1/group_maps/${id}`)).status).toBe(404)
  })

  test('no unknown key of a map holds a secret either', async () => {
    const { json } = await bench.call('POST', '/v1/group_maps', { map_by: { name: true }, bind: { pwd: 'hunter2' } })
    expect(json.errors[0]).toMatchObject({ code: 'credential', property: 'bind.pwd' })
    const noted = { connection: { id: 'e'.repeat(32), note: 'Server=dc;Password=hunter2' } }
    const answer = await bench.call('POST', '/v1/account_maps', { map_by: { email: true }, source: noted })
    expect(answer.json.errors[0]).toMatchObject({ code: 'credential', property: 'source.connection.note' })
    expect(JSON.stringify(answer.json)).not.toContain('hunter2')
  })

  test('a map needs both connections, and may hold no password', async () => {
    const { status, json } = await bench.call('POST', '/v1/account_maps', {
      name: 'People',
      source: { connection: { id: 'e'.repeat(32) } },
      map_by: { ldap: true },
      ldap: { servers: [{ name: 'ldap.example', password: 'hunter2' }] },
    })
    expect(status).toBe(400)
    expect(json.errors.map((e: { property: string }) => e.property).sort()).toEqual([
      'destination.connection',
      'ldap.servers[0].password',
      'source.connection.id',
    ])
    expect(JSON.stringify(json)).not.toContain('hunter2')
  })
})
