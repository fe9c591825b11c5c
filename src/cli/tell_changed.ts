import { sayConsequence, type ChangedMeanwhile } from '../intake/changed_meanwhile.ts'
import { sayChange } from '../intake/changes.ts'
import { toJson } from '../json/json.ts'
import type { CommonOptions } from './parts.ts'
import type { Terminal } from './terminal.ts'

/** Of an execution that goes on: which settings are others than when it began. @param told lines of it told already */
export function tellChanged(
  { execution, changes }: ChangedMeanwhile,
  { out, err }: Terminal,
  { json }: CommonOptions,
  told: readonly string[] = [],
): void {
  const lines = changes.map(sayChange)
  if (json === true) return out(toJson({ type: 'changed', execution, changes: lines }))
  err(`Changed since execution ${execution} began: ${sayConsequence(execution)}.`)
  for (const line of lines) if (!told.includes(line)) err(`  ${line}`)
}
