import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { inertSettings } from '../../src/intake/not_carried_out.ts'
import { compareTrees } from '../../scripts/rig/compare_trees.ts'
import type { Item } from '../../src/connector/item.ts'
import { vault } from '../../src/connector/vault/vault.ts'
import type { VaultSession } from '../../src/connector/vault/session.ts'
import { ledgerFile } from '../../src/home/home.ts'
import { LedgerReader } from '../../src/ledger/sqlite/reader.ts'
import { limits } from '../../src/transfer/engine/execution_spec.ts'
import { loadLastJobSpec } from '../../src/transfer/engine/load_execution.ts'
import { verifyJob } from '../../src/transfer/verify/verify.ts'
import { aJob } from './a_job.ts'
import { aTree, look, many, paths, textAt } from './a_tree.ts'
import { die } from './die.ts'
import { Rig } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

const vaultSide = { platform: 'vault' }

async function inVault<T>(root: string, work: (session: VaultSession) => T | Promise<T>): Promise<T> {
  const session = (await vault.open({ root })) as VaultSession
  try {
    return await work(session)
  } finally {
    session.close()
  }
}

interface Node {
  path: string
  id: string
  version?: string
  modifiedNs?: bigint
  content?: string
}

/** Everything in a vault, as its own session reads it. */
async function nodes(root: string): Promise<Node[]> {
  return inVault(root, async (session) => {
    const found: Node[] = []
    const walk = async (container: Item, path: string): Promise<void> => {
      for await (const page of session.list(container.id, [])) {
        for (const item of page.items) {
          const { id, version, modifiedNs } = item
          const node: Node = {
            path: `${path}${item.name}`,
            id,
            ...(version ? { version } : {}),
            ...(modifiedNs ? { modifiedNs } : {}),
          }
          if (item.kind === 'container') {
            found.push({ ...node, path: `${node.path}/` })
            await walk(item, `${node.path}/`)
          } else found.push({ ...node, content: await read(session, item) })
        }
      }
    }
    const top = session.root('/')
    if (top) await walk(top, '')
    return found.sort((a, b) => (a.path < b.path ? -1 : 1))
  })
}

async function read(session: VaultSession, { id, sizeBytes }: Item): Promise<string> {
  const reading = session.open(id)
  const bytes = Buffer.alloc(Number(sizeBytes))
  for (let at = 0; at < bytes.length;) at += await reading.read(bytes.subarray(at), BigInt(at))
  await reading.close()
  return bytes.toString()
}

function blobsOf(root: string): string[] {
  const blobs = join(root, 'blobs')
  return readdirSync(blobs).flatMap((two) => readdirSync(join(blobs, two)).map((name) => join(blobs, two, name)))
}

/** Flips the first byte; done twice it is whole again. */
function damage(blob: string): void {
  const content = readFileSync(blob)
  content[0] = content[0]! ^ 0xff
  writeFileSync(blob, content)
}

/** Puts a file into a vault, beside others of its name if there are. */
async function put(session: VaultSession, container: string, name: string, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  const key = `test-${Math.random().toString(36).slice(2, 10)}`
  const staging = await session.stage({
    container,
    key,
    sizeBytes: BigInt(bytes.length),
    attributes: { modifiedNs: 1_600_000_000_000_000_000n },
    durability: 'process',
  })
  await staging.write(bytes, 0n)
  const { createHash } = await import('node:crypto')
  const staged = await staging.finish(createHash('sha256').update(bytes).digest('hex'))
  await session.publish(staged, { container, name, condition: 'absent' })
}

const source = aTree({
  'a/one.txt': '1 KB',
  'a/two.txt': { is: 'two', modified: '1969-07-20T20:17:40Z' },
  'a/deep/er/three.txt': 'three',
  'empty/': { modified: '1985-10-26T01:21:00Z' },
  'zero.txt': '',
  'ünïcode 漢字.txt': 'x',
  link: { to: 'a' },
})

