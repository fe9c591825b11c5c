import type { Told } from './multistatus.ts'

/** RFC 4331. */
const available = '{DAV:}quota-available-bytes'
export const quota: readonly string[] = [available]

/** How many bytes there is room for; undefined where the server does not say. */
export function roomIn(told: Told | null): bigint | undefined {
  const text = told?.properties.get(available)?.text.trim() ?? ''
  return /^\d{1,19}$/.test(text) ? BigInt(text) : undefined
}
