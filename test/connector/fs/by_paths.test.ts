import * as disk from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { Session, Staged, Staging } from '../../../src/connector/connector.ts'
import type { Item } from '../../../src/connector/item.ts'
import { refusal, sha256 } from '../../conformance/bench.ts'
import { aFolder, aSession, aSessionByPaths } from './folder.ts'

function children(session: Session, id: string): Item[] {
  return [...(session.list(id, []) as Iterable<{ items: Item[] }>)].flatMap((page) => page.items)
}

function stage(session: Session, container: string): Staged {
  const spec = { container, key: 'w', sizeBytes: 1n, attributes: {}, durability: 'process' } as const
  const staging = session.stage(spec) as Staging
  staging.write(Buffer.from('x'), 0n) as void
  return staging.finish(sha256(Buffer.from('x'))) as Staged
}

/** `root/a/b` with a file in it, and the same outside, where nobody is to look or write. */
function aRoot() {
  const top = aFolder()
  const [root, outside] = [join(top, 'root'), join(top, 'outside')]
  for (const [folder, content] of [
    [join(root, 'a'), 'public'],
    [outside, 'secret'],
  ] as const) {
    disk.mkdirSync(join(folder, 'b'), { recursive: true })
    disk.writeFileSync(join(folder, 'b', 'file'), content)
  }
  return { root, outside }
}

/** `a` becomes a link to the outside, as somebody does it while a job runs. */
function swap({ root, outside }: { root: string; outside: string }): void {
  disk.renameSync(join(root, 'a'), join(root, 'aside'))
  disk.symlinkSync(outside, join(root, 'a'))
}

describe('without descriptors as paths', () => {
  test.each(['keep', 'follow'])(
    'a link swapped in above a folder that was worked in leads nowhere (symlinks: %s)',
    async (symlinks) => {
      const place = aRoot()
      const session = aSessionByPaths(place.root, { symlinks })
      const [file] = children(session, 'a/b')
      expect(file).toMatchObject({ id: 'a/b/file', sizeBytes: 6n })
      const staged = stage(session, 'a/b')
      swap(place)
      for (const attempt of [
        () => session.stat('a/b/file', []),
        () => children(session, 'a'),
        () => children(session, 'a/b'),
        () => session.open('a/b/file'),
        () => stage(session, 'a/b'),
        () => session.publish(staged, { container: 'a/b', name: 'new', condition: 'absent' }),
        () => session.discard('a/b', 'w'),
        () => session.makeContainer('a/b', 'new', 'k'),
        () => session.setAttributes('a/b/file', { modifiedNs: 0n }),
        () => session.move('a/b/file', '', 'mine', file!),
        () => session.move('aside/b/file', 'a/b', 'new', file!),
        () => session.flush?.('a/b/file', 'a/b'),
      ])
        expect([attempt.toString(), await refusal(attempt)]).toEqual([attempt.toString(), 'Escapes'])
      expect(disk.readdirSync(join(place.outside, 'b'))).toEqual(['file'])
      expect(disk.readdirSync(place.root).sort()).toEqual(['a', 'aside'])
    },
  )

  test('where links are kept, one to a folder inside is refused as part of an address too', async () => {
    const { root } = aRoot()
    disk.symlinkSync('a', join(root, 'link'))
    expect(await refusal(() => children(aSessionByPaths(root), 'link/b'))).toBe('Escapes')
    expect(children(aSessionByPaths(root, { symlinks: 'follow' }), 'link/b')).toMatchObject([{ id: 'link/b/file' }])
  })

  test('the connection says that paths are re-checked, and nothing of it where there are descriptors', async () => {
    const { root } = aRoot()
    const confinement = (session: Session) => session.notes.filter((note) => note.capability === 'root confinement')
    expect(confinement(aSessionByPaths(root))).toEqual([
      { capability: 'root confinement', why: expect.stringContaining('re-checked instead of walked by descriptor') },
    ])
    expect(confinement(await aSession(root))).toHaveLength(process.platform === 'linux' ? 0 : 1)
  })

  test('a folder whose name is no UTF-8 is refused as that, never taken for one that is gone', async () => {
    const root = aFolder()
    const odd = Buffer.concat([Buffer.from(`${root}/d`), Buffer.from([0xe9])])
    disk.mkdirSync(odd)
    disk.writeFileSync(Buffer.concat([odd, Buffer.from('/file')]), 'x')
    disk.symlinkSync(odd, join(root, 'link'))
    const session = aSessionByPaths(root, { symlinks: 'follow' })
    expect(session.notes).toContainEqual({ capability: 'names', why: expect.stringContaining('no UTF-8') })
    const { id } = children(session, '').find((item) => item.name !== 'link')!
    for (const container of [id, 'link']) {
      expect(await refusal(() => children(session, container))).toBe('Unsupported')
      expect(await refusal(() => session.stat(`${container}/file`, []))).toBe('Unsupported')
      expect(await refusal(() => session.makeContainer(container, 'new', 'k'))).toBe('Unsupported')
    }
  })

  test('a folder with a U+FFFD of its own in its name is worked in like any other', () => {
    const root = aFolder()
    disk.mkdirSync(join(root, 'd\uFFFD', 'deep'), { recursive: true })
    disk.writeFileSync(join(root, 'd\uFFFD', 'deep', 'file'), 'x')
    const session = aSessionByPaths(root)
    const [folder] = children(session, '')
    const [deep] = children(session, folder!.id)
    expect(children(session, deep!.id).map((item) => item.name)).toEqual(['file'])
    session.makeContainer(deep!.id, 'new', 'k') as Item
    expect(disk.readdirSync(join(root, 'd\uFFFD', 'deep')).sort()).toEqual(['file', 'new'])
  })
})
