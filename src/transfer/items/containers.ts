import { setTimeout as sleep } from 'node:timers/promises'
import type { Session } from '../../connector/connector.ts'
import type { Facet, Item } from '../../connector/item.ts'
import { ConnectorError } from '../../connector/errors.ts'
import type { AuditRow } from '../../ledger/ledger.ts'
import { keyOf } from '../../policy/who.ts'
import { isClosed } from './access_carrier.ts'
import { failpoint } from '../recovery/failpoints.ts'
import type { ExecutionContext } from '../engine/execution_context.ts'
import { stagingKey } from '../engine/execution_spec.ts'
import { recordingPossibleEffect } from '../recovery/possible_effect.ts'

/** Another thread tells the ledger of what it made right after it did. */
const toldWithinMs = 25

/** Under whose lease a container is made. */
export interface Maker {
  token: number
  /** Earlier holders died with it in hand, or an earlier try failed: a container that is there may be of their making. */
  former: boolean
}

export interface ContainerToMake extends Maker {
  item: number
  /** Its parent's destination id. */
  parent: string
  name: string
  /** Its source id. */
  source: string
}

export interface EnsuredContainer {
  id: string
  /** By this job, in this execution; else somebody was quicker, and its times, owner and mode are his. */
  made: boolean
}

/**
 * Makes sure that a planned container exists at the destination, and tells the ledger. Two threads may do so at once, and
 * a dead holder may have done it before: an existing container of that name is merged with, anything else is a conflict.
 */
export async function ensureContainer(context: ExecutionContext, toMake: ContainerToMake): Promise<EnsuredContainer> {
  const { item, parent, name, token, former } = toMake
  const known = context.containers.known(item)
  if (known !== undefined) return { id: known, made: await isOurs(context, { item, id: known, former }) }
  const { id, made } = await recordingPossibleEffect(context, { item, container: parent, token }, async () => {
    const found = await makeOrFind(context, toMake)
    await context.flush(found.id, parent)
    return found
  })
  context.containers.remember(item, id)
  // Not awaited: on the ledger's port it stays ahead of every result that depends on it, and no batch follows when it fails.
  context.pendingWrites.add(
    context.ledger.containerReady(item, { token, id: context.destination.childId ? '' : id, made }),
  )
  if (!made) {
    const rows: AuditRow[] = []
    const message = `${name} was made by somebody else meanwhile; it is merged with, and keeps its owner and mode`
    context.audit.add(rows, 'merged', () => ({ item, message }))
    if (rows.length > 0) context.pendingWrites.add(context.ledger.audit(rows))
  }
  return { id, made }
}

async function makeOrFind(context: ExecutionContext, toMake: ContainerToMake): Promise<EnsuredContainer> {
  const { item, parent, name, former, source } = toMake
  const { destination, spec } = context
  const access = await context.attributes.ofNewContainer(source)
  try {
    failpoint('container:before')
    const { id } = await destination.makeContainer(parent, name, stagingKey(spec.jobId, item, 0), access)
    failpoint('container:after')
    return { id, made: true }
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.code !== 'Conflict' || !destination.childId) throw error
    const there = await destination.stat(destination.childId(parent, name), [])
    if (there?.kind !== 'container') throw error
    return { id: there.id, made: await isOurs(context, { item, id: there.id, former }) }
  }
}

/**
 * Whose a container is that was not there when it was planned. The ledger knows what other threads made. What a holder made
 * that died before it could tell has no mark, so it is known by how it must look; whatever looks otherwise is somebody's.
 */
async function isOurs(
  context: ExecutionContext,
  { item, id, former }: { item: number; id: string; former: boolean },
): Promise<boolean> {
  if (await isKnownAsOurs(context, item)) return true
  if (former) {
    const { accessOfNew } = context.attributes
    const there = await context.destination.stat(id, toKnowOurs(context.destination, accessOfNew))
    if (there !== null && looksLikeOurs(context, there)) return true
  }
  await sleep(toldWithinMs)
  return isKnownAsOurs(context, item)
}

async function isKnownAsOurs({ ledger, spec, toSource }: ExecutionContext, item: number): Promise<boolean> {
  const [address] = (await ledger.addresses(item, 'nearest', toSource)).slice(-1)
  return address?.madeIn === spec.execution
}

/** As we make them, and made since the execution began. */
function looksLikeOurs({ spec, attributes, destination }: ExecutionContext, there: Item): boolean {
  const { nowNs, toleranceNs } = spec
  if (there.createdNs !== undefined && there.createdNs < nowNs - toleranceNs) return false
  return isMadeAsOurs(there, destination, attributes.accessOfNew)
}

/** What {@link isMadeAsOurs} looks at. */
export function toKnowOurs({ capabilities }: Session, access: 'closed' | 'platform'): Facet[] {
  const facets: Facet[] = access === 'closed' ? ['permissions'] : []
  return capabilities.owners.owner === 'none' ? facets : [...facets, 'owner']
}

/** The running account's, and as closed as we make one that is to get permissions. */
export function isMadeAsOurs(there: Item, { account }: Session, access: 'closed' | 'platform'): boolean {
  const isOthers = there.owner !== undefined && account !== undefined && keyOf(there.owner) !== keyOf(account)
  return !isOthers && (access !== 'closed' || isClosed(there))
}
