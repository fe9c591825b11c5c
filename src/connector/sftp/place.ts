import type { Capabilities } from '../capabilities.ts'
import { ConnectorError } from '../errors.ts'
import type { Facts, Item } from '../item.ts'
import { checkSegment } from '../fs/ids.ts'
import type { Channel, Stats } from './channel.ts'
import type { Shape } from './shape.ts'

/** What a session's parts share. */
export interface Place {
  /** The connection; a lost one is opened again. */
  channel(): Promise<Channel>
  /** The root as the server names it, absolute, without a slash at its end. */
  base: string
  capabilities: Capabilities
  shape: Shape
  /** The name of the directory that the numbers of owners belong to. */
  directory: string
  checkName(name: string): void
  /** Stagings of this session by key: what came with them, and so is not taken from what they replace. */
  stagings: Map<string, { access: boolean; owner: boolean }>
}

/** @throws ConnectorError `Escapes`: the server would follow `..` to wherever the account may go */
export function pathOf({ base }: Place, id: string): string {
  if (id === '') return base
  for (const segment of id.split('/')) checkSegment(segment, id)
  return `${base}/${id}`
}

/** Undefined when nothing is there. A link is not followed. */
export async function statsOf(place: Place, id: string): Promise<Stats | undefined> {
  const channel = await place.channel()
  return channel.lstat(pathOf(place, id), id).catch(ifNotFound(undefined))
}

export function isNotFound(error: unknown): boolean {
  return error instanceof ConnectorError && error.code === 'NotFound'
}

/** For `catch`: what does not exist is answered with `answer`. */
export function ifNotFound<T>(answer: T): (error: unknown) => T {
  return (error) => {
    if (isNotFound(error)) return answer
    throw error
  }
}

/** @throws ConnectorError `NotFound` */
export async function itemAt(place: Place, id: string): Promise<Item> {
  const stats = await statsOf(place, id)
  if (!stats) throw new ConnectorError('NotFound', 'does not exist', { id })
  return place.shape.item(await place.channel(), pathOf(place, id), { id, stats })
}

/** @throws ConnectorError `PreconditionFailed` unless exactly that is there */
export async function requireStill(place: Place, id: string, expected: Facts): Promise<Stats> {
  const stats = await statsOf(place, id)
  if (!stats) throw new ConnectorError('PreconditionFailed', 'is no longer there', { id })
  const difference = place.shape.difference(expected, stats)
  if (difference === undefined) return stats
  throw new ConnectorError('PreconditionFailed', `is no longer what was planned against: ${difference}`, { id })
}
