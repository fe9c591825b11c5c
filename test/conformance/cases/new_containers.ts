import { expect, test } from '@jest/globals'
import { bytes, refusal, still, type Bench, type Current } from '../bench.ts'

/** Where containers can be staged as a whole; elsewhere nothing is claimed, and nothing is asked. */
export function newContainerCases(at: Current): void {
  const placing = { content: bytes('content'), attributes: {}, power: false }

  test('a container staged as a whole is not there before it is published, and whole afterwards', async () => {
    const bench = at()
    const folders = bench.session.newContainers
    if (!folders) return expectByteNamesOrNone(bench)
    const parent = await bench.makeContainer(await bench.rootId(), 'parent')
    const staged = await folders.stage(parent.id, bench.freshKey(), 'platform')
    const put = await folders.put(staged, 'file', placing)
    expect(await bench.oracle.names(['parent'])).not.toContain('folder')
    await folders.publish(staged, { container: parent.id, name: 'folder', power: false })
    expect(await bench.oracle.names(['parent'])).toEqual(['folder'])
    expect(Buffer.from((await bench.oracle.content(['parent', 'folder', 'file'])) ?? []).toString()).toBe('content')
    const folder = await bench.child(parent.id, 'folder')
    const item = await bench.child(folder.id, 'file')
    expect(still({ ...item, id: '' })).toEqual(still({ ...put, id: '' }))
  })

  test('a container staged as a whole does not take a name that is taken, and can be discarded with what is in it', async () => {
    const bench = at()
    const folders = bench.session.newContainers
    if (!folders) return expectByteNamesOrNone(bench)
    const root = await bench.rootId()
    await bench.makeContainer(root, 'folder')
    const key = bench.freshKey()
    const staged = await folders.stage(root, key, 'closed')
    await folders.put(staged, 'file', placing)
    const target = { container: root, name: 'folder', power: false }
    expect(await refusal(() => folders.publish(staged, target))).toBe('Conflict')
    expect(await folders.discard(root, key, ['file'])).toBe(true)
    expect(await folders.discard(root, key, ['file'])).toBe(true)
    expect(await bench.oracle.names([])).toEqual(['folder'])
    expect(await bench.oracle.names(['folder'])).toEqual([])
  })
}

/** Names that are equal by more than their bytes are compared with their siblings one by one; what is not ours to see is not trusted. */
function expectByteNamesOrNone({ session, claims }: Bench): void {
  const { model, identities } = claims.tree
  const { caseSensitive, unicode } = claims.names
  if (model === 'path' && identities !== false && caseSensitive && unicode === 'bytes')
    expect(session.newContainers).toBeDefined()
  else expect(session.newContainers).toBeUndefined()
}
