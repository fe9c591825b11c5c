import { comparable } from './filter_pattern.ts'
import type { CompiledRule } from './rule.ts'

const ascii = /^[\u0000-\u007f]*$/

/**
 * One file, or one folder with everything in it, by its path from the job's source root. Case counts where it does at the
 * source; in which Unicode form somebody's editor wrote it does not.
 */
export function filterPath(paths: readonly string[], caseSensitive = true): CompiledRule {
  const oneForm = caseSensitive ? (path: string) => (ascii.test(path) ? path : path.normalize('NFC')) : comparable
  /** `/a/b`, whatever slashes were typed; empty for the root. */
  const normal = (path: string): string => {
    const segments = oneForm(path)
      .split('/')
      .filter((segment) => segment !== '')
    return segments.length === 0 ? '' : `/${segments.join('/')}`
  }
  const exact = new Set(paths.map(normal))
  const everything = exact.has('')
  const covered = (path: string): boolean => {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) {
      if (exact.has(path.slice(0, at))) return true
    }
    return false
  }
  const above = new Set<string>()
  for (const path of exact) {
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1)) above.add(path.slice(0, at))
  }
  return {
    type: 'filter_path',
    text: `path is ${paths.map((path) => JSON.stringify(path)).join(' or ')}`,
    matches(_item, given) {
      if (everything) return true
      const path = oneForm(given)
      return exact.has(path) || covered(path)
    },
    reaches: (path) => above.has(oneForm(path)),
    coveredBy: (path) => covered(oneForm(path)),
  }
}