describe('a vault as destination', () => {
  test('holds the tree of the source, times included; links are told of', async () => {
    const job = await rig.job({}, { source, to: vaultSide })
    const ran = await job.run()
    expect(ran.reasons).toEqual({ 'success new': 9, 'skipped link': 1 })
    const found = await nodes(job.destination)
    const expected = [...look(job.source)].filter(([path]) => path !== 'link')
    expect(found.map(({ path }) => path)).toEqual(paths(job.source).filter((path) => path !== 'link'))
    for (const [path, { kind, modifiedNs }] of expected) {
      const node = found.find((one) => one.path === (kind === 'folder' ? `${path}/` : path))
      expect([path, node?.modifiedNs]).toEqual([path, modifiedNs])
      if (kind === 'file') expect(node?.content).toBe(textAt(job.source, path))
    }
  })

  test('knows as ours what was published before a death and recorded by nobody, when its execution was terminated', async () => {
    const oneWriter = { timestamps: false, performance: { parallel_writes: { requested: 1 } } }
    const job = await rig.job(oneWriter, { source: aTree(many(5, (n) => `d/f${n}`)), to: vaultSide })
    await die(job, 'publish:after#3', 1)
    const before = await nodes(job.destination)
    expect(before).toHaveLength(4)
    expect(await job.resume({ execution: 2 })).toMatchObject({ failed: 0, flagged: 0 })
    const after = await nodes(job.destination)
    expect(after.map(({ path }) => path)).toEqual(['d/', 'd/f0', 'd/f1', 'd/f2', 'd/f3', 'd/f4'])
    expect(after).toEqual(expect.arrayContaining(before.filter(({ path }) => path !== 'd/')))
    expect((await job.run()).status).toBe('no_changes')
  })

  test('is not written to by a run without changes, and gets only what changed', async () => {
    const job = await rig.job({}, { source, to: vaultSide })
    await job.run()
    const before = await nodes(job.destination)
    expect((await job.run()).status).toBe('no_changes')
    expect(await nodes(job.destination)).toEqual(before)
    writeFileSync(join(job.source, 'a/two.txt'), 'changed')
    writeFileSync(join(job.source, 'a/deep/new.txt'), 'new')
    await job.run()
    const after = await nodes(job.destination)
    const changed = after.filter((node) => !before.some((b) => b.id === node.id && b.version === node.version))
    expect(changed.map(({ path }) => path).filter((path) => !path.endsWith('/'))).toEqual([
      'a/deep/new.txt',
      'a/two.txt',
    ])
    expect(after.find(({ path }) => path === 'a/two.txt')?.content).toBe('changed')
    expect((await job.run()).status).toBe('no_changes')
  })

  test('keeps its own edit beside ours when both changed', async () => {
    const job = await rig.job({}, { source: aTree({ 'r.txt': 'first' }), to: vaultSide })
    await job.run()
    await inVault(job.destination, async (session) => {
      const [item] = [...session.list(session.root('/')!.id, [])].flatMap((page) => page.items)
      session.setAttributes(item!.id, { modifiedNs: 1_709_288_130_000_000_000n })
      session.move(item!.id, session.root('/')!.id, 'aside', session.stat(item!.id, [])!)
      await put(session, session.root('/')!.id, 'r.txt', 'theirs')
    })
    writeFileSync(join(job.source, 'r.txt'), 'ours')
    await job.run()
    const found = await nodes(job.destination)
    expect(found.map(({ content }) => content).sort()).toEqual(['first', 'ours', 'theirs'])
    expect(found.find(({ path }) => path === 'r.txt')?.content).toBe('ours')
    expect((await job.run()).status).toBe('no_changes')
  })

  test('is adopted where it holds the same already, by its hash', async () => {
    const job = await rig.job(
      {},
      { source: aTree({ 'a.txt': { is: 'theirs', modified: 1_600_000_000 } }), to: vaultSide },
    )
    await inVault(job.destination, (session) => put(session, session.root('/')!.id, 'a.txt', 'theirs'))
    const before = await nodes(job.destination)
    expect((await job.run()).reasons).toEqual({ 'success matched': 1 })
    expect(await nodes(job.destination)).toEqual(before)
  })

  test('has several of one name of its own; later runs still know which one is ours', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'ours' }), to: vaultSide })
    await job.run()
    await inVault(job.destination, async (session) => {
      await put(session, session.root('/')!.id, 'a.txt', 'theirs, later')
    })
    expect((await job.run()).status).toBe('no_changes')
    writeFileSync(join(job.source, 'a.txt'), 'ours, changed')
    expect((await job.run()).reasons).toEqual({ 'success changed': 1 })
    expect((await nodes(job.destination)).map(({ content }) => content).sort()).toEqual([
      'ours, changed',
      'theirs, later',
    ])
  })

  test('of thousands of files is complete', async () => {
    const job = await rig.job({}, { source: aTree(many(1_500, (n) => `d${n % 11}/f${n}`)), to: vaultSide })
    expect(await job.run()).toMatchObject({ status: 'completed', found: 1_511 })
    expect(await nodes(job.destination)).toHaveLength(1_511)
    expect((await job.run()).status).toBe('no_changes')
  })
})

