import { chmodSync, statSync } from 'node:fs'
import { ConnectorError } from '../errors.ts'
import { errno } from '../local/trouble.ts'
import type { Folder } from './folders.ts'
import { within, type Place } from './place.ts'

/** What it takes to make, rename and remove in a folder. */
const needed = 0o300
/** Somebody else who opened it closes it again in the middle. */
const mostTries = 5

/**
 * As {@link within}, to change what is in a folder: one that its owner closed against that (0555) is opened for the moment, where the
 * running account is that owner, and closed again. A death in between leaves it open, to nobody but its owner.
 *
 * @throws ConnectorError as `within`
 */
export function changing<T>(place: Place, container: string, id: string, work: (folder: Folder) => T): T {
  try {
    return within(place, container, id, work)
  } catch (error) {
    if (!(error instanceof ConnectorError) || errno(error.cause) !== 'EACCES') throw error
    return within(place, container, id, (folder) => whileOpen(folder, () => work(folder), error))
  }
}

function whileOpen<T>(folder: Folder, work: () => T, refused: ConnectorError): T {
  // The folder itself: a name in it could not be looked at.
  const path = folder.base.slice(0, -1) || folder.base
  for (let tries = 1; ; tries++) {
    const { mode, uid } = statSync(path)
    if (uid !== process.geteuid?.()) throw refused
    const closed = (mode & needed) !== needed
    if (closed) chmodSync(path, (mode & 0o7777) | needed)
    else if (tries === mostTries) throw refused
    try {
      return work()
    } catch (error) {
      if (errno(error) !== 'EACCES' || tries === mostTries) throw error
    } finally {
      if (closed) chmodSync(path, mode & 0o7777)
    }
  }
}
