import type { Session } from '../../connector/connector.ts'
import type { Item } from '../../connector/item.ts'
import type { SideSpec } from '../engine/execution_spec.ts'
import type { OpenSides } from '../engine/sides.ts'
import { type SideName } from '../engine/sides.ts'

/** A side has no such folder: there is nothing to compare. */
export class CannotVerify extends Error {
  override readonly name = 'CannotVerify'
}

export interface WholeSide {
  session: Session
  root: Item
}

export type WholeSides = Readonly<Record<SideName, WholeSide>>

/** @throws CannotVerify; ConnectorError or SideTrouble of a connection */
export async function openWhole(which: SideName, sides: OpenSides, side: SideSpec): Promise<WholeSide> {
  const session = await sides.open(side)
  const root = await session.root(side.path)
  if (!root) throw new CannotVerify(`${which}: ${JSON.stringify(side.path)} does not exist`)
  return { session, root }
}
