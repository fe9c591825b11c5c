import { expect, test } from '@jest/globals'
import { bytes, refusal, type Bench, type Current } from '../bench.ts'
import { corpus, isAllowed } from '../names.ts'

export function nameCases(at: Current): void {
  test('every name of the corpus arrives exactly, as file and as container, or is refused and leaves nothing', async () => {
    const bench = at()
    const root = await bench.rootId()
    const [files, folders] = [await bench.makeContainer(root, 'files'), await bench.makeContainer(root, 'folders')]
    const expected: string[] = []
    for (const name of corpus) {
      if (twinOf(name, expected, bench)) continue
      const write = () => bench.write(files.id, name, bytes(name))
      const make = () => bench.makeContainer(folders.id, name)
      if (isAllowed(name, bench.claims.names)) {
        const spelled = bench.claims.names.unicode === 'nfc' ? name.normalize('NFC') : name
        expect({ name, arrived: (await write()).name }).toEqual({ name, arrived: spelled })
        expect((await make()).name).toBe(spelled)
        expected.push(spelled)
      } else {
        expect({ name, code: await refusal(write) }).toEqual({ name, code: 'NameInvalid' })
        expect({ name, code: await refusal(make) }).toEqual({ name, code: 'NameInvalid' })
      }
    }
    for (const folder of ['folders', 'files']) {
      const there = (await bench.oracle.names([folder])).filter(
        (name) => !name.startsWith('.~kit-') || name === '.~kit-1',
      )
      expect(there.sort()).toEqual([...expected].sort())
    }
    expect((await bench.children(folders.id)).map((c) => c.name).sort()).toEqual([...expected].sort())
    for (const name of expected)
      expect(
        Buffer.from((await bench.oracle.content(['files', name])) ?? [])
          .toString()
          .normalize('NFC'),
      ).toBe(name.normalize('NFC'))
  })

  test('names that are no names are refused everywhere', async () => {
    const bench = at()
    const root = await bench.rootId()
    for (const name of ['', '.', '..', 'a/b', '../up', 'nul\0byte', 'lone\uD800surrogate']) {
      if (isAllowed(name, bench.claims.names) && name.isWellFormed()) continue
      expect({ name, code: await refusal(() => bench.makeContainer(root, name)) }).toEqual({
        name,
        code: 'NameInvalid',
      })
      const staged = await bench.stage(root, bytes('x'))
      const publish = () => bench.session.publish(staged, { container: root, name, condition: 'absent' })
      expect({ name, code: await refusal(publish) }).toEqual({ name, code: 'NameInvalid' })
      await bench.session.discard(root, staged.key)
    }
    expect(await bench.oracle.names([])).toEqual([])
  })

  test('composed and decomposed spellings are two names, or one, as claimed', async () => {
    const bench = at()
    const root = await bench.rootId()
    const [composed, decomposed] = ['caf\u00E9', 'cafe\u0301']
    await bench.write(root, composed, bytes('composed'))
    const second = () => bench.write(root, decomposed, bytes('decomposed'))
    if (bench.claims.names.unicode === 'nfc' && !bench.claims.names.duplicateNames) {
      expect(await refusal(second)).toBe('Conflict')
      expect(await bench.oracle.content([composed])).toEqual(bytes('composed'))
    } else {
      await second()
      expect((await bench.children(root)).map((c) => c.name).sort()).toEqual([composed, decomposed].sort())
    }
  })

  test('names that differ by case are two, or one, as claimed', async () => {
    const bench = at()
    const root = await bench.rootId()
    const { names } = bench.claims
    await bench.write(root, 'Report.TXT', bytes('first'))
    const folder = await bench.makeContainer(root, 'Folder')
    if (names.caseSensitive || names.duplicateNames) {
      await bench.write(root, 'report.txt', bytes('second'))
      expect(await bench.children(root)).toHaveLength(3)
      return
    }
    const staged = await bench.stage(root, bytes('second'))
    const publish = () => bench.session.publish(staged, { container: root, name: 'report.txt', condition: 'absent' })
    expect(await refusal(publish)).toBe('Conflict')
    await bench.session.discard(root, staged.key)
    expect(await refusal(() => bench.makeContainer(root, 'REPORT.txt'))).toBe('Conflict')
    expect(await bench.oracle.content(['Report.TXT'])).toEqual(bytes('first'))
    // Changing nothing but the case of a name is no conflict with itself.
    expect((await bench.session.move(folder.id, root, 'folder', folder)).name).toBe('folder')
  })

  test('the longest name allowed is taken whole, and one longer is refused', async () => {
    const bench = at()
    const root = await bench.rootId()
    const limit = bench.claims.names.maxSegment
    if (!limit) throw new Error('a platform without a longest name has not been met yet')
    const longest = 'n'.repeat(limit.n)
    expect((await bench.write(root, longest, bytes('x'))).name).toBe(longest)
    expect(await refusal(() => bench.makeContainer(root, `${longest}x`))).toBe('NameTooLong')
    if (limit.unit === 'bytes') {
      const umlauts = 'ä'.repeat(Math.floor(limit.n / 2))
      expect((await bench.makeContainer(root, umlauts)).name).toBe(umlauts)
      expect(await refusal(() => bench.makeContainer(root, `${umlauts}ä`))).toBe('NameTooLong')
    }
    expect(await bench.children(root)).toHaveLength(limit.unit === 'bytes' ? 2 : 1)
  })

  test('a second file of one name is a conflict, or a sibling, as claimed', async () => {
    const bench = at()
    const root = await bench.rootId()
    const first = await bench.write(root, 'same', bytes('first'))
    if (bench.claims.names.duplicateNames) {
      expect((await bench.write(root, 'same', bytes('second'))).id).not.toBe(first.id)
      expect(await bench.children(root)).toHaveLength(2)
    } else {
      const staged = await bench.stage(root, bytes('second'))
      const publish = () => bench.session.publish(staged, { container: root, name: 'same', condition: 'absent' })
      expect(await refusal(publish)).toBe('Conflict')
      expect(await bench.oracle.content(['same'])).toEqual(bytes('first'))
    }
  })
}

/** Of a corpus written for platforms that tell case apart, the second spelling is another test's business. */
function twinOf(name: string, others: readonly string[], bench: Bench): boolean {
  const { caseSensitive, unicode } = bench.claims.names
  const fold = (text: string) => {
    const spelled = unicode === 'nfc' ? text.normalize('NFC') : text
    return caseSensitive ? spelled : spelled.toUpperCase()
  }
  return others.some((other) => fold(other) === fold(name))
}
