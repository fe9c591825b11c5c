import { isObject, MalformedJson, parseJson } from '../json/json.ts'
import { NotUtf8, textOf } from '../json/utf8.ts'
import { Unacceptable } from '../problem.ts'
import { readAtMost, TooLarge } from './read_at_most.ts'
import type { Terminal } from './terminal.ts'

/**
 * Reads a JSON object from a file, or from standard input for `-`.
 *
 * @throws Unacceptable naming the file and what is wrong with it
 */
export async function readDocument(file: string, terminal: Terminal): Promise<Record<string, unknown>> {
  const name = file === '-' ? 'standard input' : file
  try {
    const document = parseJson(textOf(await readAtMost(file === '-' ? terminal.input() : file)))
    if (isObject(document)) return document
    throw new MalformedJson('is no JSON object, { … }')
  } catch (error) {
    throw new Unacceptable([{ code: 'malformed', description: `${name} ${why(error)}` }])
  }
}

function why(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'does not exist'
  if (code === 'EISDIR') return 'is a folder'
  if (code === 'EACCES') return 'may not be read by you'
  return [MalformedJson, NotUtf8, TooLarge].some((kind) => error instanceof kind)
    ? message
    : `cannot be read: ${message}`
}
