/** @throws RangeError for an empty list */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('nothing has no median')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}

export interface Interval {
  low: number
  high: number
}

/**
 * A percentile bootstrap interval of the median: how far it would move if other rounds of the same kind had been seen.
 * The same values always give the same interval.
 */
export function medianInterval(values: readonly number[], confidence = 0.95, resamples = 4_000): Interval {
  const random = sequence(values.length)
  const medians: number[] = []
  for (let i = 0; i < resamples; i++)
    medians.push(median(values.map(() => values[Math.floor(random() * values.length)] as number)))
  medians.sort((a, b) => a - b)
  const at = (share: number): number => medians[Math.min(resamples - 1, Math.floor(share * resamples))] as number
  return { low: at((1 - confidence) / 2), high: at((1 + confidence) / 2) }
}

/** Numbers in [0, 1) that are the same on every machine (mulberry32). */
export function sequence(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
