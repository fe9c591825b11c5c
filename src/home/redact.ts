const secretKey =
  /pass(word|wd|phrase|code)?$|^pwd$|secret|credential|authorization|cookie|api_?key|access_?key|private_?key|signature|(^|_|[a-z])(token|Token)$|^auth$/i
/** Without the scheme before it, which a long text of dots would be searched for again and again. */
const userInfo = /:\/\/[^\s"'/@\\]+@/g
const hidden = '[redacted]'
const maxDepth = 8

/** A copy for the log: values under keys that look secret are hidden, at any depth. Errors keep what says what happened, nothing else. */
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
    Object.entries(value).map(([key, inner]) => [key, secretKey.test(key) ? hidden : redact(inner, depth + 1)]),
  )
}

/** Hides the user part of addresses: `sftp://me:secret@host` shows as `sftp://[redacted]@host`. */
export function redactText(text: string): string {
  return text.replace(userInfo, `://${hidden}@`)
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