describe('a vault as source', () => {
  test('arrives whole in a file system, and back again in another vault', async () => {
    const there = await rig.job({}, { source, to: vaultSide })
    await there.run()
    const out = join(rig.folder, 'out')
    mkdirSync(out)
    const back = await rig.store(
      {
        name: 'back',
        transfer: {
          transfer_type: 'copy',
          source: { connection: { platform: { id: 'vault' }, auth: { root: there.destination } } },
          destination: { connection: { platform: { id: 'fs' }, auth: { root: out } } },
        },
      },
      { source: there.destination, destination: out },
    )
    expect(await back.run()).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(compareTrees(there.source, out).differences).toEqual(['link: is only on the left'])
    expect((await back.run()).status).toBe('no_changes')
  })

  test('is asked for permissions that it does not know: what is made is open, as that platform has it, the root too', async () => {
    const job = await rig.job({ permissions: { policy: 'add' } }, { from: vaultSide, to: { path: '/made/here' } })
    await inVault(job.source, async (session) => {
      const { id } = session.makeContainer(session.root('/')!.id, 'd', 'k')
      await put(session, id, 'a.txt', 'a')
    })
    mkdirSync(join(job.destination, 'open'))
    const { mode } = statSync(join(job.destination, 'open'))
    expect((await job.run()).status).toBe('completed')
    const made = ['made', 'made/here', 'made/here/d']
    expect(made.map((path) => statSync(join(job.destination, path)).mode)).toEqual(made.map(() => mode))
  })

  test('has a folder made for it that nobody could record: it is ours to the next execution, though permissions are asked for', async () => {
    const job = await rig.job({ permissions: { policy: 'add' } }, { from: vaultSide })
    const modifiedNs = 1_500_000_000_000_000_000n
    await inVault(job.source, async (session) => {
      const { id } = session.makeContainer(session.root('/')!.id, 'd', 'k')
      session.makeContainer(id, 'e', 'l')
      session.setAttributes(id, { modifiedNs })
    })
    await die(job, 'container:after', 1)
    await job.resume({ execution: 2 })
    expect(look(job.destination).get('d')?.modifiedNs).toBe(modifiedNs)
  })

  test('with siblings of one name: both arrive, each keeps its name whatever comes and goes', async () => {
    const job = await rig.job({}, { from: vaultSide })
    await inVault(job.source, async (session) => {
      const top = session.root('/')!.id
      await put(session, top, 'twin.txt', 'first')
      await put(session, top, 'twin.txt', 'second')
      session.makeContainer(top, 'folder', 'f1')
      const second = session.makeContainer(top, 'folder', 'f2')
      await put(session, second.id, 'inside.txt', 'in the second')
    })
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0 })
    const names = readdirSync(job.destination).sort()
    expect(names).toEqual(['folder', 'folder (1)', 'twin (1).txt', 'twin.txt'])
    const contents = (): string[] => ['twin.txt', 'twin (1).txt'].map((name) => textAt(job.destination, name))
    const before = contents()
    expect(before.toSorted()).toEqual(['first', 'second'])
    expect((await job.run()).status).toBe('no_changes')

    await inVault(job.source, async (session) => put(session, session.root('/')!.id, 'twin.txt', 'third'))
    await job.run()
    expect(contents()).toEqual(before)
    expect(textAt(job.destination, 'twin (2).txt')).toBe('third')
  })

  test('warns of a filter that matches nothing there, in the answer and once in each execution', async () => {
    const filter = { source: [{ action: 'exclude', rules: [{ type: 'filter_hidden' }, { type: 'filter_shared' }] }] }
    const job = await rig.job({ filter }, { from: vaultSide })
    await inVault(job.source, (session) => put(session, session.root('/')!.id, '.hidden', 'x'))
    const said = ['hidden', 'shared'].map(
      (mark) => `transfer.filter.source: filter_${mark} matches nothing: the source does not say what is ${mark}`,
    )
    const stored = await rig.catalog.jobs.get(job.id)
    expect((await inertSettings(stored!, rig.catalog)).map(({ path, why }) => `${path}: ${why}`)).toEqual(said)
    const { warnings } = await job.run()
    expect(warnings.filter((warning) => warning.startsWith('transfer.filter'))).toEqual(said)
    expect(readdirSync(job.destination)).toEqual(['.hidden'])
  })

  test('under Windows’ rules has names that fit those and the file system’s bytes, and none of a console', async () => {
    const job = await rig.job({ segment_truncate: true }, { from: vaultSide, to: { auth: { names: 'windows' } } })
    await inVault(job.source, async (session) => {
      for (const name of [`${'é'.repeat(200)}.txt`, 'CONIN$', 'conout$.txt'])
        await put(session, session.root('/')!.id, name, 'x')
    })
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(readdirSync(job.destination).sort()).toEqual(['CONIN$_', 'conout$_.txt', `${'é'.repeat(125)}.txt`])
    expect((await job.run()).status).toBe('no_changes')
  })

  test('a U+FFFD in a name, which stands for a byte on a file system, is replaced', async () => {
    const job = await rig.job({}, { from: vaultSide })
    await inVault(job.source, (session) => put(session, session.root('/')!.id, 'caf\ufffd.txt', 'x'))
    expect(await job.run()).toMatchObject({ status: 'completed', failed: 0, flagged: 0 })
    expect(readdirSync(job.destination)).toEqual(['caf_.txt'])
    expect((await job.run()).status).toBe('no_changes')
  })

  test('hands out no content whose bytes are not those it states, alone, in a new folder, long, or changed', async () => {
    const there = await rig.job(
      {},
      { source: aTree({ 'a.txt': 'hello', 'd/b.txt': 'world', 'long.bin': '600 KB' }), to: vaultSide },
    )
    await there.run()
    const out = join(rig.folder, 'undamaged')
    mkdirSync(out)
    const auth = { root: there.destination }
    const back = await rig.store(
      aJob({}, { source: { platform: 'vault', auth }, destination: { auth: { root: out } } }),
      { source: there.destination, destination: out },
    )
    for (const blob of blobsOf(there.destination)) damage(blob)
    expect((await back.run()).reasons).toEqual({ 'retry IntegrityMismatch': 3, 'success new': 1 })
    expect(paths(out)).toEqual(['d/'])
    expect(back.explain('d/b.txt').why).toMatch(/^source: its bytes have SHA-256 \w{64}, not \w{64} as is stated$/)

    for (const blob of blobsOf(there.destination)) damage(blob)
    expect(await back.run()).toMatchObject({ status: 'completed', failed: 0 })
    expect([textAt(out, 'a.txt'), textAt(out, 'd/b.txt')]).toEqual(['hello', 'world'])
    const differences = async (): Promise<string[]> => {
      const loaded = await loadLastJobSpec(rig.catalog, back.id, limits)
      const ledger = new LedgerReader(ledgerFile(rig.home, back.id, 'real'))
      try {
        const found: string[] = []
        for await (const { path, message } of verifyJob({ loaded, ledger })) found.push(`${path}: ${message}`)
        return found
      } finally {
        ledger.close()
      }
    }
    expect(await differences()).toEqual([])
    for (const blob of blobsOf(there.destination)) damage(blob)
    expect(await differences()).toEqual(
      ['/a.txt', '/long.bin', '/d/b.txt'].map((path) =>
        expect.stringMatching(`^${path}: source: its bytes have SHA-256`),
      ),
    )
  })

  test('a file renamed there is a new file here, and nothing is deleted', async () => {
    const job = await rig.job({}, { from: vaultSide })
    await inVault(job.source, (session) => put(session, session.root('/')!.id, 'old.txt', 'content'))
    await job.run()
    await inVault(job.source, (session) => {
      const top = session.root('/')!
      const [item] = [...session.list(top.id, [])].flatMap((page) => page.items)
      session.move(item!.id, top.id, 'new.txt', item!)
    })
    await job.run()
    expect(readdirSync(job.destination)).toContain('old.txt')
    expect((await job.run()).status).toBe('no_changes')
  })
})

