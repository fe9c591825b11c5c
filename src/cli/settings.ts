import { isObject } from '../json/json.ts'
import { textOf } from '../json/utf8.ts'
import { Unacceptable } from '../problem.ts'
import { readAtMost } from './read_at_most.ts'

/** Options of a command that changes something stored. */
export interface ChangeOptions {
  name?: string
  set?: string[]
  unset?: string[]
}

/** `key=value`; `key=@file` takes the value from a file, so that a secret is on no command line. */
export async function settings(given: readonly string[] = []): Promise<Record<string, unknown>> {
  const entries = await Promise.all(
    given.map(async (setting) => {
      const [, key, value] = /^([^=]+)=(.*)$/s.exec(setting) ?? []
      if (key === undefined || value === undefined)
        throw new Unacceptable([
          { code: 'invalid', description: `--set ${setting}: write it as key=value, or key=@file` },
        ])
      return [key, value.startsWith('@') ? await contentOf(value.slice(1), key) : plain(value)]
    }),
  )
  return Object.fromEntries(entries)
}

/** What `--name`, `--set` and `--unset` ask for, as a change of a document: a dotted key is one inside, null takes it away. */
export async function changeOf(
  { name, set, unset = [] }: ChangeOptions,
  below?: string,
): Promise<Record<string, unknown>> {
  const change: Record<string, unknown> = name === undefined ? {} : { name }
  const given = [...Object.entries(await settings(set)), ...unset.map((key) => [key, null] as const)]
  for (const [key, value] of given) put(change, below === undefined ? key.split('.') : [below, key], value)
  return change
}

function put(into: Record<string, unknown>, [first = '', ...rest]: string[], value: unknown): void {
  if (rest.length === 0) {
    into[first] = value
    return
  }
  const inner = isObject(into[first]) ? into[first] : {}
  into[first] = inner
  put(inner, rest, value)
}

/** The first line feed at the end is the editor's. */
async function contentOf(file: string, key: string): Promise<string> {
  try {
    return textOf(await readAtMost(file)).replace(/\r?\n$/, '')
  } catch (error) {
    throw new Unacceptable([{ code: 'invalid', description: `--set ${key}=@${file}: ${(error as Error).message}` }])
  }
}

function plain(value: string): unknown {
  if (value === 'true' || value === 'false') return value === 'true'
  return /^(0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value
}
