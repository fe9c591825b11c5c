import { expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { isDying, isRunning, markOf } from '../../src/home/process.ts'

test('a process runs until it ends, and another of the same number is another', () => {
  const mark = markOf(process.pid)
  expect(isRunning(mark)).toBe(true)
  expect(isDying(mark)).toBe(false)
  if (mark.started !== undefined) expect(isRunning({ pid: process.pid, started: `${mark.started}0` })).toBe(false)
})

test('one that has ended, and whose parent has not waited for it, does not run', async () => {
  if (process.platform !== 'linux') return
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const [said] = (await once(parent.stdout, 'data')) as [Buffer]
    const child = markOf(Number(said.toString()))
    expect(isRunning(child)).toBe(true)
    // The shell becomes a program that knows nothing of the child it has inherited, and does not wait for it.
    while (readFileSync(`/proc/${parent.pid}/comm`, 'utf8') !== 'sleep\n') await sleep(5)
    process.kill(child.pid, 'SIGKILL')
    while (!isDying(child)) await sleep(5)
    expect(isRunning(child)).toBe(false)
    // The number is taken still.
    expect(() => process.kill(child.pid, 0)).not.toThrow()
  } finally {
    parent.kill('SIGKILL')
  }
})
