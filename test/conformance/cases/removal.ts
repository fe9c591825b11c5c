import { expect, test } from '@jest/globals'
import { bytes, refusal, type Current } from '../bench.ts'

export function removalCases(at: Current): void {
  test('a file that is removed is gone, and its neighbour is not', async () => {
    const bench = at()
    const root = await bench.rootId()
    const file = await bench.write(root, 'file', bytes('content'))
    await bench.write(root, 'neighbour', bytes('content'))
    await bench.session.remove(file.id, file)
    expect(await bench.oracle.names([])).toEqual(['neighbour'])
    expect(await bench.oracle.content(['neighbour'])).toEqual(bytes('content'))
  })

  test('removing what is gone already is no error', async () => {
    const bench = at()
    const file = await bench.write(await bench.rootId(), 'file', bytes('content'))
    await bench.session.remove(file.id, file)
    await bench.session.remove(file.id, file)
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('a file that somebody changed meanwhile stays', async () => {
    const bench = at()
    const file = await bench.write(await bench.rootId(), 'file', bytes('content'))
    await bench.oracle.put(['file'], bytes('their work, longer'))
    // Where an id names the item and not its place, what was planned against may be gone altogether.
    const outcome = await refusal(() => bench.session.remove(file.id, file)).catch(() => 'gone')
    expect(['PreconditionFailed', 'gone']).toContain(outcome)
    expect(await bench.oracle.content(['file'])).toEqual(bytes('their work, longer'))
  })

  test('another file that somebody put in its place stays', async () => {
    const bench = at()
    const file = await bench.write(await bench.rootId(), 'file', bytes('ours'))
    await bench.oracle.remove(['file'])
    await bench.oracle.put(['file'], bytes('them'))
    // As above.
    const outcome = await refusal(() => bench.session.remove(file.id, file)).catch(() => 'gone')
    expect(['PreconditionFailed', 'gone']).toContain(outcome)
    expect(await bench.oracle.content(['file'])).toEqual(bytes('them'))
  })

  test('removing what is gone with the container it was in is no error', async () => {
    const bench = at()
    const root = await bench.rootId()
    const folder = await bench.makeContainer(root, 'folder')
    const below = await bench.makeContainer(folder.id, 'below')
    const file = await bench.write(folder.id, 'file', bytes('content'))
    await bench.oracle.remove(['folder'])
    for (const gone of [file, below, folder]) await bench.session.remove(gone.id, gone)
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('another container that somebody made in its place stays, where containers can be told apart', async () => {
    const bench = at()
    if (bench.claims.tree.identities === false) return
    const folder = await bench.makeContainer(await bench.rootId(), 'folder')
    await bench.oracle.remove(['folder'])
    await bench.oracle.makeContainer(['folder'])
    const outcome = await refusal(() => bench.session.remove(folder.id, folder)).catch(() => 'gone')
    expect(['PreconditionFailed', 'gone']).toContain(outcome)
    expect(await bench.oracle.names([])).toEqual(['folder'])
  })

  test('of a container only kind and identity count: its times move when its children go', async () => {
    const bench = at()
    const folder = await bench.makeContainer(await bench.rootId(), 'folder')
    await bench.oracle.put(['folder', 'file'], bytes('content'))
    const file = await bench.child(folder.id, 'file')
    await bench.session.remove(file.id, file)
    await bench.session.remove(folder.id, { ...folder, modifiedNs: 1n, changedNs: 1n })
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('an address that leads elsewhere removes nothing', async () => {
    const bench = at()
    const root = await bench.rootId()
    await bench.makeContainer(root, 'folder')
    const file = await bench.write(root, 'file', bytes('content'))
    for (const id of ['..', '../file', 'folder/../file', './file', '/file', 'folder//file', 'file/'])
      expect(['Escapes', 'NotFound']).toContain(await refusal(() => bench.session.remove(id, file)))
    expect((await bench.oracle.names([])).sort()).toEqual(['file', 'folder'])
  })

  test('a container goes when it is empty, and not before', async () => {
    const bench = at()
    const folder = await bench.makeContainer(await bench.rootId(), 'folder')
    const file = await bench.write(folder.id, 'file', bytes('content'))
    expect(await refusal(() => bench.session.remove(folder.id, folder))).toBe('Conflict')
    expect(await bench.oracle.content(['folder', 'file'])).toEqual(bytes('content'))
    await bench.session.remove(file.id, file)
    await bench.session.remove(folder.id, folder)
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('what is of another kind now stays', async () => {
    const bench = at()
    const root = await bench.rootId()
    const [file, folder] = [
      await bench.write(root, 'file', bytes('content')),
      await bench.makeContainer(root, 'folder'),
    ]
    expect(await refusal(() => bench.session.remove(file.id, { ...file, kind: 'container' }))).toBe(
      'PreconditionFailed',
    )
    expect(await refusal(() => bench.session.remove(folder.id, { ...folder, kind: 'item' }))).toBe('PreconditionFailed')
    expect((await bench.oracle.names([])).sort()).toEqual(['file', 'folder'])
  })

  test('of a link, what it leads to stays', async () => {
    const bench = at()
    if (!bench.claims.tree.links) return
    const root = await bench.rootId()
    await bench.write(root, 'file', bytes('content'))
    await bench.makeContainer(root, 'folder')
    for (const target of ['file', 'folder', 'nowhere']) {
      const link = await bench.session.makeLink(root, 'link', target)
      for (const kind of ['item', 'container'] as const)
        expect(await refusal(() => bench.session.remove(link.id, { ...link, kind }))).toBe('PreconditionFailed')
      await bench.session.remove(link.id, link)
      expect((await bench.oracle.names([])).sort()).toEqual(['file', 'folder'])
    }
    expect(await bench.oracle.content(['file'])).toEqual(bytes('content'))
  })

  test('the root stays', async () => {
    const bench = at()
    const root = await bench.session.root('/')
    expect(['AccessDenied', 'Conflict']).toContain(await refusal(() => bench.session.remove(root!.id, root!)))
    expect(await bench.session.root('/')).toMatchObject({ kind: 'container' })
  })
}
