import { statSync } from 'node:fs'
import { ConnectorError } from '../errors.ts'
import { errno, troubleOf } from '../local/trouble.ts'

/** The connection's root, as it was when the session opened it. What is found there later must still be that folder. */
export class Root {
  readonly path: string
  readonly dev: bigint
  readonly ino: bigint
  /** This file system states when a file was made. */
  readonly statesBirths: boolean

  /** @throws ConnectorError `RootGone`, `Misconfigured` */
  constructor(path: string) {
    this.path = path
    const stats = look(path)
    if (!stats) throw new ConnectorError('RootGone', `the root ${path} does not exist`)
    if (!stats.isDirectory()) throw new ConnectorError('Misconfigured', `root: ${path} is not a folder`)
    this.dev = stats.dev
    this.ino = stats.ino
    this.statesBirths = stats.birthtimeNs > 0n
  }

  /** @throws ConnectorError `RootGone`, `RootReplaced` */
  check(): void {
    const stats = look(this.path)
    if (!stats) throw new ConnectorError('RootGone', `the root ${this.path} is gone`)
    if (stats.dev !== this.dev || stats.ino !== this.ino)
      throw new ConnectorError('RootReplaced', `the root ${this.path} is no longer the folder this run began with`)
  }
}

function look(path: string) {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    const number = errno(error)
    if (number === 'EIO' || number === 'ESTALE' || number === 'ENXIO' || number === 'ENOTDIR')
      throw new ConnectorError('RootGone', `the root ${path} cannot be read (${number})`, { cause: error })
    if (number === 'EACCES')
      throw new ConnectorError('Misconfigured', `root: permission denied on ${path}`, { cause: error })
    throw troubleOf(error, '')
  }
}
