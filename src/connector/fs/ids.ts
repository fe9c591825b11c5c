/**
 * An id is the path from the connection's root, segments joined by `/`, the root itself ''. Whatever leaves the root or has
 * two spellings is refused: `..`, `.`, an absolute path, an empty segment, NUL.
 */
import { ConnectorError } from '../errors.ts'
import { bytesOfName, leadIn } from '../local/escape.ts'

export function childId(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`
}

export function parentOf(id: string): string {
  const cut = id.lastIndexOf('/')
  if (cut === 0) checkSegment('', id)
  return cut < 0 ? '' : id.slice(0, cut)
}

/** The last segment, checked. */
export function nameOf(id: string): string {
  const name = id.slice(id.lastIndexOf('/') + 1)
  checkSegment(name, id)
  return name
}

export function checkSegment(name: string, id: string): void {
  if (name === '' || name === '.' || name === '..' || name.includes('\0'))
    throw new ConnectorError('Escapes', `${JSON.stringify(id.slice(0, 300))} is not an address inside the root`, { id })
}

/** The id a job's `target.path` names: slashes at either end mean nothing. */
export function idOfPath(path: string): string {
  let from = 0
  let to = path.length
  while (path[from] === '/') from++
  while (to > from && path[to - 1] === '/') to--
  const id = path.slice(from, to)
  if (id !== '') for (const segment of id.split('/')) checkSegment(segment, id)
  return id
}

/** The path of a name below `base`, which ends in a slash; bytes when the name has bytes that are no UTF-8. */
export function join(base: string, name: string): string | Buffer {
  return name.includes(leadIn) ? Buffer.concat([Buffer.from(base), bytesOfName(name)]) : base + name
}
