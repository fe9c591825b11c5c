import { describe, expect, test } from '@jest/globals'
import type { ConflictResolution, DeletePropagation } from '../../src/job/settings.ts'
import { compileFilters } from '../../src/filter/compile.ts'
import { compilePlanner } from '../../src/policy/plan.ts'
import { unsettledNs } from '../../src/policy/changed.ts'
import { aFile, aFolder, copied, decided, second, someCapabilities, someSettings, trackedAs } from './build.ts'

const source = aFile()
const there = copied(source)
const settled = trackedAs(source, there)
const editedSource = aFile({ sizeBytes: 120n, modifiedNs: 2_000n * second, changedNs: 2_000n * second })
const editedThere = copied(source, { sizeBytes: 90n, modifiedNs: 3_000n * second, changedNs: 6_000n * second })

describe('the first run', () => {
  test('creates what is not there', () => {
    expect(decided({})).toEqual({ action: 'create', reason: 'new' })
    expect(decided({ source: aFolder() })).toEqual({ action: 'create', reason: 'new' })
  })

  test('adopts a file of the same size and time, and does not rewrite it', () => {
    expect(decided({ counterpart: there })).toEqual({ action: 'adopt', reason: 'matched' })
  })

  test('takes no file for the same because of its time alone', () => {
    expect(decided({ counterpart: copied(source, { sizeBytes: 99n }) }).reason).toBe('conflict_copy')
  })

  test('compares times at the coarser precision', () => {
    const source = aFile({ modifiedNs: 1_000n * second + 700_000_000n })
    const seconds = { times: { ...someCapabilities().times, precisionNs: second } }
    expect(decided({ source, counterpart: there, to: seconds }).action).toBe('adopt')
    expect(decided({ source, counterpart: there }).reason).toBe('conflict_copy')
  })

  test('believes hashes before times', () => {
    const hashed = aFile({ hash: 'aa', modifiedNs: 5n })
    expect(decided({ source: hashed, counterpart: copied(source, { hash: 'aa' }) }).action).toBe('adopt')
    expect(decided({ source: aFile({ hash: 'aa' }), counterpart: copied(source, { hash: 'bb' }) }).action).toBe(
      'overwrite',
    )
  })

  test('never destroys a differing file that nobody compared before', () => {
    const decision = decided({ source: editedSource, counterpart: there })
    expect(decision).toMatchObject({
      action: 'overwrite',
      reason: 'conflict_copy',
      keepAs: 'report (conflict 1970-01-01T001640Z).txt',
      processing: ['conflict_copy'],
    })
  })

  test('merges folders', () => {
    const source = aFolder()
    expect(decided({ source, counterpart: copied(source) })).toEqual({ action: 'adopt', reason: 'matched' })
  })

  test('asks a person when a file stands in a folder’s way, and the other way round', () => {
    const folder = aFolder({ name: 'report.txt' })
    expect(decided({ source: folder, counterpart: there })).toMatchObject({ action: 'fail', reason: 'kind_differs' })
    expect(decided({ counterpart: copied(folder) })).toMatchObject({ action: 'fail', reason: 'kind_differs' })
  })

  test('never reads a device, socket or pipe', () => {
    const source = aFile({ kind: 'special', special: 'fifo' })
    expect(decided({ source })).toEqual({ action: 'fail', reason: 'special', why: 'fifo' })
  })
})

describe('a file at the destination with other names', () => {
  const source = aFile({ facets: '600' })
  const counterpart = { ...there, linkCount: 2 }
  const to = { permissions: { policy: 'add' as const, failures: 'none' as const, links: false } }

  test('gets no attributes, which would reach those too', () => {
    expect(decided({ source, counterpart, tracked: settled, settings: to })).toEqual({
      action: 'fail',
      reason: 'hard_linked',
      why: 'it is one of 2 names of one file at the destination',
    })
    expect(decided({ counterpart, tracked: settled })).toMatchObject({ action: 'none' })
  })

  test('gets them when it has no others any more, whatever that did to its change time', () => {
    const flagged = { ...settled, settled: false, failed: true, source }
    expect(decided({ source, counterpart, tracked: flagged, settings: to }).reason).toBe('hard_linked')
    const alone = { ...there, changedNs: 7n }
    expect(decided({ source, counterpart: alone, tracked: flagged, settings: to }).action).toBe('attributes')
    expect(decided({ source, counterpart: alone, tracked: { ...flagged, failed: false }, settings: to }).action).toBe(
      'adopt',
    )
  })

  test('is overwritten like any other: that gives its name another file', () => {
    const changed = aFile({ sizeBytes: 99n })
    expect(decided({ source: changed, counterpart, tracked: settled }).action).toBe('overwrite')
  })
})

