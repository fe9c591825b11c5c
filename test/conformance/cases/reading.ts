import { expect, test } from '@jest/globals'
import { bytes, pattern, refusal, type Current } from '../bench.ts'

export function readingCases(at: Current): void {
  test.each([0, 1, 4096, 65_535, 65_536, 65_537, 1_048_577])('%i bytes are read as they are', async (size) => {
    const bench = at()
    const content = pattern(size)
    await bench.oracle.put(['file'], content)
    const file = await bench.child(await bench.rootId(), 'file')
    const reading = await bench.session.open(file.id, file)
    expect(reading.sizeBytes).toBe(BigInt(size))
    await reading.close()
    expect((await bench.read(file.id, file)).equals(content)).toBe(true)
    expect((await bench.read(file.id)).equals(content)).toBe(true)
    expect((await bench.readWhole(file.id, file)).equals(content)).toBe(true)
    if (size > 0 && size < 5000) expect((await bench.read(file.id, file, 7)).equals(content)).toBe(true)
  })

  test('a range is read from any place, up to the end and not beyond', async () => {
    const bench = at()
    const content = pattern(10_000)
    await bench.oracle.put(['file'], content)
    const file = await bench.child(await bench.rootId(), 'file')
    const reading = await bench.session.open(file.id, file)
    for (const [from, length] of [
      [0, 10],
      [9_990, 10],
      [4_095, 2],
      [9_999, 1],
      [1, 9_999],
    ] as const) {
      const into = Buffer.alloc(length)
      let n = 0
      while (n < length) n += await reading.read(into.subarray(n), BigInt(from + n))
      expect(into.equals(content.subarray(from, from + length))).toBe(true)
    }
    const beyond = Buffer.alloc(100)
    expect(await reading.read(beyond, 9_990n)).toBe(10)
    expect(await reading.read(beyond, 10_000n)).toBe(0)
    await reading.close()
  })

  test('a file that is not there is not found', async () => {
    const bench = at()
    await bench.oracle.put(['file'], bytes('x'))
    const file = await bench.child(await bench.rootId(), 'file')
    await bench.oracle.remove(['file'])
    expect(await refusal(() => bench.session.open(file.id, file))).toBe('NotFound')
  })

  test('a file that is shorter than listed is never read as a success', async () => {
    const bench = at()
    await bench.oracle.put(['file'], pattern(9_000))
    const file = await bench.child(await bench.rootId(), 'file')
    await bench.oracle.put(['file'], pattern(5_000))
    for (const read of [() => bench.read(file.id, file), () => bench.readWhole(file.id, file)])
      expect(['ShortRead', 'ChangedWhileRead']).toContain(await refusal(read))
  })

  test('a file that is longer than listed is never read as a success', async () => {
    const bench = at()
    await bench.oracle.put(['file'], pattern(5_000))
    const file = await bench.child(await bench.rootId(), 'file')
    await bench.oracle.put(['file'], pattern(9_000))
    for (const read of [() => bench.read(file.id, file), () => bench.readWhole(file.id, file)])
      expect(['GrewWhileRead', 'ChangedWhileRead']).toContain(await refusal(read))
  })

  test.each(['edited', 'replaced', 'removed'])(
    'a file that is %s while it is read is never read as a success',
    async (how) => {
      const bench = at()
      await bench.oracle.put(['file'], pattern(200_000))
      const file = await bench.child(await bench.rootId(), 'file')
      const reading = await bench.session.open(file.id, file)
      await reading.read(Buffer.alloc(100_000), 0n)
      if (how !== 'edited') await bench.oracle.remove(['file'])
      if (how !== 'removed') await bench.oracle.put(['file'], pattern(200_000).reverse())
      const rest = async () => {
        const n = await reading.read(Buffer.alloc(100_000), 100_000n)
        expect(n).toBeGreaterThan(0)
      }
      const [first, last] = [await codeOf(rest), await codeOf(() => reading.close())]
      // A platform that keeps what was opened (a vault's blobs) may finish the old content of a file that is no more, but says so.
      expect(['ChangedWhileRead', 'NotFound', 'ShortRead']).toContain(first ?? last)
    },
  )

  test('a file of the listed size that is another one, or says something else, is never read as a success', async () => {
    const bench = at()
    await bench.oracle.put(['file'], pattern(500))
    const file = await bench.child(await bench.rootId(), 'file')
    await bench.oracle.remove(['file'])
    await bench.oracle.put(['file'], pattern(500).reverse())
    const codes = [await codeOf(() => bench.read(file.id, file)), await codeOf(() => bench.readWhole(file.id, file))]
    for (const code of codes) expect(['ChangedWhileRead', 'NotFound']).toContain(code)
  })

  test('letting go of a reading half-way is no error', async () => {
    const bench = at()
    await bench.oracle.put(['file'], pattern(10))
    const file = await bench.child(await bench.rootId(), 'file')
    const reading = await bench.session.open(file.id, file)
    await bench.oracle.put(['file'], pattern(20))
    await reading.close(true)
    expect(await bench.oracle.content(['file'])).toEqual(pattern(20))
  })
}

async function codeOf(attempt: () => unknown): Promise<string | undefined> {
  let passed = false
  const code = await refusal(async () => {
    await attempt()
    passed = true
    throw new Error('passed')
  }).catch((error: unknown) => {
    if (!passed) throw error
    return undefined
  })
  return code
}
