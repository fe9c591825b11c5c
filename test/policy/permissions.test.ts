import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import type { Capabilities } from '../../src/connector/capabilities.ts'
import { Right, type PermissionEntry, type Permissions, type Principal } from '../../src/connector/item.ts'
import type { Resolution } from '../../src/map/resolve.ts'
import { carryPermissions, permissionsFailure, type Carry, type Existing } from '../../src/policy/permissions.ts'
import { preserveOwners } from '../../src/policy/preserve_owners.ts'
import { carriedTimes, timesPreserved } from '../../src/policy/timestamps.ts'
import { somebody, someCapabilities } from './build.ts'

const { read, write, append, execute, list } = Right
const r = read
const rw = read | write
const rwx = rw | execute
const full = Object.values(Right).reduce((all, bit) => all | bit, 0)

const posix: Capabilities['permissions'] = {
  mode: 'readwrite',
  deny: false,
  breakInheritance: true,
  named: true,
  rights: read | write | execute | list,
}
const cloud: Capabilities['permissions'] = {
  mode: 'none',
  deny: false,
  breakInheritance: false,
  named: true,
  rights: full,
}
const ntfs: Capabilities['permissions'] = {
  mode: 'none',
  deny: true,
  breakInheritance: true,
  named: true,
  rights: full,
}

const account = (id: string): Principal => somebody({ id, username: id })
const group = (id: string): Principal => somebody({ type: 'group', id, username: id })
const there = (who: Principal): Principal => ({ ...who, directory: 'there' })
const same = (who: Principal): Resolution => ({
  how: 'username',
  destination: there(who),
  mayOwn: true,
  mayBeGranted: true,
  why: 'by username',
})
const nobody = (): Resolution => ({ how: 'unresolved', mayOwn: false, mayBeGranted: false, why: 'nobody matches' })

function allow(who: PermissionEntry['who'], rights: number, more: Partial<PermissionEntry> = {}): PermissionEntry {
  return { who, rights, access: 'allow', origin: 'direct', ...more }
}
function mode(owner: number, owningGroup: number, everyone: number, ...named: PermissionEntry[]): Permissions {
  const entries = [allow('owner', owner), ...named, allow('owning_group', owningGroup), allow('everyone', everyone)]
  return { entries, inherits: false }
}
function carried(source: Permissions, change: Partial<Carry> = {}) {
  return carryPermissions({
    source,
    owner: account('alice'),
    group: group('staff'),
    newOwner: there(account('alice')),
    newGroup: there(group('staff')),
    resolve: same,
    destination: posix,
    ...change,
  })
}
function rightsOf(permissions: Permissions, who: PermissionEntry['who']): number | undefined {
  return permissions.entries.find((entry) => JSON.stringify(entry.who) === JSON.stringify(who))?.rights
}

