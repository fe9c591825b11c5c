import type { BigIntStats } from 'node:fs'
import { ConnectorError } from '../errors.ts'
import { bytesOfName, leadIn, nameOfBytes } from '../local/escape.ts'
import type { Folder } from './folders.ts'
import { throughHandle } from './handle.ts'
import { join } from './ids.ts'
import { errno } from '../local/trouble.ts'
import type { Xattrs } from './xattr.ts'

/** Extended attributes that are people's and programs'; all others are the system's (ACLs, capabilities, labels) and not touched. */
const prefix = 'user.'
const longestName = 255

/** Properties as bytes, by their full name. */
export type PlannedProperties = ReadonlyMap<string, Buffer>

/**
 * Properties of files and folders as extended attributes; values that are no UTF-8 are escaped as file names are. Attributes
 * whose own name is none cannot be reached through the library: they are neither told nor touched.
 */
export class Properties {
  readonly #xattrs: Xattrs

  constructor(xattrs: Xattrs) {
    this.#xattrs = xattrs
  }

  /** Of a child that `stats` describe, links aside. */
  read(folder: Folder, name: string, stats: BigIntStats): Record<string, string> {
    return throughHandle(join(folder.base, name), stats, (path) => {
      const found: [string, string][] = []
      for (const key of this.#keys(path)) {
        const value = this.#value(path, key)
        if (value) found.push([key.slice(prefix.length), nameOfBytes(value)])
      }
      return Object.fromEntries(found)
    })
  }

  /** @throws ConnectorError `Unsupported` for a name that no attribute can have */
  plan(metadata: Record<string, string>): PlannedProperties {
    return new Map(
      Object.entries(metadata).map(([name, value]) => {
        const key = prefix + name
        if (name === '' || name.includes('\0') || Buffer.byteLength(key) > longestName)
          throw new ConnectorError('Unsupported', `${JSON.stringify(name)} is no name for an extended attribute`)
        return [key, value.includes(leadIn) ? bytesOfName(value) : Buffer.from(value)]
      }),
    )
  }

  /** @param path a descriptor's own path, never one that a link could stand in */
  write(path: string, planned: PlannedProperties): void {
    for (const key of this.#keys(path))
      if (!planned.has(key) && this.#value(path, key)) this.#xattrs.removeAttributeSync(path, key)
    for (const [key, value] of planned) {
      if (this.#value(path, key)?.equals(value)) continue
      try {
        this.#xattrs.setAttributeSync(path, key, value)
      } catch (error) {
        // Of the room beside a file, not of the disk's.
        if (!tooMuch.has(errno(error) ?? '')) throw error
        throw new ConnectorError('Unsupported', `the file system has no room for ${JSON.stringify(key)}`)
      }
    }
  }

  #keys(path: string): string[] {
    return this.#xattrs.listAttributesSync(path).filter((key) => key.startsWith(prefix))
  }

  #value(path: string, key: string): Buffer | undefined {
    try {
      return this.#xattrs.getAttributeSync(path, key)
    } catch (error) {
      if (errno(error) === 'ENODATA') return undefined
      throw error
    }
  }
}

const tooMuch: ReadonlySet<string> = new Set(['ENOSPC', 'E2BIG', 'ERANGE'])

/** Whether this file system has such attributes; else the reason it does not. */
export function probeProperties(xattrs: Xattrs | null, path: string): string | undefined {
  if (!xattrs) return 'the optional package fs-xattr is not installed'
  try {
    xattrs.getAttributeSync(path, `${prefix}stevedore`)
    return undefined
  } catch (error) {
    return errno(error) === 'ENODATA'
      ? undefined
      : `the file system has no extended attributes (${errno(error) ?? 'unknown'})`
  }
}
