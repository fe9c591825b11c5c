import { existsSync, mkdirSync, readdirSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from '@jest/globals'
import { aJob } from './a_job.ts'
import { aTree, look, many, paths, textAt, touched } from './a_tree.ts'
import { Rig } from './rig.ts'

const rig = new Rig()
afterAll(() => rig.close())

describe('large_item', () => {
  const source = aTree({ 'small.bin': '10 KB', 'exact.bin': '20 KB', 'd/large.bin': '21 KB' })
  const to = { auth: { max_size: 20 * 1024 } }

  test('skip leaves out what the destination does not take, and says so', async () => {
    const job = await rig.job({ large_item: 'skip' }, { source, to })
    const ran = await job.run()
    expect(ran).toMatchObject({ failed: 0, flagged: 0, reasons: { 'success new': 3, 'skipped too_large': 1 } })
    expect(paths(job.destination)).toEqual(['d/', 'exact.bin', 'small.bin'])
    expect(job.explain('d/large.bin').why).toMatch(/^21504 bytes; .* at most 20480/)
    expect((await job.run()).status).toBe('no_changes')
  })

  test('fail flags it in the fourth failed execution; its neighbours arrive in the first', async () => {
    const job = await rig.job({ large_item: 'fail' }, { source, to })
    for (const _ of [1, 2, 3]) expect((await job.run()).reasons).toMatchObject({ 'retry too_large': 1 })
    expect(paths(job.destination)).toEqual(['d/', 'exact.bin', 'small.bin'])
    expect((await job.run()).reasons).toMatchObject({ 'remediation too_large': 1 })
    expect(await job.run()).toMatchObject({ flagged: 1, failed: 0 })
  })

  test('what was left out arrives when it has become small enough, or the limit is lifted', async () => {
    const job = await rig.job({ large_item: 'skip' }, { source, to })
    await job.run()
    writeFileSync(join(job.source, 'd/large.bin'), 'small now')
    await job.run()
    expect(textAt(job.destination, 'd/large.bin')).toBe('small now')
  })
})

describe('max_items_per_container', () => {
  test.each([
    [9_999, true],
    [10_000, true],
    [10_001, false],
  ])('at its default of 10,000 a folder of %i children is copied: %s; its siblings go on', async (children, copied) => {
    const job = await rig.job(
      {},
      {
        source: aTree({
          ...many(children - 2, (n) => `full/f${n}`, ''),
          'full/folder/in.txt': 'x',
          'full/last': 'x',
          'next/a.txt': 'a',
        }),
      },
    )
    const ran = await job.run()
    expect(textAt(job.destination, 'next/a.txt')).toBe('a')
    if (copied) {
      expect(ran).toMatchObject({ failed: 0, flagged: 0, found: children + 4 })
      expect(readdirSync(join(job.destination, 'full'))).toHaveLength(children)
      return
    }
    expect(ran.reasons).toEqual({ 'remediation too_many_items': 1, 'success new': 2 })
    expect(existsSync(join(job.destination, 'full')) ? readdirSync(join(job.destination, 'full')) : []).toEqual([])
    expect(job.explain('full').why).toMatch(/Maximum number of items exceeded: more than 10000/)
  })

  test('flags a folder once; split up, it is copied', async () => {
    const job = await rig.job({ max_items_per_container: 5 }, { source: aTree(many(6, (n) => `full/f${n}`)) })
    expect((await job.run()).flagged).toBe(1)
    expect((await job.run()).flagged).toBe(1)
    unlinkSync(join(job.source, 'full/f5'))
    const ran = await job.run()
    expect(ran).toMatchObject({ flagged: 0, failed: 0 })
    expect(readdirSync(join(job.destination, 'full'))).toHaveLength(5)
  })

  test.each(['create', 'skip'])(
    'raised, what was flagged for it is copied; raised by too little, nobody is asked again (empty_containers %s)',
    async (empty) => {
      const source = aTree({ ...many(6, (n) => `full/f${n}`), 'full/sub/in.txt': 'x' })
      const job = await rig.job({ max_items_per_container: 5, empty_containers: empty }, { source })
      expect((await job.run()).reasons).toEqual({ 'remediation too_many_items': 1 })
      await job.change({ max_items_per_container: 6, failure_policy: 'halt' })
      expect(await job.run()).toMatchObject({
        status: 'no_changes',
        reasons: { 'remediation flagged_before': 1 },
      })
      expect(job.explain('full').strikes).toBe(1)
      expect(job.audit({ execution: 2, type: 'failed' })).toEqual([])
      await job.change({ max_items_per_container: 7 })
      expect(await job.run()).toMatchObject({ status: 'completed', flagged: 0, failed: 0, found: 9 })
      expect(paths(job.destination)).toEqual(paths(job.source))
      expect((await job.run()).status).toBe('no_changes')
    },
  )

  test('counts for the root too, until it is raised', async () => {
    const job = await rig.job({ max_items_per_container: 2 }, { source: aTree(many(3, (n) => `f${n}`)) })
    expect(await job.run()).toMatchObject({ flagged: 1 })
    expect(readdirSync(job.destination)).toEqual([])
    await job.change({ max_items_per_container: 3 })
    expect(await job.run()).toMatchObject({ flagged: 0, failed: 0 })
    expect(readdirSync(job.destination)).toHaveLength(3)
  })
})

describe('empty_containers', () => {
  const source = aTree({
    'empty/nested/': null,
    'filtered/a.tmp': 'x',
    'deep/er/still/a.txt': 'x',
    'mixed/a.txt': 'x',
    'mixed/empty/': null,
  })
  const noTmp = {
    filter: { source: [{ action: 'exclude', rules: [{ type: 'filter_extension', extensions: ['tmp'] }] }] },
  }

  test('create makes every folder', async () => {
    const job = await rig.job({ empty_containers: 'create', ...noTmp }, { source })
    await job.run()
    expect(paths(job.destination)).toEqual(paths(job.source).filter((path) => !path.endsWith('.tmp')))
  })

  test('skip makes only folders in which something arrives, and counts the others as skipped', async () => {
    const job = await rig.job({ empty_containers: 'skip', ...noTmp }, { source })
    const ran = await job.run()
    expect(paths(job.destination)).toEqual([
      'deep/',
      'deep/er/',
      'deep/er/still/',
      'deep/er/still/a.txt',
      'mixed/',
      'mixed/a.txt',
    ])
    expect(ran.reasons).toEqual({ 'success new': 6, 'skipped empty_container': 4, 'skipped filtered': 1 })
    expect(ran.balance?.containersMade).toBe(4)
    expect((await job.run()).status).toBe('no_changes')
  })

  test('skip makes a folder later, when something arrives in it', async () => {
    const job = await rig.job({ empty_containers: 'skip' }, { source })
    await job.run()
    writeFileSync(join(job.source, 'empty/nested/now.txt'), 'x')
    await job.run()
    expect(textAt(job.destination, 'empty/nested/now.txt')).toBe('x')
    expect(look(job.destination).get('empty')?.modifiedNs).toBe(look(job.source).get('empty')?.modifiedNs)
    expect((await job.run()).status).toBe('no_changes')
  })

  test('skip keeps an empty folder that is at the destination already', async () => {
    const job = await rig.job({ empty_containers: 'skip' }, { source, destination: aTree({ 'empty/': null }) })
    await job.run()
    expect(paths(job.destination)).toContain('empty/')
    expect(paths(job.destination)).not.toContain('empty/nested/')
  })
})

describe('names', () => {
  const windows = { auth: { names: 'windows' } }
  const awkward = aTree({
    'a?b.txt': 'question',
    'a*b.txt': 'star',
    'a_b.txt': 'native',
    'READ.me': 'upper',
    'read.me': 'lower',
    'con.txt': 'device',
    'trailing. ': 'x',
    'fold:er/in.txt': 'in',
  })

  test('that the destination refuses are transformed so that no two meet, the same on every run', async () => {
    const job = await rig.job({}, { source: awkward, to: windows })
    const ran = await job.run()
    expect(ran).toMatchObject({ failed: 0, flagged: 0 })
    const names = paths(job.destination)
    expect(names).toHaveLength(9)
    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(9)
    expect(names.filter((name) => /[<>:"\\|?*]/.test(name))).toEqual([])
    expect(textAt(job.destination, 'a_b.txt')).toBe('native')
    for (const path of ['a?b.txt', 'a*b.txt']) {
      const { destinationNames, processing, state } = job.explain(path)
      expect(textAt(job.destination, ...destinationNames)).toBe(textAt(job.source, path))
      expect([state, processing]).toEqual(['processed', ['renamed', 'deduplicated']])
    }
    const before = look(job.destination)
    expect((await job.run()).status).toBe('no_changes')
    expect(touched(before, look(job.destination))).toEqual([])
  })

  test('stay with the files they were given to, whoever comes and goes', async () => {
    const job = await rig.job({}, { source: aTree({ 'a?b': 'question', 'a*b': 'star' }), to: windows })
    await job.run()
    const named = Object.fromEntries(['a?b', 'a*b'].map((path) => [path, job.explain(path).destinationName]))
    writeFileSync(join(job.source, 'a_b'), 'native, late')
    writeFileSync(join(job.source, 'a|b'), 'pipe')
    unlinkSync(join(job.source, 'a*b'))
    const before = look(job.destination)
    await job.run()
    expect(job.explain('a?b').destinationName).toBe(named['a?b'])
    expect(touched(before, look(job.destination))).not.toContain(named['a?b'])
    // What is there of the file that is gone had the name of the native one, which is kept beside it now.
    expect(new Set(readdirSync(job.destination).map((name) => textAt(job.destination, name)))).toEqual(
      new Set(['question', 'star', 'native, late', 'pipe']),
    )
    expect((await job.run()).status).toBe('no_changes')
  })

  test('with segment_transform off are flagged, not changed; switched on, they arrive', async () => {
    const job = await rig.job({ segment_transform: false }, { source: aTree({ 'a?b': 'x', fine: 'y' }), to: windows })
    expect((await job.run()).reasons).toEqual({ 'success new': 1, 'remediation name_refused': 1 })
    expect(readdirSync(job.destination)).toEqual(['fine'])
    expect(await job.run()).toMatchObject({ status: 'no_changes', flagged: 1 })
    await job.change({ segment_transform: true })
    expect(await job.run()).toMatchObject({ flagged: 0, status: 'completed' })
    expect(textAt(job.destination, 'a_b')).toBe('x')
  })

  test('that would be one under duplicate_names warn are carried once', async () => {
    const job = await rig.job(
      { duplicate_names: 'warn' },
      { source: aTree({ 'READ.me': '1', 'read.me': '2' }), to: windows },
    )
    expect((await job.run()).reasons).toEqual({ 'success new': 1, 'skipped duplicate_name': 1 })
    expect(readdirSync(job.destination)).toHaveLength(1)
    expect((await job.run()).status).toBe('no_changes')
  })

  test('that are too long are cut under segment_truncate, and flagged without it', async () => {
    const long = `${'long '.repeat(20)}.txt`
    const source = aTree({ [long]: 'one', [`${long}2.txt`]: 'two' })
    const to = { auth: { max_segment: 40 } }
    const flagged = await rig.job({}, { source, to })
    expect((await flagged.run()).reasons).toEqual({ 'remediation name_too_long': 2 })
    const cut = await rig.job({ segment_truncate: true }, { source, to })
    expect((await cut.run()).reasons).toEqual({ 'processed new': 2 })
    expect(readdirSync(cut.destination).every((name) => name.length <= 40)).toBe(true)
    expect((await cut.run()).status).toBe('no_changes')
  })
})

describe('filters', () => {
  const source = aTree({
    'keep.txt': 'x',
    'drop.tmp': 'x',
    '.hidden': 'x',
    'old.txt': { is: 'x', modified: '2001-01-01' },
    'big.bin': '60 KB',
    'node_modules/a/index.js': 'x',
    'logs/keep.txt': 'x',
  })
  const exclude = (...rules: object[]): Record<string, unknown> => ({
    filter: { source: [{ action: 'exclude', rules }] },
  })

  test.each([
    ['filter_extension', { type: 'filter_extension', extensions: ['tmp'] }, ['drop.tmp']],
    ['filter_hidden', { type: 'filter_hidden' }, ['.hidden']],
    ['filter_size', { type: 'filter_size', max: 50 * 1024 }, ['big.bin']],
    [
      'filter_pattern',
      { type: 'filter_pattern', text: 'node_modules', targets: ['container'] },
      ['node_modules/', 'node_modules/a/', 'node_modules/a/index.js'],
    ],
    ['filter_path', { type: 'filter_path', paths: ['/logs'] }, ['logs/', 'logs/keep.txt']],
    ['filter_date', { type: 'filter_date', range: { type: 'range', to: 1_000_000_000 } }, ['old.txt']],
  ])('%s leaves out what it names, and all below it', async (_type, rule, missing) => {
    const job = await rig.job(exclude(rule), { source })
    const ran = await job.run()
    expect(ran).toMatchObject({ failed: 0, flagged: 0 })
    expect(paths(job.destination)).toEqual(paths(job.source).filter((path) => !missing.includes(path)))
    expect(ran.reasons['skipped filtered']).toBe(1)
    expect((await job.run()).status).toBe('no_changes')
  })

  test('leaving a filter’s scope deletes nothing', async () => {
    const job = await rig.job(exclude({ type: 'filter_size', max: 50 * 1024 }), { source })
    await job.run()
    writeFileSync(join(job.source, 'keep.txt'), 'x'.repeat(60 * 1024))
    await job.run()
    expect(textAt(job.destination, 'keep.txt')).toBe('x')
  })
})

describe('simulation_mode', () => {
  const tree = aTree({
    'a/one.txt': '1 KB',
    'a/two.txt': '2 KB',
    'empty/': null,
    'same.txt': { is: 'same', modified: '2020-01-01' },
    'differs.txt': 'ours',
    'large.bin': '60 KB',
    link: { to: 'a' },
  })
  const parts = {
    source: tree,
    destination: aTree({ 'same.txt': { is: 'same', modified: '2020-01-01' }, 'differs.txt': 'theirs' }),
    to: { auth: { max_size: 50 * 1024, names: 'windows' } },
  }

  test('writes nothing, reads no content, and plans what the real run then does', async () => {
    const job = await rig.job({ simulation_mode: true, large_item: 'skip' }, parts)
    // An access time before the last change moves with the first read, on any mount.
    for (const path of ['a/one.txt', 'differs.txt', 'same.txt']) utimesSync(join(job.source, path), 0, 1_600_000_000)
    utimesSync(join(job.source, 'same.txt'), 0, Date.parse('2020-01-01') / 1000)
    const files = (root: string) => new Map([...look(root)].filter(([, { kind }]) => kind === 'file'))
    const before = { source: files(job.source), destination: files(job.destination), folders: look(job.destination) }
    const simulated = await job.run()
    expect(files(job.source)).toEqual(before.source)
    expect(files(job.destination)).toEqual(before.destination)
    expect(touched(before.folders, look(job.destination))).toEqual([])

    await job.change({ simulation_mode: false })
    const real = await job.run()
    expect(real.reasons).toEqual(simulated.reasons)
    expect(real.reasons).toMatchObject({
      'success new': 5,
      'processed conflict_copy': 1,
      'success matched': 1,
      'skipped too_large': 1,
    })
    expect(textAt(job.destination, 'differs.txt')).toBe('ours')
    expect((await job.run()).status).toBe('no_changes')
  })

  test('simulated again says the same again', async () => {
    const job = await rig.job({ simulation_mode: true, large_item: 'skip' }, parts)
    const first = await job.run()
    expect((await job.run()).reasons).toEqual(first.reasons)
  })

  test('after real runs plans the next delta, and leaves no trace for it', async () => {
    const job = await rig.job({}, { source: aTree({ 'a.txt': 'a', 'b.txt': 'b', 'c.txt': 'c' }) })
    await job.run()
    writeFileSync(join(job.source, 'a.txt'), 'changed')
    writeFileSync(join(job.source, 'new.txt'), 'new')
    unlinkSync(join(job.source, 'c.txt'))
    await job.change({ simulation_mode: true })
    const simulated = await job.run()
    expect(simulated.reasons).toEqual({ 'success changed': 1, 'success new': 1, 'success unchanged': 1 })
    expect(textAt(job.destination, 'a.txt')).toBe('a')
    await job.change({ simulation_mode: false })
    expect((await job.run()).reasons).toEqual(simulated.reasons)
    expect(textAt(job.destination, 'a.txt')).toBe('changed')
  })

  test('makes no destination folder that is not there yet', async () => {
    const job = await rig.job({ simulation_mode: true }, { source: tree, to: { path: '/not/yet' } })
    expect((await job.run()).reasons).toMatchObject({ 'success new': 8 })
    expect(readdirSync(job.destination)).toEqual([])
  })

  test('goes on after its worker died, with what was decided before', async () => {
    const job = await rig.job({ simulation_mode: true }, { source: aTree(many(50, (n) => `d${n % 5}/f${n}`)) })
    const ref = { jobId: job.id, execution: 1 }
    const input = { ...ref, lane: 'enumerate-0', width: 1, sliceMs: 20_000 }
    await rig.engine.initialize(ref)
    await rig.engine.enumerate(input, { signal: new AbortController().signal, onBeat: () => undefined })
    await rig.restart()
    const again = await job.resume({ execution: 1 })
    expect(again.reasons).toEqual({ 'success new': 55 })
  })
})

describe('filters that depend on the source', () => {
  const exclude = (...rules: object[]) => ({ filter: { source: [{ action: 'exclude', rules }] } })
  const warned = ({ warnings }: { warnings: string[] }): string[] => warnings.filter((text) => text.includes('filter'))

  test('filter_shared leaves out what belongs to others than the person whose place it is, and nothing where nobody says who that is', async () => {
    const source = aTree({ 'mine.txt': 'x', 'd/mine.txt': 'x' })
    const shared = exclude({ type: 'filter_shared' })
    const nobodys = await rig.job(shared, { source })
    expect(warned(await nobodys.run())).toContainEqual(
      expect.stringContaining('account of the connection, or impersonate_as'),
    )
    expect(paths(nobodys.destination)).toEqual(['d/', 'd/mine.txt', 'mine.txt'])
    const mine = await rig.job(shared, { source, from: { auth: { account: process.geteuid!() } } })
    await mine.run()
    expect(paths(mine.destination)).toEqual(['d/', 'd/mine.txt', 'mine.txt'])
    const theirs = await rig.job(shared, { source, from: { auth: { account: 12_345 } } })
    expect((await theirs.run()).reasons).toEqual({ 'skipped filtered': 2 })
    const { source: root, destination } = mine
    const from = {
      connection: { platform: { id: 'fs' }, auth: { root, impersonation: 'ignore' } },
      impersonate_as: { id: 12_345 },
    }
    const sides = { source: { auth: { root } }, destination: { auth: { root: `${destination} too` } } }
    mkdirSync(`${destination} too`)
    const as = await rig.store(aJob({ ...shared, source: from }, sides), {
      source: root,
      destination: `${destination} too`,
    })
    expect((await as.run()).reasons).toEqual({ 'skipped filtered': 2 })
  })

  test('filter_path follows the source’s own rules of case', async () => {
    const source = aTree({ 'Docs/a.txt': 'x', 'b.txt': 'x' })
    const path = exclude({ type: 'filter_path', paths: ['/docs'] })
    const told = await rig.job(path, { source, from: { auth: { names: 'windows' } } })
    await told.run()
    expect(paths(told.destination)).toEqual(['b.txt'])
    const apart = await rig.job(path, { source })
    expect(warned(await apart.run())).toEqual([
      'rule 1 of the source\'s filter matched nothing (filter_path: path is "/docs")',
    ])
    expect(paths(apart.destination)).toEqual(['Docs/', 'Docs/a.txt', 'b.txt'])
  })

  test('a rule that matched nothing in a whole run is told of, and none that did, in this run or by another thread', async () => {
    const job = await rig.job(
      exclude(
        { type: 'filter_extension', extensions: ['tmp'] },
        { type: 'filter_pattern', text: 'x*' },
        { type: 'filter_extension', extensions: ['bak'] },
      ),
      { source: aTree({ 'a.txt': 'x', 'x.tmp': 'x', ...many(40, (n) => `d${n}/f`) }) },
    )
    const nothing = "rule 3 of the source's filter matched nothing (filter_extension: extension is one of .bak)"
    expect(warned(await job.run())).toEqual([nothing])
    writeFileSync(join(job.source, 'y.bak'), 'x')
    expect(warned(await job.run())).toEqual([])
  })
})
