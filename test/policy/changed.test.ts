import { describe, expect, test } from '@jest/globals'
import { changed, containerChanged, isOnlyTouched, settledFacts, unsettledNs } from '../../src/policy/changed.ts'
import { aFile, second } from './build.ts'

const was = aFile()

describe('change detection', () => {
  test.each([
    ['nothing', {}, 'no'],
    ['a new size', { sizeBytes: 1n }, 'content'],
    ['a new modified time', { modifiedNs: 5n }, 'content'],
    ['only a new change time', { changedNs: 5n }, 'unsure'],
    ['new permissions, which explain the change time', { facets: 'x', changedNs: 5n }, 'attributes'],
    ['a modified time no longer stated', { modifiedNs: undefined }, 'unsure'],
    ['another device number after a restart', { identity: '9:1' }, 'no'],
  ] as const)('sees %s', (_name, change, expected) => {
    expect(changed({ ...was, ...change } as typeof was, { ...was, identity: '8:1' })).toBe(expected)
  })

  test('believes versions first, whatever size and times say', () => {
    const v1 = aFile({ version: '1' })
    expect(changed(aFile({ version: '1', modifiedNs: 5n }), v1)).toBe('no')
    expect(changed(aFile({ version: '1', facets: 'x' }), v1)).toBe('attributes')
    expect(changed(aFile({ version: '2' }), v1)).toBe('content')
    expect(changed(aFile({ version: '2', hash: 'h' }), v1, 'h')).toBe('attributes')
  })

  test('takes a version of another item for no version of this one', () => {
    const v1 = aFile({ version: '1', identity: 'node 1' })
    expect(changed(aFile({ version: '1', identity: 'node 2' }), v1)).toBe('content')
    expect(changed(aFile({ version: '1', identity: 'node 2', hash: 'h' }), v1, 'h')).toBe('attributes')
    expect(changed(aFile({ version: '1' }), v1)).toBe('no')
  })

  test('believes hashes next, the one we wrote included', () => {
    expect(changed(aFile({ hash: 'h' }), was, 'h')).toBe('no')
    expect(changed(aFile({ hash: 'h', modifiedNs: 5n }), was, 'h')).toBe('attributes')
    expect(changed(aFile({ hash: 'i' }), was, 'h')).toBe('content')
    expect(changed(aFile({ hash: 'i' }), aFile({ hash: 'h' }))).toBe('content')
  })

  test('new permissions do not explain away that a file must be looked at again', () => {
    expect(changed(aFile({ facets: 'x' }), aFile({ changedNs: unsettledNs }))).toBe('unsure')
  })

  test.each([
    ['only its change time moved', {}, true],
    ['nobody read it', { hash: undefined }, false],
    ['it was read already', { now: { hash: 'h' } }, false],
    ['its size is another', { now: { sizeBytes: 1n } }, false],
    ['its modified time is another', { now: { modifiedNs: 5n } }, false],
    ['its modified time is not stated', { now: { modifiedNs: undefined } }, false],
    ['it is another file', { now: { identity: 'node 2' } }, false],
    ['it has another version', { now: { version: '2' } }, false],
  ])('a hash would tell more: %s', (_name, given: { now?: object; hash?: string | undefined }, expected) => {
    const baseline = aFile({ identity: 'node 1' })
    const now = { ...baseline, changedNs: 5n, ...given.now }
    expect(isOnlyTouched(now, baseline, 'hash' in given ? given.hash : 'h')).toBe(expected)
  })

  test('a folder has attributes only', () => {
    expect(containerChanged(was, was)).toBe('no')
    expect(containerChanged(aFile({ changedNs: 5n, sizeBytes: 7n }), was)).toBe('no')
    expect(containerChanged(aFile({ modifiedNs: 5n }), was)).toBe('attributes')
  })
})

describe('a change within the clock’s granularity of being read', () => {
  const tick = 10_000_000n

  test.each<[string, { age: bigint; precision: bigint; settled: boolean }]>([
    ['within a tick of the kernel', { age: tick, precision: 1n, settled: false }],
    ['a second ago', { age: second, precision: 1n, settled: true }],
    ['a second ago, by a clock of two seconds', { age: second, precision: 2n * second, settled: false }],
    ['two seconds ago and more, by that clock', { age: 2n * second + 1n, precision: 2n * second, settled: true }],
    ['in the future, by a clock ahead of ours', { age: -60n * second, precision: 1n, settled: false }],
  ])('%s', (_name, { age, precision, settled }) => {
    const file = aFile({ changedNs: 100n * second })
    const { changedNs } = settledFacts(file, 100n * second + age, precision)
    expect(changedNs).toBe(settled ? file.changedNs : unsettledNs)
  })

  test('a platform without change times has none to leave out', () => {
    const { changedNs: _, ...file } = aFile()
    expect(settledFacts(file, 0n, 1n)).toBe(file)
  })
})
