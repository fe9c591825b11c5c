import { ConnectorError } from '../errors.ts'
import type { Facts, Item, ItemKind } from '../item.ts'
import { childId } from './addresses.ts'
import { requireSame } from './attributes.ts'
import { list } from './list.ts'
import { itemAt, known, type Place } from './place.ts'
import { ifMatches } from './server.ts'
import { freshKey } from './transactions.ts'

export async function makeContainer(place: Place, container: string, name: string): Promise<Item> {
  const { client, addresses, transactions } = place
  const id = childId(container, name)
  place.checkName(name)
  const make = (path: string): Promise<unknown> => client.headers({ method: 'MKCOL', path, id })
  const key = freshKey()
  try {
    if (transactions) await transactions.during(key, id, async () => void (await make(transactions.path(key, id))))
    else await make(addresses.path(id, 'container'))
  } catch (error) {
    throw await whyNot(place, container, { id, error })
  }
  return known(place, id)
}

/** Renames; never replaces. */
export async function move(
  place: Place,
  id: string,
  to: { container: string; name: string },
  expected: Facts,
): Promise<Item> {
  const { client, addresses, server, transactions } = place
  const target = childId(to.container, to.name)
  place.checkName(to.name)
  if (target === id) throw new ConnectorError('Conflict', 'has that name already', { id })
  if (target.startsWith(`${id}/`)) throw new ConnectorError('Conflict', 'a folder cannot go into itself', { id })
  const item = await itemAt(place, id)
  if (!item) throw new ConnectorError('NotFound', 'is gone', { id })
  requireSame(item, expected)
  // What a server does with a name that is taken is its own affair, whatever it is told.
  if (await itemAt(place, target))
    throw new ConnectorError('Conflict', 'something of that name is there', { id: target })
  const kind = item.kind === 'container' ? 'container' : 'item'
  const destination = addresses.origin + addresses.path(target, kind)
  try {
    if (transactions) await transactions.rename(freshKey(), id, target)
    else
      await client.headers({
        method: 'MOVE',
        path: addresses.path(id, kind),
        headers: {
          ...{ destination, overwrite: 'F' },
          ...(item.version !== undefined && server.kind === 'apache'
            ? ifMatches(server, addresses.url(id), item.version)
            : {}),
        },
        id,
      })
  } catch (error) {
    throw await whyNot(place, to.container, { id: target, error })
  }
  return known(place, target)
}

/** A DELETE takes a folder with all that is in it, so that one has to be empty right before. */
export async function remove(place: Place, id: string, expected: Facts & { kind: ItemKind }): Promise<void> {
  const { client, addresses, server } = place
  if (id === '') throw new ConnectorError('AccessDenied', 'the root stays', { id })
  const item = await itemAt(place, id)
  if (!item) return
  if (item.kind !== expected.kind)
    throw new ConnectorError('PreconditionFailed', `is a ${item.kind} now, not a ${expected.kind}`, { id })
  requireSame(item, expected)
  if (item.kind === 'container')
    for await (const { items } of list(place, id))
      if (items.length > 0) throw new ConnectorError('Conflict', 'a folder with content is there', { id })
  // A repository refuses that condition of a DELETE, and keeps what is removed in its history.
  const isConditional = item.kind === 'item' && item.version !== undefined && server.kind !== 'svn'
  const headers = isConditional ? ifMatches(server, addresses.url(id), item.version!) : {}
  const path = addresses.path(id, item.kind === 'container' ? 'container' : 'item')
  await client.headers({ method: 'DELETE', path, headers, accept: [404], id })
}

/** A refusal tells by its status alone; what stands there tells why. */
async function whyNot(
  place: Place,
  container: string,
  { id, error }: { id: string; error: unknown },
): Promise<unknown> {
  if (!(error instanceof ConnectorError) || error.kind === 'connection') return error
  if (await itemAt(place, id))
    return new ConnectorError('Conflict', 'something of that name is there', { id, cause: error })
  if (container !== '' && !(await itemAt(place, container)))
    return new ConnectorError('NotFound', 'its container is gone', { id: container, cause: error })
  return error
}