test('siblings of one name go from vault to vault, and stay apart in later runs', async () => {
  const job = await rig.job({}, { from: vaultSide, to: vaultSide })
  await inVault(job.source, async (session) => {
    for (const text of ['first', 'second']) await put(session, session.root('/')!.id, 'twin.txt', text)
  })
  await job.run()
  expect((await nodes(job.destination)).map(({ content }) => content).sort()).toEqual(['first', 'second'])
  expect((await job.run()).status).toBe('no_changes')
})

test('a wide folder of a vault is decided about on disk as in memory', async () => {
  const narrow = new Rig({ entriesInMemory: 20 })
  try {
    const tree = aTree(many(60, (n) => `wide/f${n}`))
    const job = await narrow.job({}, { source: tree, to: vaultSide })
    await job.run()
    utimesSync(join(job.source, 'wide/f7'), 1_650_000_000, 1_650_000_000)
    writeFileSync(join(job.source, 'wide/f8'), 'changed')
    expect((await job.run()).reasons).toMatchObject({ 'success changed': 2 })
    expect((await job.run()).status).toBe('no_changes')
  } finally {
    await narrow.close()
  }
})

test('a filter on a time that a vault does not keep is refused at the start, and nothing is written', async () => {
  const rule = { type: 'filter_date', targets: ['accessed_on'], range: { type: 'day', value: 1 } }
  const job = await rig.job({ filter: { source: [{ rules: [rule] }] } }, { from: vaultSide })
  const ran = await job.run()
  expect(ran.status).toBe('failed_to_start')
  expect(ran.sentence).toContain('transfer.filter.source: filter_date cannot be answered')
})
