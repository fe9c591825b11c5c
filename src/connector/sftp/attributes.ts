import type { Attributes } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import { capOf, modeCapOf, type ModeCap } from '../fs/at_most.ts'
import { aclOf, idIn, modeOf } from '../fs/permissions.ts'
import type { InputAttributes, Stats } from './channel.ts'
import type { Place } from './place.ts'

const second = 1_000_000_000n
/** A time is an unsigned number of 32 bits. */
export const timeRange = { firstNs: 0n, lastNs: (2n ** 32n - 1n) * second + 999_999_999n }

export interface Plan {
  mode?: number
  /** What is there is cut down to it. */
  atMost?: ModeCap
  uid?: number
  gid?: number
  modified?: number
  accessed?: number
}

/**
 * Attributes in the server's terms; made before anything is written, so that what cannot be said changes nothing.
 *
 * @throws ConnectorError `Unsupported`
 */
export function planOf(
  { capabilities }: Place,
  attributes: Attributes,
  { container, directory }: { container: boolean; directory: string },
): Plan {
  const { owner, group, permissions, atMost, metadata, createdNs, modifiedNs, accessedNs } = attributes
  const no = (why: string): never => {
    throw new ConnectorError('Unsupported', why)
  }
  if (metadata !== undefined) no('SFTP has no properties of files')
  if (createdNs !== undefined) no('SFTP has no creation times')
  if ((owner ?? group) !== undefined && capabilities.owners.owner !== 'readwrite')
    no('this account may not give files away')
  if (permissions?.defaults !== undefined) no('SFTP knows no default ACL')
  const acl = permissions === undefined ? undefined : aclOf(permissions.entries, container, directory)
  if (acl !== undefined && acl.length > 3) no('SFTP grants nothing to somebody by name')
  return {
    ...(acl === undefined ? {} : { mode: modeOf(acl) }),
    ...(acl === undefined && atMost ? { atMost: modeCapOf(atMost, container, directory) } : {}),
    ...(owner === undefined ? {} : { uid: idIn(directory, owner) }),
    ...(group === undefined ? {} : { gid: idIn(directory, group) }),
    ...(modifiedNs === undefined ? {} : { modified: seconds(modifiedNs) }),
    ...(accessedNs === undefined ? {} : { accessed: seconds(accessedNs) }),
  }
}

function seconds(ns: bigint): number {
  if (ns < timeRange.firstNs || ns > timeRange.lastNs)
    throw new ConnectorError('Unsupported', 'SFTP has no such time: it counts from 1970 to 2106')
  return Number(ns / second)
}

/** The protocol sets owner and group together, and both times; what is not asked for stays as it is. */
export function asRequest(plan: Plan, now: Stats): InputAttributes | undefined {
  const { uid, gid, modified, accessed } = plan
  const mode = plan.mode ?? cutDown(plan.atMost, now)
  const owners = uid === undefined && gid === undefined ? {} : { uid: uid ?? now.uid, gid: gid ?? now.gid }
  const times =
    modified === undefined && accessed === undefined
      ? {}
      : { mtime: modified ?? now.mtime, atime: accessed ?? now.atime }
  const request = { ...(mode === undefined ? {} : { mode }), ...owners, ...times }
  return Object.keys(request).length === 0 ? undefined : request
}

/** Undefined when nothing is to be taken away. */
function cutDown(atMost: ModeCap | undefined, { mode, gid }: Stats): number | undefined {
  if (!atMost) return undefined
  const now = mode & 0o7777
  const left = now & (capOf(atMost, gid) | 0o7000)
  return left === now ? undefined : left
}
