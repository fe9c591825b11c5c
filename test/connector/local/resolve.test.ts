import { execFileSync } from 'node:child_process'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { resolveRoot } from '../../../src/connector/local/resolve.ts'
import { aFolder } from '../fs/folder.ts'

function overlap(a: string, b: string): boolean {
  const [one, two] = [resolveRoot(a), resolveRoot(b)]
  return one.place === two.place || one.above.includes(two.place) || two.above.includes(one.place)
}

test('a folder overlaps with itself, what is in it, and what is to be in it, by whatever way', () => {
  const top = aFolder()
  disk.mkdirSync(join(top, 'a', 'b'), { recursive: true })
  disk.mkdirSync(join(top, 'c'))
  disk.symlinkSync('a', join(top, 'link'))
  const at = (path: string) => join(top, path)
  expect(overlap(at('a'), at('link'))).toBe(true)
  expect(overlap(at('a'), at('link/b'))).toBe(true)
  expect(overlap(at('a'), at('link/new/newer'))).toBe(true)
  expect(overlap(at('new'), at('new/newer'))).toBe(true)
  expect(overlap(at('a/b'), top)).toBe(true)
  expect(overlap(at('a'), at('c'))).toBe(false)
  expect(overlap(at('a/new'), at('c/new'))).toBe(false)
  expect(overlap(at('a/new'), at('a/news'))).toBe(false)
  expect(overlap('/', at('a'))).toBe(true)
})

let mounts = false
try {
  const top = disk.mkdtempSync('/tmp/stevedore-mount-')
  execFileSync('mount', ['--bind', top, top], { stdio: 'ignore' })
  execFileSync('umount', [top])
  disk.rmdirSync(top)
  mounts = true
} catch {
  console.warn('1 test skipped: bind mounts need root')
}

;(mounts ? test : test.skip)('a part of a tree mounted elsewhere still overlaps with the whole', () => {
  const top = aFolder()
  for (const name of ['data/sub', 'view', 'other']) disk.mkdirSync(join(top, name), { recursive: true })
  execFileSync('mount', ['--bind', join(top, 'data', 'sub'), join(top, 'view')])
  try {
    expect(overlap(join(top, 'data'), join(top, 'view'))).toBe(true)
    expect(overlap(join(top, 'data'), join(top, 'view', 'new'))).toBe(true)
    expect(overlap(join(top, 'other'), join(top, 'view'))).toBe(false)
  } finally {
    execFileSync('umount', [join(top, 'view')])
  }
})
