import { ConnectorError } from '../errors.ts'
import { encodeSegment } from '../http/encode.ts'

/**
 * Keys are text with slashes in it, and folders no more than a way to read them. An id is the names from the connection's
 * prefix down, joined by slashes; a name is what stands between two slashes of a key, escaped where that is no name:
 *
 * | in the bucket | name |
 * | --- | --- |
 * | nothing between two slashes, `.`, `..`, what ends like an escape | the same and U+FFFD |
 * | a folder beside a file of the same name | the same, U+FFFD and `2` |
 *
 * So every key has an id of its own, and no id leads out of the prefix. New names never end like that.
 */
const escape = '\uFFFD'
const twin = `${escape}2`

export function nameOf(segment: string): string {
  const isName = segment !== '' && segment !== '.' && segment !== '..' && !looksEscaped(segment)
  return isName ? segment : segment + escape
}

/** Of a folder that has the name of a file beside it. */
export function twinNameOf(segment: string): string {
  return segment + twin
}

export function looksEscaped(name: string): boolean {
  return name.endsWith(escape) || name.endsWith(twin)
}

function segmentOf(name: string): string {
  if (name.endsWith(twin)) return name.slice(0, -twin.length)
  return name.endsWith(escape) ? name.slice(0, -escape.length) : name
}

export function childId(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`
}

/** The parent's id and the own name; of the root, nothing. */
export function splitId(id: string): { parent: string; name: string } {
  const at = id.lastIndexOf('/')
  return { parent: at < 0 ? '' : id.slice(0, at), name: id.slice(at + 1) }
}

/** Where ids and keys of one connection meet. */
export class Keys {
  /** Empty, or ends with a slash. */
  readonly prefix: string

  constructor(prefix: string) {
    this.prefix = prefix
  }

  /** The key that the item of this id has, when it is one. */
  keyOf(id: string): string {
    if (id === '') throw new ConnectorError('NotAContainer', 'the root is no file', { id })
    return this.prefix + segmentsOf(id).join('/')
  }

  /** What the keys below a container begin with; also its marker's key, but for the root's. */
  prefixOf(id: string): string {
    return id === '' ? this.prefix : `${this.prefix}${segmentsOf(id).join('/')}/`
  }

  /** A folder can be named as one only by its twin's name; no file has that. */
  static isTwin(id: string): boolean {
    return id.endsWith(twin)
  }
}

function segmentsOf(id: string): string[] {
  return id.split('/').map((name) => {
    if (name === '' || name === '.' || name === '..')
      throw new ConnectorError('Escapes', `${JSON.stringify(id)} has a part that is no name`)
    return segmentOf(name)
  })
}

/** The id that a root path names: names between slashes. What could mean something else than a name is refused, not interpreted. */
export function idOfPath(path: string): string {
  const inner = path.replace(/^\//, '').replace(/\/$/, '')
  const names = inner === '' ? [] : inner.split('/')
  if (names.some((name) => name === '' || name === '.' || name === '..')) {
    throw new ConnectorError('Escapes', `${JSON.stringify(path)} has a part that is no name`)
  }
  return names.join('/')
}

/** A key as it stands in a request: everything escaped but what a signature leaves alone. */
export function encodeKey(key: string): string {
  return key.split('/').map(encodeSegment).join('/')
}
