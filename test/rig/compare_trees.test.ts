import { execFileSync } from 'node:child_process'
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { compareTrees, sayDifferences } from '../../scripts/rig/compare_trees.ts'
import { writeLargeFiles, writeSmallFiles } from '../../scripts/rig/trees.ts'

let folder: string
let left: string
let right: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-rig-'))
  left = join(folder, 'left')
  right = join(folder, 'right')
})
afterEach(() => rmSync(folder, { recursive: true }))

function twins(): void {
  writeSmallFiles(left, { folders: 2, filesPerFolder: 3, sizeBytes: 64 })
  mkdirSync(join(left, 'empty'))
  symlinkSync('d0000', join(left, 'link'))
  execFileSync('cp', ['-a', left, right])
}

describe('comparing two trees', () => {
  test('a faithful copy has no differences, and everything in it is counted', () => {
    twins()
    expect(compareTrees(left, right)).toEqual({ files: 6, folders: 3, bytes: 384n, differences: [], differing: 0 })
  })

  test('files larger than what is read at once are compared to their last byte', () => {
    writeLargeFiles(left, { files: 1, sizeBytes: 3 * 1024 * 1024 })
    mkdirSync(right)
    linkSync(join(left, 'large-0.bin'), join(right, 'large-0.bin'))
    expect(compareTrees(left, right).differing).toBe(0)
  })

  test.each<[string, RegExp, () => void]>([
    ['one byte differs', /^d0001\/f001\.bin: the bytes differ$/, () => flipLastByte('d0001/f001.bin')],
    ['a file is missing', /f000\.bin: is only on the left/, () => unlinkSync(join(right, 'd0000/f000.bin'))],
    ['something was left behind', /\.~x: is only on the right/, () => put('d0000/.~x', '')],
    ['a file is shorter', /64 bytes on the left, 3 on the right/, () => put('d0000/f000.bin', 'abc')],
    ['a file time is off', /f002\.bin: modified -?\d+ ns apart/, () => utimesSync(join(right, 'd0000/f002.bin'), 1, 1)],
    ['a folder time is off', /^d0001: modified/, () => utimesSync(join(right, 'd0001'), 1, 1)],
    ['a folder is a file', /empty: folder on the left, file on the right/, () => swapEmpty()],
    ['a link leads elsewhere', /link: leads elsewhere/, () => relink()],
  ])('it is noticed when %s', (_what, said, change) => {
    twins()
    change()
    const compared = compareTrees(left, right)
    expect(compared.differing).toBeGreaterThan(0)
    expect(compared.differences.some((line) => said.test(line))).toBe(true)
  })

  test('many differences are counted, and some are shown', () => {
    writeSmallFiles(left, { folders: 1, filesPerFolder: 30, sizeBytes: 8 })
    mkdirSync(join(right, 'd0000'), { recursive: true })
    const compared = compareTrees(left, right, { folderTimes: false, most: 2 })
    expect(compared.differing).toBe(30)
    expect(sayDifferences(compared).split('\n')).toHaveLength(3)
    expect(sayDifferences(compared)).toMatch(/… and 28 more$/)
  })
})

function put(path: string, content: string): void {
  writeFileSync(join(right, path), content)
}

function flipLastByte(path: string): void {
  const fd = openSync(join(right, path), 'r+')
  writeSync(fd, '!', 63)
  closeSync(fd)
}

function swapEmpty(): void {
  rmSync(join(right, 'empty'), { recursive: true })
  put('empty', '')
}

function relink(): void {
  unlinkSync(join(right, 'link'))
  symlinkSync('d0001', join(right, 'link'))
}
