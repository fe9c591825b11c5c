import type { Session } from '../../connector/connector.ts'
import type { Facts, Item } from '../../connector/item.ts'
import type { Counterpart } from '../../policy/decision.ts'

export function factsOf(item: Item | Counterpart): Facts {
  const facts: Facts = { sizeBytes: item.sizeBytes }
  if (item.identity !== undefined) facts.identity = item.identity
  if (item.version !== undefined) facts.version = item.version
  if (item.hash !== undefined) facts.hash = item.hash
  if (item.modifiedNs !== undefined) facts.modifiedNs = item.modifiedNs
  if (item.changedNs !== undefined) facts.changedNs = item.changedNs
  if (item.facets !== undefined) facts.facets = item.facets
  return facts
}

/** As the ledger records what a side has: with its id, where that is not its place. */
export function onRecord({ childId }: Session, item: Item): Facts & { id: string } {
  return { ...factsOf(item), id: childId ? '' : item.id }
}
