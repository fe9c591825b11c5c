import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ResolvedRoot } from '../connector.ts'
import { errno } from './trouble.ts'

/**
 * Which folder a path is, whatever leads there: `<device>:<inode>`, and of all folders above it. What does not exist yet is named
 * by the nearest folder that does and the rest of the way. A bind mount shows only part of a file system, so the folders
 * above it there are looked up at the mount that shows them.
 */
export function resolveRoot(path: string): ResolvedRoot {
  const missing: string[] = []
  let at = path
  for (let real = realOf(at); ; real = realOf(at)) {
    if (real !== undefined) {
      const above = new Set(chain(real))
      for (const other of shownElsewhere(real)) for (const place of chain(other)) above.add(place)
      const place = placeOf(real)
      if (place !== undefined) return resolved(place, missing, above)
    }
    if (at === dirname(at)) return { place: `missing:${path}`, above: [], exists: false }
    missing.unshift(at.slice(dirname(at).length).replace(/^\/+/, ''))
    at = dirname(at)
  }
}

function resolved(place: string, missing: string[], above: Set<string>): ResolvedRoot {
  above.delete(place)
  if (missing.length === 0) return { place, above: [...above], exists: true }
  const nearer: string[] = []
  for (let n = missing.length - 1; n > 0; n--) nearer.push(`${place}/${missing.slice(0, n).join('/')}`)
  return { place: `${place}/${missing.join('/')}`, above: [...nearer, place, ...above], exists: false }
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch (error) {
    if (errno(error) === 'ENOENT' || errno(error) === 'ENOTDIR') return undefined
    throw error
  }
}

/** The folders above, nearest first. */
function chain(path: string): string[] {
  const above: string[] = []
  for (let at = path; at !== dirname(at);) {
    at = dirname(at)
    const place = placeOf(at)
    if (place !== undefined) above.push(place)
  }
  return above
}

function placeOf(path: string): string | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats && `${stats.dev}:${stats.ino}`
}

interface Mount {
  device: string
  /** The part of the file system that is shown. */
  root: string
  point: string
}

/** The same folder by way of other mounts of its file system. */
function shownElsewhere(real: string): string[] {
  const mounts = mountTable()
  const own = mounts.filter((m) => isBelow(real, m.point)).reduce<Mount | undefined>(longest, undefined)
  if (!own) return []
  const inside = join(own.root, real.slice(own.point.length))
  const place = placeOf(real)
  return mounts
    .filter((m) => m !== own && m.device === own.device && isBelow(inside, m.root))
    .map((m) => join(m.point, inside.slice(m.root === '/' ? 0 : m.root.length)))
    .filter((path) => placeOf(path) === place)
}

/** Of two mounts on one point the later one is seen. */
function longest(best: Mount | undefined, mount: Mount): Mount {
  return best && best.point.length > mount.point.length ? best : mount
}

function isBelow(path: string, folder: string): boolean {
  return folder === '/' || path === folder || path.startsWith(`${folder}/`)
}

function mountTable(): Mount[] {
  let text: string
  try {
    text = readFileSync('/proc/self/mountinfo', 'utf8')
  } catch {
    return []
  }
  const plain = (field: string) =>
    field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)))
  return text
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields.length > 5)
    .map(([, , device = '', root = '', point = '']) => ({ device, root: plain(root), point: plain(point) }))
}
