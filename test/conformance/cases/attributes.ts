import { expect, test } from '@jest/globals'
import type { Attributes } from '../../../src/connector/connector.ts'
import { Right, type Permissions, type Principal } from '../../../src/connector/item.ts'
import { bytes, refusal, still, type Bench, type Current } from '../bench.ts'

const second = 1_000_000_000n
/** A time that every platform keeps. */
const in2001 = 1_000_000_000n * second
const times: [string, bigint][] = [
  ['1970', 0n],
  ['a second before 1970', -second],
  ['1901', -2_145_916_800n * second],
  ['1969 with a fraction', -12_345_678n * second - 250_000_000n],
  ['2001', 1_000_000_000n * second],
  ['2024 to the nanosecond', 1_712_345_678n * second + 123_456_789n],
  ['after 2038', 2_500_000_000n * second + 500_000_000n],
  ['2100', 4_102_444_800n * second],
]

export function attributeCases(at: Current): void {
  test.each(times)('a modification time of %s is kept to the claimed precision', async (_, ns) => {
    const bench = at()
    const { modified, precisionNs, range } = bench.claims.times
    const root = await bench.rootId()
    if (modified !== 'readwrite' || (range && (ns < range.firstNs || ns > range.lastNs))) {
      await refusesAttributes(bench, { modifiedNs: ns })
      return
    }
    const created = await bench.write(root, 'staged', bytes('x'), { attributes: { modifiedNs: ns } })
    const later = await bench.write(root, 'later', bytes('x'))
    const changed = await bench.session.setAttributes(later.id, { modifiedNs: ns }, later)
    for (const [name, item] of [
      ['staged', created],
      ['later', changed],
    ] as const) {
      const there = await bench.oracle.modifiedNs([name])
      expect(distance(there, ns)).toBeLessThan(precisionNs)
      expect(item.modifiedNs).toBe(there)
    }
  })

  test('a time that was read is written back as it is', async () => {
    const bench = at()
    if (bench.claims.times.modified !== 'readwrite') return
    const root = await bench.rootId()
    const first = await bench.write(root, 'a', bytes('x'), { attributes: { modifiedNs: 1_712_345_678_987_654_321n } })
    const second = await bench.write(root, 'b', bytes('x'), { attributes: { modifiedNs: first.modifiedNs ?? 0n } })
    expect(second.modifiedNs).toBe(first.modifiedNs)
  })

  test('a container takes a time where claimed', async () => {
    const bench = at()
    if (!bench.claims.times.containers || bench.claims.times.modified !== 'readwrite') return
    const root = await bench.rootId()
    const folder = await bench.makeContainer(root, 'folder')
    await bench.write(folder.id, 'file', bytes('x'))
    const item = await bench.session.setAttributes(folder.id, { modifiedNs: second })
    expect(item.modifiedNs).toBe(second)
    expect(await bench.oracle.modifiedNs(['folder'])).toBe(second)
  })

  test('setting one thing leaves the others and the content', async () => {
    const bench = at()
    if (bench.claims.times.modified !== 'readwrite') return
    const item = await bench.write(await bench.rootId(), 'file', bytes('content'))
    const after = await bench.session.setAttributes(item.id, { modifiedNs: in2001 }, item)
    const rest = { modifiedNs: 0n, changedNs: 0n, version: '' }
    expect({ ...still(after), ...rest }).toEqual({ ...still(item), ...rest })
    expect(await bench.oracle.content(['file'])).toEqual(bytes('content'))
  })

  test('an item that changed since is left as it is', async () => {
    const bench = at()
    if (bench.claims.times.modified !== 'readwrite') return
    const item = await bench.write(await bench.rootId(), 'file', bytes('as planned'))
    await bench.oracle.put(['file'], bytes('edited since then'))
    const before = await bench.oracle.modifiedNs(['file'])
    expect(await refusal(() => bench.session.setAttributes(item.id, { modifiedNs: in2001 }, item))).toBe(
      'PreconditionFailed',
    )
    expect(await bench.oracle.modifiedNs(['file'])).toBe(before)
  })

  test('attributes of something that is gone are refused', async () => {
    const bench = at()
    const item = await bench.write(await bench.rootId(), 'file', bytes('x'))
    await bench.oracle.remove(['file'])
    const refused = bench.claims.times.modified === 'readwrite' ? ['NotFound', 'PreconditionFailed'] : ['Unsupported']
    expect(refused).toContain(await refusal(() => bench.session.setAttributes(item.id, { modifiedNs: in2001 })))
  })

  test('what is not claimed is refused, before anything is written', async () => {
    const bench = at()
    const { times: claimed, metadata, owners, permissions } = bench.claims
    const somebody: Principal = bench.session.account ?? { type: 'account', directory: 'nowhere', id: '1' }
    const unclaimed: Attributes[] = []
    if (claimed.created !== 'readwrite') unclaimed.push({ createdNs: 0n })
    if (claimed.accessed !== 'readwrite') unclaimed.push({ accessedNs: 0n })
    if (metadata.user !== 'readwrite') unclaimed.push({ metadata: { color: 'red' } })
    if (owners.owner !== 'readwrite') unclaimed.push({ owner: somebody })
    if (permissions.mode !== 'readwrite') unclaimed.push({ permissions: only('owner', Right.read) })
    if (permissions.mode !== 'readwrite') unclaimed.push({ atMost: { owner: 0, owningGroup: 0, everyone: 0 } })
    if (!permissions.deny && permissions.mode === 'readwrite') unclaimed.push({ permissions: deny() })
    for (const attributes of unclaimed) await refusesAttributes(bench, attributes)
    expect(unclaimed.length + Object.keys(bench.claims).length).toBeGreaterThan(0)
  })

  test('what is new lets nobody do more than it is to, as file, container, and file in a container staged as a whole', async () => {
    const bench = at()
    if (bench.claims.permissions.mode !== 'readwrite') return
    const root = await bench.rootId()
    const mine = Right.read | Right.write | Right.execute | Right.list
    const atMost = { owner: mine, owningGroup: 0, everyone: 0 }
    await bench.write(root, 'file', bytes('x'), { attributes: { atMost } })
    await bench.session.makeContainer(root, 'folder', bench.freshKey(), atMost)
    const open = await bench.write(root, 'made open', bytes('x'))
    await bench.session.setAttributes(open.id, { atMost })
    const names = ['file', 'folder', 'made open']
    const whole = bench.session.newContainers
    if (whole) {
      const staged = await whole.stage(root, bench.freshKey(), atMost)
      await whole.put(staged, 'in', { content: bytes('x'), attributes: { atMost }, power: false })
      await whole.publish(staged, { container: root, name: 'whole', power: false })
      await expectAccess(bench, 'whole/in', { owning_group: '', everyone: '' })
      names.push('whole')
    }
    for (const name of names) await expectAccess(bench, name, { owning_group: '', everyone: '' })
  })

  test('a group that may do more with what is new does so where it is the owning group, and no other', async () => {
    const bench = at()
    const { group, account } = bench.session
    if (bench.claims.permissions.mode !== 'readwrite' || !group || !account) return
    const root = await bench.rootId()
    const rest = { owner: Right.read | Right.write, everyone: 0 }
    const [own, other] = [group, { ...group, id: '4242' }].map((who) => ({
      ...rest,
      owningGroup: 0,
      inGroup: { ...rest, owningGroup: Right.read, group: who },
    }))
    await bench.write(root, 'ours', bytes('x'), { attributes: { atMost: own! } })
    await bench.write(root, 'others', bytes('x'), { attributes: { atMost: other! } })
    await expectAccess(bench, 'ours', { owning_group: 'r', everyone: '' })
    await expectAccess(bench, 'others', { owning_group: '', everyone: '' })
  })

  test('an owner of another directory is nobody here', async () => {
    const bench = at()
    if (bench.claims.owners.owner !== 'readwrite') return
    await refusesAttributes(bench, { owner: { type: 'account', directory: 'some:other', id: '0' } })
    if (bench.claims.permissions.named) {
      const stranger: Principal = { type: 'account', directory: 'some:other', id: '0' }
      await refusesAttributes(bench, { permissions: only(stranger, Right.read) })
    }
  })

  test('owner and group are set as asked, and told by a listing', async () => {
    const bench = at()
    if (bench.claims.owners.owner !== 'readwrite' || bench.claims.owners.group !== 'readwrite') return
    const { owner, group } = await somebodyElse(bench)
    const root = await bench.rootId()
    await bench.write(root, 'staged', bytes('x'), { attributes: { owner, group } })
    const later = await bench.write(root, 'later', bytes('x'))
    await bench.session.setAttributes(later.id, { owner, group }, later)
    for (const name of ['staged', 'later']) {
      expect(await bench.oracle.owners?.([name])).toEqual({ owner: owner.id, group: group.id })
      expect(await bench.child(root, name, ['owner'])).toMatchObject({ owner, group })
    }
  })

  test('permissions of the three roles are set as asked, seen by the platform, and told by a listing', async () => {
    const bench = at()
    if (bench.claims.permissions.mode !== 'readwrite') return
    const root = await bench.rootId()
    const permissions: Permissions = {
      inherits: false,
      entries: [
        { who: 'owner', rights: Right.read | Right.write, access: 'allow', origin: 'direct' },
        { who: 'owning_group', rights: Right.read, access: 'allow', origin: 'direct' },
        { who: 'everyone', rights: 0, access: 'allow', origin: 'direct' },
      ],
    }
    await bench.write(root, 'staged', bytes('x'), { attributes: { permissions } })
    const later = await bench.write(root, 'later', bytes('x'))
    await bench.session.setAttributes(later.id, { permissions }, later)
    for (const name of ['staged', 'later']) {
      expect(granted((await bench.child(root, name, ['permissions'])).permissions)).toEqual(granted(permissions))
      await expectAccess(bench, name, { owner: 'rw', owning_group: 'r', everyone: '' })
    }
  })

  test('properties are set as asked, all of them, seen by the platform, and told by a listing', async () => {
    const bench = at()
    if (bench.claims.metadata.user !== 'readwrite') return
    const root = await bench.rootId()
    const metadata = { color: 'red', größe: 'größer\nals', empty: '' }
    const staged = await bench.write(root, 'staged', bytes('x'), { attributes: { metadata } })
    const folder = await bench.makeContainer(root, 'folder')
    await bench.session.setAttributes(folder.id, { metadata })
    for (const name of ['staged', 'folder']) {
      expect((await bench.child(root, name, ['metadata'])).metadata).toEqual(metadata)
      if (bench.oracle.metadata) expect(await bench.oracle.metadata([name])).toEqual(metadata)
    }
    const after = await bench.session.setAttributes(staged.id, { metadata: { color: 'blue' } }, staged)
    expect((await bench.session.stat(staged.id, ['metadata']))?.metadata).toEqual({ color: 'blue' })
    expect(after.modifiedNs).toBe(staged.modifiedNs)
    await bench.session.setAttributes(staged.id, { modifiedNs: in2001 })
    expect((await bench.session.stat(staged.id, ['metadata']))?.metadata).toEqual({ color: 'blue' })
  })

  test('a grant to somebody by name is set and taken away as asked, or refused where not claimed', async () => {
    const bench = at()
    if (bench.claims.permissions.mode !== 'readwrite') return
    const root = await bench.rootId()
    const stranger: Principal = { type: 'account', directory: 'some:other', id: '7' }
    const somebody = bench.claims.identity.directory ? (await somebodyElse(bench)).owner : stranger
    const permissions: Permissions = {
      inherits: false,
      entries: [
        { who: 'owner', rights: Right.read | Right.write, access: 'allow', origin: 'direct' },
        { who: somebody, rights: Right.read, access: 'allow', origin: 'direct' },
      ],
    }
    if (!bench.claims.permissions.named) {
      await refusesAttributes(bench, { permissions })
      return
    }
    const file = await bench.write(root, 'file', bytes('x'), { attributes: { permissions } })
    await expectAccess(bench, 'file', { owner: 'rw', everyone: '' }, [somebody, 'r'])
    const listed = await bench.child(root, 'file', ['permissions'])
    expect(granted(listed.permissions)).toEqual(granted(permissions))
    expect(listed.facets).toBe(file.facets)
    const without = await bench.session.setAttributes(file.id, { permissions: only('owner', Right.read) }, file)
    await expectAccess(bench, 'file', { owner: 'r', everyone: '' }, [somebody, ''])
    expect(without.facets).not.toBe(file.facets)
  })
}