describe('permissions between two POSIX systems', () => {
  test('arrive as they were when everybody has a counterpart', () => {
    const { permissions, narrowed, outcome } = carried(mode(rwx, r, 0, allow(account('bob'), rw)))
    expect(permissions.entries).toEqual([
      allow('owner', rwx),
      allow(there(account('bob')), rw),
      allow('owning_group', r),
      allow('everyone', 0),
    ])
    expect(narrowed).toBe(false)
    expect(new Set(outcome.map(({ result }) => result))).toEqual(new Set(['applied']))
  })

  test('give the former owner a named entry when owners are not preserved', () => {
    const { permissions } = carried(mode(rw, r, 0), { newOwner: undefined, newGroup: undefined })
    expect(rightsOf(permissions, there(account('alice')))).toBe(rw)
    expect(rightsOf(permissions, there(group('staff')))).toBe(r)
    expect(rightsOf(permissions, 'owning_group')).toBe(0)
    expect(rightsOf(permissions, 'owner')).toBe(rw)
  })

  test('need no such entry when the former owner is the running account', () => {
    const { permissions, narrowed } = carried(mode(rw, 0, 0), { newOwner: undefined, account: there(account('alice')) })
    expect(permissions.entries.map(({ who }) => who)).not.toContainEqual(there(account('alice')))
    expect(narrowed).toBe(false)
  })

  test('give nothing to the group of the running account', () => {
    const { permissions } = carried(mode(rw, rw, 0), { newGroup: undefined, destination: { ...posix, named: false } })
    expect(rightsOf(permissions, 'owning_group')).toBe(0)
  })

  test('never grant anything to a fallback, though it may own', () => {
    const fallback = there(account('service'))
    const resolve = (who: Principal): Resolution =>
      who.id === 'bob' || who.type === 'group'
        ? { how: 'default', destination: fallback, mayOwn: true, mayBeGranted: false, why: 'nobody matches' }
        : same(who)
    const { permissions, outcome } = carried(mode(rw, rw, 0, allow(account('bob'), rw)), {
      resolve,
      newGroup: there(group('service')),
    })
    expect(rightsOf(permissions, fallback)).toBeUndefined()
    expect(rightsOf(permissions, 'owning_group')).toBe(0)
    expect(outcome.filter(({ result }) => result === 'principal_unknown')).toHaveLength(2)
  })

  test('do not let somebody whose small entry is lost fall back to more', () => {
    const resolve = (who: Principal) => (who.id === 'bob' ? nobody() : same(who))
    const { permissions, narrowed } = carried(mode(rwx, rw, rw, allow(account('bob'), r)), { resolve })
    expect(rightsOf(permissions, 'everyone')).toBe(r)
    expect(rightsOf(permissions, 'owning_group')).toBe(r)
    expect(narrowed).toBe(true)
  })

  test('two people who become one get what both had', () => {
    const resolve = (who: Principal) => (who.type === 'account' ? same(account('team')) : same(who))
    const { permissions } = carried(mode(rwx, 0, 0, allow(account('bob'), r), allow(account('eve'), rw)), { resolve })
    expect(rightsOf(permissions, there(account('team')))).toBe(r)
  })

  test('carry a folder’s default entries by the same rules', () => {
    const resolve = (who: Principal) => (who.id === 'bob' ? nobody() : same(who))
    const source = { ...mode(rwx, r, 0), defaults: mode(rwx, r, 0, allow(account('bob'), rw)).entries }
    expect(carried(source).permissions.defaults).toHaveLength(4)
    expect(carried(source, { resolve }).permissions.defaults).toHaveLength(3)
  })

  test('under diff take away what the destination has besides', () => {
    const existing = has(mode(rw, 0, 0, allow(there(account('carol')), rw)))
    const { permissions } = carried(mode(rw, r, 0), { existing, policy: 'diff' })
    expect(rightsOf(permissions, there(account('carol')))).toBeUndefined()
  })
})

function withoutNamed({ entries, ...rest }: Permissions): Permissions {
  return { ...rest, entries: entries.filter(({ who }) => typeof who === 'string') }
}

/** The same, of the destination's people. */
function at({ entries, ...rest }: Permissions): Permissions {
  return {
    ...rest,
    entries: entries.map((entry) => (typeof entry.who === 'object' ? { ...entry, who: there(entry.who) } : entry)),
  }
}

function has(permissions: Permissions, more: Partial<Existing> = {}): Existing {
  return { permissions, owner: there(account('alice')), group: there(group('staff')), ownersStay: true, ...more }
}

