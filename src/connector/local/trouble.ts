import { constants } from 'node:os'
import { ConnectorError, type ErrorCode } from '../errors.ts'

/** What the operating system's error numbers mean here; the one place that knows them. */
const meanings: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  ENOENT: ['NotFound', 'does not exist'],
  ESTALE: ['NotFound', 'is no longer there'],
  EACCES: ['AccessDenied', 'permission denied'],
  EPERM: ['AccessDenied', 'operation not permitted'],
  EEXIST: ['Conflict', 'something of that name exists'],
  ENOTEMPTY: ['Conflict', 'a folder with content is there'],
  EISDIR: ['Conflict', 'is a folder'],
  ENOTDIR: ['NotAContainer', 'is not a folder'],
  ELOOP: ['Escapes', 'a symbolic link is in the way'],
  ENAMETOOLONG: ['NameTooLong', 'the file system takes no name this long'],
  EILSEQ: ['NameInvalid', 'the file system refuses the name'],
  ERR_INVALID_ARG_VALUE: ['Escapes', 'the name contains a NUL'],
  EFBIG: ['TooLarge', 'larger than the file system takes'],
  ENOSPC: ['QuotaExceeded', 'no space left on the device'],
  EDQUOT: ['QuotaExceeded', 'disk quota exceeded'],
  EROFS: ['ReadOnly', 'the file system is read-only'],
  EBUSY: ['Locked', 'in use'],
  ETXTBSY: ['Locked', 'a running program'],
  EAGAIN: ['Locked', 'in use'],
  EXDEV: ['Unsupported', 'lies on another file system'],
  ENXIO: ['Unsupported', 'a special file, never opened'],
  ENOTSUP: ['Unsupported', 'the file system does not support it'],
  EOPNOTSUPP: ['Unsupported', 'the file system does not support it'],
  ENOSYS: ['Unsupported', 'the file system does not support it'],
  // Neither the item nor the storage is to blame: trying again later helps.
  EMFILE: ['Unreachable', 'too many open files'],
  ENFILE: ['Unreachable', 'too many open files on this machine'],
  ENOMEM: ['Unreachable', 'out of memory'],
  ENOTCONN: ['Unreachable', 'the file system is not connected'],
  EHOSTDOWN: ['Unreachable', "the file system's server is down"],
  EHOSTUNREACH: ['Unreachable', "the file system's server cannot be reached"],
  ETIMEDOUT: ['Unreachable', 'the file system does not answer'],
}

/** Node and fs-xattr have no names for these, and say no more than their number (`UNKNOWN`). */
const unnamed: ReadonlyMap<number, string> = new Map(
  ['EDQUOT', 'ESTALE'].map((name) => [(constants.errno as Record<string, number>)[name] ?? 0, name]),
)

export function errno(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  const { code, errno } = error as { code: unknown; errno?: unknown }
  // Negative from Node, positive from fs-xattr.
  const name = typeof errno === 'number' ? unnamed.get(Math.abs(errno)) : undefined
  return name ?? (typeof code === 'string' ? code : undefined)
}

/** As a connector's error; the text names no host path, which the system's own text would. */
export function troubleOf(error: unknown, id: string): ConnectorError {
  if (error instanceof ConnectorError) return error
  const number = errno(error)
  if (number === undefined) throw error
  const [code, why] = meanings[number] ?? ['ItemFailed', 'the file system reports a failure']
  return new ConnectorError(code, `${why} (${number})`, { id, cause: error })
}

/** Numbers that may be the root's fault, not the item's. */
export function mayBeTheRoots(number: string | undefined): boolean {
  return number === 'ENOENT' || number === 'ESTALE' || number === 'EIO' || number === 'ENOTCONN' || number === 'ENOTDIR'
}

/** A hard link was refused, by this file or by the whole file system (FAT, exFAT and some network file systems say EPERM). */
export function refusesLink(number: string | undefined): boolean {
  return number === 'EPERM' || number === 'EMLINK' || knowsNoLinks(number)
}

/** There is no use in trying another file. */
export function knowsNoLinks(number: string | undefined): boolean {
  return number === 'ENOTSUP' || number === 'EOPNOTSUPP' || number === 'ENOSYS'
}
