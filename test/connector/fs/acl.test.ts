import { execFileSync } from 'node:child_process'
import * as disk from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { aclTag, decodeAcl, encodeAcl, type AclEntry } from '../../../src/connector/fs/acl.ts'
import { aclOf, entriesOf, modeOf } from '../../../src/connector/fs/permissions.ts'
import { loadXattrs } from '../../../src/connector/fs/xattr.ts'
import { Right, type PermissionEntry, type Principal } from '../../../src/connector/item.ts'
import { aFolder } from './folder.ts'

const perm = fc.integer({ min: 0, max: 7 })
const named = (tag: 2 | 8) =>
  fc.uniqueArray(fc.record({ tag: fc.constant(tag), perm, id: fc.integer({ min: 0, max: 0xfffffffe }) }), {
    selector: (e) => e.id,
    maxLength: 4,
  })
const acls: fc.Arbitrary<AclEntry[]> = fc
  .tuple(perm, perm, perm, perm, named(2), named(8))
  .map(([owner, group, other, mask, users, groups]) => [
    { tag: aclTag.owner, perm: owner },
    ...users,
    { tag: aclTag.owningGroup, perm: group },
    ...groups,
    ...(users.length + groups.length > 0 ? [{ tag: aclTag.mask, perm: mask }] : []),
    { tag: aclTag.other, perm: other },
  ])

const principal = (type: Principal['type'], id: number): Principal => ({ type, directory: 'here', id: String(id) })

test('an ACL comes back from its binary form', () => {
  fc.assert(
    fc.property(acls, (acl) => {
      const sorted = [...acl].sort((a, b) => a.tag - b.tag || (a.id ?? 0) - (b.id ?? 0))
      expect(decodeAcl(encodeAcl(acl))).toEqual(sorted)
    }),
  )
})

test('bytes that are no ACL are refused, not guessed at', () => {
  for (const hex of ['', '0200', '01000000', '0200000001', '02000000ff000700ffffffff'])
    expect(() => decodeAcl(Buffer.from(hex, 'hex'))).toThrow(RangeError)
})

/** What each class of people may do, the mask applied. */
function effective(acl: readonly AclEntry[]): Map<string, number> {
  const mask = acl.find((e) => e.tag === aclTag.mask)?.perm ?? 7
  const masked = (e: AclEntry) => (e.tag === aclTag.owner || e.tag === aclTag.other ? e.perm : e.perm & mask)
  return new Map(acl.filter((e) => e.tag !== aclTag.mask).map((e) => [`${e.tag} ${e.id ?? ''}`, masked(e)]))
}

test.each([true, false])('an ACL read and written again grants exactly the same (container: %s)', (container) => {
  fc.assert(
    fc.property(acls, (acl) => {
      const again = aclOf(entriesOf(acl, { container, sticky: false }, principal), container, 'here')
      expect(effective(again)).toEqual(effective(acl))
    }),
  )
})

const entries: fc.Arbitrary<PermissionEntry[]> = fc.array(
  fc.record({
    who: fc.oneof(
      fc.constantFrom('owner' as const, 'owning_group' as const, 'everyone' as const),
      fc
        .tuple(fc.constantFrom('account' as const, 'group' as const), fc.nat(3))
        .map(([type, id]) => principal(type, id)),
    ),
    rights: fc.integer({ min: 0, max: 511 }),
    access: fc.constant('allow' as const),
    origin: fc.constantFrom('direct' as const, 'inherited' as const),
  }),
  { maxLength: 8 },
)

test.each([true, false])('what is written never grants more than was asked (container: %s)', (container) => {
  const rightsOf = (all: PermissionEntry[]) => {
    const rights = new Map<string, number>()
    for (const { who, rights: bits } of all) {
      const key = typeof who === 'string' ? who : `${who.type} ${who.id}`
      rights.set(key, (rights.get(key) ?? 0) | bits)
    }
    return rights
  }
  fc.assert(
    fc.property(entries, (asked) => {
      const acl = aclOf(asked, container, 'here')
      const [want, got] = [rightsOf(asked), rightsOf(entriesOf(acl, { container, sticky: false }, principal))]
      for (const [who, bits] of got) expect({ who, beyond: bits & ~(want.get(who) ?? 0) }).toEqual({ who, beyond: 0 })
      expect(modeOf(acl) & ~0o777).toBe(0)
    }),
  )
})

test('a right POSIX has no word for is dropped, and a deny refused', () => {
  const entry = { who: 'everyone', access: 'allow', origin: 'direct' } as const
  expect(modeOf(aclOf([{ ...entry, rights: Right.delete | Right.share | Right.append }], false, 'here'))).toBe(0)
  expect(() => aclOf([{ ...entry, rights: Right.read, access: 'deny' }], false, 'here')).toThrow(
    expect.objectContaining({ code: 'Unsupported' }),
  )
})

test('the kernel and getfacl read an ACL as we wrote it', async () => {
  const xattrs = await loadXattrs()
  const folder = aFolder()
  const file = join(folder, 'file')
  disk.writeFileSync(file, '')
  const acl = [
    { tag: aclTag.other, perm: 0 },
    { tag: aclTag.group, perm: 5, id: 7 },
    { tag: aclTag.user, perm: 6, id: 4242 },
    { tag: aclTag.owner, perm: 7 },
    { tag: aclTag.owningGroup, perm: 1 },
    { tag: aclTag.mask, perm: 7 },
  ]
  if (!xattrs) throw new Error('fs-xattr is an optional dependency, but the tests need it')
  xattrs.setAttributeSync(file, 'system.posix_acl_access', encodeAcl(acl))
  const said = execFileSync('getfacl', ['--absolute-names', '--numeric', '--omit-header', file], { encoding: 'utf8' })
  expect(said.trim().split('\n')).toEqual([
    'user::rwx',
    'user:4242:rw-',
    'group::--x',
    'group:7:r-x',
    'mask::rwx',
    'other::---',
  ])
})