describe('under add what the destination has stays', () => {
  const carol = there(account('carol'))
  const bob = there(account('bob'))
  const notTaken = { newOwner: undefined, newGroup: undefined }
  const byCarol = { owner: carol, group: there(group('guests')) }
  const cases: [string, Permissions, Existing, Partial<Carry>, [PermissionEntry['who'], number | undefined][]][] = [
    [
      'and the source’s comes to it',
      mode(rw, r, 0),
      has(mode(r, 0, r)),
      {},
      [
        ['owner', rw],
        ['owning_group', r],
        ['everyone', r],
      ],
    ],
    [
      'also where the source has less',
      mode(r, 0, 0),
      has(mode(rwx, r, r)),
      {},
      [
        ['owner', rwx],
        ['owning_group', r],
        ['everyone', r],
      ],
    ],
    ['for those named there', mode(rw, 0, 0), has(mode(rw, 0, 0, allow(carol, rw))), {}, [[carol, rw]]],
    [
      'for somebody newly named who had it as anybody',
      mode(rw, 0, 0, allow(account('bob'), r)),
      has(mode(rw, rw, rw)),
      {},
      [[bob, rw]],
    ],
    [
      'but nobody is taken for a member of a group',
      mode(rw, 0, 0, allow(account('bob'), r)),
      has(mode(rw, rw, 0)),
      {},
      [[bob, r]],
    ],
    [
      'for an owner and a group that are replaced, by name',
      mode(rw, r, 0),
      has(mode(rwx, rw, 0), byCarol),
      {},
      [
        ['owner', rw],
        ['owning_group', r],
        [carol, rwx],
        [there(group('guests')), rw],
      ],
    ],
    [
      'for an owner who goes on, who gets nothing of another one’s',
      mode(rwx, rw, 0),
      has(mode(r, r, 0), byCarol),
      notTaken,
      [
        ['owner', r],
        ['owning_group', r],
        [there(account('alice')), rwx],
        [there(group('staff')), rw],
      ],
    ],
    [
      'while the running account gets what the owner had',
      mode(rwx, 0, 0),
      has(mode(r, 0, 0), byCarol),
      { ...notTaken, account: carol },
      [['owner', rwx]],
    ],
    [
      'and who can’t be named there does not fall back to more',
      mode(rw, 0, 0),
      has(mode(r, 0, rw), byCarol),
      { destination: { ...posix, named: false } },
      [
        ['owning_group', 0],
        ['everyone', 0],
      ],
    ],
  ]

  test.each(cases)('%s', (_, source, existing, change, expected) => {
    const { permissions } = carried(source, { existing, policy: 'add', ...change })
    expect(expected.map(([who]) => [who, rightsOf(permissions, who)])).toEqual(expected)
  })

  test('for what will be new in a folder, too', () => {
    const defaults = (...named: PermissionEntry[]) => ({
      ...mode(rwx, 0, 0),
      defaults: mode(rwx, r, 0, ...named).entries,
    })
    const existing = has(defaults(allow(carol, rw)))
    const { permissions } = carried(defaults(allow(account('bob'), r)), { existing, policy: 'add' })
    expect(rightsOf({ entries: permissions.defaults!, inherits: false }, carol)).toBe(rw)
    expect(rightsOf({ entries: permissions.defaults!, inherits: false }, bob)).toBe(r)
    expect(carried(mode(rwx, 0, 0), { existing, policy: 'add' }).permissions.defaults).toBeUndefined()
  })

  test('unless the source denies what can’t be denied there: then the item is private', () => {
    const source = { entries: [allow(account('bob'), r, { access: 'deny' })], inherits: false }
    const end = carried(source, { existing: has(mode(rw, r, r)), policy: 'add' })
    expect(end.isPrivate).toBe(true)
    expect(rightsOf(end.permissions, 'everyone')).toBe(0)
  })
})

