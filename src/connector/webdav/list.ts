import type { Page } from '../connector.ts'
import { ConnectorError } from '../errors.ts'
import type { Item } from '../item.ts'
import { childId } from './addresses.ts'
import { itemAt, type Place } from './place.ts'
import { errorOf } from './trouble.ts'

const pageItems = 1_000

/** Children in the server's order, in pages as they come. An answer that breaks off, or says that it is cut short, is an error. */
export async function* list(place: Place, id: string): AsyncGenerator<Page> {
  const { client, addresses, shape } = place
  const items: Item[] = []
  let isListed = false
  try {
    for await (const told of client.propfind(addresses.path(id, 'container'), 1, shape.asked, id)) {
      const name = addresses.nameIn(id, told.href)
      if (told.status !== undefined && told.status >= 300) {
        // A child that went meanwhile is none; else nothing can be said of the rest.
        if (name !== '' && told.status === 404) continue
        throw errorOf({ status: told.status === 507 ? 413 : told.status }, id)
      }
      if (name === '') {
        if (shape.item(id, told).kind !== 'container') throw new ConnectorError('NotAContainer', 'is a file', { id })
        isListed = true
        continue
      }
      items.push(shape.item(childId(id, name), told))
      if (items.length <= pageItems) continue
      yield { items: items.splice(0, pageItems), complete: false }
    }
  } catch (error) {
    throw await whyNot(place, id, error)
  }
  if (!isListed) throw new ConnectorError('Unreachable', 'the server does not list the folder itself', { id })
  yield { items, complete: true }
}

/** What is no folder is refused in many ways. */
async function whyNot(place: Place, id: string, error: unknown): Promise<unknown> {
  if (!(error instanceof ConnectorError) || error.kind === 'connection') return error
  if (error.code === 'NotFound' || error.code === 'Escapes' || error.code === 'NotAContainer') return error
  const there = await itemAt(place, id)
  return there?.kind === 'item' ? new ConnectorError('NotAContainer', 'is a file', { id, cause: error }) : error
}
