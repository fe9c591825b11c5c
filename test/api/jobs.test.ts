import { readdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { pathText } from '../../src/job/problem.ts'
import type { JobStatus } from '../../src/job/status.ts'
import { aJob, openBench, type Bench } from './bench.ts'

let bench: Bench
beforeEach(() => {
  bench = openBench()
})
afterEach(() => bench.close())

const connection = (root: string): Record<string, unknown> => ({
  name: `fs ${root}`,
  platform: { id: 'fs' },
  auth: { root, impersonation: 'ignore' },
})

describe('POST /v1/jobs', () => {
  test('answers 201 with the sparse job and where it is', async () => {
    const { status, json, headers } = await bench.call('POST', '/v1/jobs', aJob())
    expect(status).toBe(201)
    expect(json).toEqual({
      status: 201,
      type: 'job',
      job: {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        type: 'job',
        kind: 'transfer',
        name: 'Share',
        disabled: false,
        status: 'idle',
        links: { self: { href: `/v1/jobs/${json.job.id}` } },
      },
      warnings: [],
    })
    expect(headers.location).toBe(`/v1/jobs/${json.job.id}`)
  })

  test('the job that uses every setting is accepted, and read back with its settings', async () => {
    const source = await bench.call('POST', '/v1/connections', connection('/srv/old'))
    const destination = await bench.call('POST', '/v1/connections', connection('/srv/new'))
    const ends = {
      source: { connection: { id: source.json.connection.id } },
      destination: { connection: { id: destination.json.connection.id } },
    }
    const accounts = await bench.call('POST', '/v1/account_maps', { ...ends, name: 'People', map_by: { email: true } })
    const groups = await bench.call('POST', '/v1/group_maps', { ...ends, name: 'Groups', map_by: { name: true } })
    const text = readFileSync(new URL('../../scripts/demo/all-features.json', import.meta.url), 'utf8')
      .replace('{{cloud_connection_source}}', source.json.connection.id)
      .replace('{{cloud_connection_destination}}', destination.json.connection.id)
      .replace('{{account_map_id}}', accounts.json.account_map.id)
      .replace('{{group_map_id}}', groups.json.group_map.id)
    const created = await bench.call('POST', '/v1/jobs', text)
    expect(created.status).toBe(201)

    const { json } = await bench.call('GET', `/v1/jobs/${created.json.job.id}?fields=all`)
    const given = JSON.parse(text)
    expect(json.job).toMatchObject({
      name: given.name,
      category: { name: 'Report | Category Title' },
      schedule: { mode: 'manual' },
      stop_policy: { on_success: 5, on_failure: 5, on_execute: 25, executions: 0, completions: 0, failures: 0 },
      status: 'idle',
      execution: null,
      previous_execution: null,
    })
    const { delete_propagation, source: from, destination: to, ...rest } = given.transfer
    expect(json.job.transfer).toMatchObject(rest)
    expect(json.job.transfer.delete_propagation).toEqual([delete_propagation])
    expect(json.job.transfer.source).toMatchObject(from)
    expect(json.job.transfer.destination).toMatchObject(to)
    expect(json.job.transfer.source.target.item).toEqual({
      name: 'sourcePath',
      type: 'container',
      parent: { name: '', type: 'container', root: true },
    })
  })

  test('what was read back can be posted again', async () => {
    const created = await bench.call('POST', '/v1/jobs', aJob())
    const { json } = await bench.call('GET', `/v1/jobs/${created.json.job.id}?fields=all`)
    expect((await bench.call('POST', '/v1/jobs', json.job)).status).toBe(201)
  })

  test('an inline connection becomes a stored one, and its secrets are nowhere to be read', async () => {
    const { json } = await bench.call('POST', '/v1/jobs', aJob())
    const job = await bench.catalog.jobs.get(json.job.id)
    const { source } = job?.document.transfer as { source: { connection: { id: string } } }
    expect(Object.keys(source.connection)).toEqual(['id'])
    expect(await bench.catalog.connections.get(source.connection.id)).toMatchObject({
      platform: 'fs',
      auth: { root: '/srv/old' },
    })
  })

  const secret = 'hunter2'
  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['ftp_password', { ftp_password: secret }, {}],
    ['transfer.apiToken', {}, { apiToken: secret }],
    ['notifications.handlers[0].smtp_password', { notifications: { handlers: [{ smtp_password: secret }] } }, {}],
    ['transfer.client_secret', {}, { client_secret: { value: [secret] } }],
    ['auth', { auth: { url: 'x', user: secret } }, {}],
    ['description', { description: `from sftp://me:${secret}@host` }, {}],
    ['description', { description: `Server=db;User Id=sa;Password=${secret};` }, {}],
    ['name', { name: `AccountName=x;AccountKey=${secret}` }, {}],
    ['transfer.source_of', {}, { source_of: `https://host/list?sig=${secret}` }],
    [
      'transfer.filter.source.rules.text',
      {},
      { filter: { source: { rules: { type: 'pattern', text: `a;Pwd=${secret}` } } } },
    ],
    [
      'transfer.account_map.pin_code.token',
      {},
      { account_map: { map_by: { email: true }, pin_code: { token: secret } } },
    ],
    ['source.connection.auth', { source: { connection: { platform: 'fs', auth: { key: secret } } } }, {}],
  ])('what looks like a secret at %s is refused, and stored nowhere', async (property, change, transfer) => {
    const { status, json } = await bench.call('POST', '/v1/jobs', aJob(change, transfer))
    expect(status).toBe(400)
    expect(json.errors).toEqual([
      {
        code: 'credential',
        property,
        description: expect.stringMatching(/^looks like a secret.* auth of a connection/),
      },
    ])
    expect(JSON.stringify(json)).not.toContain(secret)
    for (const file of readdirSync(bench.folder))
      expect(readFileSync(join(bench.folder, file), 'latin1')).not.toContain(secret)
  })

  test('a secret is refused and never shown wherever it stands in a job', async () => {
    const sample = readFileSync(new URL('../../scripts/demo/all-features.json', import.meta.url), 'utf8')
    const places = textsIn(JSON.parse(sample.replace(/\{\{(\w+)\}\}/g, '$1')))
    expect(places.length).toBeGreaterThan(30)
    for (const { path, set, document } of places) {
      set(`Server=db;Password=${secret}`)
      const { status, json } = await bench.call('POST', '/v1/jobs', document)
      expect([path, status]).toEqual([path, 400])
      expect(json.errors).toContainEqual(expect.objectContaining({ code: 'credential', property: path }))
      expect(JSON.stringify(json)).not.toContain(secret)
    }
  })

  test.each([
    ['[a secret]', { [`sftp://me:${secret}@host/x`]: 1 }],
    ['options[a secret]', { options: { [`Password=${secret}`]: 1 } }],
    ['note', { note: `-----BEGIN RSA PRIVATE KEY-----\n${secret}` }],
  ])('a secret that is a key, or a whole private key, is refused and not shown: %s', async (property, change) => {
    const { status, json } = await bench.call('POST', '/v1/jobs', aJob(change))
    expect(status).toBe(400)
    expect(json.errors).toMatchObject([{ code: 'credential', property }])
    for (const query of ['', '?strict=1'])
      expect(JSON.stringify(await bench.call('POST', `/v1/jobs${query}`, aJob(change)))).not.toContain(secret)
  })

  test('what stands in an auth is not shown by the error about it, nor what stands in an address', async () => {
    for (const auth of [
      { root: '/a', symlinks: secret },
      { root: '/a', read_only: secret },
      { root: `Server=db;Password=${secret}` },
      { root: '/a', [`Password=${secret}`]: 1 },
      { root: '/a', directory: '', max_size: `sftp://me:${secret}@host` },
    ]) {
      const platform = { id: 'fs' }
      for (const answer of [
        await bench.call('POST', '/v1/connections', { platform, auth }),
        await bench.call('POST', '/v1/jobs', aJob({}, { source: { connection: { platform, auth } } })),
      ]) {
        expect(answer.status).toBe(400)
        expect(JSON.stringify(answer.json)).not.toContain(secret)
      }
    }
    const address = `sftp://me:${secret}@host`
    for (const url of [
      `jobs?status=${address}`,
      `jobs?${encodeURIComponent(address)}=1`,
      `jobs?limit=${address}`,
      `jobs/x?start=${address}`,
      `jobs/${encodeURIComponent(address)}`,
      `nothing/${encodeURIComponent(address)}`,
      `jobs/history?job=x&execution=${address}`,
    ]) {
      const answer = await bench.call(url.includes('start') ? 'PATCH' : 'GET', `/v1/${url}`)
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect([url, JSON.stringify(answer.json).includes(secret)]).toEqual([url, false])
    }
    expect(
      JSON.stringify((await bench.call('POST', '/v1/jobs', `{"Password=${secret}": 1, "Password=${secret}": 1}`)).json),
    ).not.toContain(secret)
  })

  test('a word that only looks like a secret’s name is none', async () => {
    const harmless = {
      description: 'Passwords and keys',
      reset_password: false,
      secretary: 'Jane',
      credential_type: 'kerberos',
      token: null,
      secret: '',
      auth: { root: '/data', port: 22 },
    }
    expect((await bench.call('POST', '/v1/jobs', aJob(harmless))).status).toBe(201)
  })

  test('an inline map becomes a stored one between the connections of the job', async () => {
    const map = { type: 'account_map', map_by: { email: true } }
    const { json, status } = await bench.call('POST', '/v1/jobs', aJob({}, { account_map: map }))
    expect(status).toBe(201)
    const read = await bench.call('GET', `/v1/jobs/${json.job.id}?fields=all`)
    const { source, account_map } = read.json.job.transfer
    expect(account_map).toEqual({ id: expect.any(String), type: 'account_map' })
    const stored = await bench.call('GET', `/v1/account_maps/${account_map.id}`)
    expect(stored.json.account_map.source.connection).toEqual(source.connection)
  })

  test('every wrong value is named with its path and what is allowed, and nothing is stored', async () => {
    const { status, json } = await bench.call(
      'POST',
      '/v1/jobs',
      aJob({ stop_policy: { on_execute: -1 } }, { large_item: 'maybe', timestamps: 'perhaps' }),
    )
    expect(status).toBe(400)
    expect(json).toMatchObject({ status: 400, type: 'error' })
    const byPath = Object.fromEntries(
      json.errors.map((e: { property: string; description: string }) => [e.property, e.description]),
    )
    expect(Object.keys(byPath).sort()).toEqual(['stop_policy.on_execute', 'transfer.large_item', 'transfer.timestamps'])
    expect(byPath['transfer.large_item']).toMatch(/"maybe".*fail, skip/)
    expect((await bench.catalog.jobs.list({ offset: 0, limit: 1 })).total).toBe(0)
    expect((await bench.catalog.connections.list({ offset: 0, limit: 1 })).total).toBe(0)
  })

  test('connections and maps that do not exist are all named at once', async () => {
    const id = '0'.repeat(32)
    const { status, json } = await bench.call(
      'POST',
      '/v1/jobs',
      aJob(
        { category: { id: 99 } },
        {
          source: { connection: { id } },
          destination: { connection: { platform: { id: 'fs' }, auth: { root: 'relative', nonsense: 1 } } },
          account_map: { id, type: 'account_map' },
        },
      ),
    )
    expect(status).toBe(400)
    expect(json.errors.map((e: { property: string }) => e.property).sort()).toEqual([
      'category.id',
      'transfer.account_map.id',
      'transfer.destination.connection.auth.nonsense',
      'transfer.destination.connection.auth.root',
      'transfer.source.connection.id',
    ])
  })

  test('wrong values and connections that do not exist are named together', async () => {
    const document = aJob(
      { category: { id: 99 } },
      {
        large_item: 'maybe',
        source: { connection: { platform: 'ftp' }, type: 'folder' },
        destination: { connection: { platform: 'fs', auth: { root: '/srv', nonsense: 1 } } },
        group_map: { id: 'nowhere' },
      },
    )
    const { status, json } = await bench.call('POST', '/v1/jobs', document)
    expect(status).toBe(400)
    expect(json.errors.map((e: { property: string }) => e.property).sort()).toEqual([
      'category.id',
      'transfer.destination.connection.auth.nonsense',
      'transfer.group_map.id',
      'transfer.large_item',
      'transfer.source.connection.platform.id',
      'transfer.source.type',
    ])
  })

  test.each([
    [{ transfer: null }],
    [{ transfer: [1] }],
    [{ transfer: { source: 'x', destination: { connection: 7 } } }],
    [{ category: [] }],
  ])('what is no job at all, %j, is a 400 and no accident', async (document) => {
    expect((await bench.call('POST', '/v1/jobs', document)).status).toBe(400)
  })

  test('a group map where an account map belongs is told from one that does not exist', async () => {
    const source = await bench.call('POST', '/v1/connections', connection('/srv/old'))
    const { id } = source.json.connection
    const groups = await bench.call('POST', '/v1/group_maps', {
      name: 'Groups',
      source: { connection: { id } },
      destination: { connection: { id } },
      map_by: { name: true },
    })
    const { json } = await bench.call('POST', '/v1/jobs', aJob({}, { account_map: { id: groups.json.group_map.id } }))
    expect(json.errors).toEqual([
      { code: 'unknown_id', property: 'transfer.account_map.id', description: '"Groups" is a group map' },
    ])
  })

  test('a map between other connections than those of the job is refused', async () => {
    const other = await bench.call('POST', '/v1/connections', connection('/srv/other'))
    const ends = { connection: { id: other.json.connection.id } }
    const map = await bench.call('POST', '/v1/account_maps', {
      name: 'People',
      source: ends,
      destination: ends,
      map_by: { email: true },
    })
    const { status, json } = await bench.call(
      'POST',
      '/v1/jobs',
      aJob({}, { account_map: { id: map.json.account_map.id } }),
    )
    expect(status).toBe(400)
    expect(json.errors).toHaveLength(2)
    expect(json.errors[0]).toMatchObject({ code: 'misfit', property: 'transfer.account_map' })
  })

  test('a brake beside the id of a connection is refused: only the id is stored', async () => {
    const { json } = await bench.call('POST', '/v1/jobs', aJob())
    const { source } = (await bench.call('GET', `/v1/jobs/${json.job.id}?fields=all`)).json.job.transfer
    source.connection = { id: source.connection.id, dry_run: true }
    const answer = await bench.call('POST', '/v1/jobs', aJob({}, { source }))
    expect(answer.status).toBe(400)
    expect(answer.json.errors[0]).toMatchObject({
      property: 'transfer.source.connection.dry_run',
      description: expect.stringContaining('transfer.simulation_mode'),
    })
  })

  test('an unknown key is kept, returned, and warned of with the nearest known one; ?strict refuses it', async () => {
    const document = aJob({}, { large_items: 'skip' })
    const { status, json } = await bench.call('POST', '/v1/jobs', document)
    expect(status).toBe(201)
    expect(json.warnings).toHaveLength(1)
    expect(json.warnings[0]).toMatchObject({ property: 'transfer.large_items' })
    expect(json.warnings[0].description).toContain('large_item')
    const read = await bench.call('GET', `/v1/jobs/${json.job.id}?fields=all`)
    expect(read.json.job.transfer.large_items).toBe('skip')
    for (const query of ['?strict', '?strict=1', '?strict=true'])
      expect((await bench.call('POST', `/v1/jobs${query}`, document)).status).toBe(400)
  })

  test('settings that change nothing are warned of, and those that keep it from starting too', async () => {
    const account_map = { map_by: { email: true, ldap: true } }
    const { json } = await bench.call('POST', '/v1/jobs', aJob({}, { tags: 'add', account_map, batch_mode: 'none' }))
    expect(json.warnings).toEqual([
      { code: 'inert', property: 'transfer.tags', description: expect.stringContaining('no tags') },
      { code: 'not_carried_out', property: 'transfer.account_map', description: expect.stringContaining('LDAP') },
    ])
    const started = await bench.call('PATCH', `/v1/jobs/${json.job.id}?start=1`)
    expect([started.status, started.json.errors]).toEqual([
      409,
      [{ code: 'not_carried_out', property: 'transfer.account_map', description: expect.stringContaining('LDAP') }],
    ])
  })

  test.each([{ status: 'start' }, { schedule: { mode: 'auto' } }])(
    'one that asks to run at once, %j, and may not is stored and says why it did not start',
    async (asking) => {
      const { status, json } = await bench.call('POST', '/v1/jobs', aJob(asking, { permissions: 'diff' }))
      expect(status).toBe(201)
      expect(json.warnings).toMatchObject([{ code: 'not_started', property: 'transfer.permissions.policy' }])
      expect(bench.commands).toEqual([])
    },
  )

  test('a missing transfer_type means sync, with a warning', async () => {
    const { status, json } = await bench.call('POST', '/v1/jobs', aJob({}, { transfer_type: undefined }))
    expect(status).toBe(201)
    expect(json.warnings.map((w: { property: string }) => w.property)).toContain('transfer.transfer_type')
  })

  test('without a name, the job is named after its two connections', async () => {
    const { json } = await bench.call('POST', '/v1/jobs', aJob({ name: '' }))
    expect(json.job.name).toMatch(/\/srv\/old to .*\/srv\/new/)
  })

  test('"status": "start" starts it at once', async () => {
    const { json } = await bench.call('POST', '/v1/jobs', bench.aRealJob({ status: 'start' }))
    expect(bench.commands).toEqual([`start ${json.job.id}`])
  })
})

