/**
 * Node sets times from a double of seconds; it turns a negative number into now, but takes it as text. Between 1901 and
 * 2106 what arrives is less than a microsecond away.
 */
export const precisionNs = 1000n

export function secondsOf(ns: bigint): number | string {
  const seconds = Number(ns / 1_000_000_000n) + Number(ns % 1_000_000_000n) / 1e9
  return seconds < 0 ? String(seconds) : seconds
}
