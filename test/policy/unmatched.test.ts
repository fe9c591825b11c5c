import { describe, expect, test } from '@jest/globals'
import type { DeletePropagation, TransferType } from '../../src/job/settings.ts'
import { needsApproval } from '../../src/policy/approval.ts'
import { unmatched, type Lonely } from '../../src/policy/unmatched.ts'
import { aFile, aFolder, copied, second } from './build.ts'

const there = copied(aFile())
const ours: Lonely['tracked'] = { arrived: true, destination: there, hash: 'h1' }

function end(
  transferType: TransferType,
  deletePropagation: DeletePropagation,
  lonely: Partial<Lonely> = {},
): ReturnType<typeof unmatched> {
  return unmatched(
    { transferType, deletePropagation },
    { counterpart: there, tracked: ours, isFiltered: false, ...lonely },
  )
}

describe('what the destination has and the source does not', () => {
  test('is removed by a copy that follows deletes, when the copy brought it there and nobody changed it', () => {
    expect(end('copy', 'mirror')).toBe('source_gone')
    expect(end('copy', 'ignore_destination')).toBe('source_gone')
    const touched = copied(aFile(), { facets: 'mode 600', changedNs: 9_000n * second })
    expect(end('copy', 'mirror', { counterpart: touched })).toBe('source_gone')
  })

  test('stays with every other copy, and with move, migrate and taxonomy', () => {
    for (const setting of ['ignore_source', 'ignore_both'] as const) expect(end('copy', setting)).toBeUndefined()
    for (const type of ['move', 'migrate', 'taxonomy'] as const) expect(end(type, 'mirror')).toBeUndefined()
  })

  test('stays with a copy when somebody changed it since, or it was never ours', () => {
    const edited = copied(aFile(), { sizeBytes: 7n })
    expect(end('copy', 'mirror', { counterpart: edited })).toBeUndefined()
    const { tracked: _, ...never } = { tracked: ours, counterpart: there, isFiltered: false }
    expect(unmatched({ transferType: 'copy', deletePropagation: 'mirror' }, never)).toBeUndefined()
  })

  test('is removed by publish, whoever put or changed it there', () => {
    expect(end('publish', 'ignore_both', { counterpart: copied(aFile(), { sizeBytes: 7n }) })).toBe('source_gone')
    expect(
      unmatched(
        { transferType: 'publish', deletePropagation: 'ignore_both' },
        { counterpart: there, isFiltered: false },
      ),
    ).toBe('not_at_source')
  })

  test('stays with publish, too, when a filter leaves it out, when it failed or was flagged, or is a conflict copy', () => {
    expect(end('publish', 'mirror', { isFiltered: true })).toBeUndefined()
    expect(end('publish', 'mirror', { tracked: { arrived: false, destination: there } })).toBeUndefined()
    const kept = copied(aFile({ name: 'report (conflict 2024-03-01T101530Z).txt' }))
    expect(end('publish', 'mirror', { counterpart: kept })).toBeUndefined()
  })

  test('a folder goes by what is in it', () => {
    const folder = copied(aFolder(), { modifiedNs: 9n })
    expect(end('copy', 'mirror', { counterpart: folder })).toBe('source_gone')
  })
})

describe('a person has to say yes', () => {
  const later = { replaced: 0, isFirstPublish: false }

  test('to more than 100 removals that are more than a twentieth of what there is', () => {
    expect(needsApproval({ ...later, removed: 100, found: 0 })).toBe(false)
    expect(needsApproval({ ...later, removed: 101, found: 0 })).toBe(true)
    expect(needsApproval({ ...later, removed: 101, found: 3_000 })).toBe(false)
    expect(needsApproval({ ...later, removed: 1_000, found: 3_000 })).toBe(true)
  })

  test('to anything that a first publish takes from somebody else', () => {
    expect(needsApproval({ removed: 1, replaced: 0, found: 9_000, isFirstPublish: true })).toBe(true)
    expect(needsApproval({ removed: 0, replaced: 1, found: 9_000, isFirstPublish: true })).toBe(true)
    expect(needsApproval({ removed: 0, replaced: 0, found: 9_000, isFirstPublish: true })).toBe(false)
  })
})
