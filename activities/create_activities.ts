import type { Catalog } from '../src/catalog/catalog.ts'
import type { Engine, ExecutionRef } from '../src/transfer/engine/engine.ts'
import { beating } from './beat.ts'
import { complete } from './complete.ts'
import { initialize } from './initialize.ts'
import { loadJob } from './load_job.ts'
import { recordJob } from './record_job.ts'
import { recordPhase } from './record_phase.ts'
import { settleExecution } from './settle_execution.ts'
import { slice } from './slice.ts'
import { tellingWhatItWaitsFor } from './waiting.ts'
import { writeControl } from './write_control.ts'

interface ActivityParts {
  engine: Engine
  catalog: Catalog
}

export type Activities = ReturnType<typeof createActivities>

/** Everything workflows may ask of the world. Ids and counts go in and come out. */
export function createActivities(parts: ActivityParts) {
  const { catalog } = parts
  const engine = tellingWhatItWaitsFor(parts.engine, catalog)
  const lanes = {
    enumerate: slice((input, run) => engine.enumerate(input, run)),
    transfer: slice((input, run) => engine.transfer(input, run)),
    remove: slice((input, run) => engine.remove(input, run)),
    finalize: slice((input, run) => engine.finalize(input, run)),
  }
  return {
    initialize: initialize(engine),
    ...lanes,
    // As executions call them that older code began.
    enumerateSlice: lanes.enumerate,
    transferSlice: lanes.transfer,
    finalizeSlice: lanes.finalize,
    planRemovals: (execution: ExecutionRef) => beating(() => engine.planRemovals(execution)),
    complete: complete(engine, catalog),
    loadJob: loadJob(catalog),
    recordJob: recordJob(catalog),
    recordPhase: recordPhase(catalog),
    settleExecution: settleExecution(catalog),
    writeControl: writeControl(catalog),
  }
}