describe('GET /v1/jobs', () => {
  const make = async (n: number): Promise<void> => {
    for (let i = 0; i < n; i++) await bench.call('POST', '/v1/jobs', aJob({ name: `Job ${i}` }))
  }

  test('pages, and links the next and the previous page with all parameters', async () => {
    await make(5)
    const { status, json } = await bench.call('GET', '/v1/jobs?q=job&limit=2&offset=2')
    expect(status).toBe(200)
    expect(json).toMatchObject({ status: 200, type: 'jobs' })
    expect(json.jobs.map((job: { name: string }) => job.name)).toEqual(['Job 2', 'Job 3'])
    expect(json.meta).toEqual({
      links: {
        self: { href: '/v1/jobs?q=job&limit=2&offset=2' },
        next: { href: '/v1/jobs?q=job&limit=2&offset=4' },
        prev: { href: '/v1/jobs?q=job&limit=2&offset=0' },
      },
      offset: 2,
      limit: 2,
      fields: [],
      total_count: 5,
      has_more: true,
    })
    const last = await bench.call('GET', json.meta.links.next.href)
    expect(last.json.jobs).toHaveLength(1)
    expect(last.json.meta.has_more).toBe(false)
    expect(last.json.meta.links.next).toBeUndefined()
  })

  test('filters by status and text, and shows the fields that are asked for', async () => {
    await make(3)
    const [first] = (await bench.call('GET', '/v1/jobs')).json.jobs
    await bench.catalog.jobs.update(first.id, { status: 'paused' })
    const paused = await bench.call('GET', '/v1/jobs?status=paused&fields=category.name,priority')
    expect(paused.json.jobs).toHaveLength(1)
    expect(paused.json.jobs[0]).toMatchObject({ id: first.id, priority: 0, category: { name: 'Default' } })
    expect(paused.json.jobs[0].category).not.toHaveProperty('id')
    expect(paused.json.meta.fields).toEqual(['category.name', 'priority'])
    expect((await bench.call('GET', '/v1/jobs?q=nothing')).json.jobs).toEqual([])
  })

  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['offset=-1', 'offset'],
    ['limit=ten', 'limit'],
    ['status=sleeping', 'status'],
  ])('%s is refused', async (query, property) => {
    const { status, json } = await bench.call('GET', `/v1/jobs?${query}`)
    expect(status).toBe(400)
    expect(json.errors[0]).toMatchObject({ code: 'invalid', property })
  })
})

