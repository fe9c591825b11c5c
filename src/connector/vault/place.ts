import type { ResolvedRoot } from '../connector.ts'
import { resolveRoot } from '../local/resolve.ts'

/**
 * Where a path of a vault really is: the vault as a whole is its folder, so that a job on the folder itself, above it or
 * inside it is seen to overlap; what is in it is named by names from the top, which is how `root` finds it.
 */
export function placeOf(folder: string, names: readonly string[]): Omit<ResolvedRoot, 'exists'> {
  const here = resolveRoot(folder)
  const at = (depth: number) => (depth === 0 ? here.place : `${here.place}:/${names.slice(0, depth).join('/')}`)
  const nearer = names.map((_, n) => at(names.length - 1 - n))
  return { place: at(names.length), above: [...nearer, ...here.above] }
}
