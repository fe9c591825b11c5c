import { afterEach, beforeEach, expect, test } from '@jest/globals'
import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sftp } from '../../../src/connector/sftp/sftp.ts'
import { Bench, bytes, refusal } from '../../conformance/bench.ts'
import { diskOracle } from '../../conformance/fs_oracle.ts'
import { oddServer, type Oddities, type OddServer } from './odd_server.ts'

let root: string
const open: { close(): unknown }[] = []
beforeEach(() => {
  root = disk.mkdtempSync(join(tmpdir(), 'stevedore-odd-'))
})
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
  disk.rmSync(root, { recursive: true })
})

async function served(oddities: Oddities): Promise<OddServer> {
  const server = await oddServer(root, oddities)
  open.push(server)
  return server
}

function login({ port, hostKey }: OddServer) {
  return { host: '127.0.0.1', port, username: 'somebody', password: 'right', host_key: hostKey }
}

async function benchOn(oddities: Oddities): Promise<Bench> {
  const server = await served(oddities)
  const bench = await Bench.open({ connector: sftp, auth: login(server), oracle: diskOracle(root), dispose() {} })
  open.push(bench.session)
  return bench
}

test('a server that is not known is refused with its fingerprint, and the setting that would accept it', async () => {
  const server = await served({})
  const empty = join(root, 'known_hosts')
  disk.writeFileSync(empty, '')
  const { host_key, ...auth } = { ...login(server), known_hosts: empty }
  const opening = Promise.resolve(sftp.open(auth))
  await expect(opening).rejects.toMatchObject({ code: 'Misconfigured' })
  await expect(opening).rejects.toThrow(`"host_key": "${host_key}"`)
})

test('a server with another key than the one that was set is refused', async () => {
  const server = await served({})
  const wrong = `SHA256:${'A'.repeat(43)}`
  const opening = Promise.resolve(sftp.open({ ...login(server), host_key: wrong }))
  await expect(opening).rejects.toThrow(`has the key ${server.hostKey}, not ${wrong}`)
})

test('wrong credentials are said to be that, and the password is not repeated', async () => {
  const server = await served({})
  const error = await Promise.resolve(sftp.open({ ...login(server), password: 'hunter2' })).catch((e: unknown) => e)
  expect(error).toMatchObject({ code: 'AuthExpired' })
  expect(String(error)).not.toContain('hunter2')
})

test('a folder that may be written and not listed is a clear error, while files arrive in it', async () => {
  const bench = await benchOn({ unlisted: true })
  expect(await refusal(() => bench.pages(''))).toBe('AccessDenied')
  await bench.write('', 'file', bytes('content'))
  expect(await bench.oracle.content(['file'])).toEqual(bytes('content'))
})

test('what a server does not let us remove stays, and that is what is told', async () => {
  const bench = await benchOn({ keepsAll: true })
  const file = await bench.write('', 'file', bytes('content'))
  const folder = await bench.makeContainer('', 'folder')
  for (const item of [file, folder])
    expect(await refusal(() => bench.session.remove(item.id, item))).toBe('AccessDenied')
  expect((await bench.oracle.names([])).sort()).toEqual(['file', 'folder'])
})

test('no address leads out of the root, whatever is done with it', async () => {
  disk.mkdirSync(join(root, 'inside'))
  disk.writeFileSync(join(root, 'secret'), 'secret')
  const server = await served({})
  const session = await sftp.open({ ...login(server), root: '/inside' })
  open.push(session)
  const facts = { kind: 'item', sizeBytes: 6n } as const
  for (const attempt of [
    () => session.stat('../secret', []),
    () => session.open('../secret'),
    () => session.makeContainer('..', 'x', 'k'),
    () => session.setAttributes('../secret', { modifiedNs: 0n }),
    () => session.move('../secret', '', 'x', facts),
    () => session.remove('../secret', facts),
  ])
    expect(await refusal(attempt)).toBe('Escapes')
  expect(disk.readFileSync(join(root, 'secret'), 'utf8')).toBe('secret')
})

test('a quota that only shows as a failing write is told as that, and leaves nothing', async () => {
  const bench = await benchOn({ room: 100_000 })
  expect(await refusal(() => bench.write('', 'file', Buffer.alloc(200_000), { key: 'full' }))).toBe('QuotaExceeded')
  await bench.session.discard('', 'full')
  expect(await bench.oracle.names([])).toEqual([])
})

