import type { Session } from '../../connector/connector.ts'
import type { AuditRow, Batch, ContainerAddress } from '../../ledger/ledger.ts'
import { descendOf, readable } from '../items/addresses.ts'
import { stagingKey } from '../engine/execution_spec.ts'

/** A folder that earlier holders of a batch may have staged. */
export interface FormerFolder {
  item: number
  /** Where it was to be. */
  parent: ContainerAddress
  /** What may be in it. */
  names: string[]
}

/** By item; names as far as this batch knows them: other batches clear away theirs. */
export function formerFolders({ containers, items }: Batch): Map<number, FormerFolder> {
  const addresses = new Map(containers.map((container) => [container.item, container]))
  const folders = new Map<number, FormerFolder>()
  const of = (item: number, parent: ContainerAddress): FormerFolder => {
    let folder = folders.get(item)
    if (!folder) folders.set(item, (folder = { item, parent, names: [] }))
    return folder
  }
  for (const { item, kind, action, container, destinationName } of items) {
    const address = addresses.get(container)
    if (action !== 'create' || !address) continue
    if (kind === 'container') of(item, address)
    else if (kind === 'item' && address.destinationNames.length > 0)
      of(container, above(address)).names.push(destinationName)
  }
  return folders
}

/** Of several batches, each of which may know a part of what a folder holds. */
export function mergedFormer(batches: readonly Batch[]): Iterable<{ folder: FormerFolder; tokens: number[] }> {
  const merged = new Map<number, { folder: FormerFolder; tokens: number[] }>()
  for (const batch of batches) {
    if (batch.formerTokens.length === 0) continue
    for (const [item, folder] of formerFolders(batch)) {
      const known = merged.get(item)
      if (known) {
        known.folder.names.push(...folder.names)
        known.tokens = [...new Set([...known.tokens, ...batch.formerTokens])]
      } else merged.set(item, { folder, tokens: [...batch.formerTokens] })
    }
  }
  return merged.values()
}

export function foreignInside(item: number, name: string): AuditRow {
  return { item, level: 'warn', type: 'left_behind', message: `${name} stays: it holds something that is not ours` }
}

function above(folder: ContainerAddress): ContainerAddress {
  return { ...folder, item: folder.parent, destinationNames: folder.destinationNames.slice(0, -1) }
}

/**
 * Removes a folder that holders of these tokens may have staged.
 *
 * @returns names of those that stay because of something else in them
 */
export async function discardFormer(
  session: Session,
  { root, jobId, tokens }: { root: string; jobId: string; tokens: readonly number[] },
  { item, parent, names }: FormerFolder,
): Promise<string[]> {
  const id = descendOf(session, root, parent)
  const left: string[] = []
  if (!session.newContainers || id === undefined) return left
  for (const token of tokens) {
    const key = stagingKey(jobId, item, token)
    if (!(await session.newContainers.discard(id, key, names)))
      left.push(`${key} in ${readable(parent.destinationNames)}`)
  }
  return left
}
