import { expect, test } from '@jest/globals'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { taskQueueOf } from '../../src/home/task_queue.ts'

test('each home has a task queue of its own, always the same, so that two on one cluster take up nothing of each other', () => {
  const homes = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'stevedore-queue-')))
  try {
    const [first, second] = homes.map((path) => taskQueueOf({ path }, 'stevedore'))
    expect(first).toMatch(/^stevedore-[0-9a-f]{12}$/)
    expect(second).not.toBe(first)
    expect(taskQueueOf({ path: homes[0]! }, 'stevedore')).toBe(first)
    expect(statSync(join(homes[0]!, 'id')).mode & 0o777).toBe(0o600)
  } finally {
    for (const home of homes) rmSync(home, { recursive: true })
  }
})