test.each(['WRITE', 'READ'] as const)(
  'a connection that breaks at a %s ends the call, and the next call has a new one',
  async (at) => {
    const oddities: Oddities = { dropsAt: at }
    const server = await served(oddities)
    const session = await sftp.open(login(server))
    open.push(session)
    const bench = await Bench.open({
      connector: { ...sftp, open: () => session },
      auth: {},
      oracle: diskOracle(root),
      dispose() {},
    })
    disk.writeFileSync(join(root, 'there'), 'content')
    const attempt = at === 'WRITE' ? () => bench.write('', 'file', bytes('content')) : () => bench.read('there')
    expect(await refusal(attempt)).toBe('Unreachable')
    delete oddities.dropsAt
    expect(await bench.read('there')).toEqual(bytes('content'))
    expect(server.connections()).toBe(2)
  },
)

test('where a rename replaces, a name that is taken is still a conflict', async () => {
  const bench = await benchOn({ renameReplaces: true })
  await bench.oracle.put(['file'], bytes('theirs'))
  expect(await refusal(() => bench.write('', 'file', bytes('mine')))).toBe('Conflict')
  expect(await bench.oracle.content(['file'])).toEqual(bytes('theirs'))
})

test('without a rename that replaces, the old one is put back when its successor is not to be had, also after a death', async () => {
  const bench = await benchOn({})
  const item = await bench.write('', 'file', bytes('old'))
  const staged = await bench.stage('', bytes('new'), { key: 'next' })
  // As a process leaves it that died between moving the old one aside and giving its name away.
  disk.renameSync(join(root, 'file'), join(root, '.~next-old'))
  const target = { container: '', name: 'file', condition: item }
  expect(await bench.session.reconcile(staged, target)).toEqual({ state: 'staged' })
  expect(await bench.oracle.content(['file'])).toEqual(bytes('old'))
  await bench.session.publish(staged, target)
  expect(await bench.oracle.content(['file'])).toEqual(bytes('new'))
  expect(await bench.oracle.names([])).toEqual(['file'])
})

test.each([false, true])(
  'without a rename that replaces, a connection that breaks between the two renames loses no name and leaves nothing (done: %j)',
  async (done) => {
    const oddities: Oddities = {}
    const bench = await benchOn(oddities)
    const item = await bench.write('', 'file', bytes('old'))
    const staged = await bench.stage('', bytes('new'), { key: 'next' })
    const target = { container: '', name: 'file', condition: item }
    oddities.dropsRenameOf = { name: '.~next', done }
    expect(await refusal(() => bench.session.publish(staged, target))).toBe('Unreachable')
    expect(await bench.oracle.content(['file'])).toEqual(bytes(done ? 'new' : 'old'))
    await bench.session.publish(staged, target)
    expect(await bench.oracle.content(['file'])).toEqual(bytes('new'))
    expect(await bench.oracle.names([])).toEqual(['file'])
  },
)

test('what was moved aside when the server went is put back when its staging is given up', async () => {
  const bench = await benchOn({})
  await bench.write('', 'file', bytes('old'))
  await bench.stage('', bytes('new'), { key: 'next' })
  disk.renameSync(join(root, 'file'), join(root, '.~next-old'))
  await bench.session.discard('', 'next', { name: 'file' })
  expect(await bench.oracle.content(['file'])).toEqual(bytes('old'))
  expect(await bench.oracle.names([])).toEqual(['file'])
})

test('names that are no UTF-8 are listed as what no SFTP client can name, each apart', async () => {
  const bench = await benchOn({})
  for (const byte of [0xe9, 0xe8]) disk.writeFileSync(Buffer.from([...Buffer.from(`${root}/caf`), byte]), 'x')
  disk.writeFileSync(join(root, 'plain'), 'x')
  const items = await bench.children('')
  const kinds = new Map(items.map(({ name, kind }) => [name, kind]))
  expect(Object.fromEntries(kinds)).toEqual({ 'caf\uFFFD': 'special', 'caf\uFFFD (2)': 'special', plain: 'item' })
})
