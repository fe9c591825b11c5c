import type { Item } from '../../connector/item.ts'
import type { ContainerToList, Listing } from '../../ledger/ledger.ts'
import { hardLink, holesFilled, longPath } from '../../policy/worth_knowing.ts'
import type { Decision } from '../../policy/decision.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'

/** The longest path that programs on Windows take unless they ask for more, in UTF-16 units. */
const windowsPath = 260

/** What is met with one child whose content is to be written. */
export function meetContent(
  { destination }: ExecutionContext,
  listing: Listing,
  item: Item,
  { action }: Decision,
): void {
  if (item.kind !== 'item' || (action !== 'create' && action !== 'overwrite')) return
  const { linkCount, sizeBytes } = item
  // Over all names of a file this adds up to what its copies cost.
  if (linkCount !== undefined && linkCount > 1) meet(listing, hardLink, sizeBytes - sizeBytes / BigInt(linkCount))
  if (item.sparse === true && !destination.capabilities.content.sparse) meet(listing, holesFilled, sizeBytes)
}

/** What is met with the names of a listing, or of a piece of one. */
export function meetNames({ spec, destination }: ExecutionContext, container: ContainerToList, listing: Listing): void {
  const { names } = destination.capabilities
  if (!names.reservedStems || names.maxPath) return
  const above = [...spec.destination.path.split('/').filter((name) => name !== ''), ...container.destinationNames]
  const room = windowsPath - above.reduce((length, name) => length + name.length + 1, 1)
  const { destinationName, action } = listing.fresh
  destinationName.forEach((name, i) => {
    if (name.length > room && (action[i] === 'create' || action[i] === 'overwrite')) meet(listing, longPath, 0n)
  })
}

function meet(listing: Listing, what: string, bytes: bigint): void {
  const met = listing.met.find((one) => one.what === what)
  if (!met) listing.met.push({ what, items: 1, bytes })
  else {
    met.items += 1
    met.bytes += bytes
  }
}
