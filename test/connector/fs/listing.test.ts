import { spawnSync } from 'node:child_process'
import * as disk from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Item } from '../../../src/connector/item.ts'
import type { Session } from '../../../src/connector/connector.ts'
import { refusal, sha256 } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

function children(session: Session, id: string, want: ('owner' | 'permissions')[] = []): Item[] {
  return [...(session.list(id, want) as Iterable<{ items: Item[] }>)].flatMap((page) => page.items)
}

const at = (root: string, name: Buffer) => Buffer.concat([Buffer.from(`${root}/`), name])

test('names that are no UTF-8 are told apart, read, and written again byte for byte', async () => {
  const [from, to] = [aFolder(), aFolder()]
  const names = ['caf\xe9', 'caf\xe8', '\xff', '\xef\xbf\xbd', '\xef\xbf\xbdE9', 'a\xc3', '\xed\xa0\x80'].map((n) =>
    Buffer.from(n, 'latin1'),
  )
  for (const [i, name] of names.entries()) disk.writeFileSync(at(from, name), `content ${i}`)
  const [source, destination] = [await aSession(from), await aSession(to)]
  const items = children(source, '')
  expect(new Set(items.map((i) => i.name)).size).toBe(names.length)
  for (const item of items) {
    const reading = await source.open(item.id, item)
    const content = Buffer.alloc(9)
    expect(await reading.read(content, 0n)).toBe(9)
    await reading.close()
    const spec = { container: '', key: 'k', sizeBytes: 9n, attributes: {}, durability: 'process' } as const
    const staging = await destination.stage(spec)
    await staging.write(content, 0n)
    const staged = await staging.finish(sha256(content))
    await destination.publish(staged, { container: '', name: item.name, condition: 'absent' })
  }
  for (const [i, name] of names.entries()) expect(disk.readFileSync(at(to, name), 'utf8')).toBe(`content ${i}`)
})

test('any name the disk takes is listed once and leads to its file', async () => {
  const root = aFolder()
  const session = await aSession(root)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 60 }), async (raw) => {
      const name = Buffer.from(raw.map((b) => (b === 0 || b === 47 ? 65 : b)))
      fc.pre(!['.', '..'].includes(name.toString('latin1')))
      disk.writeFileSync(at(root, name), name)
      const [item, ...more] = children(session, '')
      expect(more).toEqual([])
      const reading = await session.open(item?.id ?? '', item)
      const into = Buffer.alloc(100)
      const n = await reading.read(into, 0n)
      await reading.close()
      disk.unlinkSync(at(root, name))
      expect(into.subarray(0, n).equals(name)).toBe(true)
    }),
    { numRuns: 300 },
  )
})

test('folders and link targets that are no UTF-8 work like others', async () => {
  const root = aFolder()
  const odd = Buffer.from('d\xe9', 'latin1')
  disk.mkdirSync(at(root, odd))
  disk.writeFileSync(Buffer.concat([at(root, odd), Buffer.from('/file')]), 'x')
  disk.symlinkSync(odd, join(root, 'link'))
  const session = await aSession(root)
  const [folder] = children(session, '').filter((i) => i.kind === 'container')
  expect(children(session, folder?.id ?? '').map((i) => i.name)).toEqual(['file'])
  const link = children(session, '').find((i) => i.kind === 'link')
  await session.makeLink('', 'copy', link?.linkTarget ?? '')
  expect(disk.readlinkSync(join(root, 'copy'), 'buffer').equals(odd)).toBe(true)
})

test("facts beyond the usual: hidden, hard-linked, with holes, somebody else's", async () => {
  const root = aFolder()
  disk.writeFileSync(join(root, '.hidden'), '')
  disk.writeFileSync(join(root, 'one'), 'x')
  disk.linkSync(join(root, 'one'), join(root, 'two'))
  disk.writeFileSync(join(root, 'holes'), '')
  disk.truncateSync(join(root, 'holes'), 1_000_000)
  const items = new Map(children(await aSession(root), '').map((i) => [i.name, i]))
  expect(items.get('.hidden')).toMatchObject({ hidden: true })
  expect(items.get('one')).toMatchObject({ hidden: false, linkCount: 2 })
  expect(items.get('one')?.identity).toBe(items.get('two')?.identity)
  expect(items.get('holes')).toMatchObject({ sparse: true, sizeBytes: 1_000_000n })
})

test('what belongs to somebody else than the person whose place it is, is shared, where that person is known', async () => {
  const root = aFolder()
  disk.writeFileSync(join(root, 'file'), '')
  const shared = async (auth: Record<string, unknown>) => (await (await aSession(root, auth)).stat('file', []))?.shared
  const uid = process.geteuid?.() ?? 0
  expect(await shared({})).toBeUndefined()
  expect(await shared({ account: uid })).toBe(false)
  expect(await shared({ account: '12345' })).toBe(true)
  expect(await shared({ account: userInfo().username })).toBe(false)
  expect(await refusal(() => aSession(root, { account: 'nobody of that name' }))).toBe('Misconfigured')
  // A job of elsewhere may ask for whom it likes where the connection says that this is ignored.
  const anybody = await aSession(root, { account: 'nobody of that name', impersonation: 'ignore' })
  expect(anybody.capabilities.marks.shared).toBe(false)
})

test('a file made anew under the same name and inode is another file', async () => {
  const root = aFolder()
  const session = await aSession(root)
  const identities = new Set<string | undefined>()
  for (let i = 0; i < 20; i++) {
    disk.writeFileSync(join(root, 'file'), 'x')
    identities.add((await session.stat('file', []))?.identity)
    disk.unlinkSync(join(root, 'file'))
  }
  expect(identities.size).toBe(20)
})

test('60,000 children with the longest names are listed in a heap that could not hold them', () => {
  const root = aFolder()
  const tail = 'n'.repeat(245)
  for (let i = 0; i < 60_000; i++) disk.closeSync(disk.openSync(`${root}/${i}-${tail}`, 'w'))
  const script = new URL('./count_children.ts', import.meta.url).pathname
  const limited = spawnSync(process.execPath, ['--max-old-space-size=16', script, root], { encoding: 'utf8' })
  expect({ said: limited.stdout, status: limited.status }).toEqual({ said: '60000 complete\n', status: 0 })
})
