import { expect, test } from '@jest/globals'
import { bytes, refusal, type Current } from '../bench.ts'

export function containerCases(at: Current): void {
  test('the root is a container', async () => {
    expect(await at().session.root('/')).toMatchObject({ kind: 'container' })
    expect(await at().session.root('')).toMatchObject({ kind: 'container' })
  })

  test('a root path that does not exist is null, not an error', async () => {
    expect(await at().session.root('/nowhere/at/all')).toBeNull()
  })

  test('a root path is made with its parents, and made again without harm', async () => {
    const { session, oracle } = at()
    const made = await session.makeRoot('/a/b/c')
    expect((await session.makeRoot('a/b/c/')).id).toBe(made.id)
    expect(await session.root('/a/b/c')).toMatchObject({ id: made.id, kind: 'container' })
    expect(await oracle.names(['a', 'b'])).toEqual(['c'])
  })

  test('a root path that is a file is refused', async () => {
    const { session, oracle } = at()
    await oracle.put(['file'], bytes('x'))
    expect(await refusal(() => session.root('/file'))).toBe('NotAContainer')
    expect(await refusal(() => session.makeRoot('/file'))).toBe('NotAContainer')
    expect(await refusal(() => session.makeRoot('/file/below'))).toBe('NotAContainer')
    expect(await oracle.content(['file'])).toEqual(bytes('x'))
  })

  test('a root path cannot climb out', async () => {
    const { session } = at()
    for (const path of ['..', '/../x', '/a/../../x', '/./x', '/a//b']) {
      expect(await refusal(() => session.root(path))).toBe('Escapes')
      expect(await refusal(() => session.makeRoot(path))).toBe('Escapes')
    }
  })

  test('two ways to one place resolve to the same, and a place below says what it is below', async () => {
    const { session } = at()
    await session.makeRoot('/a/b')
    const top = await session.resolve('/')
    const [one, two] = [await session.resolve('/a/b'), await session.resolve('a/b/')]
    expect(one).toMatchObject({ place: two.place, exists: true })
    expect(one.above).toContain(top.place)
    expect(top.above).not.toContain(one.place)
  })

  test('a place that does not exist yet resolves all the same', async () => {
    const { session } = at()
    const missing = await session.resolve('/not/yet')
    expect(missing.exists).toBe(false)
    expect(missing.above).toContain((await session.resolve('/')).place)
    expect(missing.above).toContain((await session.resolve('/not')).place)
    expect(missing.place).toBe((await session.resolve('not/yet/')).place)
  })

  test('a container that was made is there, empty, and answered with its facts', async () => {
    const { session, oracle } = at()
    const bench = at()
    const made = await bench.makeContainer(await bench.rootId(), 'folder')
    expect(made).toMatchObject({ kind: 'container', name: 'folder' })
    expect(made.identity !== undefined).toBe(bench.claims.tree.identities !== false)
    expect(await oracle.names(['folder'])).toEqual([])
    const there = await session.stat(made.id, [])
    expect(there?.id).toBe(made.id)
    expect(there?.identity).toBe(made.identity)
    expect(await bench.children(made.id)).toEqual([])
  })

  test('making a container where one is, is a conflict unless names may repeat', async () => {
    const bench = at()
    const root = await bench.rootId()
    const first = await bench.makeContainer(root, 'same')
    if (bench.claims.names.duplicateNames) {
      expect((await bench.makeContainer(root, 'same')).id).not.toBe(first.id)
    } else {
      expect(await refusal(() => bench.makeContainer(root, 'same'))).toBe('Conflict')
      expect(await bench.oracle.names([])).toEqual(['same'])
    }
  })

  test('a container whose parent is gone is not made', async () => {
    const bench = at()
    const parent = await bench.makeContainer(await bench.rootId(), 'gone')
    await bench.oracle.remove(['gone'])
    expect(await refusal(() => bench.makeContainer(parent.id, 'child'))).toBe('NotFound')
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('a renamed container keeps its identity and what is in it', async () => {
    const bench = at()
    const root = await bench.rootId()
    const before = await bench.makeContainer(root, 'before')
    await bench.write(before.id, 'file', bytes('content'))
    const expected = await bench.child(root, 'before')
    const move = () => bench.session.move(before.id, root, 'after', expected)
    if (bench.claims.tree.moves === 'items') {
      expect(await refusal(move)).toBe('Unsupported')
      expect(await bench.oracle.names([])).toEqual(['before'])
      return
    }
    const after = await move()
    expect(after.identity).toBe(before.identity)
    expect(await bench.oracle.names([])).toEqual(['after'])
    expect(await bench.oracle.content(['after', 'file'])).toEqual(bytes('content'))
    // What was remembered of the old name must not lead to the new one.
    if (bench.session.childId) expect(await bench.session.stat(bench.session.childId(before.id, 'file'), [])).toBeNull()
    expect((await bench.children(after.id)).map((c) => c.name)).toEqual(['file'])
  })

  test('a file moves between containers and keeps its identity', async () => {
    const bench = at()
    const root = await bench.rootId()
    const [from, to] = [await bench.makeContainer(root, 'from'), await bench.makeContainer(root, 'to')]
    const file = await bench.write(from.id, 'file', bytes('content'))
    const moved = await bench.session.move(file.id, to.id, 'renamed', file)
    expect(moved).toMatchObject({ name: 'renamed', kind: 'item' })
    expect(moved.identity).toBe(file.identity)
    expect(await bench.oracle.names(['from'])).toEqual([])
    expect(await bench.oracle.content(['to', 'renamed'])).toEqual(bytes('content'))
  })

  test('a move replaces nothing', async () => {
    const bench = at()
    if (bench.claims.names.duplicateNames) return
    const root = await bench.rootId()
    const file = await bench.write(root, 'file', bytes('mine'))
    await bench.oracle.put(['taken'], bytes('theirs'))
    const folder = await bench.makeContainer(root, 'folder')
    expect(await refusal(() => bench.session.move(file.id, root, 'taken', file))).toBe('Conflict')
    const folders = bench.claims.tree.moves === 'items' ? 'Unsupported' : 'Conflict'
    expect(await refusal(() => bench.session.move(folder.id, root, 'taken', folder))).toBe(folders)
    expect(await bench.oracle.content(['taken'])).toEqual(bytes('theirs'))
    expect(await bench.oracle.content(['file'])).toEqual(bytes('mine'))
  })

  test('a file that changed since is not moved', async () => {
    const bench = at()
    const root = await bench.rootId()
    const file = await bench.write(root, 'file', bytes('as planned'))
    await bench.oracle.put(['file'], bytes('edited since'))
    expect(await refusal(() => bench.session.move(file.id, root, 'aside', file))).toBe('PreconditionFailed')
    expect(await bench.oracle.names([])).toEqual(['file'])
  })

  test('symbolic links are made as asked where claimed, else refused', async () => {
    const bench = at()
    const root = await bench.rootId()
    const make = () => bench.session.makeLink(root, 'link', '../somewhere/else')
    if (!bench.claims.tree.links) {
      expect(await refusal(make)).toBe('Unsupported')
      expect(await bench.oracle.names([])).toEqual([])
      return
    }
    expect(await make()).toMatchObject({ kind: 'link', linkTarget: '../somewhere/else' })
    expect(await bench.oracle.linkTarget?.(['link'])).toBe('../somewhere/else')
    expect(await bench.child(root, 'link')).toMatchObject({ kind: 'link', linkTarget: '../somewhere/else' })
    expect(await refusal(make)).toBe('Conflict')
  })
}
