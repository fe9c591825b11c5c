import type { Session } from '../../connector/connector.ts'
import type { ContainerAddress } from '../../ledger/ledger.ts'

/** Where the job's roots are on both sides; set once per execution and thread. */
export interface Roots {
  sourceId: string
  /** Absent in a simulation whose destination root does not exist yet. */
  destinationId: string | undefined
}

/** The source id of a listed container: kept by the ledger on `id` platforms, derived from its names on `path` platforms. */
export function sourceContainerId(session: Session, roots: Roots, at: ContainerAddress): string {
  if (session.childId) return descend(session, roots.sourceId, at.sourceNames)
  return at.sourceId ?? roots.sourceId
}

/** The destination id of a container; undefined while it does not exist. */
export function destinationContainerId(session: Session, roots: Roots, at: ContainerAddress): string | undefined {
  if (roots.destinationId === undefined) return undefined
  if (at.destinationNames.length === 0) return roots.destinationId
  if (!at.ready) return undefined
  if (session.childId) return descend(session, roots.destinationId, at.destinationNames)
  return at.destinationId
}

/** The id of a child by its recorded id, or by its name where ids are names. */
export function childIdOf(session: Session, container: string, name: string, recorded: string | undefined): string {
  if (session.childId) return session.childId(container, name)
  return recorded ?? ''
}

/** How people read a path: from the job's root, with a leading slash. */
export function readable(names: readonly string[], name?: string): string {
  const all = name === undefined ? names : [...names, name]
  return `/${all.join('/')}`
}

/** The destination id of a container that an earlier holder wrote into, whether or not its making was recorded. */
export function descendOf(session: Session, root: string, at: ContainerAddress): string | undefined {
  if (session.childId) return descend(session, root, at.destinationNames)
  return at.destinationNames.length === 0 ? root : at.destinationId
}

function descend(session: Session, root: string, names: readonly string[]): string {
  let id = root
  for (const name of names) id = session.childId?.(id, name) ?? id
  return id
}
