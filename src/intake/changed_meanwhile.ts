import type { Catalog, StoredJob } from '../catalog/catalog.ts'
import type { Problem } from '../problem.ts'
import { changes, sayValues, type Change } from './changes.ts'

export interface ChangedMeanwhile {
  execution: number
  changes: readonly Change[]
}

/** What the document says otherwise than when the execution began that is under way; undefined when that is nothing. */
export async function changedMeanwhile(job: StoredJob, catalog: Catalog): Promise<ChangedMeanwhile | undefined> {
  const { id, lastExecution: execution } = job
  const run = execution > 0 ? await catalog.executions.get(id, execution) : undefined
  if (!run?.document || run.endedOn !== null) return undefined
  const found = changes(run.document, job.document)
  return found.length === 0 ? undefined : { execution, changes: found }
}

/** What becomes of it. */
export function sayConsequence(execution: number): string {
  return `what execution ${execution} has decided stays so; a worker that has it open goes on as before, any other by what the document says now`
}

/** As the wire's `warnings[]`. */
export function warningsOf(changed: ChangedMeanwhile | undefined): Problem[] {
  return (changed?.changes ?? []).map((change) => ({
    code: 'changed',
    property: change.path,
    description: `${sayValues(change)}; ${sayConsequence(changed!.execution)}`,
  }))
}
