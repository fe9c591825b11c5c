import { isHarmlessSetting } from '../secret/secret_key.ts'
import { shown } from '../secret/shown.ts'
import type { SettingDescription } from './connector.ts'

/** Unknown, missing and wrong keys of a connection's `auth`, one message each, naming the key. Says no value of a secret. */
export function settingProblems(auth: Record<string, unknown>, settings: readonly SettingDescription[]): string[] {
  const problems: string[] = []
  const keys = settings.map((s) => s.key)
  for (const key of Object.keys(auth)) {
    if (keys.includes(key)) continue
    const near = nearest(key, keys)
    problems.push(`${key}: unknown setting; ${near ? `did you mean ${near}?` : `there are ${keys.join(', ')}`}`)
  }
  for (const { key, required, values } of settings) {
    const value = auth[key]
    if (value === undefined || value === null || value === '') {
      if (required) problems.push(`${key}: required`)
    } else if (values && !values.some((v) => v === value)) {
      // What is nearly one of the words is a slip, whatever the key takes.
      const given = typeof value === 'string' && nearest(value, values) ? shown(value) : givenFor(key, value)
      problems.push(`${key}: ${given} is not one of ${values.join(', ')}`)
    }
  }
  return problems
}

/** `"mac"`, for a message. What somebody typed under a key that takes a word may be a secret that belongs elsewhere. */
export function givenFor(key: string, value: unknown): string {
  return isHarmlessSetting(key) ? shown(value) : 'what was given'
}

function nearest(word: string, words: readonly string[]): string | undefined {
  const [best] = words.map((w) => ({ w, d: distance(word.toLowerCase(), w) })).sort((a, b) => a.d - b.d)
  return best && best.d <= Math.max(1, Math.floor(best.w.length / 3)) ? best.w : undefined
}

/** Levenshtein. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      next.push(Math.min((next[j - 1] ?? 0) + 1, (row[j] ?? 0) + 1, (row[j - 1] ?? 0) + same))
    }
    row = next
  }
  return row[b.length] ?? 0
}
