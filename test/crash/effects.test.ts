import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { Arrivals } from './arrivals.ts'
import { canWatch, countEffects, EffectsWatch, unexpected } from './effects.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stevedore-effects-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const at = (...names: string[]): string => join(folder, ...names)

describe('effects', () => {
  test('are counted by name from what the kernel says', () => {
    const lines = ['CREATE|/d/.~1', 'MODIFY|/d/.~1', 'CREATE|/d/a', 'DELETE|/d/.~1', 'CREATE,ISDIR|/d/e']
    const effects = countEffects(lines, '/d')
    expect(effects.get('a')).toEqual({ appeared: 1, went: 0, written: 0 })
    expect(
      unexpected(effects, [
        { path: 'a', appeared: 1 },
        { path: 'e', appeared: 1 },
      ]),
    ).toEqual([])
    expect(() => countEffects(['Q_OVERFLOW|/d/'], '/d')).toThrow(/overflowed/)
  })

  test.each<[string, string[], RegExp]>([
    ['written twice', ['CREATE|/d/a', 'CREATE|/d/a'], /a: appeared 2 times/],
    ['never written', [], /a: appeared 0 times/],
    ['deleted and made again', ['CREATE|/d/a', 'DELETE|/d/a', 'CREATE|/d/a'], /a: went 1 times/],
    ['written in place', ['CREATE|/d/a', 'MODIFY|/d/a'], /a: was written in place/],
    ['left beside litter', ['CREATE|/d/a', 'CREATE|/d/.~1'], /\.~1: appeared 1 times and went 0/],
  ])('a file %s is told', (_what, lines, said) => {
    expect(unexpected(countEffects(lines, '/d'), [{ path: 'a', appeared: 1 }]).join('\n')).toMatch(said)
  })

  test('what is in a staged folder goes with its name when the folder is renamed', () => {
    const expected = [
      { path: 'new', appeared: 1 },
      { path: 'new/a', appeared: 1, seen: 'perhaps' },
    ] as const
    const lines = ['CREATE,ISDIR|/d/.~1', 'CREATE|/d/.~1/a', 'MOVED_FROM,ISDIR|/d/.~1', 'MOVED_TO,ISDIR|/d/new']
    expect(unexpected(countEffects(lines, '/d'), expected)).toEqual([])
    expect(unexpected(countEffects(lines.slice(0, 2), '/d'), []).join()).toMatch(/\.~1\/a: appeared 1 times/)
  })

  test('a staged file that is linked and unlinked, or renamed over another, is one effect', async () => {
    if (!canWatch()) return console.warn('1 skipped: inotifywait is not installed (inotify-tools)')
    mkdirSync(at('sub'))
    writeFileSync(at('sub', 'old'), 'old')
    const watch = await EffectsWatch.begin(folder)
    writeFileSync(at('sub', '.~1'), 'new')
    linkSync(at('sub', '.~1'), at('sub', 'made'))
    unlinkSync(at('sub', '.~1'))
    writeFileSync(at('sub', '.~2'), 'newer')
    renameSync(at('sub', '.~2'), at('sub', 'old'))
    const effects = await watch.end()
    expect(
      unexpected(effects, [
        { path: 'sub/made', appeared: 1 },
        { path: 'sub/old', appeared: 1 },
      ]),
    ).toEqual([])
  })
})

describe('arrivals', () => {
  test('are counted as they come, staged names not among them', () => {
    const arrivals = new Arrivals(folder, ['a', 'b'], (name) => !name.startsWith('.'))
    expect(arrivals.count()).toBe(0)
    mkdirSync(at('a'))
    writeFileSync(at('a', '1'), '')
    writeFileSync(at('a', '.~2'), '')
    expect(arrivals.count()).toBe(1)
    mkdirSync(at('b'))
    writeFileSync(at('b', '1'), '')
    renameSync(at('a', '.~2'), at('a', '2'))
    expect(arrivals.count()).toBe(3)
  })
})
