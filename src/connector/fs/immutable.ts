import { spawnSync } from 'node:child_process'
import type { Folder } from './folders.ts'

/** As `lsattr` prints them. */
const words: ReadonlyMap<string, string> = new Map([
  ['i', 'immutable'],
  ['a', 'append-only'],
])

/** Asked again only after a while: thousands of files in one such folder fail alike. */
const trustMs = 2_000
let last: { folder: string; said: string | undefined; atMs: number } | undefined

/**
 * The attribute that forbids to change a child, or its folder, as `lsattr` shows it: to root the system says no more than that it is
 * not permitted.
 */
export function forbiddenBy(folder: Folder, name: string): string | undefined {
  if (process.platform !== 'linux') return undefined
  return attributeOf(folder.base + name, 'it') ?? ofFolder(folder)
}

function ofFolder(folder: Folder): string | undefined {
  const known = last?.folder === folder.base && performance.now() - last.atMs < trustMs ? last : undefined
  if (known) return known.said
  const said = attributeOf(`${folder.base}.`, `the folder ${JSON.stringify(`/${folder.id}`)}`)
  last = { folder: folder.base, said, atMs: performance.now() }
  return said
}

function attributeOf(path: string, what: string): string | undefined {
  const { stdout } = spawnSync('lsattr', ['-d', '--', path], { encoding: 'utf8', timeout: 1_000 })
  const set = (stdout ?? '').split(' ', 1)[0] ?? ''
  for (const [letter, word] of words)
    if (set.includes(letter)) return `${what} is ${word} (chattr -${letter} takes that away)`
  return undefined
}
