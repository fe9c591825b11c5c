import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, jest, test } from '@jest/globals'
import type { Session } from '../../src/connector/connector.ts'
import { fs } from '../../src/connector/fs/fs.ts'
import type { Settings } from '../../src/job/settings.ts'
import { OpenSides } from '../../src/transfer/engine/sides.ts'
import { InThisThread } from './in_this_thread.ts'
import { memoryDisk } from './rig.ts'

const root = mkdtempSync(join(memoryDisk, 'stevedore-sides-'))
afterAll(() => rmSync(root, { recursive: true }))
afterEach(() => void jest.restoreAllMocks())

/** Sessions that are opened from now on, each with what its close does. */
function watch(close: (n: number) => void): Session[] {
  const sessions: Session[] = []
  const { open } = fs
  jest.spyOn(fs, 'open').mockImplementation(async (auth) => {
    const session = await open(auth)
    const n = sessions.push(session)
    const closeIt = session.close.bind(session)
    session.close = () => {
      void closeIt()
      close(n)
    }
    return session
  })
  return sessions
}

test('leaving the block of both sides closes both, and an error of a close hides none of the block', async () => {
  const closed: number[] = []
  watch((n) => {
    closed.push(n)
    throw new Error('close failed')
  })
  const work = async (): Promise<void> => {
    await using sides = new OpenSides()
    for (let n = 0; n < 2; n++) await sides.open({ platform: 'fs', auth: { root } })
    throw new Error('what matters')
  }
  await expect(work()).rejects.toThrow(/^what matters$/)
  expect(closed).toEqual([2, 1])
})

test('a job that cannot be opened to its end leaves neither session nor ledger open', async () => {
  const closed: number[] = []
  watch((n) => void closed.push(n))
  const job = new InThisThread({}, { filter: unreadable })
  await expect(job.list({ a: 'a' })).rejects.toThrow('no such filter')
  expect(closed).toEqual([2, 1])
  await expect(job.ledgerRig.ledger.recall('x')).rejects.toThrow()
  await job.remove()
})

const unreadable: Settings['filter'] = {
  get source(): never {
    throw new Error('no such filter')
  },
  destination: [],
}