/** As the second channel sees it. */
async function expectAccess(
  { oracle }: Bench,
  name: string,
  roles: Partial<Record<'owner' | 'owning_group' | 'everyone', string>>,
  [somebody, has]: [Principal?, string?] = [],
): Promise<void> {
  if (!oracle.access) return
  const seen: Record<string, string> = {}
  for (const who of Object.keys(roles) as (keyof typeof roles)[]) seen[who] = await oracle.access(name.split('/'), who)
  expect(seen).toEqual(roles)
  if (somebody) expect(await oracle.access([name], { type: somebody.type, id: somebody.id ?? '' })).toBe(has)
}

/** It is refused for a new item and for one that exists, and neither is there or different afterwards. */
async function refusesAttributes(bench: Bench, attributes: Attributes): Promise<void> {
  const root = await bench.rootId()
  const name = `refused-${bench.freshKey()}`
  const item = await bench.write(root, name, bytes('x'))
  const told = Object.keys(attributes)
  expect([told, await refusal(() => bench.session.setAttributes(item.id, attributes, item))]).toEqual([
    told,
    'Unsupported',
  ])
  expect(still(await bench.session.stat(item.id, []))).toEqual(still(item))
  const key = bench.freshKey()
  expect([told, await refusal(() => bench.stage(root, bytes('x'), { key, attributes }))]).toEqual([told, 'Unsupported'])
  await bench.session.discard(root, key)
  expect((await bench.oracle.names([])).filter((n) => n.includes(key))).toEqual([])
}

/** An account and a group of the connection's directory that are not the session's own. */
async function somebodyElse({ session }: Bench): Promise<{ owner: Principal; group: Principal }> {
  const other = (p: Principal) => p.id !== session.account?.id && p.id !== '0' && !p.disabled
  const owner = (await session.directory?.find({ type: 'account' }))?.find(other)
  const group = (await session.directory?.find({ type: 'group' }))?.find(other)
  if (!owner || !group) throw new Error('the directory knows nobody else')
  return { owner, group }
}

function only(who: Principal | 'owner', rights: number): Permissions {
  return { inherits: false, entries: [{ who, rights, access: 'allow', origin: 'direct' }] }
}

function deny(): Permissions {
  return { inherits: false, entries: [{ who: 'everyone', rights: Right.read, access: 'deny', origin: 'direct' }] }
}

/** Who has what, those with nothing left out. */
function granted(permissions: Permissions | undefined): string[] {
  const name = (who: Principal | string) => (typeof who === 'string' ? who : `${who.type} ${who.directory} ${who.id}`)
  return (permissions?.entries ?? [])
    .filter((e) => e.rights !== 0)
    .map((e) => `${e.access} ${name(e.who)} ${e.rights}`)
    .sort()
}

function distance(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a
}
