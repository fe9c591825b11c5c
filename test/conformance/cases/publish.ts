import { expect, test } from '@jest/globals'
import { bytes, pattern, refusal, sha256, still, type Current } from '../bench.ts'

export function publishCases(at: Current): void {
  test.each([0, 1, 4096, 1_048_577])('%i bytes arrive as they are', async (size) => {
    const bench = at()
    const root = await bench.rootId()
    const item = await bench.write(root, 'file', pattern(size))
    expect(item).toMatchObject({ kind: 'item', name: 'file', sizeBytes: BigInt(size) })
    expect(Buffer.from((await bench.oracle.content(['file'])) ?? []).equals(pattern(size))).toBe(true)
    expect(await bench.oracle.names([])).toEqual(['file'])
    expect(still(await bench.child(root, 'file'))).toEqual(still(item))
  })

  test('nothing has the name before publish, and nothing else is left after it', async () => {
    const bench = at()
    const folder = await bench.makeContainer(await bench.rootId(), 'folder')
    const staged = await bench.stage(folder.id, bytes('content'))
    expect(await bench.oracle.content(['folder', 'file'])).toBeNull()
    await bench.session.publish(staged, { container: folder.id, name: 'file', condition: 'absent' })
    expect(await bench.oracle.names(['folder'])).toEqual(['file'])
  })

  test('the published item keeps the identity that was staged', async () => {
    const bench = at()
    const root = await bench.rootId()
    const staged = await bench.stage(root, bytes('content'))
    const item = await bench.session.publish(staged, { container: root, name: 'file', condition: 'absent' })
    if (staged.identity !== undefined) expect(item.identity).toBe(staged.identity)
  })

  test('chunks in any order make one content', async () => {
    const bench = at()
    const root = await bench.rootId()
    const content = pattern(300_000)
    const staging = await bench.session.stage({
      container: root,
      key: bench.freshKey(),
      sizeBytes: 300_000n,
      attributes: {},
      durability: 'power',
    })
    for (let from = 0; from < content.length; from += 100_000)
      await staging.write(content.subarray(from, from + 100_000), BigInt(from))
    const staged = await staging.finish(sha256(content))
    const item = await bench.session.publish(staged, { container: root, name: 'file', condition: 'absent' })
    await bench.session.flush?.(item.id, root)
    expect((await bench.read(item.id, item)).equals(content)).toBe(true)
  })

  test('more bytes than announced are refused', async () => {
    const bench = at()
    const root = await bench.rootId()
    const key = bench.freshKey()
    const begin = async () => {
      const staging = await bench.session.stage({
        container: root,
        key,
        sizeBytes: 3n,
        attributes: {},
        durability: 'process',
      })
      try {
        await staging.write(bytes('four'), 0n)
        await staging.finish(sha256(bytes('four')))
      } finally {
        await staging.suspend()
      }
    }
    expect(await refusal(begin)).toBe('IntegrityMismatch')
    await bench.session.discard(root, key)
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('zeros left out are holes that read as zeros, where holes are claimed', async () => {
    const bench = at()
    const root = await bench.rootId()
    const size = 1_000_000
    const content = Buffer.alloc(size)
    content.write('middle', 500_000)
    const key = bench.freshKey()
    const staging = await bench.session.stage({
      container: root,
      key,
      sizeBytes: BigInt(size),
      attributes: {},
      durability: 'process',
    })
    await staging.write(bytes('middle'), 500_000n)
    if (!bench.claims.content.sparse) {
      expect(await refusal(() => staging.finish(sha256(content)))).toBe('IntegrityMismatch')
      return
    }
    const staged = await staging.finish(sha256(content))
    const item = await bench.session.publish(staged, { container: root, name: 'holes', condition: 'absent' })
    expect(item.sparse).toBe(true)
    expect(content.equals((await bench.oracle.content(['holes'])) ?? Buffer.alloc(0))).toBe(true)
  })

  test('where nothing may be, whoever came first stays', async () => {
    const bench = at()
    if (bench.claims.names.duplicateNames) return
    const root = await bench.rootId()
    const staged = await bench.stage(root, bytes('ours'))
    await bench.oracle.put(['file'], bytes('theirs'))
    const publish = () => bench.session.publish(staged, { container: root, name: 'file', condition: 'absent' })
    expect(await refusal(publish)).toBe('Conflict')
    expect(await bench.oracle.content(['file'])).toEqual(bytes('theirs'))
    await bench.session.discard(root, staged.key)
    expect(await bench.oracle.names([])).toEqual(['file'])
  })

  test('exactly the item that was planned against is replaced', async () => {
    const bench = at()
    const root = await bench.rootId()
    const old = await bench.write(root, 'file', bytes('old'))
    const fresh = await bench.write(root, 'file', bytes('new content'), { condition: old })
    expect(fresh.sizeBytes).toBe(11n)
    expect(await bench.oracle.content(['file'])).toEqual(bytes('new content'))
    expect(await bench.oracle.names([])).toEqual(['file'])
    expect(still(await bench.child(root, 'file'))).toEqual(still(fresh))
  })

  test.each(['edited', 'replaced', 'removed'])('an item that was %s since is not replaced', async (how) => {
    const bench = at()
    const root = await bench.rootId()
    const old = await bench.write(root, 'file', bytes('old'))
    if (how !== 'edited') await bench.oracle.remove(['file'])
    if (how !== 'removed') await bench.oracle.put(['file'], bytes('wow'))
    const staged = await bench.stage(root, bytes('new'))
    const publish = () => bench.session.publish(staged, { container: root, name: 'file', condition: old })
    expect(await refusal(publish)).toBe('PreconditionFailed')
    expect(await bench.oracle.content(['file'])).toEqual(how === 'removed' ? null : bytes('wow'))
  })

  test('a container in the way is not replaced', async () => {
    const bench = at()
    if (bench.claims.names.duplicateNames) return
    const root = await bench.rootId()
    const folder = await bench.makeContainer(root, 'name')
    const staged = await bench.stage(root, bytes('x'))
    for (const condition of ['absent', folder] as const)
      expect(['Conflict', 'PreconditionFailed']).toContain(
        await refusal(() => bench.session.publish(staged, { container: root, name: 'name', condition })),
      )
    expect((await bench.child(root, 'name')).kind).toBe('container')
  })

  test('content larger than the connection takes is refused before it is written', async () => {
    const bench = at()
    const root = await bench.rootId()
    const { maxBytes } = bench.claims.content
    if (maxBytes === undefined) return
    const key = bench.freshKey()
    const stage = () =>
      bench.session.stage({ container: root, key, sizeBytes: maxBytes + 1n, attributes: {}, durability: 'process' })
    expect(await refusal(stage)).toBe('TooLarge')
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('publishing what is published already changes nothing', async () => {
    const bench = at()
    const root = await bench.rootId()
    const staged = await bench.stage(root, bytes('once'))
    const target = { container: root, name: 'file', condition: 'absent' } as const
    const first = await bench.session.publish(staged, target)
    const again = await bench.session.publish(staged, target)
    expect(still(again)).toEqual(still(first))
    expect(await bench.oracle.names([])).toEqual(['file'])
  })

  test('what was staged is reconciled as staged, then as published, then as gone', async () => {
    const bench = at()
    const root = await bench.rootId()
    const target = { container: root, name: 'file', condition: 'absent' } as const
    const staged = await bench.stage(root, bytes('content'))
    expect(await bench.session.reconcile(staged, target)).toEqual({ state: 'staged' })
    const item = await bench.session.publish(staged, target)
    const found = await bench.session.reconcile(staged, target)
    expect(found.state === 'published' && still(found.item)).toEqual(still(item))
    await bench.oracle.remove(['file'])
    expect(await bench.session.reconcile(staged, target)).toEqual({ state: 'gone' })
  })

  test('what was discarded is reconciled as gone, and discarding again is no error', async () => {
    const bench = at()
    const root = await bench.rootId()
    const staged = await bench.stage(root, bytes('content'))
    await bench.session.discard(root, staged.key)
    await bench.session.discard(root, staged.key)
    await bench.session.discard(root, 'never-staged')
    expect(await bench.session.reconcile(staged, { container: root, name: 'file', condition: 'absent' })).toEqual({
      state: 'gone',
    })
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('somebody else under the name is not taken for ours', async () => {
    const bench = at()
    const root = await bench.rootId()
    const staged = await bench.stage(root, bytes('content'))
    // Without identities the bytes are the last thing to go by: whoever has put the same there has done our work.
    const theirs = bytes(bench.claims.tree.identities !== false ? 'content' : 'CONTENT')
    await bench.oracle.put(['file'], theirs)
    const target = { container: root, name: 'file', condition: 'absent' } as const
    expect(await bench.session.reconcile(staged, target)).toEqual({ state: 'staged' })
    await bench.session.discard(root, staged.key)
    expect(await bench.session.reconcile(staged, target)).toEqual({ state: 'gone' })
    expect(await bench.oracle.content(['file'])).toEqual(theirs)
  })

  test('discarding one staging leaves its neighbour', async () => {
    const bench = at()
    const root = await bench.rootId()
    const [one, two] = [await bench.stage(root, bytes('1')), await bench.stage(root, bytes('2'))]
    await bench.session.discard(root, one.key)
    const item = await bench.session.publish(two, { container: root, name: 'two', condition: 'absent' })
    expect(await bench.read(item.id, item)).toEqual(bytes('2'))
  })

  test('discarding in a container that is gone is no error', async () => {
    const bench = at()
    const folder = await bench.makeContainer(await bench.rootId(), 'folder')
    const staged = await bench.stage(folder.id, bytes('x'))
    await bench.oracle.remove(['folder'])
    await bench.session.discard(folder.id, staged.key)
    expect(await bench.oracle.names([])).toEqual([])
  })
}
