import { closeSync, fstatSync, openSync } from 'node:fs'
import { ConnectorError } from '../errors.ts'

/**
 * Opens a regular file and nothing else: no link is followed, no pipe waited for.
 *
 * @param flag of `flags`
 * @throws ConnectorError `Unsupported` for anything else; a system error
 */
export function openRegular(path: string, flag: number): number {
  const fd = openSync(path, flag)
  if (fstatSync(fd).isFile()) return fd
  closeSync(fd)
  throw new ConnectorError('Unsupported', 'is no regular file')
}