describe('what GET /v1/jobs is asked for', () => {
  const names = async (query: string): Promise<string[]> => {
    const { status, json } = await bench.call('GET', `/v1/jobs?${query}`)
    expect(status).toBe(200)
    return json.jobs.map((job: { name: string }) => job.name)
  }
  const made = async (name: string, status: JobStatus, change = {}, transfer = {}): Promise<void> => {
    const { json } = await bench.call('POST', '/v1/jobs', aJob({ name, ...change }, transfer))
    await bench.catalog.jobs.update(json.job.id, { status })
  }
  beforeEach(async () => {
    await made('idle', 'idle')
    await made('running', 'running', { category: 'Legal' })
    await made('complete', 'complete', {}, { simulation_mode: true })
    const destination = { connection: { platform: 'vault', auth: { root: '/srv/vault.db' } } }
    await made('cancelling', 'cancelling', {}, { destination })
  })

  test.each([
    ['status=not-complete', ['idle', 'running', 'cancelling']],
    ['status=idle,complete', ['idle', 'complete']],
    ['status=idle&status=complete', ['idle', 'complete']],
    ['status=cancel', ['cancelling']],
    ['status=deleted', []],
    ['status=awaiting-user', []],
    ['active=1', ['running', 'cancelling']],
    ['active', ['running', 'cancelling']],
    ['active=0', ['idle', 'complete']],
    ['active=1&status=running', ['running']],
    [`node=${hostname().toUpperCase()}`, ['running', 'cancelling']],
    ['node=elsewhere', []],
    [`parent=${'0'.repeat(32)}`, []],
    ['kind=transfer&category=legal', ['running']],
    ['kind=folder_mapping', []],
    ['destination_platform=vault', ['cancelling']],
    ['source_platform=vault', []],
    ['simulation_mode=1', ['complete']],
    ['simulation_mode=0', ['idle', 'running', 'cancelling']],
  ])('%s', async (query, found) => {
    expect(await names(query)).toEqual(found)
  })
})

