import { afterEach, expect, jest, test } from '@jest/globals'
import { fs } from '../../src/connector/fs/fs.ts'
import { facts } from '../ledger/rig.ts'
import { InThisThread } from './in_this_thread.ts'

let job: InThisThread

afterEach(async () => {
  jest.restoreAllMocks()
  await job.remove()
})

test.each([
  ['gets its time', true],
  ['keeps the destination’s where folders there take none', false],
])('a folder that was made %s', async (_what, containers) => {
  const { open } = fs
  jest.spyOn(fs, 'open').mockImplementation(async (auth) => {
    const session = await open(auth)
    session.capabilities.times.containers = containers
    return session
  })
  job = new InThisThread()
  await job.list({ 'd/a.txt': 'x' })
  const names = { sourceNames: ['d'], destinationNames: ['d'] }
  const made = { item: 2, parent: 1, ...names, source: facts(0), ready: true, made: true, madeIn: 1 }
  const notes = { altered: [], audit: [] }
  const attributes = await job.context.attributes.ofContainer({ source: 'd', destination: 'd' }, made, notes)
  expect(Object.keys(attributes ?? {}).includes('modifiedNs')).toBe(containers)
})
