import { expect, test } from '@jest/globals'
import { bytes, refusal, type Current } from '../bench.ts'

/** What only platforms have that know things by an id of their own, or let names repeat. */
export function siblingCases(at: Current): void {
  test('an address leads to the same thing after it was renamed and moved, where it is an id', async () => {
    const bench = at()
    if (bench.claims.tree.model !== 'id') return
    const root = await bench.rootId()
    const folder = await bench.makeContainer(root, 'folder')
    const file = await bench.write(root, 'file', bytes('content'))
    const moved = await bench.session.move(file.id, folder.id, 'other', file)
    expect(moved).toMatchObject({ id: file.id, identity: file.identity })
    expect(await bench.session.stat(file.id, [])).toEqual(moved)
    expect(await bench.read(file.id, moved)).toEqual(bytes('content'))
    expect(bench.session.childId).toBeUndefined()
  })

  test('the address of something removed leads to nothing, also after others were made', async () => {
    const bench = at()
    if (bench.claims.tree.model !== 'id') return
    const root = await bench.rootId()
    const file = await bench.write(root, 'file', bytes('first'))
    await bench.oracle.remove(['file'])
    const again = await bench.write(root, 'file', bytes('second'))
    expect(again.identity).not.toBe(file.identity)
    expect(await bench.session.stat(file.id, [])).toBeNull()
    expect(await refusal(() => bench.session.open(file.id))).toBe('NotFound')
  })

  test('what is no address of the platform is found nowhere', async () => {
    const bench = at()
    if (bench.claims.tree.model !== 'id') return
    for (const id of ['nothing', '', '../up', '/etc/passwd', "1' OR '1'='1"]) {
      expect({ id, code: await refusal(() => bench.session.stat(id, [])) }).toEqual({ id, code: 'NotFound' })
      expect({ id, code: await refusal(() => bench.pages(id)) }).toEqual({ id, code: 'NotFound' })
    }
  })

  test('of two files of one name exactly the one planned against is replaced', async () => {
    const bench = at()
    if (!bench.claims.names.duplicateNames) return
    const root = await bench.rootId()
    const [one, two] = [await bench.write(root, 'same', bytes('1')), await bench.write(root, 'same', bytes('2'))]
    const changed = await bench.write(root, 'same', bytes('two'), { condition: two })
    expect(changed.identity).toBe(two.identity)
    expect(await bench.session.stat(one.id, [])).toEqual(one)
    expect(await bench.read(two.id, changed)).toEqual(bytes('two'))
  })

  test('what moves to a name that is taken stands beside it', async () => {
    const bench = at()
    if (!bench.claims.names.duplicateNames) return
    const root = await bench.rootId()
    const [one, two] = [await bench.write(root, 'one', bytes('1')), await bench.write(root, 'two', bytes('2'))]
    await bench.session.move(two.id, root, 'one', two)
    expect((await bench.children(root)).map((item) => item.name)).toEqual(['one', 'one'])
    expect(await bench.read(one.id, one)).toEqual(bytes('1'))
  })

  test('a container made again with its key is the one that was made, where names may repeat', async () => {
    const bench = at()
    if (!bench.claims.names.duplicateNames) return
    const root = await bench.rootId()
    const made = await bench.session.makeContainer(root, 'folder', 'made-once')
    expect(await bench.session.makeContainer(root, 'folder', 'made-once')).toEqual(made)
    expect(await bench.oracle.names([])).toEqual(['folder'])
  })
}
