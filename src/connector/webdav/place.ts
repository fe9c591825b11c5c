import { ConnectorError } from '../errors.ts'
import type { RangeSource } from '../http/range_reading.ts'
import type { Facts, Item } from '../item.ts'
import { splitId, type Addresses } from './addresses.ts'
import type { DavClient } from './client.ts'
import { factsOf, isSame, type Shape } from './facts.ts'
import type { Server } from './server.ts'
import type { WebdavSettings } from './settings.ts'
import type { Transactions } from './transactions.ts'

/** What a session's parts share. */
export interface Place {
  client: DavClient
  addresses: Addresses
  server: Server
  shape: Shape
  settings: WebdavSettings
  /** Of a Subversion repository. */
  transactions: Transactions | undefined
  /** The server says how much room there is. */
  hasQuota: boolean
  checkName(name: string): void
}

/** Null when nothing is there. */
export async function itemAt(place: Place, id: string): Promise<Item | null> {
  const { client, addresses, shape } = place
  const look = (path: string) => client.look(path, shape.asked, id)
  try {
    const told = await look(addresses.path(id))
    return told && shape.item(id, told)
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error
    // Some servers know folders by a slash at the end, and nothing else.
    if (error.code === 'Misconfigured' && id !== '') {
      const told = await look(addresses.path(id, 'container')).catch(() => null)
      if (told) return shape.item(id, told)
    }
    // Apache calls a path through a file a bad request.
    if (error.code === 'ItemFailed' && id !== '' && (await isBelowFile(place, id))) return null
    throw error
  }
}

async function isBelowFile(place: Place, id: string): Promise<boolean> {
  const { parent } = splitId(id)
  if (parent === '') return false
  const there = await itemAt(place, parent)
  return there?.kind !== 'container'
}

/** @throws ConnectorError `NotFound` */
export async function known(place: Place, id: string): Promise<Item> {
  const item = await itemAt(place, id)
  if (!item) throw new ConnectorError('NotFound', 'is gone', { id })
  return item
}

/** @throws ConnectorError `PreconditionFailed` unless exactly that is there */
export async function requireStill(place: Place, id: string, expected: Facts): Promise<Item> {
  const item = await itemAt(place, id)
  if (!item) throw new ConnectorError('PreconditionFailed', 'is no longer there', { id })
  if (item.kind === 'container' ? expected.version === undefined : isSame(item, expected)) return item
  throw new ConnectorError('PreconditionFailed', 'is not what it was', { id })
}

/** Looks at what is there when a request was refused for it. */
export function ifRefused(error: unknown, ...codes: readonly string[]): error is ConnectorError {
  return error instanceof ConnectorError && codes.includes(error.code)
}

export function contentOf(place: Place, id: string): RangeSource {
  const { client, addresses } = place
  const path = addresses.path(id)
  return {
    id,
    async look() {
      const item = await itemAt(place, id)
      return item?.kind === 'item' ? item : null
    },
    async get(from) {
      const { status, headers, body } = await client.stream({
        method: 'GET',
        path,
        headers: { 'accept-encoding': 'identity', ...(from === 0n ? {} : { range: `bytes=${from}-` }) },
        id,
      })
      // A server may know no ranges, and send all of it.
      return { facts: factsOf(headers, place.server), body: from > 0n && status === 200 ? after(body, from) : body }
    },
    isSame,
  }
}

async function* after(body: AsyncIterable<Uint8Array>, from: bigint): AsyncGenerator<Uint8Array> {
  let left = from
  for await (const chunk of body) {
    const skipped = BigInt(chunk.length) < left ? chunk.length : Number(left)
    left -= BigInt(skipped)
    if (skipped < chunk.length) yield chunk.subarray(skipped)
  }
}