describe('what the destination has no words for', () => {
  test('is left out, and said', () => {
    const { permissions, outcome } = carried({
      entries: [allow(account('bob'), rw | append | Right.share)],
      inherits: false,
    })
    expect(rightsOf(permissions, there(account('bob')))).toBe(rw)
    expect(outcome[0]).toMatchObject({ result: 'narrowed' })
    expect(outcome[0]?.why).toContain('append+share')
  })

  test('a lost denial makes the item private and flags it', () => {
    const source: Permissions = {
      entries: [allow('everyone', r), allow(account('bob'), r, { access: 'deny' })],
      inherits: false,
    }
    const end = carried(source)
    expect(end).toMatchObject({ lostDeny: true, isPrivate: true, narrowed: true })
    expect(end.permissions.entries.filter(({ who, rights }) => who !== 'owner' && rights !== 0)).toEqual([])
    expect(permissionsFailure('deny', end)).toMatchObject({ action: 'fail', reason: 'permissions_lost' })
    expect(permissionsFailure('all', end)).toBeDefined()
    expect(permissionsFailure('exceptions', end)).toBeUndefined()
    expect(permissionsFailure('none', end, 'boom')).toBeUndefined()
    expect(permissionsFailure('exceptions', end, 'boom')).toMatchObject({ why: 'boom' })
  })

  test('a denial that can be said is said, unless it is of somebody unknown', () => {
    const source: Permissions = { entries: [allow(account('bob'), r, { access: 'deny' })], inherits: true }
    expect(carried(source, { destination: ntfs }).permissions.entries).toEqual([
      allow(there(account('bob')), r, { access: 'deny' }),
    ])
    expect(carried(source, { destination: ntfs, resolve: nobody }).lostDeny).toBe(true)
  })

  test('a broken inheritance makes the item private and flags it', () => {
    const end = carried({ entries: [allow('everyone', r)], inherits: false }, { destination: cloud })
    expect(end).toMatchObject({ lostDisinheritance: true, isPrivate: true })
    expect(end.permissions.entries.map(({ who }) => who)).toEqual(['owner'])
    expect(permissionsFailure('deny', end)?.reason).toBe('permissions_lost')
  })

  test('inherited entries stay inherited, except at the root and where nothing inherits', () => {
    const source: Permissions = {
      entries: [allow(account('bob'), r, { origin: 'inherited' }), allow(account('eve'), r)],
      inherits: true,
    }
    const ids = (change: Partial<Carry>) =>
      carried(source, change).permissions.entries.flatMap(({ who }) => (typeof who === 'string' ? [] : [who.id]))
    expect(ids({ destination: ntfs })).toEqual(['eve'])
    expect(ids({ destination: ntfs, isRoot: true })).toEqual(['bob', 'eve'])
    expect(ids({ destination: posix })).toEqual(['bob', 'eve'])
  })
})

/** What one person can do, by the platform's own way of reading entries. */
function can(
  permissions: Permissions,
  who: { id: string; groups: string[] },
  at: { owner: string; group: string; firstFit: boolean },
): number {
  let own = 0
  let groups: number | undefined
  let everyone = 0
  let user: number | undefined
  let denied = 0
  for (const { who: whom, rights, access } of permissions.entries) {
    const isUser =
      typeof whom === 'object' ? whom.type === 'account' && whom.id === who.id : whom === 'owner' && at.owner === who.id
    const isGroup =
      typeof whom === 'object'
        ? whom.type === 'group' && who.groups.includes(whom.id ?? '')
        : whom === 'owning_group' && who.groups.includes(at.group)
    const applies = isUser || isGroup || whom === 'everyone'
    if (access === 'deny') {
      if (applies) denied |= rights
    } else if (isUser) {
      if (whom === 'owner') user = rights
      else user ??= rights
      own |= rights
    } else if (isGroup) groups = (groups ?? 0) | rights
    else if (whom === 'everyone') everyone |= rights
  }
  if (!at.firstFit) return (own | (groups ?? 0) | everyone) & ~denied
  // POSIX: of the group entries one has to grant all; their union is the most anybody could combine.
  return user ?? groups ?? everyone
}

