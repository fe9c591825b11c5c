import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { workflowBundle } from '../../src/temporal/bundle.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-bundle-'))
  symlinkSync(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'))
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a bundle is made once, and again when one of its files has changed', async () => {
  const [entry, words] = [join(folder, 'entry.ts'), join(folder, 'words.ts')]
  writeFileSync(words, "export const word: string = 'before'\n")
  writeFileSync(
    entry,
    "import { word } from './words.ts'\nexport async function speak(): Promise<string> {\n  return word\n}\n",
  )
  const bundle = (): Promise<string> => workflowBundle({ cache: folder, workflowsPath: entry })

  const path = await bundle()
  expect(readFileSync(path, 'utf8')).toContain('before')
  const { mtimeMs, ino } = statSync(path)
  const begun = Date.now()
  expect(await bundle()).toBe(path)
  expect(Date.now() - begun).toBeLessThan(200)
  expect(statSync(path)).toMatchObject({ mtimeMs, ino })

  writeFileSync(words, "export const word: string = 'after'\n")
  expect(readFileSync(await bundle(), 'utf8')).toContain('after')
}, 60_000)

test('workflow code that reaches for the outside world is refused, by name', async () => {
  const entry = join(folder, 'entry.ts')
  writeFileSync(
    entry,
    "import { readFileSync } from 'node:fs'\nexport const peek = async () => readFileSync('/etc/passwd')\n",
  )
  await expect(workflowBundle({ cache: folder, workflowsPath: entry })).rejects.toThrow(
    /could not be bundled[^]*node:fs/,
  )
}, 60_000)
