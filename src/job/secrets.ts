import { maxDepth } from '../json/json.ts'
import { isHarmlessSetting, isSecretKey } from '../secret/secret_key.ts'
import { holdsSecret } from '../secret/secret_text.ts'
import { hidden } from '../secret/shown.ts'
import type { Path } from './problem.ts'

/**
 * Where something stands that looks like a secret: text under a key that says so, in an `auth` of whatever kind, or of the
 * form of one ({@link holdsSecret}). Keys are text too. One path for each, the outermost.
 *
 * @param isSealed whether what stands at a path is the `auth` of a connection: it is not looked into
 */
export function secretsIn(document: unknown, isSealed: (path: Path) => boolean): Path[] {
  const found: Path[] = []
  look(document, [])
  return found

  function look(value: unknown, path: Path): void {
    if (path.length > maxDepth) return
    if (typeof value === 'string') {
      if (holdsSecret(value)) found.push(path)
    } else if (Array.isArray(value)) value.forEach((element, i) => look(element, [...path, i]))
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) {
        const at = [...path, key]
        if (isSealed(at)) continue
        if (holdsSecret(key)) found.push(at)
        else if (isSecretKey(key) ? holdsText(inner) : key === 'auth' && holdsMoreThanAddresses(inner)) found.push(at)
        else look(inner, at)
      }
  }
}

function holdsMoreThanAddresses(auth: unknown): boolean {
  if (typeof auth !== 'object' || auth === null) return holdsText(auth)
  return Object.entries(auth).some(([key, inner]) => !isHarmlessSetting(key) && holdsText(inner))
}

/** What an answer has hidden is none any more: it can be posted again. */
function holdsText(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return value !== '' && value !== hidden
  if (typeof value !== 'object' || value === null) return typeof value === 'number'
  return depth <= maxDepth && Object.values(value).some((inner) => holdsText(inner, depth + 1))
}