describe('symbolic links', () => {
  const link = aFile({ kind: 'link', linkTarget: '../a' })

  test('are made where there is nothing, and recognised by where they point', () => {
    expect(decided({ source: link })).toEqual({ action: 'create', reason: 'new' })
    expect(decided({ source: link, counterpart: copied(link, { linkTarget: '../a' }) }).action).toBe('adopt')
    expect(decided({ source: link, counterpart: copied(link, { linkTarget: '../b' }) })).toMatchObject({
      action: 'overwrite',
      reason: 'conflict_copy',
    })
  })

  test('are left out where the destination has none', () => {
    const tree = { model: 'path' as const, emptyContainers: true, links: false }
    expect(decided({ source: link, to: { tree } })).toEqual({ action: 'skip', reason: 'link' })
  })

  test('that did not change are left alone, also when the destination’s was turned elsewhere', () => {
    const counterpart = copied(link, { linkTarget: '../a' })
    const tracked = trackedAs(link, counterpart)
    expect(decided({ source: link, counterpart, tracked }).action).toBe('none')
    expect(decided({ source: link, counterpart: { ...counterpart, linkTarget: '../z' }, tracked }).action).toBe('none')
  })
})

describe('a delta run', () => {
  test('has nothing to do when neither side changed', () => {
    expect(decided({ counterpart: there, tracked: settled })).toEqual({ action: 'none', reason: 'unchanged' })
  })

  test('overwrites when only the source changed', () => {
    const decision = decided({ source: editedSource, counterpart: there, tracked: settled })
    expect(decision).toEqual({ action: 'overwrite', reason: 'changed' })
  })

  test('leaves an edit at the destination alone when the source did not change', () => {
    expect(decided({ counterpart: editedThere, tracked: settled })).toMatchObject({
      action: 'none',
      reason: 'destination_kept',
    })
  })

  test('wants to know the bytes at the destination before it takes a moved change time for an edit', () => {
    const touched = { ...there, changedNs: 6_000n * second }
    const situation = { source: editedSource, counterpart: touched, tracked: settled }
    expect(decided(situation)).toMatchObject({ reason: 'conflict_copy', wantsHash: 'destination' })
    expect(decided({ ...situation, counterpart: { ...touched, hash: 'h1' } })).toEqual({
      action: 'overwrite',
      reason: 'changed',
    })
    const others = decided({ ...situation, counterpart: { ...touched, hash: 'h2' } })
    expect(others).toMatchObject({ reason: 'conflict_copy' })
    expect(others).not.toHaveProperty('wantsHash')
  })

  test.each([
    ['was only touched', aFile({ changedNs: 1_500n * second }), { action: 'reread', reason: 'unsure' }],
    [
      'has other permissions',
      aFile({ facets: 'mode 600', changedNs: 1_500n * second }),
      { action: 'attributes', reason: 'attributes_changed' },
    ],
  ])('wants to know them too when the source %s', (_name, source, known) => {
    const touched = { ...there, changedNs: 6_000n * second }
    const situation = { source, counterpart: touched, tracked: settled, settings: { preserveOwners: true } }
    expect(decided(situation)).toMatchObject({ reason: 'destination_kept', wantsHash: 'destination' })
    expect(decided({ ...situation, counterpart: { ...touched, hash: 'h1' } })).toEqual(known)
  })

  test('does not ask for them where nothing is to be brought, or nobody knows what was written', () => {
    const counterpart = { ...there, changedNs: 6_000n * second }
    expect(decided({ counterpart, tracked: settled })).not.toHaveProperty('wantsHash')
    const tracked = { source, destination: there, settled: true }
    expect(decided({ source: editedSource, counterpart, tracked })).not.toHaveProperty('wantsHash')
    const chmod = aFile({ facets: 'mode 600', changedNs: 1_500n * second })
    expect(decided({ source: chmod, counterpart, tracked: settled })).not.toHaveProperty('wantsHash')
    const settings = { itemOverwrite: 'skip' as const }
    for (const source of [editedSource, aFile({ changedNs: 1_500n * second })])
      expect(decided({ source, counterpart, tracked: settled, settings })).not.toHaveProperty('wantsHash')
  })

  test('asks for them also after a try that failed', () => {
    const counterpart = { ...there, changedNs: 6_000n * second }
    const tracked = { ...settled, settled: false, failed: true }
    expect(decided({ source: editedSource, counterpart, tracked })).toMatchObject({ wantsHash: 'destination' })
    const known = { ...counterpart, hash: 'h1' }
    expect(decided({ source: editedSource, counterpart: known, tracked }).reason).toBe('changed')
  })

  test('reads a file again when only its change time moved', () => {
    const touched = aFile({ changedNs: 1_500n * second })
    expect(decided({ source: touched, counterpart: there, tracked: settled })).toEqual({
      action: 'reread',
      reason: 'unsure',
    })
  })

  test('reads a file again that was modified while it was read', () => {
    const tracked = trackedAs({ ...source, changedNs: unsettledNs }, there)
    expect(decided({ counterpart: there, tracked })).toEqual({ action: 'reread', reason: 'unsure' })
  })

  test('does not read again what it would not be allowed to write', () => {
    const touched = aFile({ changedNs: 1_500n * second })
    const decision = decided({
      source: touched,
      counterpart: there,
      tracked: settled,
      settings: { itemOverwrite: 'skip' },
    })
    expect(decision.action).toBe('none')
  })

  test('applies new permissions without writing content', () => {
    const chmod = aFile({ facets: 'mode 600', changedNs: 1_500n * second })
    const permissions = { policy: 'add' as const, links: false, failures: 'exceptions' as const }
    const situation = { source: chmod, counterpart: there, tracked: settled }
    expect(decided({ ...situation, settings: { permissions } })).toEqual({
      action: 'attributes',
      reason: 'attributes_changed',
    })
    expect(decided(situation)).toEqual({ action: 'adopt', reason: 'attributes_changed' })
  })

  test('records somebody’s chmod at the destination, and does not undo it', () => {
    const decision = decided({ counterpart: { ...there, facets: 'mode 600', changedNs: 7n }, tracked: settled })
    expect(decision).toEqual({ action: 'adopt', reason: 'attributes_changed' })
  })

  test('sets no attributes on somebody’s edit', () => {
    const chmod = aFile({ facets: 'mode 600', changedNs: 1_500n * second })
    const decision = decided({
      source: chmod,
      counterpart: editedThere,
      tracked: settled,
      settings: { preserveOwners: true },
    })
    expect(decision).toMatchObject({ action: 'none', reason: 'destination_kept' })
  })

  test('applies a folder’s times and permissions, and no more', () => {
    const folder = aFolder()
    const tracked = trackedAs(folder, copied(folder))
    const newer = aFolder({ modifiedNs: 9_000n * second, changedNs: 9_000n * second })
    const situation = { source: newer, counterpart: copied(folder), tracked }
    expect(decided(situation).action).toBe('attributes')
    expect(decided({ ...situation, settings: { timestamps: false } }).action).toBe('none')
    expect(decided({ ...situation, source: folder }).action).toBe('none')
  })

  test('finishes a folder that was made and never finished', () => {
    const folder = aFolder()
    const tracked = trackedAs(folder, undefined, { settled: false })
    expect(decided({ source: folder, counterpart: copied(folder), tracked }).action).toBe('attributes')
  })
})

