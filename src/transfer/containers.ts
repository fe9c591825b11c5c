import { ConnectorError } from '../connector/errors.ts'
import { failpoint } from './failpoints.ts'
import type { JobContext } from './job_context.ts'
import { stagingKey } from './job_spec.ts'

export interface ContainerToMake {
  item: number
  /** Its parent's destination id. */
  parent: string
  name: string
  token: number
}

/**
 * Makes sure that a planned container exists at the destination, and tells the ledger. Two threads may do so at once, and
 * a dead holder may have done it before: an existing container of that name is merged with, anything else is a conflict.
 */
export async function ensureContainer(
  context: JobContext,
  { item, parent, name, token }: ContainerToMake,
): Promise<{ id: string }> {
  const known = context.readyContainers.get(item)
  if (known !== undefined) return { id: known }
  const id = await makeOrFind(context, item, parent, name)
  await context.flush(id, parent)
  context.readyContainers.set(item, id)
  // Not awaited: on the ledger's port it stays ahead of every result that depends on it.
  context.later(context.ledger.containerReady(item, { token, id: context.destination.childId ? '' : id, made: true }))
  return { id }
}

async function makeOrFind(context: JobContext, item: number, parent: string, name: string): Promise<string> {
  const { destination, spec } = context
  try {
    failpoint('container:before')
    const { id } = await destination.makeContainer(parent, name, stagingKey(spec.jobId, item, 0), context.newContainers)
    failpoint('container:after')
    return id
  } catch (error) {
    if (!(error instanceof ConnectorError) || error.code !== 'Conflict' || !destination.childId) throw error
    const there = await destination.stat(destination.childId(parent, name), [])
    if (there?.kind === 'container') return there.id
    throw error
  }
}