describe('a parameter nobody knows', () => {
  test.each([
    ['/v1/jobs?statuss=idle', 'statuss', 'did you mean status?'],
    ['/v1/jobs?colour=red', 'colour', 'there are status, kind,'],
    ['/v1/jobs?kind=transfr', 'kind', 'not one of transfer,'],
    ['/v1/jobs?source_platform=sharepoint', 'source_platform', 'not one of fs, vault'],
    ['/v1/connections?platform=fss', 'platform', 'not one of fs, vault'],
    ['/v1/jobs/history?executon=last', 'executon', 'did you mean execution?'],
    [`/v1/jobs/${'0'.repeat(32)}/history?job=x`, 'job', 'there are execution, offset,'],
    [`/v1/jobs/${'0'.repeat(32)}?field=all`, 'field', 'did you mean fields?'],
    [`/v1/transfers/${'0'.repeat(32)}/items?parent_id=1`, 'parent_id', 'there are status,'],
    [`/v1/transfers/auditing?job=${'0'.repeat(32)}&levl=error`, 'levl', 'did you mean level?'],
    ['/v1/connections?platfrom=fs', 'platfrom', 'did you mean platform?'],
    ['/v1/connections/platforms?platform=fs', 'platform', 'there are offset, limit'],
    ['/v1/account_maps?limits=5', 'limits', 'did you mean limit?'],
    ['/v1/group_maps?type=x', 'type', 'there are offset,'],
  ])('%s is refused, with those there are', async (url, property, description) => {
    const { status, json } = await bench.call('GET', url)
    expect(status).toBe(400)
    expect(json.errors).toEqual([{ code: 'invalid', property, description: expect.stringContaining(description) }])
  })

  test.each([
    ['/v1/jobs?status=idl&kind=x&active=2&limit=0&node=', ['active', 'kind', 'limit', 'node', 'status']],
    ['/v1/connections?platform=x&active=maybe&pools=5&offset=-1', ['active', 'offset', 'platform', 'pools']],
    ['/v1/jobs/history?job=&execution=first&limit=x', ['execution', 'job', 'limit']],
    ['/v1/transfers/auditing?level=loud&execution=x&item=y&limit=', ['execution', 'item', 'job', 'level', 'limit']],
    [`/v1/transfers/${'0'.repeat(32)}/items?status=x&type=y&parent=z&id=a`, ['id', 'parent', 'status', 'type']],
  ])('every wrong value is told at once: %s', async (url, properties) => {
    const { status, json } = await bench.call('GET', url)
    expect(status).toBe(400)
    expect(json.errors.map(({ property }: { property: string }) => property).sort()).toEqual(properties)
  })

  test('stores no job', async () => {
    const { status, json } = await bench.call('POST', '/v1/jobs?strct=1', aJob())
    expect(status).toBe(400)
    expect(json.errors[0]).toMatchObject({ property: 'strct', description: expect.stringContaining('strict') })
    expect((await bench.call('GET', '/v1/jobs')).json.meta.total_count).toBe(0)
  })
})

