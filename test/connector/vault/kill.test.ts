import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { look } from './oracle.ts'
import { contentsOf } from './writer.ts'

const writer = fileURLToPath(import.meta.resolve('./writer.ts'))
/** Of each writer; enough that none is done before its last kill. */
const count = 80
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stevedore-vault-kill-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** How the writer ended: its exit code, or that it was killed right after so many publications. */
function life(prefix: string, killAfter = Infinity): Promise<number | 'killed'> {
  const child = spawn(process.execPath, [writer, root, prefix, String(count)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let dots = 0
  child.stdout.on('data', (chunk: Buffer) => {
    if ((dots += chunk.length) >= killAfter) child.kill('SIGKILL')
  })
  return new Promise((resolve) => child.on('close', (code) => resolve(code ?? 'killed')))
}

test('writers killed at any moment, side by side, leave every file once, whole, and nothing else', async () => {
  for (let round = 1; round <= 6; round++) {
    expect(await Promise.all([life('a', round * 3), life('b', 25 - round * 3)])).toEqual(['killed', 'killed'])
    expect(look(root).wrong).toEqual([])
  }
  expect(await Promise.all([life('a'), life('b')])).toEqual([0, 0])
  const expected = ['a', 'b'].flatMap((prefix) =>
    Array.from({ length: count }, (_, n): [string, string] => [`/${prefix}${n}`, contentsOf(n)[1]]),
  )
  expect(look(root)).toEqual({ tree: expected.sort(), wrong: [], stagings: [] })
}, 60_000)
