import { withoutUserInfo, type Path } from './problem.ts'
import { holdsSecret } from './secret_text.ts'

/** Settings of a connection that say where and how, not with what key. */
const harmless =
  /^(root|path|uri|url|unc|host|port|bucket|region|service_url|domain|share|versioning|directory|names|links|impersonation|task_queue|ssl|auth_type|max_\w+|admin_mode|follow_\w+)$/
const secretKey =
  /pass(word|wd|phrase|code)?$|^pwd$|secret|credential|authorization|cookie|(api|access|private|shared|account)_?key|signature|token$/i
export const hidden = '[redacted]'

export const isSecretKey = (key: string): boolean => secretKey.test(key)
/** Of an `auth`: it holds no secret. */
export const isHarmlessSetting = (key: string): boolean => harmless.test(key)

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
    (auth >= 0 && (auth === path.length - 1 || !harmless.test(String(path[auth + 1])))) ||
    path.some((step) => typeof step === 'string' && secretKey.test(step))
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
      if (secretKey.test(key)) return [key, hidden]
      if (key === 'auth') return [key, typeof inner === 'object' ? redacted(inner, true) : hidden]
      if (inAuth && typeof inner === 'string' && !harmless.test(key)) return [key, hidden]
      return [key, redacted(inner, inAuth)]
    }),
  )
}