describe('a parameter that takes one value', () => {
  test.each([
    ['/v1/jobs?limit=1&limit=2', 'limit'],
    ['/v1/jobs?kind=transfer&kind=policy', 'kind'],
    ['/v1/jobs?q=a&status=idle&status=paused&q=b', 'q'],
    ['/v1/jobs?active=1&active=0', 'active'],
    ['/v1/jobs/history?job=a&job=b', 'job'],
    [`/v1/transfers/${'0'.repeat(32)}/items?parent=1&parent=2`, 'parent'],
    [`/v1/transfers/auditing?job=${'0'.repeat(32)}&level=warn&level=error`, 'level'],
    ['/v1/connections?platform=fs&platform=vault', 'platform'],
    ['/v1/connections/platforms?offset=0&offset=1', 'offset'],
    ['/v1/account_maps?offset=0&offset=0', 'offset'],
  ])('is refused when it is given twice: %s', async (url, property) => {
    const { status, json } = await bench.call('GET', url)
    expect(status).toBe(400)
    expect(json.errors).toEqual([{ code: 'invalid', property, description: 'is given 2 times, and takes one value' }])
  })

  test('is named with every other that is given twice, or not known', async () => {
    const { json } = await bench.call('GET', '/v1/jobs?limit=1&limit=2&colour=red&q=a&q=b&q=c')
    expect(json.errors.map(({ property }: { property: string }) => property)).toEqual(['limit', 'colour', 'q'])
  })

  test('given twice with a command, the command is not sent', async () => {
    const { json } = await bench.call('POST', '/v1/jobs', aJob())
    const { status } = await bench.call('PATCH', `/v1/jobs/${json.job.id}?start=0&start=1`)
    expect([status, bench.commands]).toEqual([400, []])
  })
})

