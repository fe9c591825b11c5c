import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from '@jest/globals'

const folder = mkdtempSync(join(tmpdir(), 'stevedore-leave-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const pipe = join(folder, 'pipe')
execFileSync('mkfifo', [pipe])

/** Sends SIGTERM so often, and tells how the process ended. */
async function interrupted(times: number, graceMs: number): Promise<{ code: number | null; out: string; err: string }> {
  const script = new URL('hanging.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, pipe, String(graceMs)], { env: { ...process.env, NODE_OPTIONS: '' } })
  const said = { out: '', err: '' }
  child.stderr.on('data', (text: Buffer) => (said.err += text.toString()))
  child.stdout.on('data', (text: Buffer) => {
    said.out += text.toString()
    if (text.toString() !== 'ready\n') return
    for (let n = 0; n < times; n++) setTimeout(() => child.kill('SIGTERM'), n * 600)
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...said }
}

test('a process that is told to end does so in time, though one of its threads hangs in a system call', async () => {
  const { code, out, err } = await interrupted(1, 300)
  expect([code, out]).toEqual([130, 'ready\ntold'])
  expect(err).toContain('does not come back')
}, 10_000)

test('a second Ctrl-C ends a process at once, though one of its threads hangs', async () => {
  expect(await interrupted(2, 60_000)).toMatchObject({ code: 130, out: 'ready\ntold' })
}, 10_000)
