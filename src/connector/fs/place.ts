import { statSync, type BigIntStats } from 'node:fs'
import { ConnectorError } from '../errors.ts'
import type { Access } from './access.ts'
import type { Folder, Folders } from './folders.ts'
import { forbiddenBy } from './immutable.ts'
import { mayBeTheRoots, errno, troubleOf } from '../local/trouble.ts'
import type { Root } from './root.ts'
import type { Properties } from './properties.ts'
import type { Shape } from './shape.ts'
import type { FsSettings } from './settings.ts'
import type { CaseCollisions } from './case_collisions.ts'

/** What every operation of one session works with. */
export interface Place {
  readonly settings: FsSettings
  readonly root: Root
  readonly folders: Folders
  readonly shape: Shape
  readonly access: Access
  /** Absent where there are no extended attributes. */
  readonly properties: Properties | undefined
  readonly canChown: boolean
  /** ACLs can't be read, but may be there. */
  readonly aclsUnseen: boolean
  /** Present where names that differ by case are one. */
  readonly caseCollisions: CaseCollisions | undefined
  checkName(name: string): void
  /** Of stagings under way, by key: what `publish` must know and `Staged` has no room for. */
  readonly stagings: Map<string, Brought>
  /** Cleared on the first sign that this file system has no hard links. */
  hardLinks: boolean
}

/** What came with a staging. */
export interface Brought {
  power: boolean
  owner: boolean
  access: boolean
  /** With grants by name. */
  acl: boolean
}

/**
 * Works in a folder, which stays open meanwhile, whatever else is looked for. A descriptor may belong to a folder that was
 * removed and made again meanwhile: then, once, the way is walked anew.
 *
 * @throws ConnectorError with the id of what was worked on
 */
export function within<T>(place: Place, container: string, id: string, work: (folder: Folder) => T): T {
  const { folders } = place
  try {
    for (let again = false; ; again = true) {
      const folder = folders.get(container)
      folders.hold(folder)
      try {
        return work(folder)
      } catch (error) {
        if (errno(error) === 'EPERM') throw notPermitted(error, folder, id)
        if (again || errno(error) !== 'ENOENT' || !isStale(folder)) throw error
        folders.forget(container)
      } finally {
        folders.release(folder)
      }
    }
  } catch (error) {
    throw troubleIn(place, error, id)
  }
}

function notPermitted(error: unknown, folder: Folder, id: string): ConnectorError {
  const why = forbiddenBy(folder, id.slice(id.lastIndexOf('/') + 1))
  if (why === undefined) return troubleOf(error, id)
  return new ConnectorError('AccessDenied', `operation not permitted (EPERM): ${why}`, { id, cause: error })
}

/** A descriptor of a folder that has been removed. */
export function isStale(folder: Folder): boolean {
  return folder.handle !== undefined && statOf(folder).nlink === 0n
}

function statOf(folder: Folder): BigIntStats {
  return statSync(`${folder.base}.`, { bigint: true })
}

/** As a connector's error; when the root itself is gone or replaced, that is the error. */
export function troubleIn(place: Place, error: unknown, id: string): ConnectorError {
  if (mayBeTheRoots(errno(error))) {
    try {
      place.root.check()
    } catch (rootTrouble) {
      return troubleOf(rootTrouble, '')
    }
  }
  return troubleOf(error, id)
}
