import { isSecretKey } from '../secret/secret_key.ts'
import { holdsSecret, withoutPrivateKeys } from '../secret/secret_text.ts'
import { hidden, withoutUserInfo } from '../secret/shown.ts'

const maxDepth = 8

/**
 * A copy for the log: values under keys that name a secret are hidden, at any depth, and so is a line of text that holds one,
 * by the rules for documents. Errors keep what says what happened, nothing else.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  if (depth >= maxDepth) return '[deep]'
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (isError(value)) return redactError(value, depth)
  if (value instanceof Date) return value.toISOString()
  if (Array.isArray(value)) return value.map((element) => redact(element, depth + 1))
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      redactText(key),
      key === 'auth' || isSecretKey(key) ? hidden : redact(inner, depth + 1),
    ]),
  )
}

/** Of an address only the user part is hidden (`sftp://[redacted]@host`), of other text the line that holds a secret. */
export function redactText(text: string): string {
  return withoutUserInfo(withoutPrivateKeys(text, hidden), hidden)
    .split('\n')
    .map((line) => (holdsSecret(line) ? hidden : line))
    .join('\n')
}

function isError(value: object): value is Error {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]'
}

function redactError(error: Error, depth: number): unknown {
  const { code } = error as { code?: unknown }
  return {
    type: error.name,
    message: redactText(error.message),
    ...(code !== undefined && { code }),
    stack: redactText(error.stack ?? ''),
    ...(error.cause !== undefined && { cause: redact(error.cause, depth + 1) }),
  }
}
