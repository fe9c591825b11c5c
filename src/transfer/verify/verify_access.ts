import type { Attributes } from '../../connector/connector.ts'
import type { Item, PermissionEntry } from '../../connector/item.ts'
import { keyOf, rightsText, whoText } from '../../policy/who.ts'
import type { Finding } from './difference.ts'

/**
 * Owner, group and permissions as they should have arrived against those the destination states.
 *
 * @param expected worked out anew from the source; what is absent in it was not asked for
 * @param how `atLeast`: whoever may do more than expected may
 */
export function accessFindings(
  expected: Pick<Attributes, 'owner' | 'group' | 'permissions'>,
  actual: Pick<Item, 'owner' | 'group' | 'permissions'>,
  how: 'exactly' | 'atLeast' = 'exactly',
): Finding[] {
  const findings: Finding[] = []
  for (const role of ['owner', 'group'] as const) {
    const [should, is] = [expected[role], actual[role]]
    if (should && is && keyOf(should) !== keyOf(is))
      findings.push({ kind: 'owner', message: `its ${role} is ${whoText(is)} instead of ${whoText(should)}` })
  }
  if (!expected.permissions || !actual.permissions) return findings
  const { defaults } = expected.permissions
  const entries = inOwnRoles(expected.permissions.entries, actual)
  findings.push(...entriesFindings(entries, actual.permissions.entries, { how, what: '' }))
  if (defaults)
    findings.push(
      ...entriesFindings(defaults, actual.permissions.defaults ?? [], { how, what: ' for what is new in it' }),
    )
  return findings
}

/** A grant by name to who is owner, or to the owning group, is said by its role where there is one, and once. */
function inOwnRoles(
  entries: readonly PermissionEntry[],
  { owner, group, permissions }: Pick<Item, 'owner' | 'group' | 'permissions'>,
): PermissionEntry[] {
  const isGroup = (who: PermissionEntry['who']): boolean => group !== undefined && keyOf(who) === keyOf(group)
  const isOwner = (who: PermissionEntry['who']): boolean => owner !== undefined && keyOf(who) === keyOf(owner)
  const hasRoles = permissions?.entries.some(({ who }) => who === 'owning_group') ?? false
  if (!hasRoles) return [...entries]
  return entries.flatMap((entry) => {
    if (isOwner(entry.who)) return []
    return isGroup(entry.who) ? [{ ...entry, who: 'owning_group' as const }] : [entry]
  })
}

function entriesFindings(
  should: readonly PermissionEntry[],
  is: readonly PermissionEntry[],
  { how, what }: { how: 'exactly' | 'atLeast'; what: string },
): Finding[] {
  const [expected, actual] = [granted(should), granted(is)]
  const findings: Finding[] = []
  for (const key of new Set([...expected.keys(), ...actual.keys()])) {
    const [a, b] = [expected.get(key), actual.get(key)]
    // An entry without rights and no entry are the same, but to a POSIX role, which always has one.
    const [wanted, has] = [a?.rights ?? 0, b?.rights ?? 0]
    if (wanted === has) continue
    if (how === 'atLeast' && (a ?? b)!.access === 'allow' && (wanted & ~has) === 0) continue
    const who = whoText((a ?? b)!.who)
    const verb = (a ?? b)!.access === 'deny' ? 'is denied' : 'may'
    const message = `${who} ${verb} ${rightsText(b?.rights ?? 0)} instead of ${rightsText(a?.rights ?? 0)}${what}`
    findings.push({ kind: 'permissions', message })
  }
  return findings
}

/** Entries for the same principal add up. */
function granted(entries: readonly PermissionEntry[]): Map<string, PermissionEntry> {
  const all = new Map<string, PermissionEntry>()
  for (const entry of entries) {
    const key = `${entry.access} ${keyOf(entry.who)}`
    const known = all.get(key)
    all.set(key, known ? { ...known, rights: known.rights | entry.rights } : entry)
  }
  return all
}