describe('an empty parameter', () => {
  const job = '0'.repeat(32)

  test.each([
    ['/v1/jobs?status=', 'status', 'not one of idle, start,'],
    ['/v1/jobs?status=,', 'status', 'not one of idle, start,'],
    ['/v1/jobs?kind=', 'kind', 'not one of transfer,'],
    ['/v1/jobs?category=', 'category', 'is empty; it takes a text'],
    ['/v1/jobs?node=', 'node', 'is empty'],
    ['/v1/jobs?parent=', 'parent', 'is empty'],
    ['/v1/jobs?source_platform=', 'source_platform', 'not one of fs, vault'],
    ['/v1/jobs?destination_platform=', 'destination_platform', 'not one of fs, vault'],
    ['/v1/jobs?q=', 'q', 'is empty'],
    ['/v1/jobs?limit=', 'limit', 'not a whole number, 1 to 1000'],
    ['/v1/jobs?offset=', 'offset', 'not a whole number, 0 or more'],
    ['/v1/jobs/history?job=', 'job', 'is empty'],
    [`/v1/transfers/${job}/items?status=`, 'status', 'not one of success, processed,'],
    [`/v1/transfers/${job}/items?item_status=`, 'item_status', 'not one of success, processed,'],
    [`/v1/transfers/${job}/items?processing_status=`, 'processing_status', 'not one of none, renamed,'],
    [`/v1/transfers/${job}/items?type=`, 'type', 'not one of item, container'],
    [`/v1/transfers/${job}/items?parent=`, 'parent', 'not a whole number'],
    [`/v1/transfers/${job}/items?id=`, 'id', 'not a whole number'],
    [`/v1/transfers/auditing?job=${job}&level=`, 'level', 'not one of trace,'],
    [`/v1/transfers/auditing?job=${job}&execution=`, 'execution', 'not a whole number'],
    [`/v1/transfers/auditing?job=${job}&item=`, 'item', 'not a whole number'],
    ['/v1/transfers/auditing?job=', 'job', 'is empty'],
    ['/v1/connections?platform=', 'platform', 'not one of fs, vault'],
    ['/v1/group_maps?q=', 'q', 'is empty'],
  ])('is refused, not passed over: %s', async (url, property, description) => {
    const { status, json } = await bench.call('GET', url)
    expect(status).toBe(400)
    expect(json.errors).toEqual([{ code: 'invalid', property, description: expect.stringContaining(description) }])
  })

  test('among others leaves those that say something', async () => {
    expect((await bench.call('GET', '/v1/jobs?status=idle,')).status).toBe(200)
  })

  test('of fields asks for no more than is shown anyway', async () => {
    const { status, json } = await bench.call('GET', '/v1/jobs?fields=')
    expect([status, json.meta.fields]).toEqual([200, []])
  })
})