describe('a conflict', () => {
  const conflict = { source: editedSource, counterpart: editedThere, tracked: settled }
  const resolved = (conflictResolution: ConflictResolution, more: object = {}) =>
    decided({ ...conflict, ...more, settings: { conflictResolution, ...(more as { settings?: object }).settings } })

  test.each([
    ['source', { action: 'overwrite', reason: 'conflict' }],
    ['destination', { action: 'skip', reason: 'destination_kept' }],
    ['failure', { action: 'fail', reason: 'conflict' }],
    ['latest', { action: 'skip', reason: 'destination_newer' }],
    ['copy', { action: 'overwrite', reason: 'conflict_copy', keepAs: 'report (conflict 1970-01-01T005000Z).txt' }],
  ] as const)('under %s ends as %j', (setting, end) => {
    expect(resolved(setting)).toMatchObject(end)
  })

  test('under latest lets a newer source win, and keeps both where the clocks can not tell', () => {
    const newer = aFile({ sizeBytes: 120n, modifiedNs: 3_003n * second, changedNs: 9n })
    expect(resolved('latest', { source: newer })).toMatchObject({ action: 'overwrite', reason: 'conflict' })
    const close = aFile({ sizeBytes: 120n, modifiedNs: 3_002n * second, changedNs: 9n })
    expect(resolved('latest', { source: close })).toMatchObject({ action: 'overwrite', reason: 'conflict_copy' })
    expect(resolved('latest', { settings: { timestamps: false } })).toMatchObject({ reason: 'conflict_copy' })
  })

  test.each(['copy', 'latest', 'source', 'destination', 'failure'] as const)(
    'under %s is not even asked when item_overwrite forbids to overwrite',
    (setting) => {
      expect(resolved(setting, { settings: { itemOverwrite: 'skip' } })).toMatchObject({
        action: 'skip',
        reason: 'exists',
      })
      expect(resolved(setting, { settings: { itemOverwrite: 'fail' } })).toMatchObject({
        action: 'fail',
        reason: 'exists',
      })
    },
  )

  test('is none when both sides came to the same', () => {
    const counterpart = copied(editedSource, { changedNs: 8_000n * second })
    const adopted = { action: 'adopt', reason: 'matched', forgetHash: true }
    expect(resolved('failure', { counterpart })).toEqual(adopted)
  })

  test('keeps the destination’s version under a free name', () => {
    const taken = (name: string) => name === 'report (conflict 1970-01-01T005000Z).txt'
    expect(resolved('copy', { taken }).keepAs).toBe('report (conflict 1970-01-01T005000Z 2).txt')
  })

  test('over a conflict copy is for a person: nothing is copied twice', () => {
    const name = 'report (conflict 1970-01-01T005000Z).txt'
    const decision = resolved('copy', { source: { ...editedSource, name }, counterpart: { ...editedThere, name } })
    expect(decision).toMatchObject({ action: 'fail', reason: 'conflict_of_copy' })
  })

  test('left to the destination stays a conflict the next time, whatever the source does then', () => {
    const tracked = { ...settled, source: editedSource, settled: false }
    const again = aFile({ sizeBytes: 130n, modifiedNs: 2_500n * second, changedNs: 2_500n * second })
    for (const source of [editedSource, again]) {
      expect(resolved('destination', { source, tracked })).toMatchObject({ action: 'skip', reason: 'destination_kept' })
    }
  })

  test('is not seen in our own half-done work', () => {
    const tracked = { ...settled, source: editedSource, settled: false }
    expect(resolved('failure', { counterpart: there, tracked })).toEqual({ action: 'overwrite', reason: 'changed' })
    const published = copied(editedSource, { changedNs: 9_000n * second })
    const adopted = { action: 'adopt', reason: 'matched', forgetHash: true }
    expect(resolved('failure', { counterpart: published, tracked })).toEqual(adopted)
    expect(resolved('failure', { counterpart: published, tracked: { ...tracked, failed: true } })).toEqual({
      action: 'attributes',
      reason: 'attributes_changed',
      forgetHash: true,
    })
  })

  test('is not settled by a time the destination chose itself', () => {
    // Our own earlier content happens to have the size and time of the new one.
    const chosen = copied(editedSource, { changedNs: 4n })
    const tracked = { ...settled, destination: chosen, source: editedSource, settled: false }
    const settings = { timestamps: false }
    const decision = decided({ source: editedSource, counterpart: chosen, tracked, settings })
    expect(decision).toEqual({ action: 'overwrite', reason: 'changed' })
  })

  test('is suspected where only the destination’s change time moved', () => {
    const counterpart = { ...there, changedNs: 9_000n * second }
    expect(resolved('failure', { counterpart })).toMatchObject({ action: 'fail', reason: 'conflict' })
    // While the source has nothing to bring, it is no edit to tell of.
    expect(decided({ counterpart, tracked: settled })).toEqual({ action: 'none', reason: 'unchanged' })
  })

  test('is seen in an interrupted conflict: what was planned against was never ours', () => {
    const tracked = trackedAs(source, undefined, { settled: false })
    expect(resolved('copy', { tracked })).toMatchObject({ reason: 'conflict_copy' })
  })
})

