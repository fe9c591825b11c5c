import { expect, test } from '@jest/globals'
import { bytes, refusal, still, type Current } from '../bench.ts'

export function listingCases(at: Current): void {
  test('an empty container is a complete listing of nothing', async () => {
    const bench = at()
    const pages = await bench.pages(await bench.rootId())
    expect(pages.flatMap((p) => p.items)).toEqual([])
    expect(pages.at(-1)?.complete).toBe(true)
  })

  test.each([1, 999, 1000, 1001, 2000])(
    '%i children come whole, each once, in pages of at most 1,000',
    async (count) => {
      const bench = at()
      if (count > (bench.subject.mostChildren ?? Infinity)) return
      const names = Array.from({ length: count }, (_, i) => `child-${i}`)
      for (const name of names) await bench.oracle.put([name], bytes(name))
      const pages = await bench.pages(await bench.rootId())
      for (const [i, page] of pages.entries()) {
        expect(page.items.length).toBeLessThanOrEqual(1000)
        expect(page.complete).toBe(i === pages.length - 1)
      }
      expect(pages.flatMap((p) => p.items.map((item) => item.name)).sort()).toEqual([...names].sort())
    },
  )

  test('10,001 children come whole', async () => {
    const bench = at()
    if (bench.subject.mostChildren !== undefined) return
    const folder = await bench.makeContainer(await bench.rootId(), 'many')
    for (let i = 0; i < 10_001; i++) await bench.oracle.put(['many', `n${i}`], bytes(''))
    expect(new Set((await bench.children(folder.id)).map((c) => c.name)).size).toBe(10_001)
  })

  test('what is listed is what is there: kind, size, time, and an id that leads to it', async () => {
    const bench = at()
    await bench.oracle.put(['file'], bytes('12345'))
    await bench.oracle.makeContainer(['folder'])
    const root = await bench.rootId()
    const [file, folder] = [await bench.child(root, 'file'), await bench.child(root, 'folder')]
    expect(file).toMatchObject({ kind: 'item', sizeBytes: 5n, modifiedNs: await bench.oracle.modifiedNs(['file']) })
    expect(folder.kind).toBe('container')
    expect(still(await bench.session.stat(file.id, []))).toEqual(still(file))
    expect(await bench.read(file.id, file)).toEqual(bytes('12345'))
    if (bench.claims.tree.model === 'path') expect(file.id).toBe(bench.session.childId?.(root, 'file'))
  })

  test('items say whether they are hidden and shared where that is claimed, and else nothing of it', async () => {
    const bench = at()
    await bench.oracle.put(['file'], bytes('x'))
    const { hidden, shared } = await bench.child(await bench.rootId(), 'file')
    const { marks } = bench.claims
    expect({ hidden: hidden !== undefined, shared: shared !== undefined }).toEqual(marks)
  })

  test('listing twice gives the same facts', async () => {
    const bench = at()
    await bench.oracle.put(['file'], bytes('x'))
    const root = await bench.rootId()
    expect(await bench.children(root)).toEqual(await bench.children(root))
  })

  test('facts differ after every change of the content, also one that keeps the size', async () => {
    const bench = at()
    const root = await bench.rootId()
    await bench.oracle.put(['file'], bytes('one'))
    const before = await bench.child(root, 'file')
    await bench.oracle.put(['file'], bytes('two'))
    expect(await bench.child(root, 'file')).not.toEqual(before)
  })

  test('a container that is gone is an error, never an empty listing', async () => {
    const bench = at()
    const folder = await bench.makeContainer(await bench.rootId(), 'folder')
    await bench.oracle.remove(['folder'])
    expect(await refusal(() => bench.pages(folder.id))).toBe('NotFound')
    expect(await bench.session.stat(folder.id, [])).toBeNull()
  })

  test('a file has no listing', async () => {
    const bench = at()
    await bench.oracle.put(['file'], bytes('x'))
    const { id } = await bench.child(await bench.rootId(), 'file')
    expect(await refusal(() => bench.pages(id))).toBe('NotAContainer')
  })

  test('a listing left half-way holds nothing up', async () => {
    const bench = at()
    if (bench.subject.mostChildren !== undefined) return
    for (let i = 0; i < 1001; i++) await bench.oracle.put([`n${i}`], bytes(''))
    const root = await bench.rootId()
    for await (const page of bench.session.list(root, [])) {
      expect(page.complete).toBe(false)
      break
    }
    expect(await bench.children(root)).toHaveLength(1001)
  })

  test('a hash is listed where claimed, else asking for it is refused', async () => {
    const bench = at()
    await bench.oracle.put(['file'], bytes('abc'))
    const root = await bench.rootId()
    if (bench.claims.content.hash) {
      const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
      expect((await bench.child(root, 'file', ['hash'])).hash).toBe(abc)
    } else {
      expect(await refusal(() => bench.pages(root, ['hash']))).toBe('Unsupported')
    }
  })
}
