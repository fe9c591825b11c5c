import type { BigIntStats } from 'node:fs'
import { applyTo, type Plan } from './attributes.ts'
import type { Folder } from './folders.ts'
import type { Brought, Place } from './place.ts'

/**
 * Gives a staged file the owner and permissions of what it is about to replace, unless it came with its own: somebody closed
 * that to others, and a new content is no reason to open it. setuid, setgid and sticky are not handed on.
 */
export function takeOver(
  place: Place,
  folder: Folder,
  [temporary, ready]: readonly [string, BigIntStats],
  [name, there]: readonly [string, BigIntStats],
  brought: Pick<Brought, 'owner' | 'access'>,
): void {
  const plan: Plan = {}
  const keepsOwner = !brought.owner && place.canChown
  if (keepsOwner && there.uid !== ready.uid) plan.uid = Number(there.uid)
  if (keepsOwner && there.gid !== ready.gid) plan.gid = Number(there.gid)
  if (!brought.access) {
    plan.access = place.access.plan(place.access.read(folder, name, there).permissions, false)
    const sameGroup = brought.owner || keepsOwner || there.gid === ready.gid
    if (place.aclsUnseen || !sameGroup) plan.access.mode = groupAtMostEveryone(plan.access.mode)
  }
  applyTo(place, { folder, name: temporary, stats: ready }, plan)
}

/** For group bits that may be a mask, or another group's. */
function groupAtMostEveryone(mode: number): number {
  return (mode & 0o707) | (mode & ((mode & 0o007) << 3))
}