describe('an item deleted at the destination', () => {
  test.each<[DeletePropagation, object]>([
    ['ignore_source', { action: 'none', reason: 'left_deleted' }],
    ['ignore_both', { action: 'none', reason: 'left_deleted' }],
    ['mirror', { action: 'none', reason: 'left_deleted' }],
    ['ignore_destination', { action: 'create', reason: 'restored' }],
  ])('under %s ends as %j', (deletePropagation, end) => {
    expect(decided({ tracked: settled, settings: { deletePropagation } })).toEqual(end)
    const folder = aFolder()
    const tracked = trackedAs(folder, copied(folder))
    expect(decided({ source: folder, tracked, settings: { deletePropagation } })).toEqual(end)
  })

  test('comes back when the source changed since', () => {
    expect(decided({ source: editedSource, tracked: settled })).toEqual({ action: 'create', reason: 'changed' })
    const pending = { ...settled, settled: false }
    expect(decided({ source: editedSource, tracked: pending })).toEqual({ action: 'create', reason: 'changed' })
  })
})

describe('policies before the comparison', () => {
  const maxBytes = { ...someCapabilities().content, maxBytes: 99n }

  test('large_item looks at files only, and at the limit exactly', () => {
    expect(decided({ to: { content: maxBytes } })).toMatchObject({ action: 'fail', reason: 'too_large' })
    expect(decided({ to: { content: maxBytes }, settings: { largeItem: 'skip' } }).action).toBe('skip')
    expect(decided({ to: { content: { ...maxBytes, maxBytes: 100n } } }).action).toBe('create')
    expect(decided({ source: aFolder({ sizeBytes: 4096n }), to: { content: maxBytes } }).action).toBe('create')
  })

  test('restricted content is never sent under a false name', () => {
    const to = { names: { ...someCapabilities().names, invalidExtensions: ['txt'] } }
    const action = (restrictedContent: 'convert' | 'fail' | 'warn' | 'skip') =>
      decided({ to, settings: { restrictedContent } }).action
    expect([action('convert'), action('fail'), action('warn'), action('skip')]).toEqual([
      'fail',
      'fail',
      'create',
      'skip',
    ])
  })

  test('the filter speaks before the name, the name before the size', () => {
    const settings = someSettings({
      filter: { source: [{ action: 'exclude', rules: [{ type: 'filter_hidden' }] }], destination: [] },
    })
    const planner = compilePlanner({
      settings,
      source: someCapabilities(),
      destination: someCapabilities({ content: maxBytes }),
      clock: { toleranceNs: 0n },
      filter: compileFilters(settings.filter, 'source', { nowNs: 0n }),
    })
    const verdict = { action: 'fail' as const, reason: 'name_refused' as const, why: 'no' }
    const triple = { path: '/x', named: { name: 'x', verdict }, counterpart: null, tracked: null, taken: () => false }
    expect(planner.plan({ ...triple, source: aFile({ hidden: true }) }).reason).toBe('filtered')
    expect(planner.plan({ ...triple, source: aFile({ hidden: true, kind: 'special' }) }).reason).toBe('filtered')
    expect(planner.plan({ ...triple, source: aFile() }).reason).toBe('name_refused')
    expect(planner.plan({ ...triple, named: { name: 'x' }, source: aFile() }).reason).toBe('too_large')
  })

  test('an altered name goes with the decision', () => {
    const named = { name: 'a_b', processing: ['renamed' as const] }
    expect(decided({ named })).toEqual({ action: 'create', reason: 'new', processing: ['renamed'] })
    const conflict = decided({ named, source: editedSource, counterpart: { ...there, name: 'a_b' } })
    expect(conflict.processing).toEqual(['renamed', 'conflict_copy'])
  })

  test('an item that lost its remembered name is planned as new', () => {
    const decision = decided({ named: { name: 'report (1).txt', displaced: true }, tracked: settled })
    expect(decision).toEqual({ action: 'create', reason: 'new' })
  })
})
