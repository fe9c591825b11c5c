import { ConnectorError } from '../errors.ts'
import { encodeSegment } from '../http/encode.ts'

/**
 * Where ids and addresses of one connection meet. An id is the names from the connection's collection down, joined by slashes; the
 * collection itself is the empty text. A segment that is no UTF-8 has a name that ends with U+FFFD: it can be told of, not asked for.
 */
export class Addresses {
  readonly origin: string
  /** The collection's own segments, decoded. */
  readonly #base: readonly string[]

  /** @param collection the address of what the connection begins at */
  constructor(collection: URL) {
    this.origin = collection.origin
    this.#base = segmentsOf(collection.pathname).map((raw) => decoded(raw) ?? raw)
  }

  /** As it stands in a request. */
  path(id: string, kind: 'item' | 'container' = 'item'): string {
    const segments = [...this.#base, ...namesOf(id)].map(encodeSegment)
    return segments.length === 0 ? '/' : `/${segments.join('/')}${kind === 'container' || id === '' ? '/' : ''}`
  }

  /** As other requests have it in a header. */
  url(id: string): string {
    return this.origin + this.path(id)
  }

  /** From the server's root on, decoded. */
  segments(id: string): string[] {
    return [...this.#base, ...namesOf(id)]
  }

  /**
   * The name of what a listing of `container` tells of at `href`; the empty text of the container itself.
   *
   * @throws ConnectorError `Escapes` when it lies anywhere else
   */
  nameIn(container: string, href: string): string {
    const escapes = (): never => {
      throw new ConnectorError('Escapes', 'the server lists something that does not lie in it', { id: container })
    }
    const url = URL.canParse(href) ? new URL(href) : undefined
    if (url ? url.origin !== this.origin : !href.startsWith('/') || href.startsWith('//')) escapes()
    // Not `pathname`, which has `..` resolved.
    const path = (url ? href.slice(href.indexOf('/', href.indexOf('//') + 2)) : href).replace(/[?#].*$/s, '')
    const above = this.segments(container)
    const raw = segmentsOf(path)
    const isBelow = raw.length <= above.length + 1 && above.every((name, i) => decoded(raw[i] ?? '') === name)
    if (!isBelow) escapes()
    const own = raw[above.length]
    if (own === undefined) return ''
    const name = decoded(own)
    if (name === undefined) return own + noName
    return isName(name) ? name : escapes()
  }
}

/** Ends what stands for a name that can't be one. */
export const noName = '\uFFFD'

export function childId(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`
}

/** The parent's id and the own name; of the root, nothing. */
export function splitId(id: string): { parent: string; name: string } {
  const at = id.lastIndexOf('/')
  return { parent: at < 0 ? '' : id.slice(0, at), name: id.slice(at + 1) }
}

/** The id that a root path names. What could mean something else than a name is refused, not interpreted. */
export function idOfPath(path: string): string {
  const inner = path.replace(/^\//, '').replace(/\/$/, '')
  return namesOf(inner).join('/')
}

function namesOf(id: string): string[] {
  const names = id === '' ? [] : id.split('/')
  if (names.every(isName)) return names
  throw new ConnectorError('Escapes', `${JSON.stringify(id)} has a part that is no name`)
}

function isName(name: string): boolean {
  return !['', '.', '..'].includes(name) && !name.includes('/') && !name.includes('\0')
}

function segmentsOf(path: string): string[] {
  const inner = path.replace(/^\//, '').replace(/\/$/, '')
  return inner === '' ? [] : inner.split('/')
}

/** Undefined when it is no UTF-8. */
function decoded(raw: string): string | undefined {
  try {
    return decodeURIComponent(raw)
  } catch {
    return undefined
  }
}
