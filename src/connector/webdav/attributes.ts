import { ConnectorError } from '../errors.ts'
import type { Facts, Item } from '../item.ts'
import { isSame } from './facts.ts'
import { known, type Place } from './place.ts'
import { ifMatches } from './server.ts'
import { freshKey } from './transactions.ts'

/**
 * What is there with this time, which is set where it is another.
 *
 * @param modifiedNs undefined: whatever it is
 * @param check is shown what is there before anything is changed
 * @throws ConnectorError `NotFound`, and `Unsupported` where the server keeps no times
 */
export async function timed(
  place: Place,
  id: string,
  modifiedNs: bigint | undefined,
  check: (item: Item) => void = () => undefined,
): Promise<Item> {
  const { client, addresses, shape, server, transactions } = place
  const told = await client.look(addresses.path(id), shape.asked, id)
  if (!told) throw new ConnectorError('NotFound', 'is gone', { id })
  const item = shape.item(id, told)
  check(item)
  if (modifiedNs === undefined || item.modifiedNs === modifiedNs) return item
  const { kind, version } = item
  const isContainer = kind === 'container'
  if (!isContainer && version === undefined) unsupported(id, 'the server does not tell one content from another')
  const property = shape.timeProperty(modifiedNs, told.properties)
  const set = async (path: string): Promise<void> => {
    const headers =
      version !== undefined && server.kind === 'apache' ? ifMatches(server, addresses.url(id), version) : {}
    shape.requireTaken(await client.setProperties(path, property, { id, headers }), id)
  }
  const key = freshKey()
  if (transactions) await transactions.during(key, id, () => set(transactions.path(key, id)))
  else await set(addresses.path(id, isContainer ? 'container' : 'item'))
  // Apache's etag is of the content; that of others may be of more.
  if (server.kind === 'apache') return { ...item, modifiedNs }
  const now = await known(place, id)
  if (now.modifiedNs !== modifiedNs)
    unsupported(id, 'the server takes an item for another one when its properties change')
  return now
}

export function requireSame(item: Item, expected: Facts): void {
  if (item.kind === 'container' ? expected.version === undefined : isSame(item, expected)) return
  throw new ConnectorError('PreconditionFailed', 'is not what it was', { id: item.id })
}

function unsupported(id: string, why: string): never {
  throw new ConnectorError('Unsupported', `times: ${why}; stored takes its own times`, { id })
}
