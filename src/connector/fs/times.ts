/**
 * Node sets times from a double of seconds; it turns a negative number into now, but takes it as text. Between 1901 and
 * 2106 what arrives is less than a microsecond away.
 */
const settableNs = 1000n

/** FAT, exFAT, HFS+: clocks coarser than that, by the number `statfs` gives the file system. */
const coarseClocks: ReadonlyMap<number, bigint> = new Map([
  [0x4d44, 2_000_000_000n],
  [0x2011bab0, 10_000_000n],
  [0x482b, 1_000_000_000n],
])

/**
 * How exactly a file system keeps the times it is given, in nanoseconds.
 *
 * @param fileSystem its number, from `statfs`
 */
export function precisionOn(fileSystem: number): bigint {
  return coarseClocks.get(fileSystem) ?? settableNs
}

export function secondsOf(ns: bigint): number | string {
  const seconds = Number(ns / 1_000_000_000n) + Number(ns % 1_000_000_000n) / 1e9
  return seconds < 0 ? String(seconds) : seconds
}
