import type { Progress } from '../ledger/ledger.ts'

/** How much of what was found is done, from 0 to 1: items and bytes count alike. Never 1 before everything is done. */
export function shareDone(progress: Progress): number {
  if (progress.found.items === 0) return 0
  const byItems = progress.done.items / progress.found.items
  const byBytes = progress.found.bytes > 0n ? Number(progress.done.bytes) / Number(progress.found.bytes) : byItems
  return Math.min(1, Math.max(0, (byItems + byBytes) / 2))
}
