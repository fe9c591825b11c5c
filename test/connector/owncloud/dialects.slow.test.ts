import { expect, test } from '@jest/globals'
import { owncloud } from '../../../src/connector/owncloud/owncloud.ts'
import { pattern, refusal, sha256, type Oracle } from '../../conformance/bench.ts'
import { conformance } from '../../conformance/conformance.ts'
import { folder, OlderServer } from './older_server.ts'

/** ownCloud 10 and Nextcloud, by a server of our own that has what is theirs. */
const kinds = ['owncloud10', 'nextcloud'] as const

for (const kind of kinds)
  conformance(`owncloud, dialect ${kind}`, async () => {
    const server = await OlderServer.start(kind)
    return {
      connector: owncloud,
      auth: { ...server.auth, part_size: 1 },
      oracle: oracleOf(server),
      // Long listings are read as those of Infinite Scale are.
      mostChildren: 1001,
      dispose: () => server.close(),
    }
  })

test.each(kinds)('a file replaced in pieces on %s is replaced at once, on condition, under its id', async (kind) => {
  const server = await OlderServer.start(kind)
  const session = await owncloud.open({ ...server.auth, part_size: 1 })
  try {
    const before = server.put(server.files, 'file', Buffer.from('of before'))
    const item = (await session.stat('file', []))!
    const content = pattern(3_000_000)
    const spec = {
      container: '',
      key: 'own',
      name: 'file',
      sizeBytes: 3_000_000n,
      attributes: {},
      replaces: true,
    } as const
    const stage = async () => {
      const staging = await session.stage({ ...spec, durability: 'process' })
      await staging.write(content, 0n)
      return staging.finish(sha256(content))
    }
    const staged = await stage()
    expect(before.content).toEqual(Buffer.from('of before'))
    const published = await session.publish(staged, { container: '', name: 'file', condition: item })
    expect(published).toMatchObject({ identity: String(before.id), sizeBytes: 3_000_000n })
    expect(before.content.equals(content)).toBe(true)

    const late = await stage()
    server.put(server.files, 'file', Buffer.from('theirs'))
    const publish = () => session.publish(late, { container: '', name: 'file', condition: published })
    expect(await refusal(publish)).toBe('PreconditionFailed')
    await session.discard('', 'own', late.resume === undefined ? {} : { resume: late.resume })
    expect(before.content).toEqual(Buffer.from('theirs'))
    expect([...server.uploads.children!.keys()]).toEqual([])
  } finally {
    await session.close()
    await server.close()
  }
})

function oracleOf(server: OlderServer): Oracle {
  const find = (path: readonly string[]) => server.find(server.files, path)
  const parentOf = (path: readonly string[]) => find(path.slice(0, -1))!
  return {
    put: (path, content) => void server.put(parentOf(path), path.at(-1)!, Buffer.from(content)),
    makeContainer: (path) => void parentOf(path).children?.set(path.at(-1)!, folder()),
    remove: (path) => void parentOf(path).children?.delete(path.at(-1)!),
    content: (path) => (find(path)?.children ? null : (find(path)?.content ?? null)),
    names: (path) => [...find(path)!.children!.keys(), ...(path.length > 0 ? [] : leftIn(server))],
    modifiedNs: (path) => BigInt(Math.floor(find(path)!.modified / 1000)) * 1_000_000_000n,
  }
}

/** Nextcloud's trash knows what it has by another name than its id: what was given up stays there. */
function leftIn({ uploads, trash, trashed, auth }: OlderServer): string[] {
  const there = auth['dialect'] === 'nextcloud' ? [] : [...trash.children!.keys()].map((id) => trashed.get(id) ?? id)
  const stagings = there.filter((name) => name.startsWith('.~'))
  return [
    ...[...uploads.children!.keys()].map((id) => `upload ${id}`),
    ...stagings.map((name) => `in the trash: ${name}`),
  ]
}
