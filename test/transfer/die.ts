import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from '@jest/globals'
import type { Job } from './rig.ts'

const script = new URL('play_in_process.ts', import.meta.url).pathname

/** Plays an execution in a process of its own, which dies at a failpoint. */
export async function die({ rig, id }: Job, failpoint: string, execution: number): Promise<void> {
  const child = spawn(process.execPath, [script, rig.home.path, id, String(execution)], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, STEVEDORE_FAILPOINT: failpoint, NODE_OPTIONS: '' },
  })
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null]
  expect(signal).toBe('SIGKILL')
}
