import { closeSync, fstatSync, openSync, type BigIntStats } from 'node:fs'
import { ConnectorError } from '../errors.ts'
import { flags } from '../local/flags.ts'

/**
 * Works on a child by a path that is its descriptor's own, where no link can be swapped in.
 *
 * @throws ConnectorError `ChangedWhileRead` when the child is no longer the one that `stats` describe
 */
export function throughHandle<T>(path: string | Buffer, stats: BigIntStats, work: (path: string) => T): T {
  const fd = openSync(path, flags.handle)
  try {
    const now = fstatSync(fd, { bigint: true })
    if (now.ino !== stats.ino || now.dev !== stats.dev)
      throw new ConnectorError('ChangedWhileRead', 'was replaced while it was looked at')
    return work(`/proc/${process.pid}/fd/${fd}`)
  } finally {
    closeSync(fd)
  }
}
