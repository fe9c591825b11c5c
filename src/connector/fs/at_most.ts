import { readFileSync } from 'node:fs'
import type { AtMost } from '../connector.ts'
import { idIn, modeOfRoles } from './permissions.ts'

/** The mode bits that something new may have at most. */
export interface ModeCap {
  mode: number
  /** Instead, where this is its group. */
  inGroup?: { gid: number; mode: number }
}

/** @param directory the only one whose ids mean anything here */
export function modeCapOf({ inGroup, ...roles }: AtMost, container: boolean, directory: string): ModeCap {
  const cap: ModeCap = { mode: modeOfRoles(roles, container) }
  if (inGroup) cap.inGroup = { gid: idIn(directory, inGroup.group), mode: modeOfRoles(inGroup, container) }
  return cap
}

export function capOf({ mode, inGroup }: ModeCap, gid: number): number {
  return inGroup?.gid === gid ? inGroup.mode : mode
}

/** Made with {@link modeToMake} a file is as it is to be. */
export function isSettled({ mode, inGroup }: ModeCap): boolean {
  return (mode & 0o600) === 0o600 && (inGroup === undefined || inGroup.mode === mode)
}

/** What to make it with while nobody knows yet which group it will have; its owner has still to work on it. */
export function modeToMake(cap: ModeCap, container: boolean): number {
  return container ? 0o777 & (cap.mode | 0o700) : 0o666 & (cap.mode | 0o600)
}

/**
 * The mode of something that was just made with {@link modeToMake}.
 *
 * @param hasAcl its folder hands an ACL down, whose mask the group bits are
 */
export function modeMade(
  cap: ModeCap,
  { mode, gid, container, hasAcl }: { mode: number; gid: number; container: boolean; hasAcl: () => boolean },
): number {
  const most = capOf(cap, gid)
  const made = mode & (most | 0o7000)
  // Rights of its own group, which were held back until that was known.
  const heldBack = most & ~modeToMake(cap, container) & (container ? 0o777 : 0o666)
  const missing = heldBack === 0 ? 0 : heldBack & ~processUmask()
  return missing === 0 || hasAcl() ? made : made | missing
}

let known: number | undefined

/** Asking Node for it sets it for a moment, under the feet of all other threads. */
function processUmask(): number {
  if (known !== undefined) return known
  try {
    const text = /^Umask:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    known = text === undefined ? 0o077 : parseInt(text, 8)
  } catch {
    // Unknown here: then nothing is opened that the system did not open itself.
    known = 0o077
  }
  return known
}
