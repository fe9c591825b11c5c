import { holdsSecret } from '../secret/secret_text.ts'
import { cut } from '../secret/shown.ts'

/** One thing wrong with, or worth saying about, a document: where, and a sentence that can stand alone after the path. */
export interface Problem {
  /** JSON path: `transfer.filter.source[0].rules[1].type`; empty when it is about the whole. */
  path: string
  /** What was given and what is allowed. Never shows what may be a secret. */
  message: string
  /** What was given, when it is a short text, a number or the like and can't be a secret. */
  given?: unknown
  /** The values allowed, or a phrase for them. */
  allowed?: string | readonly string[]
  /** Of a key that nobody knows. */
  unknown?: Unknown
}

export interface Unknown {
  /** What it stands in, as {@link keyPath} has it. */
  in: string
  key: string
  /** What stands under it. */
  value: unknown
  /** The known key that must have been meant, as `in` has it. */
  meant?: string
}

export type Path = readonly PropertyKey[]

/** `['rules', 1, 'type']` → `rules[1].type`; a key that holds a secret is not shown. */
export function pathText(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[\w$-]+$/.test(String(step))) text += text === '' ? String(step) : `.${String(step)}`
    else text += `[${holdsSecret(String(step)) ? 'a secret' : JSON.stringify(cut(String(step)))}]`
  }
  return text
}

/** `['rules', 1, 'type']` → `rules.type`: where a key belongs, whichever element of a list it is in. */
export function keyPath(path: Path): string {
  return path.filter((step) => typeof step !== 'number').join('.')
}
