import * as disk from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, jest, test } from '@jest/globals'
import type { Staged } from '../../../src/connector/connector.ts'
import { settingsOf } from '../../../src/connector/fs/settings.ts'
import { refusal, sha256 } from '../../conformance/bench.ts'

/** How many calls the process still lives for: the one after them kills it, and no cleaning up is done by a dead one. */
let callsLeft = Infinity

class Killed extends Error {}

function mortal<A extends unknown[], R>(call: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    if (callsLeft-- <= 0) throw new Killed()
    return call(...args)
  }
}

let writesLeft = Infinity

function writeUnlessFull(...args: Parameters<typeof disk.writeSync>): number {
  if (writesLeft-- <= 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' })
  return disk.writeSync(...args)
}

/** As on FAT: whether the name is taken is looked at first, then whether there are links at all. */
function noLink(_from: disk.PathLike, to: disk.PathLike): void {
  const code = disk.lstatSync(to, { throwIfNoEntry: false }) ? 'EEXIST' : 'EPERM'
  throw Object.assign(new Error('no link'), { code })
}

jest.unstable_mockModule('node:fs', () => ({
  ...disk,
  linkSync: mortal(noLink),
  openSync: mortal(disk.openSync),
  closeSync: mortal(disk.closeSync),
  lstatSync: mortal(disk.lstatSync as (...args: unknown[]) => unknown),
  readFileSync: mortal(disk.readFileSync as (...args: unknown[]) => unknown),
  readSync: mortal(disk.readSync as (...args: unknown[]) => unknown),
  renameSync: mortal(disk.renameSync),
  unlinkSync: mortal(disk.unlinkSync),
  writeSync: mortal(writeUnlessFull),
}))
const { FsSession } = await import('../../../src/connector/fs/session.ts')
type FsSession = InstanceType<typeof FsSession>

const key = 'k'
const target = { container: '', name: 'file', condition: 'absent' } as const
const closings: (() => void)[] = []
afterEach(() => {
  callsLeft = writesLeft = Infinity
  for (const close of closings.splice(0)) close()
})

function aFolder(): string {
  const root = disk.mkdtempSync(join(disk.existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'stevedore-fs-'))
  closings.push(() => disk.rmSync(root, { recursive: true }))
  return root
}

/** @param known the session has found out before that there are no hard links */
function aSession(root: string, known = true): FsSession {
  const session = new FsSession(settingsOf({ root }), { xattrs: null, hardLinks: !known })
  closings.push(() => session.close())
  return session
}

function stage(session: FsSession, text: string): Staged {
  const content = Buffer.from(text)
  const staging = session.stage({
    container: '',
    key,
    sizeBytes: BigInt(content.length),
    attributes: {},
    durability: 'process',
  })
  staging.write(content, 0n)
  return staging.finish(sha256(content))
}

function tree(root: string): Record<string, string> {
  return Object.fromEntries(disk.readdirSync(root).map((name) => [name, disk.readFileSync(join(root, name), 'utf8')]))
}

/** @returns whether the process died of it */
function killedAfter(calls: number, work: () => unknown): boolean {
  callsLeft = calls
  try {
    work()
    return false
  } catch (error) {
    if (error instanceof Killed) return true
    throw error
  } finally {
    callsLeft = Infinity
  }
}

describe.each([
  ['known', true],
  ['met for the first time', false],
])('that there are no hard links is %s:', (_, known) => {
  describe.each(['content', ''])('a process that is killed at any call of publishing %j', (text) => {
    /** A folder for each call that there is, and what was staged in it. */
    function* deaths(): Generator<{ root: string; staged: Staged; calls: number; published: boolean }> {
      for (let calls = 0, killed = true; killed; calls++) {
        const root = aFolder()
        const session = aSession(root, known)
        const staged = stage(session, text)
        killed = killedAfter(calls, () => session.publish(staged, target))
        yield { root, staged, calls, published: !disk.existsSync(join(root, `.~${key}`)) }
      }
    }

    test('is gone on with by another: the file is there, and nothing else', () => {
      let deathsSeen = 0
      for (const { root, staged, calls } of deaths()) {
        const session = aSession(root, known)
        const found = session.reconcile(staged, target)
        expect([calls, found.state]).not.toEqual([calls, 'gone'])
        if (found.state === 'staged') session.publish(staged, target)
        expect([calls, tree(root)]).toEqual([calls, { file: text }])
        deathsSeen = calls
      }
      expect(deathsSeen).toBeGreaterThan(10)
    })

    test('is cleared up after: a published file stays, and nothing else', () => {
      for (const { root, calls, published } of deaths()) {
        aSession(root, known).discard('', key)
        expect([calls, tree(root)]).toEqual([calls, published ? { file: text } : {}])
      }
    })

    test('is cleared up after by one that is killed at any call too, and by a third', () => {
      for (const { root, calls, published } of deaths()) {
        for (let more = 0, killed = true; killed; more++) {
          const session = aSession(root, known)
          killed = killedAfter(more, () => session.discard('', key))
        }
        expect([calls, tree(root)]).toEqual([calls, published ? { file: text } : {}])
      }
    })
  })

  describe('an empty file that is somebody’s', () => {
    /** Died right after it had announced the claim: the folder has the staging and one more file. */
    function diesBeforeItsPlaceholder(root: string): Staged {
      for (let calls = 0; ; calls++) {
        const session = aSession(root, known)
        const staged = stage(session, 'content')
        killedAfter(calls, () => session.publish(staged, target))
        const left = disk.readdirSync(root)
        if (left.includes('file')) throw new Error('it is there already')
        if (left.length === 2 && disk.readFileSync(join(root, `.~${key}~`), 'utf8') === 'file') return staged
      }
    }

    test('stays when it was there first', async () => {
      const root = aFolder()
      disk.writeFileSync(join(root, 'file'), '', { mode: 0o600 })
      const session = aSession(root, known)
      const staged = stage(session, 'content')
      expect(await refusal(() => session.publish(staged, target))).toBe('Conflict')
      session.discard('', key)
      expect(tree(root)).toEqual({ file: '' })
    })

    test.each([
      ['made later', (path: string) => disk.utimesSync(path, Date.now() / 1000 + 5, Date.now() / 1000 + 5)],
      ['made earlier', (path: string) => disk.utimesSync(path, Date.now() / 1000 - 5, Date.now() / 1000 - 5)],
      ['open to others', (path: string) => disk.chmodSync(path, 0o644)],
    ])('stays when it was %s, though a process died that was about to take the name', async (_how, change) => {
      const root = aFolder()
      const staged = diesBeforeItsPlaceholder(root)
      disk.writeFileSync(join(root, 'file'), '', { mode: 0o600 })
      change(join(root, 'file'))
      const session = aSession(root, known)
      expect(session.reconcile(staged, target)).toEqual({ state: 'staged' })
      expect(await refusal(() => session.publish(staged, target))).toBe('Conflict')
      session.discard('', key)
      expect(tree(root)).toEqual({ file: '' })
    })

    test('stays when it is outside, whatever a forged announcement says', () => {
      const outside = aFolder()
      const root = join(outside, 'root')
      disk.mkdirSync(root)
      const session = aSession(root, known)
      stage(session, 'content')
      for (const name of ['../theirs', '..', '.', '', 'a\0b']) {
        disk.writeFileSync(join(root, `.~${key}~`), name, { mode: 0o600 })
        disk.writeFileSync(join(outside, 'theirs'), '', { mode: 0o600 })
        session.discard('', key)
        expect(tree(root)).toEqual({})
        expect(disk.readdirSync(outside).sort()).toEqual(['root', 'theirs'])
        stage(session, 'content')
      }
    })
  })

  test.each([0, 1])(
    'a disk that is full just when a name is taken (after %i writes) takes nothing for good',
    async (writes) => {
      for (const then of ['published', 'discarded'] as const) {
        const root = aFolder()
        const session = aSession(root, known)
        const staged = stage(session, 'content')
        writesLeft = writes
        expect(await refusal(() => session.publish(staged, target))).toBe('QuotaExceeded')
        writesLeft = Infinity
        if (then === 'published') session.publish(staged, target)
        else session.discard('', key)
        expect(tree(root)).toEqual(then === 'published' ? { file: 'content' } : {})
      }
    },
  )
})
