import { isHarmlessSetting, isSecretKey } from '../secret/secret_key.ts'
import { holdsSecret } from '../secret/secret_text.ts'
import { hidden, withoutUserInfo } from '../secret/shown.ts'
import type { Path } from './problem.ts'

/**
 * A copy for showing. Of an inline connection's `auth` only what is known to be harmless stays; elsewhere what stands
 * under a key that looks secret is hidden, and so is text that holds one; addresses lose their user part.
 */
export function redact(document: unknown): unknown {
  return redacted(document, false)
}

/** Whether what stands there may be a secret, whatever it is. */
export function isSecretPath(path: Path): boolean {
  const auth = path.indexOf('auth')
  return (
    // In place of a connection somebody may have given a connection string.
    path.at(-1) === 'connection' ||
    (auth >= 0 && (auth === path.length - 1 || !isHarmlessSetting(String(path[auth + 1])))) ||
    path.some((step) => typeof step === 'string' && isSecretKey(step))
  )
}

function shownText(text: string): string {
  return holdsSecret(text) ? hidden : text
}

function redacted(value: unknown, inAuth: boolean): unknown {
  if (typeof value === 'string') return shownText(withoutUserInfo(value))
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((element) => redacted(element, inAuth))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (isSecretKey(key)) return [key, hidden]
      if (key === 'auth') return [key, typeof inner === 'object' ? redacted(inner, true) : hidden]
      if (inAuth && typeof inner === 'string' && !isHarmlessSetting(key)) return [key, hidden]
      return [shownText(key), redacted(inner, inAuth)]
    }),
  )
}
