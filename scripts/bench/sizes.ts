import type { SmallFiles } from '../rig/trees.ts'

/** How much of each workload of a sitting. */
export interface Sizes {
  pairs: number
  w1: SmallFiles
  w2: { files: number; sizeBytes: number }
  w10: { runs: number }
}

const gibibyte = 1024 ** 3

export const full: Sizes = {
  pairs: 7,
  w1: { folders: 1_000, filesPerFolder: 100, sizeBytes: 4_096 },
  w2: { files: 4, sizeBytes: gibibyte },
  w10: { runs: 15 },
}

/** A fifth of W1, a sixteenth of W2: what a start costs weighs more, so this has thresholds of its own. */
export const short: Sizes = {
  pairs: 3,
  w1: { folders: 200, filesPerFolder: 100, sizeBytes: 4_096 },
  w2: { files: 1, sizeBytes: gibibyte / 4 },
  w10: { runs: 7 },
}
