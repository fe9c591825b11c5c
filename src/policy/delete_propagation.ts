import type { DeletePropagation } from '../job/settings.ts'
import type { Decision, Counterpart, Tracked } from './decision.ts'

const leftDeleted: Decision = { action: 'none', reason: 'left_deleted' }
const restored: Decision = { action: 'create', reason: 'restored' }
const sourceGone: Decision = { action: 'none', reason: 'source_gone' }

/**
 * An item we once wrote is gone from the destination and unchanged at the source. A one-way copy never deletes at the
 * source, so for it a delete at the destination either stands or is ignored, which means restoring the item.
 *
 * @see reference: job-policies 3; design, decision 3
 */
export function destinationDeleted(setting: DeletePropagation): Decision {
  switch (setting) {
    case 'ignore_source':
    case 'ignore_both':
    case 'mirror':
      return leftDeleted
    case 'ignore_destination':
      return restored
    default:
      return setting satisfies never
  }
}

/**
 * A tracked item is gone from a complete listing of the source. A copy leaves the destination as it is; the settings that
 * would delete there are refused at start, so nothing is ever deleted here (design, brakes 1 and 2).
 */
export function sourceDeleted(_tracked: Tracked, _counterpart: Counterpart | null): Decision {
  return sourceGone
}