describe('one job', () => {
  test('include=all is another word for fields=all', async () => {
    const { json } = await bench.call('POST', '/v1/jobs', aJob())
    const all = await bench.call('GET', `/v1/jobs/${json.job.id}?fields=all`)
    const included = await bench.call('GET', `/v1/jobs/${json.job.id}?include=all`)
    expect(included.json).toEqual(all.json)
    expect(all.json.job.scheduler.id).toBe(-1)
  })

  test('is shown to its last level, groups of rules in groups of rules too', async () => {
    const rules = [{ type: 'filter_rule', rules: [{ type: 'filter_rule', rules: [{ type: 'filter_hidden' }] }] }]
    const filter = { source: [{ type: 'filter_rule', rules }] }
    const { json } = await bench.call('POST', '/v1/jobs', aJob({}, { filter }))
    const read = await bench.call('GET', `/v1/jobs/${json.job.id}?fields=all`)
    expect(read.json.job.transfer.filter).toEqual(filter)
  })

  test('a credential kept by an earlier version is in no answer', async () => {
    const { json } = await bench.call('POST', '/v1/jobs', aJob())
    const { id } = json.job
    const { document } = (await bench.catalog.jobs.get(id))!
    await bench.catalog.jobs.update(id, {
      document: { ...document, ftp_password: 'hunter2', was: 'Server=db;Password=hunter2' },
    })
    for (const url of [`/v1/jobs/${id}?fields=all`, '/v1/jobs?fields=all'])
      expect(JSON.stringify((await bench.call('GET', url)).json)).not.toContain('hunter2')
    // What was hidden is no secret: it can be posted again.
    const read = await bench.call('GET', `/v1/jobs/${id}?fields=all`)
    expect((await bench.call('POST', '/v1/jobs', read.json.job)).status).toBe(201)
  })

  test.each(['start', 'pause', 'resume', 'cancel'])(
    'PATCH ?%s=1 or bare commands the job and answers it',
    async (command) => {
      const { json } = await bench.call('POST', '/v1/jobs', bench.aRealJob())
      for (const query of [`${command}=1`, command, `${command}=true`]) {
        const { status, json: answer } = await bench.call('PATCH', `/v1/jobs/${json.job.id}?${query}`)
        expect(status).toBe(200)
        expect(answer).toMatchObject({ type: 'job', job: { id: json.job.id } })
      }
      expect(bench.commands).toEqual(Array(3).fill(`${command} ${json.job.id}`))
    },
  )

  test.each([
    ['stop', '?stop=1', undefined],
    [undefined, '?start=1', []],
    [undefined, '?start=1', '"now"'],
    [undefined, '?start=1', { name: 'Other' }],
  ])('PATCH does not pass over what it cannot do: %s %s %j', async (property, query, body) => {
    const { json } = await bench.call('POST', '/v1/jobs', aJob())
    const { status, json: answer } = await bench.call('PATCH', `/v1/jobs/${json.job.id}${query}`, body)
    expect(status).toBe(400)
    expect(answer.errors[0].property).toBe(property)
    expect(bench.commands).toEqual([])
  })

  test('resume warns of settings that changed since the execution began', async () => {
    const { json } = await bench.call('POST', '/v1/jobs', aJob())
    const { id } = json.job
    await bench.catalog.executions.begin(id, 1, false)
    await bench.catalog.jobs.update(id, { lastExecution: 1, status: 'paused' })
    expect((await bench.call('PATCH', `/v1/jobs/${id}?resume=1`)).json).not.toHaveProperty('warnings')
    const { document } = (await bench.catalog.jobs.get(id))!
    const transfer = { ...(document.transfer as object), large_item: 'skip' }
    await bench.catalog.jobs.update(id, { document: { ...document, transfer } })
    expect((await bench.call('PATCH', `/v1/jobs/${id}?resume=1`)).json.warnings).toEqual([
      {
        code: 'changed',
        property: 'transfer.large_item',
        description: expect.stringMatching(/^\(absent\) → "skip"; what execution 1 has decided stays so; /),
      },
    ])
    await bench.catalog.executions.update(id, 1, { endedOn: 1 })
    expect((await bench.call('PATCH', `/v1/jobs/${id}?resume=1`)).json).not.toHaveProperty('warnings')
  })

  test('a disabled job is shown as one', async () => {
    const { json } = await bench.call('POST', '/v1/jobs', aJob({ disabled: true }))
    expect(json.job.disabled).toBe(true)
    const { json: read } = await bench.call('GET', `/v1/jobs/${json.job.id}?fields=health`)
    expect(read.job.health).toBe('inactive')
  })

  test('PATCH takes an empty JSON body, and two commands at once as little as none', async () => {
    const { json } = await bench.call('POST', '/v1/jobs', bench.aRealJob())
    const url = `/v1/jobs/${json.job.id}`
    expect((await bench.call('PATCH', `${url}?start=1`, '')).status).toBe(200)
    expect((await bench.call('PATCH', `${url}?start=1&pause=1`)).status).toBe(400)
    expect((await bench.call('PATCH', url)).status).toBe(400)
    expect((await bench.call('PATCH', `${url}?start=0`)).status).toBe(400)
    expect((await bench.call('PATCH', `${url}?start=maybe`)).json.errors[0].property).toBe('start')
    expect(bench.commands).toHaveLength(1)
  })

  test('a job whose settings could do harm is stored, and its start refused with every reason', async () => {
    const { status, json } = await bench.call('POST', '/v1/jobs', aJob({}, { permissions: 'diff' }))
    expect(status).toBe(201)
    const started = await bench.call('PATCH', `/v1/jobs/${json.job.id}?start=1`)
    expect(started.status).toBe(409)
    expect(started.json.errors[0]).toMatchObject({ code: 'not_carried_out', property: 'transfer.permissions.policy' })
    expect(bench.commands).toEqual([])
  })
})

/** Every text in a document, each with a copy of the document to put another in its place. */
function textsIn(document: unknown): { path: string; document: unknown; set: (text: string) => void }[] {
  const paths: PropertyKey[][] = []
  const look = (value: unknown, path: PropertyKey[]): void => {
    if (typeof value === 'string') paths.push(path)
    else if (Array.isArray(value)) value.forEach((inner, i) => look(inner, [...path, i]))
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) look(inner, [...path, key])
  }
  look(document, [])
  return paths.map((path) => {
    const copy = structuredClone(document)
    const holder = path.slice(0, -1).reduce((at, step) => (at as Record<PropertyKey, unknown>)[step], copy)
    return {
      path: pathText(path),
      document: copy,
      set: (text) => ((holder as Record<PropertyKey, unknown>)[path.at(-1)!] = text),
    }
  })
}
