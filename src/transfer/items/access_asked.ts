import type { ExecutionSpec } from '../engine/execution_spec.ts'

/** Under this the ledger remembers what was asked for of owners and permissions, and since which execution. */
export const accessKey = 'access'

export interface AccessAsked {
  /** Everything besides the source that decides about them, as one text. */
  asked: string
  /** The first execution that went by it; 0: nobody knows of another. */
  since: number
}

export function accessAsked({ settings, accountMap, groupMap }: ExecutionSpec): string {
  const { permissions, preserveOwners, preserveDestinationRootOwner } = settings
  return JSON.stringify([permissions, preserveOwners, preserveDestinationRootOwner, accountMap ?? 0, groupMap ?? 0])
}

/** @param before as remembered; undefined: nothing was yet */
export function accessSince(spec: ExecutionSpec, before: string | undefined): AccessAsked {
  const asked = accessAsked(spec)
  if (before === undefined) return { asked, since: 0 }
  const known = JSON.parse(before) as AccessAsked
  return known.asked === asked ? known : { asked, since: spec.execution }
}
