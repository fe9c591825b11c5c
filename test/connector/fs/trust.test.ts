import * as disk from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, jest, test } from '@jest/globals'
import type { Session } from '../../../src/connector/connector.ts'
import type { Item } from '../../../src/connector/item.ts'
import { sha256 } from '../../conformance/bench.ts'
import { aFolder, aSession } from './folder.ts'

afterEach(() => {
  jest.restoreAllMocks()
})

const old = 1_500_000_000
const theirTime = { modifiedNs: BigInt(old) * 1_000_000_000n }

async function stage(session: Session): Promise<Awaited<ReturnType<Awaited<ReturnType<Session['stage']>>['finish']>>> {
  const content = Buffer.from('new')
  const staging = await session.stage({
    container: '',
    key: 'k',
    sizeBytes: 3n,
    attributes: {},
    replaces: true,
    durability: 'process',
  })
  await staging.write(content, 0n)
  return staging.finish(sha256(content))
}

async function item(session: Session, id: string): Promise<Item> {
  const found = await session.stat(id, [])
  if (!found) throw new Error(`${id} is missing`)
  return found
}

interface Operation {
  settings?: Record<string, unknown>
  /** @returns what is to be done, everything for it being ready */
  prepare: (session: Session, root: string) => Promise<() => unknown>
  /** What tells that it was done. */
  seen: (root: string) => unknown
  is: unknown
}

const setTimes = (id: string): Operation => ({
  prepare: (session) => Promise.resolve(() => session.setAttributes(id, theirTime)),
  seen: (root) => disk.statSync(join(root, id)).mtimeMs / 1000,
  is: old,
})

const operations: Record<string, Operation> = {
  'a folder in the root gets its times': setTimes('folder'),
  'a folder below gets its times': setTimes('folder/below'),
  'a file in the root gets its times': setTimes('file'),
  'the root gets its times': setTimes(''),
  'a file in the root is created': {
    prepare: async (session) => {
      const staged = await stage(session)
      return () => session.publish(staged, { container: '', name: 'fresh', condition: 'absent' })
    },
    seen: (root) => disk.readFileSync(join(root, 'fresh'), 'utf8'),
    is: 'new',
  },
  'a file in the root is overwritten and stays as closed as it was': {
    prepare: async (session, root) => {
      disk.chmodSync(join(root, 'file'), 0o640)
      const there = await item(session, 'file')
      const staged = await stage(session)
      return () => session.publish(staged, { container: '', name: 'file', condition: there })
    },
    seen: (root) => [disk.readFileSync(join(root, 'file'), 'utf8'), disk.statSync(join(root, 'file')).mode & 0o777],
    is: ['new', 0o640],
  },
  'a file is moved': {
    prepare: async (session) => {
      const file = await item(session, 'file')
      return () => session.move('file', 'folder', 'moved', file)
    },
    seen: (root) => disk.readdirSync(join(root, 'folder')).sort(),
    is: ['below', 'link', 'moved'],
  },
  'a staged folder is discarded': {
    prepare: async (session) => {
      const staged = await session.newContainers!.stage('', 'k', 'closed')
      await session.newContainers!.put(staged, 'x', { content: Buffer.from('x'), attributes: {}, power: false })
      return () => session.newContainers!.discard('', 'k', ['x'])
    },
    seen: (root) => disk.readdirSync(root).sort(),
    is: ['file', 'folder'],
  },
  'a link that is followed is read': {
    settings: { symlinks: 'follow' },
    prepare: (session, root) =>
      Promise.resolve(async () => {
        const found = await session.stat('folder/link', ['owner', 'permissions'])
        const reading = await session.open('folder/link')
        const into = Buffer.alloc(1)
        await reading.read(into, 0n)
        await reading.close()
        disk.writeFileSync(join(root, 'read'), `${found?.kind} ${into.toString()}`)
      }),
    seen: (root) => disk.readFileSync(join(root, 'read'), 'utf8'),
    is: 'item x',
  },
}

/** The way to the root is trusted for a second. Ends that second at the look of this number, and says how many looks there were. */
async function endingTrustAt(look: number, work: () => unknown): Promise<number> {
  const now = performance.now.bind(performance)
  let [looks, passed] = [0, 0]
  jest.spyOn(performance, 'now').mockImplementation(() => {
    if (++looks === look) passed = 1001
    return now() + passed
  })
  await work()
  jest.restoreAllMocks()
  return looks
}

test.each(Object.entries(operations))('%s, at whichever look the trust in the way ends', async (_, operation) => {
  const { settings, prepare, seen, is } = operation
  for (let look = 1, looks = 1; look <= looks; look++) {
    const root = aFolder()
    disk.mkdirSync(join(root, 'folder/below'), { recursive: true })
    disk.writeFileSync(join(root, 'file'), 'x')
    disk.symlinkSync('../file', join(root, 'folder/link'))
    const open = disk.readdirSync('/proc/self/fd').length
    const session = await aSession(root, settings)
    const work = await prepare(session, root)
    looks = await endingTrustAt(look, work)
    expect([look, seen(root)]).toEqual([look, is])
    await session.close()
    expect(disk.readdirSync('/proc/self/fd')).toHaveLength(open)
  }
})
