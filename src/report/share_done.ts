import type { Progress } from '../ledger/ledger.ts'

/** Of contents that are there whole, and have yet to be published. */
const almost = 0.999

/**
 * How much of what was found is done, from 0 to 1: items and bytes count alike, and an item half-way as half an item. Never 1
 * before everything is done.
 */
export function shareDone({ found, done, partItems }: Pick<Progress, 'found' | 'done' | 'partItems'>): number {
  if (found.items === 0) return 0
  const byItems = (done.items + partItems) / found.items
  const byBytes = found.bytes > 0n ? Number(done.bytes) / Number(found.bytes) : byItems
  const share = Math.max(0, (byItems + byBytes) / 2)
  return share < 1 ? share : done.items < found.items ? almost : 1
}
