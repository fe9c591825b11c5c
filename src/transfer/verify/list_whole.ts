import type { Facet } from '../../connector/item.ts'
import type { SideName } from '../engine/sides.ts'
import { itemTrouble } from '../engine/trouble.ts'
import type { Finding } from './difference.ts'
import type { Listed } from './listed.ts'
import type { WholeSides } from './whole_sides.ts'

/** @returns why a side's listing can't be relied on */
export async function listWhole(
  sides: WholeSides,
  { side, id, want }: { side: SideName; id: string; want: readonly Facet[] },
  into: Listed,
): Promise<Finding[]> {
  try {
    let complete = false
    for await (const page of sides[side].session.list(id, want)) {
      into.put(page.items)
      complete = page.complete
    }
    if (complete) return []
    return [{ kind: 'unreadable', message: `could not be listed: ${side}: the listing ended early` }]
  } catch (error) {
    return [{ kind: 'unreadable', message: `could not be listed: ${itemTrouble(error, side).why}` }]
  }
}