describe('whatever the permissions are', () => {
  const people = ['alice', 'bob', 'eve', 'mallory']
  const teams = ['staff', 'wheel', 'guests']
  const rights = fc.integer({ min: 0, max: full })
  const posixRights = fc.constantFrom(0, r, rw, rwx, read | execute, write)
  const who = fc.oneof(fc.constantFrom(...people).map(account), fc.constantFrom(...teams).map(group))
  const posixSource = fc
    .record({
      roles: fc.tuple(posixRights, posixRights, posixRights),
      named: fc.uniqueArray(fc.tuple(who, posixRights), { maxLength: 4, selector: ([w]) => `${w.type}${w.id}` }),
    })
    .map(({ roles: [owner, owning, everyone], named }) =>
      mode(owner, owning, everyone, ...named.map(([w, n]) => allow(w, n))),
    )
  const aclSource = fc
    .record({
      entries: fc.array(
        fc.record({
          who: fc.oneof(
            { weight: 3, arbitrary: who },
            { weight: 1, arbitrary: fc.constantFrom('owner' as const, 'everyone' as const) },
          ),
          rights,
          access: fc.constantFrom('allow' as const, 'allow' as const, 'allow' as const, 'deny' as const),
        }),
        { maxLength: 5 },
      ),
    })
    .map(({ entries }): Permissions => ({ entries: entries.map((e) => ({ ...e, origin: 'direct' })), inherits: false }))
  const membership = fc.tuple(...people.map(() => fc.subarray(teams)))
  const destination = fc.constantFrom(
    posix,
    { ...posix, named: false },
    ntfs,
    cloud,
    { ...ntfs, deny: false },
    { ...ntfs, rights: rw },
  )

  test.each([
    ['POSIX', posixSource, true],
    ['an ACL', aclSource, false],
  ] as const)(
    'nobody but the new owner can do more at the destination than at a source with %s',
    (_name, source, firstFit) => {
      fc.assert(
        fc.property(
          source as fc.Arbitrary<Permissions>,
          destination,
          membership,
          fc.subarray([...people, ...teams]),
          fc.record({ owner: fc.boolean(), group: fc.boolean() }),
          (from, to, groupsOf, known, preserved) => {
            const resolve = (w: Principal) => (known.includes(w.id ?? '') ? same(w) : nobody())
            const keepsOwner = preserved.owner && known.includes('alice')
            const keepsGroup = preserved.group && known.includes('staff')
            const { permissions } = carried(from, {
              destination: to,
              resolve,
              newOwner: keepsOwner ? there(account('alice')) : undefined,
              newGroup: keepsGroup ? there(group('staff')) : undefined,
            })
            const after = {
              owner: keepsOwner ? 'alice' : 'runner',
              group: keepsGroup ? 'staff' : 'runners',
              firstFit: to.mode === 'readwrite',
            }
            for (const [i, id] of people.entries()) {
              if (id === after.owner) continue
              const person = { id, groups: groupsOf[i] ?? [] }
              const before = can(from, person, { owner: 'alice', group: 'staff', firstFit })
              const now = can(permissions, person, after)
              expect({ id, more: now & ~before }).toEqual({ id, more: 0 })
            }
            // Somebody without any entry, in every group the running account's new items could have.
            const stranger = { id: 'stranger', groups: ['runners'] }
            const before = can(from, stranger, { owner: 'alice', group: 'staff', firstFit })
            expect(can(permissions, stranger, after) & ~before).toBe(0)
          },
        ),
        { numRuns: 500 },
      )
    },
  )

  test('added to what is there nobody can do more than at the source and there together, and every entry there stays', () => {
    const owners = fc.constantFrom(...people, 'runner')
    fc.assert(
      fc.property(
        fc.tuple(posixSource, posixSource),
        fc.constantFrom(posix, { ...posix, named: false }),
        membership,
        fc.subarray([...people, ...teams]),
        fc.record({
          owner: fc.boolean(),
          group: fc.boolean(),
          was: owners,
          wasGroup: fc.constantFrom(...teams, 'runners'),
          ownersStay: fc.boolean(),
        }),
        ([from, onto], to, groupsOf, known, { was, wasGroup, ownersStay, ...preserved }) => {
          const resolve = (w: Principal) => (known.includes(w.id ?? '') ? same(w) : nobody())
          const newOwner = preserved.owner && known.includes('alice') ? 'alice' : undefined
          const newGroup = preserved.group && known.includes('staff') ? 'staff' : undefined
          const permissions = to.named ? at(onto) : withoutNamed(onto)
          const result = carried(from, {
            policy: 'add',
            destination: to,
            resolve,
            account: there(account('runner')),
            newOwner: newOwner && there(account(newOwner)),
            newGroup: newGroup && there(group(newGroup)),
            existing: { permissions, owner: there(account(was)), group: there(group(wasGroup)), ownersStay },
          }).permissions
          const before = { owner: was, group: wasGroup, firstFit: true }
          const after = {
            owner: newOwner ?? (ownersStay ? was : 'runner'),
            group: newGroup ?? (ownersStay ? wasGroup : 'runners'),
            firstFit: true,
          }
          for (const [i, id] of [...people, 'stranger'].entries()) {
            const person = { id, groups: groupsOf[i] ?? ['runners'] }
            const most =
              can(from, person, { owner: 'alice', group: 'staff', firstFit: true }) | can(permissions, person, before)
            expect({ id, more: can(result, person, after) & ~most }).toEqual({ id, more: 0 })
          }
          if (!to.named) return
          const inRole = {
            owner: before.owner === after.owner,
            // Which group a new file of the running account has is not known beforehand.
            owning_group: (newGroup ?? (ownersStay ? wasGroup : undefined)) === wasGroup,
            everyone: true,
          }
          const named = { owner: there(account(was)), owning_group: there(group(wasGroup)), everyone: undefined }
          for (const { who, rights } of permissions.entries) {
            const stays = typeof who === 'object' || inRole[who] ? who : named[who]!
            // An owner's own entry meant nothing.
            if (typeof who === 'object' && who.id === was) continue
            expect({ who, lost: rights & ~(rightsOf(result, stays) ?? 0) }).toEqual({ who, lost: 0 })
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})

describe('owners', () => {
  test('without a counterpart leave the item with the running account, with a warning', () => {
    const { owners } = someCapabilities()
    const carriedOwners = preserveOwners({ owner: account('alice'), group: group('staff') }, nobody, owners)
    expect(carriedOwners).toMatchObject({
      warnings: [
        { principal: account('alice'), message: expect.stringContaining('owner "alice"') },
        { principal: group('staff'), message: expect.stringContaining('group "staff"') },
      ],
    })
    expect(carriedOwners.owner).toBeUndefined()
  })

  test('excluded by the map are left out without a word', () => {
    const resolve = (): Resolution => ({ how: 'excluded', mayOwn: false, mayBeGranted: false, why: '' })
    expect(preserveOwners({ owner: account('alice') }, resolve, someCapabilities().owners)).toEqual({ warnings: [] })
  })

  test('are set only where the destination can', () => {
    const owners = { owner: 'readwrite' as const, group: 'read' as const }
    expect(preserveOwners({ owner: account('alice'), group: group('staff') }, same, owners)).toEqual({
      owner: there(account('alice')),
      warnings: [],
    })
  })
})

describe('timestamps', () => {
  const { times } = someCapabilities()

  test('are carried as far as the destination can', () => {
    expect(carriedTimes(true, times)).toEqual({ items: true, containers: true })
    expect(carriedTimes(false, times)).toEqual({ items: false, containers: false })
    expect(carriedTimes(true, { ...times, modified: 'read' })).toEqual({ items: false, containers: false })
    expect(carriedTimes(true, { ...times, containers: false })).toEqual({ items: true, containers: false })
  })

  test('count as preserved only when they can be written', () => {
    expect(timesPreserved(true, times, times)).toBe(true)
    expect(timesPreserved(true, times, { ...times, modified: 'read' })).toBe(false)
    expect(timesPreserved(false, times, times)).toBe(false)
  })
})
