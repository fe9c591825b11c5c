import { holdsSecret } from './secret_text.ts'

/** What stands for a secret in what is shown. */
export const hidden = '[redacted]'

/** `"maybe"`, `12`, `a list`: short, on one line, and nothing of what an object holds, or of a secret. */
export function shown(given: unknown): string {
  if (Array.isArray(given)) return 'a list'
  if (typeof given === 'object' && given !== null) return 'an object'
  if (typeof given !== 'string') return String(given)
  const text = withoutUserInfo(given)
  return holdsSecret(text) ? 'what was given' : JSON.stringify(cut(text))
}

const longest = 60

export function cut(text: string): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

/** `sftp://me:secret@host` → `sftp://host`, or with something instead of the user part. */
export function withoutUserInfo(text: string, instead?: string): string {
  // Without the scheme before it, which a long text of dots would be searched for again and again.
  return text.replace(/:\/\/[^\s"'/@\\]+@/g, instead === undefined ? '://' : `://${instead}@`)
}
