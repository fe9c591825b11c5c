import {
  chmodSync,
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  openSync,
  statSync,
  utimesSync,
  type BigIntStats,
} from 'node:fs'
import type { Attributes } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { withoutOwnNames, type PlannedAccess } from './access.ts'
import { capOf, isSettled, modeCapOf, modeMade, type ModeCap } from './at_most.ts'
import { flags } from '../local/flags.ts'
import { join } from './ids.ts'
import type { Found } from './look.ts'
import { idIn } from './permissions.ts'
import type { Place } from './place.ts'
import type { PlannedProperties } from './properties.ts'
import { secondsOf } from './times.ts'

/** Attributes in the system's terms; made before anything is written, so that what cannot be said changes nothing. */
export interface Plan {
  uid?: number
  gid?: number
  access?: PlannedAccess
  /** Counts for nothing beside `access`. */
  atMost?: ModeCap
  properties?: PlannedProperties
  modified?: number | string
  accessed?: number | string
}

/** @throws ConnectorError `Unsupported` for what this connection cannot do */
export function planOf(place: Place, attributes: Attributes, container: boolean): Plan {
  const { modifiedNs, accessedNs, owner, group, permissions, atMost } = attributes
  const plan: Plan = {}
  if (attributes.createdNs !== undefined) unsupported('the creation time cannot be set')
  if ((owner ?? group) && !place.canChown) unsupported('only root may give files away')
  if (owner) {
    if (owner.type !== 'account') unsupported('a group cannot be owner')
    plan.uid = idIn(place.access.directory.name, owner)
  }
  if (group) {
    if (group.type !== 'group') unsupported('an account cannot be owning group')
    plan.gid = idIn(place.access.directory.name, group)
  }
  if (permissions) plan.access = place.access.plan(permissions, container)
  else if (atMost) plan.atMost = modeCapOf(atMost, container, place.access.directory.name)
  if (attributes.metadata) {
    if (!place.properties) unsupported('there are no extended attributes here')
    plan.properties = place.properties.plan(attributes.metadata)
  }
  if (modifiedNs !== undefined) plan.modified = secondsOf(modifiedNs)
  if (accessedNs !== undefined) plan.accessed = secondsOf(accessedNs)
  return plan
}

function unsupported(why: string): never {
  throw new ConnectorError('Unsupported', why)
}

/**
 * Applies a plan: properties while it may still be written, owner (it clears bits), ACL and mode, times last. setuid, setgid
 * and sticky never pass.
 *
 * @param at an open descriptor, or the path of one (`/proc/<pid>/fd/<n>`)
 * @param now what it is by now; its times stay when only one of them is given
 */
export function apply(place: Place, at: number | string, plan: Plan, now: Current): void {
  const { uid, gid, access, atMost, properties, modified, accessed } = plan
  if (properties) place.properties?.write(pathOf(at), properties)
  const close = () => {
    if (access && now.reachable) setMode(at, access.mode & 0o700)
  }
  if (uid !== undefined || gid !== undefined) {
    // The new group must not have, for a moment, what the old one had.
    close()
    if (typeof at === 'number') fchownSync(at, uid ?? -1, gid ?? -1)
    else chownSync(at, uid ?? -1, gid ?? -1)
  }
  if (access) {
    const own = access.named ? withoutOwnNames(access, typeof at === 'number' ? fstatSync(at) : statSync(at)) : access
    place.access.write(pathOf(at), own, { container: now.container, close })
    setMode(at, own.mode)
  }
  if (atMost) cutDown(place, at, atMost, now)
  if (modified !== undefined || accessed !== undefined) {
    const [a, m] = [accessed ?? now.accessed(), modified ?? now.modified()]
    if (typeof at === 'number') futimesSync(at, a, m)
    else utimesSync(at, a, m)
  }
}

function cutDown(place: Place, at: number | string, atMost: ModeCap, { container, reachable }: Current): void {
  if (!reachable && isSettled(atMost)) return
  const { mode, gid } = typeof at === 'number' ? fstatSync(at) : statSync(at)
  const now = mode & 0o7777
  const hasAcl = (): boolean => place.access.hasAcl(pathOf(at))
  // What others may have worked with already is only cut down.
  const made = reachable ? now & (capOf(atMost, gid) | 0o7000) : modeMade(atMost, { mode: now, gid, container, hasAcl })
  if (made !== now) setMode(at, made)
}

function pathOf(at: number | string): string {
  return typeof at === 'number' ? `/proc/${process.pid}/fd/${at}` : at
}

function setMode(at: number | string, mode: number): void {
  if (typeof at === 'number') fchmodSync(at, mode)
  else chmodSync(at, mode)
}

/** As {@link apply}, by way of a descriptor that is checked to be what was found: no link swapped in is followed. */
export function applyTo(place: Place, { folder, name, stats }: Found, plan: Plan): void {
  const path = join(folder.base, name)
  if (folder.handle === undefined) return apply(place, path.toString(), plan, currently(stats))
  const fd = openSync(path, flags.handle)
  try {
    const now = fstatSync(fd, { bigint: true })
    if (now.ino !== stats.ino || now.dev !== stats.dev)
      throw new ConnectorError('PreconditionFailed', 'was replaced just now')
    apply(place, `/proc/${process.pid}/fd/${fd}`, plan, currently(now))
  } finally {
    closeSync(fd)
  }
}

export function currently(stats: BigIntStats): Current {
  return {
    container: stats.isDirectory(),
    reachable: true,
    accessed: () => secondsOf(stats.atimeNs),
    modified: () => secondsOf(stats.mtimeNs),
  }
}

interface Current {
  container: boolean
  /** Others may have it open, or open it, already. */
  reachable: boolean
  accessed(): number | string
  modified(): number | string
}

/** Of a file that was made just now. */
export const justMade: Current = {
  container: false,
  reachable: false,
  accessed: () => Date.now() / 1000,
  modified: () => Date.now() / 1000,
}
