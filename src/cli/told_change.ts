import { Unacceptable } from '../problem.ts'
import { readDocument } from './document_file.ts'
import { changeOf, type ChangeOptions } from './settings.ts'
import type { Terminal } from './terminal.ts'

/**
 * What a command is to change: a document of what changes, or options.
 *
 * @param below the key that `--set` sets something of
 * @throws Unacceptable when it is neither, or both
 */
export async function toldChange(
  file: string | undefined,
  options: ChangeOptions,
  terminal: Terminal,
  below?: string,
): Promise<Record<string, unknown>> {
  const asked = await changeOf(options, below)
  const isAsked = Object.keys(asked).length > 0
  if (file !== undefined && !isAsked) return readDocument(file, terminal)
  if (file === undefined && isAsked) return asked
  const description = isAsked
    ? 'say what changes by a file or by options, not by both'
    : 'say what changes: a file, or --name, --set key=value, --unset key'
  throw new Unacceptable([{ code: 'invalid', description }])
}
